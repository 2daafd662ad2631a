# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of an evaluation in a page of the documentation: a section for each, renewed where the page has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import FormatError
from .common_times import means_at, rows_with
from .link_pivots import curve_name, gaps, marked, order_of_curves, pivot
from .link_summary import table1_text
from .link_tables import DIGITS, NAMES, cbr_text, cell, label, means, rows_of, stage_means, videos_text
from .link_verdicts import claim, gap_text
from .pages import check_page, figure, renew_section, table

# Figure to its metrics, a table each.
TABLES = {
    "cbr": ("lpips", "psnr_db", "vmaf"),
    "snr": ("lpips", "psnr_db"),
    "loss": ("lpips", "psnr_db", "bler"),
}
GAPS = {"cbr": "lpips", "loss": "lpips"}  # figure to the metric of a table of differences
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
        parts = [text for metric in metrics if (text := pivot(name, rows, metric, document))]
        if name in GAPS and (text := gaps(name, rows, GAPS[name], document)):
            parts.append(text)
        if parts:
            found[name] = "\n" + "\n".join(parts) + "\n"
    if document["figures"].get("snr") and (lines := claim(document)):
        found["claim"] = "\n" + _claim(lines, document) + "\n"
    if sheet := means(rows_of(document, "sheet")):
        found["sheet"] = "\n" + _sheet(sheet, document) + "\n"
    if join := _join(document):
        found["join"] = "\n" + join + "\n"
    if document["figures"].get("cbr") and (stages := stage_means(document)):
        found["runtime"] = "\n" + _runtime(stages) + "\n"
    if document.get("table1"):
        found["table1"] = "\n" + table1_text(document["table1"]) + "\n"
    return found


def _join(document: dict[str, Any]) -> str:
    """LPIPS by the time since the receiver joined: a column for each curve, the best of a row in bold."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows_with(document, "join", "series_join"), key=order_of_curves):
        curves.setdefault(curve_name("join", row), []).append(row)
    found, count = means_at(document, curves, "series_join", "lpips", JOIN_S)
    body = [
        [f"{second:g}", *marked(values, "lpips")]
        for second, *values in zip(JOIN_S, *found.values(), strict=True)
        if None not in values
    ]
    if not found or not body:
        return ""
    few = videos_text(count, document)
    title = f"{NAMES['lpips']} ({few}):" if few else f"{NAMES['lpips']}:"
    return f"{title}\n\n" + table(("s since the join", *found), body)


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
        for point in sorted(points, key=order_of_curves)
    ]
    return table(("method", "CBR", *(NAMES[metric] for metric in shown), "delay, s"), rows)


def _runtime(stages: dict[int, dict[str, float]]) -> str:
    """Milliseconds a frame of the video by stage, and the frames that one thread would do in a second."""
    rows = [
        (str(stride), *(figure(value, 2) for value in found.values()), figure(1e3 / sum(found.values()), 1))
        for stride, found in stages.items()
    ]
    return table(("S", *(f"{name}, ms" for name in next(iter(stages.values()))), "frame/s"), rows)
