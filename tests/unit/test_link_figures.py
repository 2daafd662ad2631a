# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of an evaluation: means and intervals over videos of different rates; what results say of their making."""

from importlib import metadata

import numpy as np
import pytest
from gnuradio.resivid.evaluate import clip_times, provenance
from gnuradio.resivid.evaluate.clip_means import bootstrap_interval
from gnuradio.resivid.evaluate.link_series import over_join, over_time
from gnuradio.resivid.evaluate.link_style import means_text
from gnuradio.resivid.evaluate.points import OURS

CLIPS = [
    {"name": "a", "num_frames": 100, "rate": "25"},
    {"name": "b", "num_frames": 240, "rate": "60000/1001"},
    {"name": "c", "num_frames": 8, "rate": "2"},
]
SLOPES = {"a": 1.0, "b": 3.0, "c": 8.0}  # PSNR in dB rises by so much in a second


def document(figure, kind, series, clips=CLIPS):
    rows = [
        {"key": clip["name"], "video": clip["name"], "method": OURS, "stride": 8, "cbr": 4e-4}
        | {"key_distances": None, "memory": None}
        for clip in clips
    ]
    return {
        "clips": list(clips),
        "rows": rows,
        "figures": {figure: [row["key"] for row in rows]},
        "series": {clip["name"]: {kind: series(clip)} for clip in clips},
    }


def lines_of(figure):
    """The mean's times and values, lower and upper edge of its band."""
    (axis,) = figure.axes
    mean, low, high = axis.lines
    return mean.get_xdata(), *(np.asarray(line.get_ydata()) for line in (mean, low, high))


def test_late_join_is_compared_at_equal_times():
    """A value each eighth frame: the n-th values of 25 and 60 frame/s are of other times."""

    def series(clip):
        seconds = 8 * clip_times.frame_s(clip) * np.arange(7)
        return {
            "seconds": seconds.tolist(),
            "psnr_db": (SLOPES[clip["name"]] * seconds).tolist(),
            "lpips": [],
        }

    figure, about = over_join(document("join", "series_join", series, CLIPS[:2]))
    seconds, mean, low, high = lines_of(figure)
    assert seconds[-1] == pytest.approx(6 * 8 * 1001 / 60000)
    assert mean == pytest.approx(2 * seconds)
    interval = np.array(bootstrap_interval([1.0, 3.0]))
    assert np.array([low, high]) == pytest.approx(interval[:, None] * seconds)
    assert about.caption.startswith("Means over 2 videos; bands: 95 % by bootstrap over videos. ")


def test_quality_over_time_has_bands_and_takes_videos_of_few_frames():
    """Steps hold half a second where a video has two frames in a second."""

    def series(clip):
        return {"psnr_db": [SLOPES[clip["name"]]] * clip["num_frames"], "lpips": []}

    figure, about = over_time(document("sheet", "series", series))
    seconds, mean, low, high = lines_of(figure)
    assert seconds == pytest.approx(0.25 + 0.5 * np.arange(8))
    assert mean == pytest.approx(np.full(8, 4.0))
    wanted = np.array(bootstrap_interval([1.0, 3.0, 8.0]))
    assert np.array([low, high]) == pytest.approx(np.repeat(wanted[:, None], 8, 1))
    assert "Means over 3 videos" in about.caption
    figure, about = over_time(document("sheet", "series", series, CLIPS[:1]))
    assert len(figure.axes[0].lines) == 1 and about.caption.startswith("One video. ")


def test_captions_say_where_points_are_missing():
    assert means_text([5, 5], 5, "bars") == "Means over 5 videos; bars: 95 % by bootstrap over videos."
    assert means_text({3, 5}, 6, "bands").startswith(
        "Means over the 3 to 5 of 6 videos that have a value; bands"
    )
    assert means_text([1], 1, "bars") == "One video."


def test_times_of_clips():
    assert clip_times.fps(CLIPS[1]) == pytest.approx(59.94, abs=1e-3)
    assert clip_times.last_frame_s(CLIPS[0]) == pytest.approx(99 / 25)
    assert clip_times.last_frame_s({"num_frames": 1001, "rate": "1000/1001"}) == 1001


def test_libraries_are_those_that_were_used(monkeypatch):
    found = provenance.libraries([{"clip": None, "vmaf": None}])
    for name, package in {"PyAV": "av", "torch": "torch", "numpy": "numpy"}.items():
        assert found[name].partition("+")[0] == metadata.version(package).partition("+")[0]
    assert {"OpenCV", "FFmpeg", "libavcodec"} <= set(found)
    assert not {"open_clip", "FFmpeg of VMAF"} & set(found)
    monkeypatch.setattr(provenance, "find_ffmpeg", lambda: ("/absent/ffmpeg", ""))
    assert provenance.libraries([{"vmaf": 80.0}]) == found  # without the program that was there


def test_weights_that_measured_are_listed_and_differences_said():
    rows = [{"weights": {"alex": "1", "clip": "2"}}, {}, {"weights": {"alex": "1", "clip": "3"}}]
    weights, notes = provenance.measuring_weights(rows)
    assert weights == {"alex": "1", "clip": "3"}
    assert len(notes) == 1 and "2 different files clip" in notes[0]
