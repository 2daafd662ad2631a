# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality over time, and over the time since a receiver has joined: means and intervals over videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .clip_means import bootstrap_interval
from .common_times import at_common_times, rows_with
from .link_style import COLOURS, OURS_COLOURS, Drawn, legend_below, means_text, metric_axes
from .link_tables import NAMES, cbr_text, label
from .points import OURS
from .video_quality import HIGHER_IS_BETTER


def over_join(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Quality since a receiver has joined."""
    rows = rows_with(document, "join", "series_join")
    text = (
        "Ours asks for a new start over a return channel, where it is not said otherwise. A classical receiver waits for the "
        "next key frame; with one key frame at the start only, it waits for ever. The curves go as far as the shortest video does."
    )
    return _over_seconds(
        document, rows, "series_join", "time since the receiver joined, s", Drawn("join", "Late join", text)
    )


def over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """LPIPS and PSNR over time."""
    rows = rows_with(document, "sheet", "series")
    text = "A value for each fifth of a second, as far as the shortest video goes."
    return _over_seconds(document, rows, "series", "time, s", Drawn("over_time", "Quality over time", text))


def _over_seconds(
    document: dict[str, Any], rows: Sequence[dict[str, Any]], kind: str, axis_name: str, about: Drawn
) -> tuple[Any, Drawn] | None:
    """LPIPS and PSNR of a series: the mean of each method's videos and a band for its interval."""
    series = {row["key"]: document["series"][row["key"]][kind] for row in rows}
    metrics = [metric for metric in ("lpips", "psnr_db") if any(each[metric] for each in series.values())]
    if not metrics:
        return None
    figure, axes = metric_axes(metrics)
    named = _named(rows)
    for name, members in named.items():
        for axis, metric in zip(axes, metrics, strict=True):
            seconds, values = at_common_times(document, members, kind, metric)
            if len(values):
                _draw_band(axis, seconds, values, name, _look(members[0]))
            axis.set_ylabel(
                f"{NAMES[metric]} ({'higher' if HIGHER_IS_BETTER[metric] else 'lower'} is better)"
            )
            axis.set_xlabel(axis_name)
    legend_below(axes[0])
    numbers = {len({row["video"] for row in members}) for members in named.values()}
    return figure, replace(
        about, caption=f"{means_text(numbers, len(document['clips']), 'bands')} {about.caption}"
    )


def _draw_band(axis: Any, seconds: Any, values: Any, name: str, look: dict[str, Any]) -> None:
    """The mean of the videos' values (videos, times), the interval of the mean at each time as a band."""
    axis.plot(seconds, values.mean(0), label=name, **look)
    intervals = [bootstrap_interval(column) for column in values.T.tolist()]
    if None not in intervals:
        low, high = np.array(intervals, np.float64).T
        axis.fill_between(seconds, low, high, color=look["color"], alpha=0.1, linewidth=0)
        for edge in (low, high):  # where bands lie on each other
            axis.plot(seconds, edge, **look | {"linewidth": 0.5, "alpha": 0.6})


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
