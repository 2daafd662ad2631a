# SPDX-License-Identifier: GPL-3.0-or-later
"""Training data: any folder or shard; what is broken is skipped, counted and named once."""

import io
import logging
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import FormatError, ResividError
from gnuradio.resivid.train import data, image_files, prepared
from gnuradio.resivid.train.crops import PictureBank
from gnuradio.resivid.train.loop_states import STATE_SHAPES, LoopStates
from train_files import picture, picture_folder, png


def shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return path


def test_folder_with_broken_files(tmp_path, caplog):
    folder = picture_folder(tmp_path / "d")
    (folder / "deep").mkdir()
    (folder / "deep" / "more.png").write_bytes(png(picture(9)))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "empty.webp").touch()
    (folder / "small.png").write_bytes(png(picture(1, 100, 300)))
    (folder / "broken.mp4").write_bytes(b"no video")
    (folder / "notes.txt").write_text("not looked at")
    with caplog.at_level(logging.WARNING):
        got = data.load(folder)
    assert len(got.pictures) + len(got.held_out) == 5 and not got.clips
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.startswith("skipped 4 of 9 files: ")
    for name in (
        "broken.jpg (no readable picture)",
        "empty.webp",
        "small.png (300 x 100 pixels",
        "broken.mp4",
    ):
        assert line.count(name) == 1


@pytest.mark.parametrize("count", [2, 3])
def test_one_of_few_pictures_is_held_out(tmp_path, caplog, monkeypatch, count):
    monkeypatch.setattr(data, "HELD_OUT_PICTURE_SHARE", 10**9)  # chance takes none
    with caplog.at_level(logging.WARNING):
        got = data.load(picture_folder(tmp_path / "d", count))
    assert (len(got.pictures), len(got.held_out)) == (count - 1, 1) and not caplog.records


def test_a_single_picture_is_named_as_no_measure(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(data, "HELD_OUT_PICTURE_SHARE", 10**9)
    with caplog.at_level(logging.WARNING):
        got = data.load(picture_folder(tmp_path / "d", 1))
    assert len(got.pictures) == 1 and len(got.check_squares(4)) == 1
    assert [r.getMessage().split(":")[0] for r in caplog.records] == ["no picture is held out"]


@pytest.mark.parametrize("broken", ["header", "picture", "cut"])
def test_shard_broken_in_the_middle(tmp_path, caplog, broken):
    members = {f"{i}.png": png(picture(i, 256, 256)) for i in range(6)}
    path = shard(tmp_path / "s.tar", members)
    with tarfile.open(path) as tar:
        member = tar.getmembers()[3]
    raw = bytearray(path.read_bytes())
    if broken == "header":
        raw[member.offset : member.offset + 512] = b"\x55" * 512
    elif broken == "picture":
        raw[member.offset_data : member.offset_data + 64] = b"\x55" * 64
    else:
        del raw[member.offset_data + 100 :]
    path.write_bytes(raw)
    with caplog.at_level(logging.WARNING):
        got = data.load(tmp_path)
    kept = got.pictures + got.held_out
    assert len(kept) == (3 if broken == "cut" else 5)
    for i, array in enumerate(kept):
        assert np.array_equal(array, picture(i if i < 3 else i + 1, 256, 256))
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.startswith(f"skipped 1 of {len(kept) + 1} files: ") and line.count("s.tar") == 1


def test_nothing_to_train_on_is_one_line(tmp_path):
    with pytest.raises(ResividError, match="no picture .*video .*shard"):
        data.load(tmp_path)
    with pytest.raises(ResividError, match="no such folder"):
        data.load(tmp_path / "absent")
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(ResividError, match="no readable picture of at least 256 x 256"):
        data.load(tmp_path)


def test_test_clips_beside_training_folders_are_not_read(tmp_path):
    picture_folder(tmp_path / "train_pictures", 2)
    picture_folder(tmp_path / "eval_public", 3)
    got = data.load(tmp_path)
    assert len(got.pictures) + len(got.held_out) == 2


def test_video_of_another_size_is_squared(tmp_path):
    path = tmp_path / "v.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (640, 360))
    for _ in range(9):
        writer.write(np.full((360, 640, 3), (0, 0, 200), np.uint8))  # BGR
    writer.release()
    clip = image_files.decode_clip(path.read_bytes(), 4)
    assert clip.shape == (3, 256, 256, 3)
    assert np.abs(clip.mean((0, 1, 2)) - (200, 0, 0)).max() < 10


def test_large_pictures_are_reduced():
    got = image_files.decode_picture(png(picture(0, 600, 900)))
    assert got.shape == (288, 432, 3)


def test_png_is_that_of_opencv(tmp_path):
    image_files.write_png(tmp_path / "p.png", picture(3, 33, 17))
    assert np.array_equal(cv2.imread(str(tmp_path / "p.png"))[:, :, ::-1], picture(3, 33, 17))


def test_windows_are_cut_where_the_picture_says():
    """A picture whose pixels are their own places."""
    height, width = 61, 73
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    bank = PictureBank([np.zeros((50, 50, 3), np.uint8), np.stack([y, x, x * 0 + 7], -1)])
    now, before = (t.numpy().astype(int) for t in bank.squares(200, np.random.default_rng(0), 40, 4.0))
    real = now[:, 2, 0, 0] == 7
    assert 60 < real.sum() < 140
    mirrored = now[real, 1, 0, 0] > now[real, 1, 0, 1]
    assert 20 < mirrored.sum() < real.sum() - 20
    for window, flip in zip(now[real], mirrored, strict=True):
        rows, columns = window[0, :, 0], window[1, 0]
        assert np.array_equal(np.diff(rows), np.ones(39)) and rows[-1] < height
        assert np.array_equal(np.diff(columns), (-1 if flip else 1) * np.ones(39))
    moved = before[real, 0, 0, 0] - now[real, 0, 0, 0]
    assert 1.0 < moved.std() < 6.0


@pytest.mark.parametrize("webp", [0, 90])
def test_prepared_shards_hold_the_same(tmp_path, webp, capsys, monkeypatch):
    monkeypatch.setattr(prepared, "MOST_BYTES", 300_000)
    folder = picture_folder(tmp_path / "d", 3)
    assert main(["train", "prepare", str(folder), "-o", str(tmp_path / "p"), "--webp", str(webp)]) == 0
    files = sorted((tmp_path / "p").iterdir())
    assert f"{len(files)} shards" in capsys.readouterr().out
    assert all(f.stat().st_size < 310_000 for f in files)
    before, after = data.load(folder), data.load(tmp_path / "p")
    assert len(before.pictures) == len(after.pictures) and len(before.held_out) == len(after.held_out)
    for a, b in zip(before.pictures, after.pictures, strict=True):
        assert a.shape == b.shape
        assert np.abs(a.astype(int) - b).mean() < (3 if webp else 1e-9)


def test_prepared_clips_and_states_come_back(tmp_path):
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (3, 256, 256, 3)).astype(np.uint8)
    tensors = {
        name: torch.from_numpy(rng.integers(0, 200, (5, *shape))).to(kind)
        for name, (shape, kind) in STATE_SHAPES.items()
    }
    whole = data.TrainingData(clips=[clip], states=LoopStates(**tensors))
    prepared.write(whole, tmp_path)
    got = data.load(tmp_path)
    assert np.array_equal(got.clips[0], clip)
    assert got.states is not None
    for name, tensor in tensors.items():
        assert torch.equal(got.states.tensors()[name], tensor)


def test_foreign_and_damaged_shards_are_named(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(FormatError, match="x.safetensors: no shard of training data"):
        data.load(tmp_path)
    metadata = {"format": prepared.FORMAT, "kind": "pictures", "webp": "0"}
    values = torch.zeros(256 * 256 * 3, dtype=torch.uint8)
    for shape in ([256, 257, 3, 0], [-1, 256, 3, 0], [256, 256, 1, 0]):
        tensors = {"values": values, "lengths": torch.tensor([len(values)]), "shapes": torch.tensor([shape])}
        save_file(tensors, path, metadata)
        with pytest.raises(FormatError, match="x.safetensors: damaged"):
            data.load(tmp_path)
    save_file({"values": values}, path, metadata)
    with pytest.raises(FormatError, match="damaged .*shapes"):
        data.load(tmp_path)
