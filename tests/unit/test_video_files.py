# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing video: pictures against their definition, files against FFmpeg's own tools, bad input."""

import logging
import os
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.errors import VideoError
from gnuradio.resivid.video.reader import VideoReader, square
from gnuradio.resivid.video.writer import VideoWriter, check_writable
from toy import moving_picture

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")


def ffmpeg(*arguments):
    subprocess.run([FFMPEG, "-v", "error", "-y", *map(str, arguments)], check=True, timeout=120)


def write(path, frames, rate=Fraction(30), **options):
    with VideoWriter(path, rate, frames.shape[2], frames.shape[1], **options) as writer:
        for frame in frames:
            writer.write(frame)


def read(path, size=256):
    with VideoReader(path, size) as reader:
        return np.stack(list(reader))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write(path, moving_picture(30, 128))
    return path


# pictures


def test_square_takes_the_centre():
    wide = np.zeros((4, 10, 3), np.uint8)
    wide[:, 3:7] = 9
    assert np.all(square(wide, 4) == 9)
    assert np.all(square(wide.transpose(1, 0, 2), 4) == 9)


def test_square_shrinks_by_means_of_areas():
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    means = picture.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    assert np.abs(square(picture, 8) - means).max() <= 0.5


def test_square_grows_a_flat_picture_to_a_flat_one():
    assert np.all(square(np.full((5, 7, 3), 77, np.uint8), 64) == 77)


# write and read


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(10), Fraction(25, 2)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_rate_and_count_come_back(tmp_path, rate, suffix):
    frames = moving_picture(12, 64)
    write(tmp_path / f"a{suffix}", frames, rate)
    with VideoReader(tmp_path / f"a{suffix}", 64) as reader:
        assert float(reader.rate) == pytest.approx(float(rate), rel=1e-3)
        assert reader.num_frames_hint in (11, 12, 13)
        back = np.stack(list(reader))
    assert back.shape == frames.shape
    assert np.abs(back.astype(int) - frames).mean() < 12  # chroma is halved at the borders of the colours


@pytest.mark.parametrize(
    "colour", [(200, 30, 60), (20, 180, 90), (128, 128, 128), (255, 255, 255), (0, 0, 0)]
)
@pytest.mark.parametrize("side", [64, 768])
def test_colours_are_the_same_after_the_file(tmp_path, colour, side):
    frame = np.full((side, side, 3), colour, np.uint8)
    write(tmp_path / "a.mp4", frame[None])
    assert np.abs(read(tmp_path / "a.mp4", side)[0].astype(int) - colour).max() <= 4


@needs_ffmpeg
def test_file_is_h264_420_tagged_bt709(clip):
    entries = (
        "stream=codec_name,pix_fmt,color_range,color_space,color_transfer,color_primaries,nb_read_frames"
    )
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=nk=1:nw=1", clip],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split() == ["h264", "yuv420p", "tv", "bt709", "bt709", "bt709", "30"]


@needs_ffmpeg
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("a.avi", ["-c:v", "mjpeg"]),
        ("a.webm", ["-c:v", "libvpx", "-b:v", "1M"]),
        ("a.gif", []),
        ("a.mp4", ["-vf", "scale=322:182", "-c:v", "mpeg4"]),
        ("a.ts", ["-c:v", "mpeg2video", "-r", "25"]),
        ("a.mkv", ["-c:v", "ffv1", "-pix_fmt", "gray"]),
    ],
)
def test_reads_any_container_size_and_rate(tmp_path, clip, name, arguments):
    ffmpeg("-i", clip, *arguments, tmp_path / name)
    frames = read(tmp_path / name, 96)
    assert frames.shape[1:] == (96, 96, 3)
    assert frames.dtype == np.uint8
    assert 23 <= len(frames) <= 31
    assert frames.std() > 20


@needs_ffmpeg
def test_untagged_hd_is_bt709_and_untagged_sd_is_bt601(tmp_path):
    # the same luma and chroma, 8-bit limited range, is another colour under each matrix
    for side, (kr, kb) in ((720, (0.2126, 0.0722)), (256, (0.299, 0.114))):
        raw, path = tmp_path / "a.yuv", tmp_path / f"{side}.mkv"
        raw.write_bytes(bytes([81]) * side**2 + bytes([90]) * (side**2 // 4) + bytes([240]) * (side**2 // 4))
        ffmpeg(
            "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{side}x{side}", "-i", raw, "-c:v", "ffv1", path
        )
        y, cb, cr = (81 - 16) / 219, (90 - 128) / 224, (240 - 128) / 224
        red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
        green = (y - kr * red - kb * blue) / (1 - kr - kb)
        expected = np.clip(255 * np.array([red, green, blue]), 0, 255)
        assert np.abs(read(path, side)[0] - expected).max() <= 4


@needs_ffmpeg
def test_variable_frame_rate_is_read_at_its_average(tmp_path, clip):
    path = tmp_path / "vfr.mkv"
    ffmpeg("-i", clip, "-vf", "setpts=if(lt(N\\,15)\\,N\\,15+2*(N-15))/(30*TB)", "-fps_mode", "vfr", path)
    with VideoReader(path) as reader:
        assert 15 < float(reader.rate) < 30.5
        assert len(list(reader)) == 30


def test_reads_a_still_picture_as_one_frame(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), moving_picture(1, 64)[0])
    assert len(read(tmp_path / "a.png")) == 1


# bad input


def test_missing_empty_and_folder(tmp_path):
    (tmp_path / "empty.mp4").touch()
    for path, reason in (
        (tmp_path / "none.mp4", "no such file"),
        (tmp_path / "empty.mp4", "is empty"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(VideoError, match=reason) as caught:
            VideoReader(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"this is a text\n" * 50, bytes(5000), b"\0\0\0\x18ftypisom" + bytes(300)]
)
def test_what_is_no_video(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(VideoError, match="a.mp4: "):
        read(tmp_path / "a.mp4")


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.wav", "a.m4a"])
def test_audio_only(tmp_path, name):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.3", tmp_path / name)
    with pytest.raises(VideoError, match="holds no video, only audio"):
        VideoReader(tmp_path / name)


@needs_ffmpeg
def test_an_album_cover_is_no_video(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "cover.png"), moving_picture(1, 64)[0])
    song = tmp_path / "a.mp3"
    sine = ("-f", "lavfi", "-i", "sine=duration=0.3")
    ffmpeg(*sine, "-i", tmp_path / "cover.png", "-map", 0, "-map", 1, "-disposition:v", "attached_pic", song)
    with pytest.raises(VideoError, match="holds no video"):
        VideoReader(song)


@needs_ffmpeg
def test_zero_frames(tmp_path, clip):
    ffmpeg("-i", clip, "-frames:v", 0, "-c:v", "libx264", tmp_path / "a.mkv")
    with pytest.raises(VideoError, match="a.mkv: "):
        read(tmp_path / "a.mkv")


def test_truncated_without_its_index(tmp_path, clip):
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes()[:-400])  # the index of an mp4 stands at its end
    with pytest.raises(VideoError, match="a.mp4: "):
        read(tmp_path / "a.mp4")


@needs_ffmpeg
def test_truncated_gives_what_is_there_and_a_warning(tmp_path, clip, caplog):
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "faststart", tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 4 // 5])  # the first picture is most of this file
    with caplog.at_level(logging.WARNING):
        frames = read(tmp_path / "a.mp4")
    assert 0 < len(frames) < 30
    assert "a.mp4" in caplog.text


@needs_ffmpeg
def test_a_damaged_spot_does_not_end_the_video(tmp_path, clip, caplog):
    ffmpeg("-i", clip, "-c:v", "mjpeg", tmp_path / "a.avi")
    data = bytearray((tmp_path / "a.avi").read_bytes())
    place = data.index(b"\xff\xd8", len(data) // 2)  # a picture in the middle loses its start
    data[place : place + 200] = bytes(200)
    (tmp_path / "a.avi").write_bytes(data)
    assert len(read(tmp_path / "a.avi")) >= 28


def test_refuses_a_size_below_one(clip):
    with pytest.raises(ValueError, match="size"):
        VideoReader(clip, 0)


# output


def test_nothing_under_the_final_name_before_the_end(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", Fraction(30), 64, 64)
    writer.write(moving_picture(1, 64)[0])
    assert not (tmp_path / "a.mp4").exists()
    writer.close()
    writer.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_an_error_deletes_what_was_written_and_keeps_an_older_file(tmp_path):
    (tmp_path / "a.mp4").write_text("old")
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4", Fraction(30), 64, 64) as writer:
        writer.write(moving_picture(1, 64)[0])
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "old"


def test_without_a_frame_there_is_no_file(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", Fraction(30), 64, 64):
        pass
    assert list(tmp_path.iterdir()) == []


def test_refuses_output_that_cannot_be(tmp_path):
    with pytest.raises(VideoError, match="does not exist"):
        VideoWriter(tmp_path / "none" / "a.mp4", Fraction(30), 64, 64)
    with pytest.raises(VideoError, match="must end in"):
        VideoWriter(tmp_path / "a.txt", Fraction(30), 64, 64)
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(VideoError, match="is a folder"):
        VideoWriter(tmp_path / "b.mp4", Fraction(30), 64, 64)


def test_refuses_a_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(VideoError, match="cannot be written"):
        check_writable(tmp_path / "a.mp4")


@pytest.mark.parametrize("width, height, rate", [(63, 64, 30), (64, 0, 30), (64, 64, 0), (64, 64, -1)])
def test_refuses_odd_sizes_and_rates(tmp_path, width, height, rate):
    with pytest.raises(ValueError, match="must be"):
        VideoWriter(tmp_path / "a.mp4", Fraction(rate), width, height)


@pytest.mark.parametrize(
    "frame", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((32, 64, 3), np.uint8)]
)
def test_refuses_frames_of_another_kind(tmp_path, frame):
    with VideoWriter(tmp_path / "a.mp4", Fraction(30), 64, 64) as writer:
        with pytest.raises(ValueError, match="frame must be uint8"):
            writer.write(frame)


def test_frames_come_one_at_a_time_and_stay_what_they_are(clip):
    with VideoReader(clip) as reader:
        frames = iter(reader)
        first = next(frames)
        before = first.copy()
        next(frames)
        assert np.array_equal(first, before)


def stored_clip(folder, name, *output_options):
    """A clip with a lit corner, and with what a phone or a camera writes beside the pixels."""
    source, target = folder / "plain.mp4", folder / name
    picture = np.zeros((200, 120, 3), np.uint8)
    picture[:60, :40] = (250, 40, 40)
    av = pytest.importorskip("av")
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=120, height=200, pix_fmt="yuv420p")
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-y", *output_options, str(target)], cwd=folder, check=True
    )
    return target


def as_a_player_shows_it(path, width, height):
    """First frame by the ffmpeg program, which turns and stretches by itself."""
    command = ["ffmpeg", "-loglevel", "error", "-i", str(path), "-vf", f"scale={width}:{height},setsar=1"]
    raw = subprocess.run(
        [*command, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True
    )
    return np.frombuffer(raw.stdout, np.uint8).reshape(height, width, 3)


@needs_ffmpeg
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_video_is_read_as_a_player_shows_it(tmp_path, degrees):
    path = stored_clip(
        tmp_path, "turned.mp4", "-i", "plain.mp4", "-c", "copy", "-metadata:s:v", f"rotate={degrees}"
    )
    width, height = (120, 200) if degrees == 180 else (200, 120)
    shown = as_a_player_shows_it(path, width, height)
    with VideoReader(path, size=120) as reader:
        frame = next(iter(reader))
    assert np.abs(frame.astype(int) - square(shown, 120)).mean() < 4


@needs_ffmpeg
def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = stored_clip(tmp_path, "wide.mp4", "-i", "plain.mp4", "-vf", "setsar=2/1")
    shown = as_a_player_shows_it(path, 240, 200)  # 120 pixels of double width
    with VideoReader(path, size=100) as reader:
        frame = next(iter(reader))
    assert np.abs(frame.astype(int) - square(shown, 100)).mean() < 4
