# SPDX-License-Identifier: GPL-3.0-or-later
"""How prefix and tokens of ours change over time, where its bits go, how long its stages take."""

from __future__ import annotations

from typing import Any

import numpy as np

from .clip_times import frame_s
from .figures import new_figure
from .link_style import Drawn, legend_below, metric_axes
from .link_tables import cbr_text, rows_of, stage_means, timed_rows
from .points import OURS

STAGE_KINDS = ("header", "body", "CRC", "unused")
KIND_COLOURS = ("#6baed6", "#2171b5", "#bdbdbd", "#f0f0f0")
MOST_NAMES = 12  # of videos in a legend


def tokens_over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Prefix K and tokens sent over time."""
    rows = [row for row in rows_of(document, "sheet") if "series_blocks" in document["series"][row["key"]]]
    if not rows:
        return None
    figure, axes = metric_axes(["prefix", "updates"])
    seconds_of = {clip["name"]: frame_s(clip) for clip in document["clips"]}
    for row in rows:
        blocks = document["series"][row["key"]]["series_blocks"]
        for axis, name in zip(axes, ("prefix", "updates"), strict=True):
            seconds = np.arange(len(blocks[name])) * row["stride"] * seconds_of[row["video"]]
            axis.plot(seconds, blocks[name], linewidth=1, label=row["video"])
    for axis, name in zip(axes, ("prefix K, tokens", "tokens sent"), strict=True):
        axis.set_ylabel(name)
        axis.set_xlabel("time, s")
    if len(rows) <= MOST_NAMES:
        legend_below(axes[0])
    about = f"Ours at CBR {cbr_text(rows[0]['cbr'])}, S={rows[0]['stride']}: one line a video, {len(rows)} in all."
    return figure, Drawn("tokens", "Prefix and tokens over time", about)


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
    text = (
        f"Bits of all blocks of ours, {_number_of_videos(rows)} together, at points without losses and with one MCS row: "
        "header, body, CRC, unused."
    )
    return figure, Drawn("rate_split", "Rate split", text)


def _number_of_videos(rows: list[dict[str, Any]]) -> str:
    number = len({row["video"] for row in rows})
    return f"{number} video{'s' if number > 1 else ''}"


def runtime(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Run time by stage, section IV-E."""
    found = stage_means(document)
    if not found:
        return None
    figure, axes = new_figure(7.5, 1.5 + 0.4 * len(found))
    axis, left = axes[0, 0], np.zeros(len(found))
    names = [f"S={stride}: {1e3 / sum(stages.values()):.0f} frame/s" for stride, stages in found.items()]
    for stage in next(iter(found.values())):
        times = [stages[stage] for stages in found.values()]
        axis.barh(names, times, left=left, label=stage)
        left += times
    axis.set_xlabel("ms a frame of the video, both ends, one thread")
    legend_below(axis)
    points = "of figure 3" if document["figures"].get("cbr") else "of ours"
    text = (
        f"Means over all points {points}, {_number_of_videos(timed_rows(document))}. {document['machine']}; by the clock while the evaluation's other jobs ran, so no faster than "
        "`resivid bench pipeline` on an idle machine."
    )
    return figure, Drawn("runtime", "Run time by stage (section IV-E)", text)
