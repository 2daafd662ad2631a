# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of an evaluation in a page of the documentation: a section for each, renewed where the page has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from .common_times import means_at, rows_with
from .link_tables import (
    DIGITS,
    NAMES,
    by_video,
    cbr_text,
    cell,
    channel_text,
    claim,
    gap_text,
    in_all,
    label,
    means,
    point_of,
    rows_of,
    stage_means,
    table1_text,
    videos_text,
)
from .pages import check_page, figure, renew_section, table
from .points import OURS
from .video_quality import HIGHER_IS_BETTER

# Figure to its metrics, a table each.
TABLES = {
    "cbr": ("lpips", "psnr_db", "vmaf"),
    "snr": ("lpips", "psnr_db"),
    "loss": ("lpips", "psnr_db", "bler"),
}
VERDICTS = {"": "–", "open": "not to be told apart"}  # what is sure stands out
SECTIONS = (*TABLES, "claim", "sheet", "join", "runtime", "table1")
JOIN_S = (0, 0.25, 0.5, 1, 2, 3, 4)  # since a receiver has joined
SHEET = ("psnr_db", "ms_ssim", "lpips", "vmaf", "warp_error")


def check_link_page(path: Path) -> None:
    """Refuse a page without any section "<!-- evaluate NAME -->" before the long run.

    Raises:
        ResividError: it cannot be read.
        FormatError: it has none.
    """
    for name in SECTIONS:
        try:
            return check_page(path, f"evaluate {name}")
        except FormatError:
            continue
    raise FormatError(
        f"{path}: has none of the sections {', '.join(f'<!-- evaluate {n} -->' for n in SECTIONS)}"
    )


def renew_link_page(path: Path, document: dict[str, Any]) -> None:
    """Put the tables into the sections that the page has; those of figures that were not run stay as they are.

    Raises:
        ResividError: the page cannot be read or written.
    """
    for name, text in page_tables(document).items():
        try:
            renew_section(path, f"evaluate {name}", text)
        except FormatError:  # the page shows others
            continue


def page_tables(document: dict[str, Any]) -> dict[str, str]:
    """Section to Markdown."""
    found = {}
    for name, metrics in TABLES.items():
        rows = rows_of(document, name)
        parts = [text for metric in metrics if (text := _pivot(name, rows, metric, document))]
        if parts:
            found[name] = "\n" + "\n".join(parts) + "\n"
    if document["figures"].get("snr") and (lines := claim(document)):
        found["claim"] = "\n" + _claim(lines, document) + "\n"
    if sheet := means(rows_of(document, "sheet")):
        found["sheet"] = "\n" + _sheet(sheet, document) + "\n"
    if join := _join(document):
        found["join"] = "\n" + join + "\n"
    if stages := stage_means(document):
        found["runtime"] = "\n" + _runtime(stages) + "\n"
    if document.get("table1"):
        found["table1"] = "\n" + table1_text(document["table1"]) + "\n"
    return found


def _pivot(name: str, rows: Sequence[dict[str, Any]], metric: str, document: dict[str, Any]) -> str:
    """A row for each value of the figure's axis, a column for each curve, the best of a row in bold.

    A row's means are over the videos that all its curves have; where these are not all, it says how many.
    """
    columns = dict.fromkeys(_curve(name, row) for row in sorted(rows, key=_order))
    body = []
    for line in dict.fromkeys(_place(name, row) for row in sorted(rows, key=_axis)):
        here = [row for row in rows if _place(name, row) == line]
        measured = {
            column: by_video([row for row in here if _curve(name, row) == column], metric)
            for column in columns
        }
        curves = [values for values in measured.values() if values]
        common = in_all(curves) if curves else []
        means_here = [_mean(measured[column], common) for column in columns]
        few = videos_text(len(common), document) if curves else ""
        body.append([f"{line} ({few})" if few else line, *_marked(means_here, metric)])
    if not any(row.get(metric) is not None for row in rows):
        return ""
    axis = {"cbr": "CBR", "snr": "SNR, dB", "loss": "channel"}[name]
    return f"{NAMES[metric]}:\n\n" + table((axis, *columns), body)


def _join(document: dict[str, Any]) -> str:
    """LPIPS by the time since the receiver joined: a column for each curve, the best of a row in bold."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows_with(document, "join", "series_join"), key=_order):
        curves.setdefault(_curve("join", row), []).append(row)
    found, count = means_at(document, curves, "series_join", "lpips", JOIN_S)
    body = [
        [f"{second:g}", *_marked(values, "lpips")]
        for second, *values in zip(JOIN_S, *found.values(), strict=True)
        if None not in values
    ]
    if not found or not body:
        return ""
    few = videos_text(count, document)
    title = f"{NAMES['lpips']} ({few}):" if few else f"{NAMES['lpips']}:"
    return f"{title}\n\n" + table(("s since the join", *found), body)


def _mean(values: dict[str, float], videos: Sequence[str]) -> float | None:
    return float(np.mean([values[video] for video in videos])) if values and videos else None


def _marked(values: Sequence[float | None], metric: str) -> Iterator[str]:
    known = [value for value in values if value is not None]
    better = max if HIGHER_IS_BETTER.get(metric) else min
    best = better(known, default=None) if metric in HIGHER_IS_BETTER else None
    for value in values:
        text = figure(value, DIGITS[metric])
        yield f"**{text}**" if value is not None and value == best and len(known) > 1 else text


def _curve(name: str, row: dict[str, Any]) -> str:
    return label(row) if name == "cbr" else f"{label(row)}, {cbr_text(row['cbr'])}"


def _place(name: str, row: dict[str, Any]) -> str:
    if name == "cbr":
        return cbr_text(row["cbr"])
    if name == "snr":
        return f"{row['snr_db']:g}"
    lost = row["loss_rate"] or row["fading"] != "none"
    return f"{channel_text(row) if lost else 'no losses'}, {row['snr_db']:g} dB"


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    """Of curves: ours first."""
    return (
        row["method"] != OURS,
        row["stride"] or 0,
        str(row["method"]).startswith("classical"),
        str(point_of(row)),
    )


def _axis(row: dict[str, Any]) -> tuple[Any, ...]:
    """Of lines: what is harder comes later; CBR and SNR rise."""
    return row["fading"] != "none", row["burst_length"], row["loss_rate"], row["cbr"], row["snr_db"]


def _claim(lines: Sequence[dict[str, Any]], document: dict[str, Any]) -> str:
    """Ours at its lower CBR against each other chain, by LPIPS and CLIP score."""
    rows = [
        (
            f"{line['snr_db']:g}",
            f"{line['other']}, {cbr_text(line['other_cbr'])}",
            NAMES[line["metric"]],
            figure(line["ours"], DIGITS[line["metric"]]),
            figure(line["other_value"], DIGITS[line["metric"]]),
            gap_text(line["gap"], DIGITS[line["metric"]], document),
            VERDICTS.get(line["verdict"], f"**{line['verdict']}**"),
        )
        for line in lines
        if line["metric"] != "psnr_db"
    ]
    ours = f"ours, {cbr_text(lines[0]['ours_cbr'])}"
    return table(("SNR, dB", "against", "metric", ours, "that", "difference", "ours is"), rows)


def _sheet(points: Sequence[dict[str, Any]], document: dict[str, Any]) -> str:
    shown = [metric for metric in SHEET if any(point[metric] is not None for point in points)]
    rows = [
        (
            ", ".join(filter(None, (label(point), videos_text(point["videos"], document)))),
            cbr_text(point["cbr"]),
            *(cell(point, metric) for metric in shown),
            figure(point["delay_s"], 2),
        )
        for point in sorted(points, key=_order)
    ]
    return table(("method", "CBR", *(NAMES[metric] for metric in shown), "delay, s"), rows)


def _runtime(stages: dict[int, dict[str, float]]) -> str:
    """Milliseconds a frame of the video by stage, and the frames that one thread would do in a second."""
    rows = [
        (str(stride), *(figure(value, 2) for value in found.values()), figure(1e3 / sum(found.values()), 1))
        for stride, found in stages.items()
    ]
    return table(("S", *(f"{name}, ms" for name in next(iter(stages.values()))), "frame/s"), rows)
