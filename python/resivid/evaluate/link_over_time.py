# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens over time, where the bits go, how long the stages take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .figures import new_figure
from .link_style import COLOURS, OURS_COLOURS, Drawn, legend_below, metric_axes
from .link_tables import NAMES, cbr_text, label, rows_of
from .points import OURS

STAGE_KINDS = ("header", "body", "CRC", "unused")
KIND_COLOURS = ("#6baed6", "#2171b5", "#bdbdbd", "#f0f0f0")


def over_join(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Quality since a receiver has joined."""
    rows = [row for row in rows_of(document, "join") if "series_join" in document["series"][row["key"]]]
    if not rows:
        return None
    metrics = [
        m
        for m in ("lpips", "psnr_db")
        if any(document["series"][row["key"]]["series_join"][m] for row in rows)
    ]
    figure, axes = metric_axes(metrics)
    for name, members in _named(rows).items():
        series = [document["series"][row["key"]]["series_join"] for row in members]
        length = min(len(one["seconds"]) for one in series)
        seconds = np.mean([one["seconds"][:length] for one in series], axis=0)
        for axis, metric in zip(axes, metrics, strict=True):
            curve = np.mean([one[metric][:length] for one in series], axis=0)
            axis.plot(seconds, curve, label=name, **_look(members[0]))
            axis.set_ylabel(NAMES[metric])
            axis.set_xlabel("time since the receiver joined, s")
    legend_below(axes[0])
    text = (
        "Means over the videos. Ours asks for a new start over a return channel, where it is not said otherwise. A classical "
        "receiver waits for the next key frame; with one key frame at the start only, it waits for ever."
    )
    return figure, Drawn("join", "Late join", text)


def _named(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(f"{label(row)}, CBR {cbr_text(row['cbr'])}", []).append(row)
    return found


def _look(row: dict[str, Any]) -> dict[str, Any]:
    distances = row["key_distances"]
    dashed = (distances is not None and distances != [0]) or row.get("memory") == "refresh"
    colour = OURS_COLOURS[1] if row["method"] == OURS else COLOURS[row["method"]]
    return {"color": colour, "linestyle": "--" if dashed else "-", "linewidth": 1.5}


def over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """LPIPS and PSNR over time."""
    rows = [row for row in rows_of(document, "sheet") if "series" in document["series"][row["key"]]]
    if not rows:
        return None
    metrics = [
        m for m in ("lpips", "psnr_db") if any(document["series"][row["key"]]["series"][m] for row in rows)
    ]
    figure, axes = metric_axes(metrics)
    fps = {clip["name"]: clip["num_frames"] / _duration(clip) for clip in document["clips"]}
    for name, members in _named(rows).items():
        for axis, metric in zip(axes, metrics, strict=True):
            seconds, curve = _mean_curve(
                [(document["series"][row["key"]]["series"][metric], fps[row["video"]]) for row in members]
            )
            axis.plot(seconds, curve, label=name, **_look(members[0]))
            axis.set_ylabel(NAMES[metric])
            axis.set_xlabel("time, s")
    legend_below(axes[0])
    return figure, Drawn(
        "over_time", "Quality over time", "Means over the videos, a value for each fifth of a second."
    )


def _duration(clip: dict[str, Any]) -> float:
    numerator, _, denominator = clip["rate"].partition("/")
    return clip["num_frames"] * float(denominator or 1) / float(numerator)


def _mean_curve(curves: Sequence[tuple[Sequence[float], float]], step_s: float = 0.2) -> tuple[Any, Any]:
    """Means within steps of time, over videos of different rates; as long as the shortest."""
    curves = [curve for curve in curves if curve[0]]
    steps = max(1, min(int(len(values) / fps / step_s) for values, fps in curves)) if curves else 0
    means_of = [
        [
            np.mean(part)
            for part in np.array_split(np.asarray(values)[: max(1, round(steps * step_s * fps))], steps)
        ]
        for values, fps in curves
    ]
    return (np.arange(steps) + 0.5) * step_s, np.mean(means_of, axis=0) if means_of else np.zeros(0)


def tokens_over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Prefix K and tokens sent over time."""
    rows = [row for row in rows_of(document, "sheet") if "series_blocks" in document["series"][row["key"]]]
    if not rows:
        return None
    figure, axes = metric_axes(["prefix", "updates"])
    seconds_of = {clip["name"]: _duration(clip) / clip["num_frames"] for clip in document["clips"]}
    for row in rows:
        blocks = document["series"][row["key"]]["series_blocks"]
        for axis, name in zip(axes, ("prefix", "updates"), strict=True):
            seconds = np.arange(len(blocks[name])) * row["stride"] * seconds_of[row["video"]]
            axis.plot(seconds, blocks[name], linewidth=1, label=row["video"])
    for axis, name in zip(axes, ("prefix K, tokens", "tokens sent"), strict=True):
        axis.set_ylabel(name)
        axis.set_xlabel("time, s")
    legend_below(axes[0])
    return figure, Drawn("tokens", "Prefix and tokens over time", "Ours, one line a video.")


def rate_split(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Header, body, CRC, unused."""
    rows = [row for row in document["rows"] if row["method"] == OURS and row.get("bits_capacity")]
    rows = [row for row in rows if row["loss_rate"] == 0 and not row["adapted"]]
    if not rows:
        return None
    names, shares = [], []
    for stride in sorted({row["stride"] for row in rows}):
        for cbr in sorted({row["cbr"] for row in rows if row["stride"] == stride}):
            members = [row for row in rows if row["stride"] == stride and row["cbr"] == cbr]
            total = sum(row["bits_capacity"] + row["bits_crc"] for row in members)
            parts = [
                sum(row[f"bits_{kind}"] for row in members) / total for kind in ("header", "body", "crc")
            ]
            names.append(f"S={stride}, CBR {cbr_text(cbr)}")
            shares.append([*parts, 1 - sum(parts)])
    figure, axes = new_figure(7.5, 0.8 + 0.28 * len(names))
    axis = axes[0, 0]
    left = np.zeros(len(names))
    for kind, colour, share in zip(STAGE_KINDS, KIND_COLOURS, np.array(shares).T, strict=True):
        axis.barh(names, share, left=left, label=kind, color=colour, edgecolor="white")
        left += share
    axis.set_xlabel("share of the bits that the blocks carry")
    axis.invert_yaxis()
    axis.margins(y=0.02)
    legend_below(axis)
    return figure, Drawn("rate_split", "Rate split", "Bits of all blocks of ours: header, body, CRC, unused.")


def runtime(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Run time by stage, section IV-E."""
    rows = [row for row in document["rows"] if row.get("stage_ms_per_frame")]
    if not rows:
        return None
    strides = sorted({row["stride"] for row in rows})
    stages = list(dict.fromkeys(name for row in rows for name in row["stage_ms_per_frame"]))
    figure, axes = new_figure(7.5, 1.5 + 0.4 * len(strides))
    axis, left = axes[0, 0], np.zeros(len(strides))
    names = []
    for stride in strides:
        members = [row for row in rows if row["stride"] == stride]
        total = np.mean([sum(row["stage_ms_per_frame"].values()) for row in members])
        names.append(f"S={stride}: {1e3 / total:.0f} frame/s")
    for stage in stages:
        times = [
            float(np.mean([r["stage_ms_per_frame"].get(stage, 0) for r in rows if r["stride"] == stride]))
            for stride in strides
        ]
        axis.barh(names, times, left=left, label=stage)
        left += times
    axis.set_xlabel("ms a frame of the video, both ends, one thread")
    legend_below(axis)
    text = (
        f"{document['machine']}; by the clock while the evaluation's other jobs ran, so no faster than "
        "`resivid bench pipeline` on an idle machine."
    )
    return figure, Drawn("runtime", "Run time by stage (section IV-E)", text)
