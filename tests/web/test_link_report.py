# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of `resivid evaluate` in a browser: nothing is wrong with it, players keep in step; what is too much stays out."""

import re
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.errors import MissingPackageError
from gnuradio.resivid.evaluate import link_report, points
from gnuradio.resivid.evaluate.classical.encoder import require_encoder
from gnuradio.resivid.evaluate.link_evaluation import Folders, evaluate_videos, find_videos
from gnuradio.resivid.evaluate.link_figures import draw_all
from gnuradio.resivid.evaluate.link_output import write_all
from gnuradio.resivid.evaluate.points import Evaluation
from gnuradio.resivid.evaluate.sweep import ThisProcess
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.video.writer import VideoWriter
from loop import smooth_clip

SIZE = 64
RATES = {"one": 25, "two": 30}  # frame/s of videos of a second
TIMES = "player => [...player.querySelectorAll('video')].map(video => video.currentTime)"
SETTLED = (
    "player => [...player.querySelectorAll('video')].every(video => video.readyState > 1 && !video.seeking)"
)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Folders and document of two videos, ours and the paper's baseline."""
    path = tmp_path_factory.mktemp("report")
    (path / "videos").mkdir()
    (path / "out").mkdir()
    for seed, (name, rate) in enumerate(RATES.items()):
        with VideoWriter(path / "videos" / f"{name}.mp4", Fraction(rate), SIZE, SIZE, crf=1) as writer:
            for frame in smooth_clip(rate, seed)[:, ::4, ::4]:
                writer.write(np.ascontiguousarray(frame))
    evaluation = Evaluation(
        link=LinkSettings(size=SIZE, tokenizer="small:tokenizer"),
        sheet_cbr="8e-3",
        sheet_classical_cbr="2.4e-2",
        figures=("sheet", "join"),
        methods=(points.OURS, points.PAPER_X265),
    )
    try:
        require_encoder(evaluation.paper)
    except MissingPackageError as error:
        pytest.skip(str(error))
    folders = Folders(path / "out", path / "cache")
    with pytest.MonkeyPatch.context() as changed:
        changed.delenv("RESIVID_WEIGHTS", raising=False)
        changed.setenv("HOME", str(path))
        document = evaluate_videos(find_videos(path / "videos"), evaluation, folders, ThisProcess())
        write_all(document, folders)
    return folders, document


@pytest.fixture
def page(evaluated, open_page):
    return open_page((evaluated[0].output / "report.html").as_uri())


def test_the_report_opens_without_a_word_from_the_console(evaluated, page):
    page.wait_for_function("() => [...document.images].every(image => image.complete && image.naturalWidth)")
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].every(video => video.readyState > 1)"
    )
    assert page.title() == "Resi-VidTok link evaluation"
    assert page.locator(".player").count() == 2 and page.locator("video").count() == 2 * 3
    text = page.locator("body").inner_text()
    for name, version in evaluated[1]["libraries"].items():
        assert f"{name} {version}" in text
    assert text.count("Means over 2 videos; bands: 95 % by bootstrap over videos.") == 2  # join and over time
    assert page.evaluate("performance.getEntriesByType('resource').every(e => e.name.startsWith('data:'))")
    assert page.said == []


def test_the_slider_moves_all_players_to_one_time(page):
    """The middle of the slider is half of the way to the middle of the last frame."""
    first, second = page.locator(".player").all()
    page.wait_for_function(f"() => [...document.querySelectorAll('.player')].every({SETTLED})")
    first.locator("input").evaluate(
        "slider => { slider.value = 500; slider.dispatchEvent(new Event('input')) }"
    )
    page.wait_for_function(f"() => ({SETTLED})(document.querySelector('.player'))")
    times = first.evaluate(TIMES)
    assert len(times) == 3 and max(times) == min(times) == pytest.approx((1 - 0.5 / 25) / 2, abs=0.002)
    assert first.locator("output").inner_text() == "0.5 s"
    assert second.evaluate(TIMES) == [0, 0, 0]
    assert page.said == []


def test_play_starts_and_stops_all_players(page):
    first = page.locator(".player").first
    button = first.locator("button")
    paused = "player => [...player.querySelectorAll('video')].map(video => video.paused)"
    page.wait_for_function(f"() => ({SETTLED})(document.querySelector('.player'))")
    # a second is soon over: stop from within the page as soon as all run
    seen = first.evaluate(
        """async player => {
          const videos = [...player.querySelectorAll('video')], button = player.querySelector('button');
          for (const video of videos) video.playbackRate = 0.25;
          button.click();
          while (!videos.every(video => video.currentTime > 0.1)) await new Promise(next => setTimeout(next, 10));
          const seen = [button.textContent, videos.some(video => video.paused)];
          button.click();
          return seen;
        }"""
    )
    assert seen == ["Pause", False]
    assert first.evaluate(paused) == [True, True, True] and button.inner_text() == "Play"
    page.wait_for_function(f"() => ({SETTLED})(document.querySelector('.player'))")
    times = first.evaluate(TIMES)
    assert max(times) == min(times) > 0.1
    assert page.said == []


def test_what_is_too_much_for_the_page_is_named_and_left_out(evaluated, tmp_path, monkeypatch):
    """Room for the videos of one clip and for no figure of its size; the figures and videos themselves stay."""
    folders, document = evaluated
    drawn = draw_all(document, folders)
    rows = [row for row in document["rows"] if row.get("video_file")]
    sizes = {
        clip["name"]: sum(
            (folders.videos / file).stat().st_size
            for file in [row["video_file"] for row in rows if row["video"] == clip["name"]]
            + [f"original-{clip['digest'][:16]}.mp4"]
        )
        for clip in document["clips"]
    }
    room = max(sizes.values())
    monkeypatch.setattr(link_report, "MOST_BYTES", 2 * room)
    link_report.write_link_report(tmp_path / "report.html", document, folders, drawn)
    text = (tmp_path / "report.html").read_text()
    assert text.count("<video") == 3
    left = next(name for name in ("one", "two") if f"<h3>{name}</h3>" not in text)
    assert f"What was received of\n{left} is in OUT/videos" in text
    pictures, videos = (
        sum(3 * len(found) // 4 for found in re.findall(rf"data:{kind};base64,([^\"]*)", text))
        for kind in ("image/png", "video/mp4")
    )
    assert pictures <= room + 16 and 0 < videos <= room + 16  # 16: padding
    shown = text.count("<img")
    named = text.partition("In OUT/figures there are also:")[2].partition("</p>")[0].count(".png")
    assert shown + named == len(drawn) and named > 0
