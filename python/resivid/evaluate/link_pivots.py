# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's rows as tables: a line for each value of its axis, a column for each curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .link_tables import (
    DIGITS,
    NAMES,
    by_video,
    cbr_text,
    channel_text,
    harder,
    in_all,
    label,
    point_of,
    videos_text,
)
from .link_verdicts import gap_text, paired_interval, verdict
from .pages import figure, table
from .points import OURS
from .video_quality import HIGHER_IS_BETTER

AXES = {"cbr": "CBR", "snr": "SNR, dB", "loss": "channel"}


def pivot(name: str, rows: Sequence[dict[str, Any]], metric: str, document: dict[str, Any]) -> str:
    """A row for each value of the figure's axis, a column for each curve, the best of a row in bold.

    A row's means are over the videos that all its curves have; where these are not all, it says how many.
    """
    columns = dict.fromkeys(curve_name(name, row) for row in sorted(rows, key=order_of_curves))
    body = []
    for line in dict.fromkeys(_place(name, row) for row in sorted(rows, key=_axis)):
        here = [row for row in rows if _place(name, row) == line]
        measured = {
            column: by_video([row for row in here if curve_name(name, row) == column], metric)
            for column in columns
        }
        curves = [values for values in measured.values() if values]
        common = in_all(curves) if curves else []
        means_here = [_mean(measured[column], common) for column in columns]
        few = videos_text(len(common), document) if curves else ""
        body.append([f"{line} ({few})" if few else line, *marked(means_here, metric)])
    if not any(row.get(metric) is not None for row in rows):
        return ""
    return f"{NAMES[metric]}:\n\n" + table((AXES[name], *columns), body)


def gaps(name: str, rows: Sequence[dict[str, Any]], metric: str, document: dict[str, Any]) -> str:
    """Ours less each other curve where both are measured, paired over the videos; in bold what is sure.

    A row for each value of the axis and each curve of ours.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=order_of_curves):
        curves.setdefault(curve_name(name, row), []).append(row)
    ours = {text: members for text, members in curves.items() if members[0]["method"] == OURS}
    others = {text: members for text, members in curves.items() if text not in ours}
    body = [
        [line, text, *(_gap(name, line, theirs, mine, metric, document) for theirs in others.values())]
        for line in dict.fromkeys(_place(name, row) for row in sorted(rows, key=_axis))
        for text, mine in ours.items()
    ]
    if not others or not any(row.get(metric) is not None for row in rows):
        return ""
    title = f"{NAMES[metric]} of ours less that of the others, paired over the videos; in bold what the intervals tell apart"
    return f"{title}:\n\n" + table((AXES[name], "ours", *others), body)


def _gap(
    name: str,
    line: str,
    others: Sequence[dict[str, Any]],
    ours: Sequence[dict[str, Any]],
    metric: str,
    document: dict[str, Any],
) -> str:
    a, b = (by_video([row for row in rows if _place(name, row) == line], metric) for rows in (others, ours))
    gap = paired_interval(a, b)
    if gap is None:
        return figure(None, 0)
    text = gap_text(gap, DIGITS[metric], document)
    return f"**{text}**" if verdict(metric, gap) in ("better", "worse") else text


def _mean(values: dict[str, float], videos: Sequence[str]) -> float | None:
    return float(np.mean([values[video] for video in videos])) if values and videos else None


def marked(values: Sequence[float | None], metric: str) -> Iterator[str]:
    """The values of a metric as text, the best of several in bold; a dash for None."""
    known = [value for value in values if value is not None]
    better = max if HIGHER_IS_BETTER.get(metric) else min
    best = better(known, default=None) if metric in HIGHER_IS_BETTER else None
    for value in values:
        text = figure(value, DIGITS[metric])
        yield f"**{text}**" if value is not None and value == best and len(known) > 1 else text


def curve_name(name: str, row: dict[str, Any]) -> str:
    """What the row's curve is called in a figure's table: with its CBR, but where that is the axis."""
    return label(row) if name == "cbr" else f"{label(row)}, {cbr_text(row['cbr'])}"


def _place(name: str, row: dict[str, Any]) -> str:
    if name == "cbr":
        return cbr_text(row["cbr"])
    if name == "snr":
        return f"{row['snr_db']:g}"
    lost = row["loss_rate"] or row["fading"] != "none"
    return f"{channel_text(row) if lost else 'no losses'}, {row['snr_db']:g} dB"


def order_of_curves(row: dict[str, Any]) -> tuple[Any, ...]:
    """Of curves: ours first."""
    return (
        row["method"] != OURS,
        row["stride"] or 0,
        str(row["method"]).startswith("classical"),
        str(point_of(row)),
    )


def _axis(row: dict[str, Any]) -> tuple[Any, ...]:
    """Of lines: what is harder comes later; CBR and SNR rise."""
    return *harder(row), row["cbr"], row["snr_db"]
