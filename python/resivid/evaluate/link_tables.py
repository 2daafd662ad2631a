# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of an evaluation to means over videos, and how points are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .clip_means import mean_and_interval
from .pages import figure
from .points import OURS
from .video_quality import METRICS

# What makes rows of different videos one point.
POINT_COLUMNS = ("method", "stride", "cbr", "snr_db", "adapted", "loss_rate", "burst_length", "fading") + (
    "key_distances",
    "memory",
    "measures",
)
TITLES = {
    "sheet": "Figure 5",
    "cbr": "Figure 3",
    "snr": "Figure 4",
    "loss": "Losses and fading",
}  # of tables of means
SHOWN = ("psnr_db", "ms_ssim", "lpips", "warp_error", "clip", "vmaf")
DIGITS = {"psnr_db": 2, "ssim": 3, "ms_ssim": 3, "lpips": 3, "warp_error": 5, "clip": 3, "vmaf": 1, "bler": 4}
NAMES = {
    "psnr_db": "PSNR, dB",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "lpips": "LPIPS-Alex",
    "warp_error": "flow-warp error",
    "clip": "CLIP score",
    "vmaf": "VMAF",
    "bler": "BLER",
}


def cbr_text(cbr: float) -> str:
    """Such as "4e-4"."""
    mantissa, _, exponent = f"{cbr:.2e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def rows_of(document: dict[str, Any], figure_name: str) -> list[dict[str, Any]]:
    """The rows that a figure shows."""
    keys = set(document["figures"].get(figure_name, ()))
    return [row for row in document["rows"] if row["key"] in keys]


def point_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What the row's point is, whatever the video and the channel drawn."""
    return tuple(tuple(v) if isinstance(v := row.get(name), list) else v for name in POINT_COLUMNS)


def by_video(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, float]:
    """Video to the mean over its rows; a video without the metric is left out."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row.get(metric) is not None:
            values.setdefault(row["video"], []).append(row[metric])
    return {video: float(np.mean(found)) for video, found in values.items()}


def in_all(curves: Iterable[Mapping[str, object]]) -> list[str]:
    """The videos that every curve (of `by_video`) has: only over these can their means be compared."""
    first, *others = curves
    return [video for video in first if all(video in other for other in others)]


def videos_text(count: int, document: dict[str, Any]) -> str:
    """Such as "5 of 6 videos"; "" where it is all of them."""
    total = len(document["clips"])
    return f"{count} of {total} videos" if count < total else ""


def means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each point: its columns, each metric and its interval over videos, BLER, number of videos.

    A metric that not all of these videos have says under its name with `_videos` how many have it.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(point_of(row), []).append(row)
    out = []
    for members in groups.values():
        mean: dict[str, Any] = {name: members[0].get(name) for name in POINT_COLUMNS}
        for metric in (*METRICS, "bler", "delay_s", "cbr_sent"):
            values = list(by_video(members, metric).values())
            mean |= mean_and_interval(metric, values) | {f"{metric}_videos": len(values)}
        videos = {row["video"] for row in members}
        settings = {row.get("setting", "") for row in members}
        out.append(mean | {"videos": len(videos), "settings": sorted(settings)})
    return out


def points_of(document: dict[str, Any], figure_name: str) -> list[dict[str, Any]]:
    """The figure's `means` in the order of its table, each with its `label` and its `channel`."""
    points = means(rows_of(document, figure_name))
    shown = [point | {"label": label(point), "channel": channel_text(point)} for point in points]
    return sorted(shown, key=lambda point: (point["snr_db"], point["cbr"], *harder(point), point["label"]))


def cell(point: dict[str, Any], metric: str) -> str:
    """Mean and interval of a row of `means`; with the number of videos where it is less than the row's."""
    text = figure(point[metric], DIGITS[metric], point[f"{metric}_ci"])
    count = point[f"{metric}_videos"]
    return f"{text}, {count} of {point['videos']} videos" if 0 < count < point["videos"] else text


def label(point: dict[str, Any]) -> str:
    """A curve's name."""
    if point["method"] == OURS:
        one_way = point.get("memory") in ("gop", "refresh")
        return f"ours, S={point['stride']}" + (", no return channel" if one_way else "")
    distances = point["key_distances"]
    return point["method"] + (f", key frame each {distances[0]}" if distances and distances != [0] else "")


def timed_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows with times of their stages: of figure 3, or of all figures where it was not run."""
    return [row for row in rows_of(document, "cbr") or document["rows"] if row.get("stage_ms_per_frame")]


def stage_means(document: dict[str, Any]) -> dict[int, dict[str, float]]:
    """Stride to stage to its milliseconds a frame of the video, over `timed_rows`; a point without a stage counts as 0."""
    rows = timed_rows(document)
    stages = list(dict.fromkeys(name for row in rows for name in row["stage_ms_per_frame"]))
    return {
        stride: {
            name: float(
                np.mean([r["stage_ms_per_frame"].get(name, 0) for r in rows if r["stride"] == stride])
            )
            for name in stages
        }
        for stride in sorted({row["stride"] for row in rows})
    }


def harder(point: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sorts channels: what is harder comes later."""
    return point["fading"] != "none", point["burst_length"], point["loss_rate"]


def channel_text(point: dict[str, Any]) -> str:
    """What there is beside the noise, in a word."""
    if point["fading"] != "none":
        return f"{point['fading'].capitalize()} fading"
    if not point["loss_rate"]:
        return "–"
    return f"{point['loss_rate']:.0%} lost" + (
        f" in bursts of {point['burst_length']:g}" if point["burst_length"] else ""
    )
