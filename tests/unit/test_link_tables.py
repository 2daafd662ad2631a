# SPDX-License-Identifier: GPL-3.0-or-later
"""Points and tables of the evaluation: what is planned, what names a result, who wins and how surely."""

import re
from dataclasses import replace

import pytest
from gnuradio.resivid.errors import FormatError
from gnuradio.resivid.evaluate import link_tables, link_verdicts
from gnuradio.resivid.evaluate.comparing import compare, differences, other_pictures
from gnuradio.resivid.evaluate.link_page import check_link_page, page_tables, renew_link_page
from gnuradio.resivid.evaluate.link_report import headline
from gnuradio.resivid.evaluate.link_style import bars_text
from gnuradio.resivid.evaluate.link_summary import summary_text
from gnuradio.resivid.evaluate.link_tables import cbr_text, label, means, stage_means
from gnuradio.resivid.evaluate.link_verdicts import claim, paired_interval, verdict, winners
from gnuradio.resivid.evaluate.points import BEST_LPIPS, OURS, PAPER_X265, Evaluation, Point, plan, unique
from gnuradio.resivid.flowgraphs.settings import LinkSettings


@pytest.fixture
def two_videos_do(monkeypatch):
    """Verdicts of two videos, for examples by hand."""
    monkeypatch.setattr(link_verdicts, "FEWEST_VIDEOS", 2)


def row(method, cbr, lpips, video="a", snr_db=6.0, **changes):
    found = {"method": method, "cbr": cbr, "lpips": lpips, "video": video, "snr_db": snr_db, "psnr_db": 20.0}
    found |= {"stride": 8 if method == OURS else None, "adapted": True, "loss_rate": 0, "burst_length": 0}
    found |= {"fading": "none", "key_distances": [0] if method == BEST_LPIPS else None, "measures": "video"}
    return (
        found
        | {"bler": 0.0, "key": f"{method}{cbr}{video}{snr_db}", "setting": "", "cbr_sent": cbr}
        | changes
    )


def test_figures_3_and_4_are_the_papers():
    """Figure 3: S in {4, 8, 12} at 6 dB, 16QAM; figure 4: -2 to 10 dB, ours at 4e-4 and 5e-4, H.265 at 1.3e-3, 1.9e-3."""
    planned = plan(Evaluation())
    ours = [point for point in planned["cbr"] if point.method == OURS]
    assert {point.stride for point in ours} == {4, 8, 12}
    assert {(point.snr_db, point.mcs) for point in planned["cbr"]} == {(6.0, "16QAM 434/1024")}
    assert {p.snr_db for p in planned["snr"]} == {-2, 0, 2, 4, 6, 8, 10} and not any(
        p.mcs for p in planned["snr"]
    )
    assert {p.cbr for p in planned["snr"] if p.method == OURS} == {"4e-4", "5e-4"}
    assert {p.cbr for p in planned["snr"] if p.method == PAPER_X265} == {"1.3e-3", "1.9e-3"}
    assert len(unique(planned)) < sum(len(points) for points in planned.values())


def test_ours_is_also_run_without_a_return_channel():
    """Classical chains have none: losses and late join show what it is worth."""
    planned = plan(Evaluation())
    for name in ("loss", "join"):
        ours = [point for point in planned[name] if point.method == OURS]
        one_way = {point for point in ours if point.memory == "refresh"}
        with_it = {replace(point, keep_video=False) for point in ours if not point.memory}
        assert {replace(point, memory="") for point in one_way} == with_it
    assert not any(point.memory for name in ("cbr", "snr", "sheet") for point in planned[name])
    for link in (LinkSettings(memory="refresh"), LinkSettings(codec="resi_vidtok")):
        assert not any(point.memory for point in plan(Evaluation(link=link))["loss"])
    names = [label(row(OURS, 4e-4, 0.3, memory=memory)) for memory in ("feedback", "refresh", None)]
    assert names == ["ours, S=8", "ours, S=8, no return channel", "ours, S=8"]


def test_a_result_is_named_by_all_that_it_depends_on():
    evaluation, point = Evaluation(), Point()
    key = point.key(evaluation, "clip", 0, {"w": "1"})
    others = [
        point.key(evaluation, "other", 0, {"w": "1"}),
        point.key(evaluation, "clip", 1, {"w": "1"}),  # another seed
        point.key(evaluation, "clip", 0, {"w": "2"}),
        replace(point, repeat=1).key(evaluation, "clip", 0, {"w": "1"}),
        point.key(replace(evaluation, link=replace(evaluation.link, memory="gop")), "clip", 0, {"w": "1"}),
    ]
    assert len({key, *others}) == 6
    assert replace(point, snr_db=6).key(evaluation, "clip", 0, {"w": "1"}) == key
    assert point.key(replace(evaluation, search="quick"), "clip", 0, {"w": "1"}) == key
    classical = Point(BEST_LPIPS)
    other_tokenizer = replace(evaluation, link=replace(evaluation.link, tokenizer="titok"))
    assert classical.key(other_tokenizer, "clip", 0, {}) == classical.key(evaluation, "clip", 0, {})
    assert classical.key(replace(evaluation, search="quick"), "clip", 0, {}) != classical.key(
        evaluation, "clip", 0, {}
    )


def test_differences_are_paired(two_videos_do):
    a, b = {"x": 0.5, "y": 0.3, "z": 0.9}, {"x": 0.4, "y": 0.2, "other": 0.0}
    gap = paired_interval(a, b)
    assert gap["difference"] == pytest.approx(-0.1) and gap["videos"] == 2
    assert gap["ci"] == pytest.approx([-0.1, -0.1])  # equal differences, whatever the spread between videos
    assert verdict("lpips", gap) == "better" and verdict("psnr_db", gap) == "worse"
    assert verdict("lpips", paired_interval({"x": 1, "y": 2}, {"x": 2, "y": 1})) == "open"
    assert paired_interval(a, {"none": 1}) is None
    assert verdict("lpips", paired_interval({"x": 1}, {"x": 2})) == ""


def test_a_verdict_needs_six_videos():
    """By the sign test: all of five of one sign are 2 of 32 cases, which is more than 5 %; all of six are 2 of 64."""
    five, six = ({name: 0.1 for name in names} for names in ("abcde", "abcdef"))
    assert verdict("psnr_db", paired_interval(dict.fromkeys(five, 0.0), five)) == ""
    assert verdict("psnr_db", paired_interval(dict.fromkeys(six, 0.0), six)) == "better"


def test_means_take_repeats_within_a_video_first():
    rows = [row(OURS, 4e-4, 0.2, "a"), row(OURS, 4e-4, 0.4, "a"), row(OURS, 4e-4, 0.6, "b")]
    (mean,) = means(rows)
    assert mean["lpips"] == pytest.approx(0.45) and mean["videos"] == 2 and mean["ssim"] is None


def test_winners_and_the_claim_say_it_when_ours_loses(two_videos_do):
    rows = []
    for video, shift in (("a", 0.0), ("b", 0.1)):
        rows += [row(OURS, 4e-4, 0.4 + shift, video), row(OURS, 4e-4, 0.5 + shift, video, stride=4)]
        rows += [row(PAPER_X265, 1.3e-3, 0.5 + shift, video), row(BEST_LPIPS, 4e-4, 0.2 + shift, video)]
    lines = {line["metric"]: line for line in winners(rows, "snr_db")}
    assert lines["lpips"]["winner"] == f"{BEST_LPIPS}, CBR 4e-4" and lines["lpips"]["verdict"] == "worse"
    assert lines["lpips"]["ours"] == "ours, S=8, CBR 4e-4"
    settings = {"snr_cbrs": ["4e-4"], "snr_classical_cbrs": ["1.3e-3"]}
    rows = [each for each in rows if each["stride"] != 4]
    document = {"rows": rows, "figures": {"snr": [each["key"] for each in rows]}, "settings": settings}
    assert len(claim(document)) == 2 * 2  # two chains, LPIPS and PSNR
    verdicts = {line["other"]: line["verdict"] for line in claim(document) if line["metric"] == "lpips"}
    assert verdicts == {PAPER_X265: "better", BEST_LPIPS: "worse"}
    assert [text.rpartition(": ")[2] for text in headline(document)] == [
        "ours is better at 6 dB.",
        "ours is worse at 6 dB.",
    ]


def test_runtime_is_the_mean_over_points_of_a_stride():
    """By hand: (10 + 20) / 2 + 5 / 2 ms a frame at S = 8, 50 ms at S = 4."""
    times = [
        (8, {"coding": 10.0, "decoding": 5.0}),
        (8, {"coding": 20.0}),
        (4, {"coding": 50.0, "decoding": 0.0}),
    ]
    rows = [row(OURS, 4e-4, 0.4, "a", stride=stride, stage_ms_per_frame=stages) for stride, stages in times]
    document = document_of([*rows, row(PAPER_X265, 4e-4, 0.4, "a")], {})
    assert stage_means(document) == {4: {"coding": 50, "decoding": 0}, 8: {"coding": 15, "decoding": 2.5}}
    assert "runtime" not in page_tables(document)  # which shows figure 3
    slow = row(OURS, 5e-4, 0.4, "a", snr_db=0.0, stage_ms_per_frame={"coding": 99.0})
    document = document_of([*rows, slow], {"cbr": lambda row: row["snr_db"] == 6})
    assert stage_means(document)[8] == {"coding": 15, "decoding": 2.5}
    lines = [re.sub(" +", " ", line) for line in page_tables(document)["runtime"].splitlines()]
    assert "| 8 | 15.00 | 2.50 | 57.1 |" in lines and "| 4 | 50.00 | 0.00 | 20.0 |" in lines


def test_channels_are_sorted_by_what_they_do():
    rows = [row(OURS, 4e-4, 0.4, loss_rate=loss, key=str(loss)) for loss in (0.1, 0.03, 0.01)]
    points = link_tables.points_of(document_of(rows, {"loss": lambda row: True}), "loss")
    assert [point["channel"] for point in points] == ["1% lost", "3% lost", "10% lost"]


def failing_on_the_hard_clip():
    """Ours: 0.2 on a and b, 0.9 on the hard clip; x265: 0.3 and 0.3, and no point of the hard clip."""
    rows = [row(OURS, 4e-4, lpips, video) for lpips, video in ((0.2, "a"), (0.2, "b"), (0.9, "hard"))]
    return [*rows, row(PAPER_X265, 4e-4, 0.3, "a"), row(PAPER_X265, 4e-4, 0.3, "b")]


def test_who_fails_on_a_hard_clip_does_not_win_by_it(two_videos_do):
    """Ours over all of its videos has 0.433, which is worse than 0.3; over those of both it has 0.2."""
    rows = failing_on_the_hard_clip()
    (line,) = [line for line in winners(rows, "cbr") if line["metric"] == "lpips"]
    assert line["winner"] == "ours, S=8" and line["value"] == pytest.approx(0.2)
    assert line["videos"] == line["gap"]["videos"] == 2 and line["verdict"] == "better"
    apart = [row(OURS, 4e-4, 0.2, "a"), row(PAPER_X265, 4e-4, 0.3, "b")]
    assert winners(apart, "cbr") == []  # nothing to compare


def test_tables_say_over_how_many_videos(tmp_path):
    rows = failing_on_the_hard_clip()
    rows += [row(OURS, 8e-4, 0.1, video, vmaf=60.0 if video == "a" else None) for video in ("a", "b", "hard")]
    document = document_of(rows, {"cbr": lambda row: True, "snr": lambda row: row["cbr"] == 4e-4})
    document |= {"missing": [], "settings": {"snr_cbrs": ["4e-4"], "snr_classical_cbrs": ["4e-4"]}}
    found = {(point["method"], point["cbr"]): point for point in means(rows)}
    assert [found[OURS, 8e-4][name] for name in ("videos", "lpips_videos", "vmaf_videos")] == [3, 3, 1]
    assert bars_text(document).startswith("Means over the 1 to 3 of 3 videos that have a value;")
    assert bars_text(document, "snr").startswith("Means over the 2 to 3 of 3 videos")
    whole = [each for each in rows if each["method"] == OURS and each["cbr"] == 4e-4]
    assert bars_text(document_of(whole, {})).startswith("Means over 3 videos; bars")
    page = page_tables(document)
    lines = [re.sub(" +", " ", line) for line in page["cbr"].splitlines()]
    assert "| 4e-4 (2 of 3 videos) | **0.200** | 0.300 |" in lines and "| 8e-4 | 0.100 | – |" in lines
    assert "-0.100 (-0.100 to -0.100), 2 of 3 videos" in page["claim"]
    text = summary_text(document)
    assert "60.0, 1 of 3 videos" in text and "-0.100 (-0.100 to -0.100), 2 of 3 videos" in text


def test_runs_are_compared_where_they_show_the_same():
    """By hand: B is 0.1 worse on x; y shows other pictures, z is in A only."""
    a, b = ({"rows": [row(OURS, 4e-4, 0.2 + shift, name) for name in "xy"]} for shift in (0.0, 0.1))
    a["rows"].append(row(OURS, 4e-4, 0.9, "z"))
    a |= {"clips": [{"name": name, "digest": f"{name}1"} for name in "xyz"], "seed": 0, "seconds": None}
    b |= {"clips": [{"name": "x", "digest": "x1"}, {"name": "y", "digest": "y2"}], "seed": 0, "seconds": 2.0}
    assert other_pictures(a, b) == ["y"] and differences(a, b) == ["--seconds all and 2.0"]
    (line,) = [line for line in compare(a, b) if line["metric"] == "lpips"]
    assert line["gap"]["videos"] == 1 and line["gap"]["difference"] == pytest.approx(0.1)
    twice = {"clips": [{"name": "x", "digest": "x1"}, {"name": "x", "digest": "x2"}]}
    assert other_pictures(twice, twice) == ["x"]  # whose rows are whose?


@pytest.mark.parametrize(
    "cbr, text", [(4e-4, "4e-4"), (1.3e-3, "1.3e-3"), (0.0004002, "4e-4"), (0.02, "2e-2")]
)
def test_cbr_as_people_write_it(cbr, text):
    assert cbr_text(cbr) == text


def document_of(rows, figures):
    chosen = {name: [row["key"] for row in rows if wanted(row)] for name, wanted in figures.items()}
    return {
        "rows": rows,
        "clips": [{"name": name} for name in dict.fromkeys(row["video"] for row in rows)],
        "figures": chosen,
        "settings": {"snr_cbrs": ["4e-4"], "snr_classical_cbrs": ["1.3e-3"]},
    }


def test_the_page_says_where_ours_is_surely_better_or_worse(two_videos_do):
    """By hand: 0.1 better on both videos; 0.1 better on one and worse on the other; nothing at 8e-4 to compare with."""
    rows = [row(OURS, 4e-4, 0.3, "a"), row(OURS, 4e-4, 0.4, "b"), row(OURS, 8e-4, 0.1, "a")]
    rows += [row(PAPER_X265, 4e-4, 0.4, "a"), row(PAPER_X265, 4e-4, 0.5, "b")]
    rows += [row(BEST_LPIPS, 4e-4, 0.4, "a"), row(BEST_LPIPS, 4e-4, 0.3, "b")]
    page = page_tables(document_of(rows, {"cbr": lambda row: True}))["cbr"]
    lines = [re.sub(" +", " ", line) for line in page[page.index("less that of the others") :].splitlines()]
    assert lines[2] == "| CBR | ours | x265 as in the paper | classical by LPIPS |"
    assert lines[4].startswith("| 4e-4 | ours, S=8 | **-0.100 (-0.100 to -0.100)** | 0.000 (-0.")
    assert lines[5] == "| 8e-4 | ours, S=8 | – | – |"


def test_the_page_says_what_a_receiver_has_that_joins():
    """Half way between two pictures the mean of both; a video that one of the curves lacks is left out."""
    series = [0.6, 0.4, 0.4], [0.9, 0.9, 0.9], [0.8, 0.6, 0.2]
    rows = [row(OURS, 4e-4, None, video) for video in "ab"] + [row(PAPER_X265, 1.3e-3, None, "a")]
    document = document_of(rows, {"join": lambda row: True})
    document["clips"] = [{"name": name, "rate": "25"} for name in "ab"]
    document["series"] = {
        each["key"]: {"series_join": {"seconds": [0, 0.5, 1.0], "lpips": values, "psnr_db": []}}
        for each, values in zip(rows, series, strict=True)
    }
    lines = [re.sub(" +", " ", line) for line in page_tables(document)["join"].splitlines()]
    assert lines[1] == "LPIPS-Alex (1 of 2 videos):"
    assert lines[3] == "| s since the join | ours, S=8, 4e-4 | x265 as in the paper, 1.3e-3 |"
    assert lines[5:9] == [
        "| 0 | **0.600** | 0.800 |",
        "| 0.25 | **0.500** | 0.700 |",
        "| 0.5 | **0.400** | 0.600 |",
        "| 1 | 0.400 | **0.200** |",
    ]


def test_a_page_is_renewed_where_it_has_the_section(tmp_path, two_videos_do):
    """Means of two videos by hand, the best of a row in bold, the difference paired."""
    rows = [row(OURS, 4e-4, 0.30, "a"), row(OURS, 4e-4, 0.40, "b"), row(PAPER_X265, 1.3e-3, 0.50, "a")]
    rows += [row(PAPER_X265, 1.3e-3, 0.70, "b"), row(OURS, 1.3e-3, 0.2, "a"), row(OURS, 1.3e-3, 0.2, "b")]
    document = document_of(rows, {"cbr": lambda row: True, "snr": lambda row: True})
    page = tmp_path / "page.md"
    text = "before\n<!-- evaluate cbr -->\nold\n<!-- end -->\n<!-- evaluate claim -->\n<!-- end -->\nafter\n"
    page.write_text(text)
    check_link_page(page)
    renew_link_page(page, document)
    lines = [re.sub(" +", " ", line) for line in page.read_text().splitlines()]
    assert lines[0] == "before" and lines[-1] == "after" and "old" not in lines
    assert "| CBR | ours, S=8 | x265 as in the paper |" in lines
    assert "| 4e-4 | 0.350 | – |" in lines and "| 1.3e-3 | **0.200** | 0.600 |" in lines
    claimed = next(line for line in lines if "x265 as in the paper, 1.3e-3" in line)
    assert "0.350 | 0.600 | -0.250 (-0.300 to -0.200) | **better** |" in claimed
    assert "PSNR" not in "".join(lines[lines.index("<!-- evaluate claim -->") :])
    before = page.read_text()
    renew_link_page(page, document_of([], {}))  # nothing was run
    assert page.read_text() == before
    page.write_text("no section")
    with pytest.raises(FormatError, match="<!-- evaluate cbr -->"):
        check_link_page(page)
