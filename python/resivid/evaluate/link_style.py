# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evaluation's figures share: colours, axes, captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .figures import new_figure
from .link_tables import by_video, point_of, rows_of
from .points import BEST_LPIPS, BEST_PSNR, OURS, PAPER_X265
from .video_quality import METRICS

METHODS = (OURS, PAPER_X265, BEST_LPIPS, BEST_PSNR)  # in the order of legends
OURS_COLOURS = ("#9ecae1", "#2171b5", "#08306b")  # by stride, light to dark
COLOURS = {PAPER_X265: "#d95f02", BEST_LPIPS: "#1b9e77", BEST_PSNR: "#7570b3"}


@dataclass(frozen=True)
class Drawn:
    """A figure on disk: its name, title, and what a reader must know."""

    name: str
    title: str
    caption: str


def metric_axes(metrics: Sequence[str]) -> tuple[Any, list[Any]]:
    """A figure and one of its axes for each metric, two in a row."""
    columns = min(2, len(metrics))
    rows = -(-len(metrics) // columns)
    figure, axes = new_figure(5.2 * columns, 3.6 * rows, rows, columns)
    flat = list(axes.flat)
    for axis in flat[len(metrics) :]:
        axis.set_visible(False)
    return figure, flat[: len(metrics)]


def legend_below(axis: Any) -> None:
    """The legend of an axis below the whole figure, where it covers nothing; once for a figure."""
    if axis.figure.legends:
        return
    handles, names = axis.get_legend_handles_labels()
    axis.figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize="small", frameon=False)


def bars_text(document: dict[str, Any], name: str | None = None) -> str:
    """What the points and bars of a figure are.

    Args:
        name: of the figure in the document; None: all of them.
    """
    videos = len(document["clips"])
    if videos == 1:
        return "One video."
    rows = document["rows"] if name is None else rows_of(document, name)
    points: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        points.setdefault(point_of(row), []).append(row)
    counts = {len(by_video(members, metric)) for members in points.values() for metric in METRICS} - {0}
    least, most = min(counts, default=videos), max(counts, default=videos)
    if least == videos:
        means_over = f"Means over {videos} videos"
    else:
        span = f"{least}" if least == most else f"{least} to {most}"
        means_over = f"Means over the {span} of {videos} videos that have a value"
    return f"{means_over}; bars: 95 % by bootstrap over videos."
