# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evaluations are made of: clips, means over clips, run times, pages, sheets, offline links."""

import math
import time

import copying_codec
import cv2
import numpy as np
import pytest
from clips import write_clip
from gnuradio.resivid.errors import FormatError, ResividError, SettingsError, VideoError
from gnuradio.resivid.evaluate.clip_means import ClipQuality, bootstrap_interval
from gnuradio.resivid.evaluate.clips import ClipFolder, bits_at, spread_evenly
from gnuradio.resivid.evaluate.machine import Stopwatch, machine
from gnuradio.resivid.evaluate.offline_link import OfflineLink
from gnuradio.resivid.evaluate.pages import check_page, figure, renew_section, table
from gnuradio.resivid.evaluate.sample_sheet import GAP, HEADING, SampleSheet


def flat(level, side=32):
    return np.full((side, side, 3), level, np.uint8)


def test_bits_are_in_proportion_to_the_stride():
    assert [bits_at(stride, 1067) for stride in (4, 8, 12)] == [533, 1067, 1600]


@pytest.mark.parametrize("count, most, expected", [(1, 6, [0]), (3, 6, [0, 1, 2]), (11, 3, [0, 5, 10])])
def test_spread_evenly(count, most, expected):
    assert spread_evenly(count, most) == expected


def test_clips_come_by_name_and_at_most_so_many_frames(tmp_path):
    for name, count in (("b", 3), ("a", 6)):
        write_clip(tmp_path / f"{name}.mp4", count)
    (tmp_path / "notes.txt").write_text("no clip")
    found = ClipFolder(tmp_path, most_frames=5)
    assert [(clip.name, clip.frames.shape) for clip in found.read(64)] == [
        ("a", (5, 64, 64, 3)),
        ("b", (3, 64, 64, 3)),
    ]
    assert len(ClipFolder(tmp_path, limit=1)) == 1


def test_a_folder_without_clips_is_refused(tmp_path):
    with pytest.raises(VideoError, match="holds no video"):
        ClipFolder(tmp_path)
    with pytest.raises(VideoError, match="is no folder"):
        ClipFolder(tmp_path / "absent")


def test_interval_of_two_values_reaches_from_one_to_the_other():
    # of the four equally likely samples one is the lower value twice, one the higher: 25 % each, above the 2.5 %
    assert bootstrap_interval([1.0, 4.0]) == [1.0, 4.0]
    assert bootstrap_interval([5.0]) is None and bootstrap_interval([]) is None


def test_interval_of_many_values_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(0, 1, 400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.1 * half)


def test_intervals_of_few_values_are_those_of_student():
    """Samples of 8 of the normal distribution: width and coverage of Student's t interval, but for the bootstrap's shorter
    tails; its plain percentiles are 24 % narrower and cover 88 %."""
    samples = np.random.default_rng(5).normal(0, 1, (4000, 8))
    low, high = np.transpose([bootstrap_interval(sample) for sample in samples])
    student = 2 * 2.3646 * samples.std(axis=1, ddof=1) / math.sqrt(8)  # the 97.5 % point of t with 7 degrees
    assert (high - low).mean() == pytest.approx(student.mean(), rel=0.05)
    assert np.mean((low <= 0) & (0 <= high)) == pytest.approx(0.95, abs=0.015)


def test_every_clip_counts_once(monkeypatch):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)
    quality = ClipQuality()
    for clip, errors in {"long": [1, 1, 1], "none": [], "short": [10]}.items():
        for error in errors:
            quality.add(flat(100), flat(100 + error))
        quality.end_clip(clip)
    row = quality.result()
    one, ten = 20 * math.log10(255), 20 * math.log10(25.5)
    assert row["psnr_db"] == pytest.approx((one + ten) / 2)
    assert [clip["clip"] for clip in row["clips"]] == ["long", "short"]
    assert row["psnr_db_ci"] == pytest.approx([ten, one])
    assert row["lpips"] is None and any("lpips: not computed" in note for note in quality.notes())
    assert quality.per_clip()["long"]["psnr_db"] == pytest.approx([one] * 3)


def test_a_stopwatch_tells_waiting_from_working():
    watch = Stopwatch()
    assert watch.ms() is None
    for _ in range(2):
        with watch:
            time.sleep(0.02)
    times = watch.ms()
    assert times["mean"] >= 20 and times["p95"] >= times["p50"] >= 20 > times["processor"]
    assert watch.ms(4)["mean"] == pytest.approx(times["mean"] / 2)
    assert " of " in machine()


def test_a_table_and_its_numbers():
    assert table(("a", "long"), [("xyz", "1")]) == "| a   | long |\n|-----|------|\n| xyz | 1    |\n"
    assert [figure(None, 2), figure(1.005, 1), figure(2, 1, [1, 3.04])] == ["–", "1.0", "2.0 (1.0 to 3.0)"]


def test_only_the_named_section_of_a_page_is_renewed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- one -->\nold\n<!-- end -->\nB\n<!-- two -->\n<!-- end -->\nC\n")
    renew_section(page, "one", "new\n")
    renew_section(page, "two", "more\n")
    text = "# A\n<!-- one -->\nnew\n<!-- end -->\nB\n<!-- two -->\nmore\n<!-- end -->\nC\n"
    assert page.read_text() == text
    with pytest.raises(FormatError, match="no section"):
        check_page(page, "three")
    with pytest.raises(ResividError, match="no such file"):
        check_page(tmp_path / "absent.md", "one")
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ResividError, match="no readable text file"):
        check_page(tmp_path / "bytes.md", "one")


def test_a_sheet_shows_pictures_where_they_belong(tmp_path):
    sheet = SampleSheet(["original", "16 tokens"])
    sheet.add([flat(10), flat(20)])
    sheet.add([flat(30), flat(40)])
    sheet.write(tmp_path / "s.png")
    picture = cv2.imread(str(tmp_path / "s.png"))
    assert picture.shape == (HEADING + 2 * (32 + GAP), 2 * (32 + GAP), 3)
    at = [picture[HEADING + 5 + y * (32 + GAP), 5 + x * (32 + GAP), 0] for y in (0, 1) for x in (0, 1)]
    assert at == [10, 20, 30, 40]
    with pytest.raises(ValueError, match="expected 2 pictures"):
        sheet.add([flat(1)])
    with pytest.raises(ResividError, match="cannot be written"):
        sheet.write(tmp_path / "absent" / "s.png")


@pytest.mark.parametrize("delay", [1, 2, 4])
def test_reports_come_before_the_key_frame_that_may_know_of_them(delay):
    encoder = copying_codec.Encoder(copying_codec.Settings(2, 32))
    link = OfflineLink(encoder, copying_codec.Decoder(), 500, delay)
    frames = [flat(10 * i) for i in range(12)]
    lost = {4, 6}
    shown = [link.send(frame, index not in lost) for index, frame in enumerate(frames)]
    assert [None if p is None else int(p[0, 0, 0]) // 10 for p in shown[::2]] == [0, 2, 2, 2, 8, 10]
    assert all(p is None for p in shown[1::2])
    known = []  # key frames reported when a key frame is packed
    for kind, frame, what in encoder.events:
        if kind == "report":
            assert what == (frame not in lost)
            known.append(frame)
        else:
            assert what == 500 and known == list(range(0, frame - 2 * delay + 1, 2))


def test_a_link_refuses_what_it_cannot_do():
    encoder = copying_codec.Encoder(copying_codec.Settings(1, 32))
    with pytest.raises(SettingsError, match="at least 1 key frame"):
        OfflineLink(encoder, copying_codec.Decoder(), 500, 0)
    encoder.units_to_plan = 4
    with pytest.raises(SettingsError, match="whole GOPs"):
        OfflineLink(encoder, copying_codec.Decoder(), 500)
