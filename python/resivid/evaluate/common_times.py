# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of several videos at common times, as far as the shortest of them goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .clip_times import fps
from .link_tables import in_all, rows_of

Series = tuple[Sequence[float] | None, Sequence[float], float]  # times in s, values, frame/s of the video


def rows_with(document: dict[str, Any], figure_name: str, kind: str) -> list[dict[str, Any]]:
    """The rows of a figure that have a series of this kind, such as "series_join"."""
    return [row for row in rows_of(document, figure_name) if kind in document["series"][row["key"]]]


def at_common_times(
    document: dict[str, Any], rows: Sequence[Mapping[str, Any]], kind: str, metric: str, step_s: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """One curve's series at common times.

    Args:
        rows: of one curve, one for each video.
        kind, metric: which series.
        step_s: means are taken over so many seconds where there is a value for each frame.
    Returns:
        Times in s (T,), and values (V, T) of the V videos that have the series; V and T are 0 where none has.
    """
    rates = {clip["name"]: fps(clip) for clip in document["clips"]}
    found: list[Series] = []
    for row in rows:
        series = document["series"][row["key"]][kind]
        if series[metric]:
            found.append((series.get("seconds"), series[metric], rates[row["video"]]))
    if not found:
        return np.zeros(0), np.zeros((0, 0))
    if any(times is None for times, _, _ in found):
        return _steps([(values, rate) for _, values, rate in found], step_s)
    known = [(times, values) for times, values, _ in found if times is not None]
    count = min(len(times) for times, _ in known)
    seconds = np.linspace(0, min(times[-1] for times, _ in known), count)
    return seconds, np.array([np.interp(seconds, times, values) for times, values in known])


def means_at(
    document: dict[str, Any],
    curves: Mapping[str, Sequence[Mapping[str, Any]]],
    kind: str,
    metric: str,
    seconds: Sequence[float],
) -> tuple[dict[str, list[float | None]], int]:
    """Means of curves at these times in s, over the videos that all of them have; None behind the shortest video's end.

    Returns:
        Name of the curve to its means, and over how many videos they are; a curve without the metric is left out.
    """
    having = {
        name: {row["video"]: row for row in rows if document["series"][row["key"]][kind][metric]}
        for name, rows in curves.items()
    }
    having = {name: rows for name, rows in having.items() if rows}
    common = in_all(having.values()) if having else []
    found: dict[str, list[float | None]] = {}
    for name, rows in having.items() if common else ():
        times, values = at_common_times(document, [rows[video] for video in common], kind, metric)
        found[name] = [
            float(np.interp(at, times, values.mean(0))) if at <= times[-1] else None for at in seconds
        ]
    return found, len(common)


def _steps(curves: Sequence[tuple[Sequence[float], float]], step_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Means of values and their frame/s within steps of time."""
    step_s = max(step_s, *(1 / rate for _, rate in curves))  # at least a frame in each step
    steps = max(1, min(int(len(values) / rate / step_s) for values, rate in curves))
    values_of = [
        [
            np.mean(part)
            for part in np.array_split(np.asarray(values)[: max(1, round(steps * step_s * rate))], steps)
        ]
        for values, rate in curves
    ]
    return (np.arange(steps) + 0.5) * step_s, np.array(values_of)
