# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report: complete, self-contained, escaped; its plots at hand-worked places."""

import base64
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate.metrics import NO_CLIP
from gnuradio.resivid.evaluate.plots import (
    BOTTOM,
    HEIGHT,
    RIGHT,
    TOP,
    WIDTH,
    Series,
    line_plot,
    stacked_bar,
    ticks,
)
from gnuradio.resivid.evaluate.report import MOST_COLUMNS, KeyFrameRecord, ReportData, figure, write_report
from gnuradio.resivid.link.statistics import Statistics

pytest.importorskip("jinja2")
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, the text, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def record(frame=0, crc_ok=True, mcs="16QAM 434/1024", snr_db=6.0):
    return KeyFrameRecord(frame, mcs, snr_db, crc_ok, 80, 70, 100, 840, 16, 1066)


def flat(value):
    return np.full((32, 32, 3), value, np.uint8)


def sample(**changes):
    statistics = Statistics(
        frames=16, key_frames=2, psnr_db=21.34, version="9.8.7", weights={"w.safetensors": "ab" * 32}
    )
    statistics.stage_ms = {"tokenizer.encode": {"mean": 1.5, "p50": 1.25, "p95": 2.0}}
    statistics.notes = ["clip: not <computed>"]
    values = {
        "title": "a <clip> & more",
        "statistics": statistics.to_dict(),
        "key_frames": [record(), record(8, False, "QPSK 526/1024", math.nan)],
        "psnr_per_frame": [20.0, 22.0],
        "pictures": [(0.0, flat(40), flat(200)), (1.0, flat(90), flat(120))],
        "settings": {"snr": "6.0", "cbr": "4e-4"},
        "command_line": "resivid simulate 'a <clip>.mp4'",
        "video": "out 1.mp4",
    }
    return ReportData(**(values | changes))


def written(tmp_path, data):
    write_report(tmp_path / "report.html", data)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_nothing_is_loaded_from_outside(tmp_path):
    text, page = written(tmp_path, sample())
    assert page.open == []
    sources = [a[key] for _, a in page.elements for key in ("src", "href") if key in a]
    assert [s for s in sources if not s.startswith("data:")] == ["out%201.mp4#t=0"]
    assert "url(" not in text and "@import" not in text and "<script" not in text


def test_every_statistic_setting_weight_and_note_is_there(tmp_path):
    data = sample()
    _, page = written(tmp_path, data)
    shown = " ".join(page.text)
    for key in data.statistics:
        if key not in ("notes", "weights", "stage_ms", "version", "settings"):
            assert f" {key} " in shown, key
    assert shown.lower().count(" settings ") == 1
    for text in (
        "9.8.7",
        "21.34",
        "ab" * 32,
        "tokenizer.encode",
        "4e-4",
        "clip: not <computed>",
        data.command_line,
    ):
        assert text in shown, text


def test_text_is_escaped(tmp_path):
    text, page = written(tmp_path, sample())
    assert "<clip>" not in text and "<computed>" not in text
    assert page.text.count("a <clip> & more") == 1


def test_pictures_stand_in_order_original_first(tmp_path):
    cv2 = pytest.importorskip("cv2")
    _, page = written(tmp_path, sample())
    found = []
    for tag, attributes in page.elements:
        if tag == "img":
            jpeg = base64.b64decode(attributes["src"].removeprefix("data:image/jpeg;base64,"))
            found.append(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean())
    assert found == pytest.approx([40, 200, 90, 120], abs=2)


def test_colours_are_not_swapped(tmp_path):
    cv2 = pytest.importorskip("cv2")
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    text, _ = written(tmp_path, sample(pictures=[(0.0, red, red)]))
    jpeg = base64.b64decode(re.search(r"data:image/jpeg;base64,([^\"]+)", text).group(1))
    blue, _, seen_red = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean((0, 1))
    assert seen_red > 180 and blue < 20


def test_bits_add_up_to_the_blocks(tmp_path):
    _, page = written(tmp_path, sample())
    shown = " ".join(page.text)
    # two blocks of 1,066 bits: 100 header, 840 body, 16 CRC, so 110 unused
    for text in ("header 200 (9.4%)", "body 1,680 (78.8%)", "CRC 32 (1.5%)", "unused 220 (10.3%)"):
        assert text in shown


def test_a_long_video_keeps_its_ends(tmp_path):
    pictures = [(float(i), flat(0), flat(0)) for i in range(100)]
    _, page = written(tmp_path, sample(pictures=pictures))
    assert sum(tag == "img" for tag, _ in page.elements) == 2 * MOST_COLUMNS
    assert "0 s" in page.text and "99 s" in page.text


@pytest.mark.parametrize(("frames", "seconds"), [(300, "2"), (48, "0.8")])
def test_the_player_stands_on_a_picture_of_the_middle_before_it_runs(tmp_path, frames, seconds):
    _, page = written(tmp_path, sample(statistics=Statistics(frames=frames, fps=30.0).to_dict()))
    assert [a["src"] for tag, a in page.elements if tag == "video"] == [f"out%201.mp4#t={seconds}"]


def test_the_summary_names_what_is_of_this_run_alone():
    from gnuradio.resivid.cli.simulate_report import summary

    every = [
        "ssim: mean over the RGB channels, Gaussian window 11x11, sigma 1.5",
        NO_CLIP,
        "latency_ms: not measured",
    ]
    own = "blocks_failed: 3 of them were lost by the channel, --loss"
    numbers = {"symbols_mean": 629.0, "cbr_total": 4e-4, "k_mean": 1.0, "updates_mean": 1.0}
    said = summary(Statistics(notes=[*every, own], **numbers), Path("out.mp4"))
    assert [line for line in said.splitlines() if line.startswith("note")] == [f"note: {own}"]


def test_a_run_without_metrics_blocks_and_video(tmp_path):
    data = ReportData("empty", Statistics().to_dict())
    _, page = written(tmp_path, data)
    assert {"svg", "img", "video"}.isdisjoint(tag for tag, _ in page.elements)


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ResividError, match="cannot be written"):
        write_report(tmp_path / "absent" / "report.html", sample())


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 50, 100]),
        (18.7, 21.4, [18, 19, 20, 21, 22]),
        (6, 6, [5.5, 6, 6.5]),
        (0, 0.04, [0, 0.01, 0.02, 0.03, 0.04]),
    ],
)
def test_ticks_are_round_and_cover(low, high, expected):
    assert ticks(low, high) == expected


def points(path):
    return [float(x) for x in re.findall(r"-?[\d.]+", path)]


def test_a_line_runs_from_corner_to_corner_and_leaves_gaps():
    svg = ElementTree.fromstring(line_plot([Series("s", [0.0, math.nan, 4.0, 2.0])], "key frame", "<dB>"))
    assert svg.get("aria-label") == "<dB> over key frame"
    (path,) = svg.findall("path")
    assert path.get("d").count("M") == 2  # the gap lifts the pen
    x0, y0, _, y2, x3, y3 = points(path.get("d"))
    assert (x3, y0, y2) == (WIDTH - RIGHT, HEIGHT - BOTTOM, TOP)
    assert y3 == pytest.approx((y0 + y2) / 2)
    assert x0 < x3


def test_a_step_goes_across_before_it_goes_up():
    svg = ElementTree.fromstring(line_plot([Series("s", [0, 1], step=True)], "x", "y", ["low", "high"]))
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+V[\d.]+", svg.find("path").get("d"))
    assert [t.text for t in svg.findall("text")][:2] == ["low", "high"]


def test_the_bar_is_cut_by_share():
    svg = ElementTree.fromstring(stacked_bar([("a", 30, "a"), ("b", 90, "b")]))
    assert [float(r.get("width")) for r in svg.findall("rect")] == [WIDTH / 4, 3 * WIDTH / 4]


def test_figures_for_people():
    assert [figure(v) for v in (None, math.nan, 21.3456, 7, {"p50": 1.0}, {}, [0.5, 2])] == [
        "–",
        "–",
        "21.35",
        "7",
        "p50: 1",
        "–",
        "0.5, 2",
    ]
