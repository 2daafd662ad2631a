# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation in Markdown tables, as the command prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .link_tables import DIGITS, NAMES, SHOWN, TITLES, cbr_text, cell, points_of
from .link_verdicts import claim, gap_text
from .pages import figure, table


def summary_text(document: dict[str, Any]) -> str:
    """Markdown tables of figures 3 and 4, losses, the claim and Table I, as far as they were run."""
    parts = []
    for name, title in TITLES.items():
        if points := points_of(document, name):
            parts.append(f"{title}\n\n{_means_table(points)}")
    lines = claim(document) if document["figures"].get("snr") else []
    if lines:
        parts.append("The claim, by SNR\n\n" + _claim_table(lines, document))
    if document.get("table1"):
        parts.append("Table I\n\n" + table1_text(document["table1"]))
    if document["missing"]:
        parts.append("Not computed\n\n" + "\n".join(f"- {line}" for line in document["missing"]) + "\n")
    return "\n".join(parts)


def _means_table(points: Sequence[dict[str, Any]]) -> str:
    shown = [metric for metric in SHOWN if any(point[metric] is not None for point in points)]
    head = ("method", "CBR", "SNR, dB", "loss", *(NAMES[m] for m in shown), "BLER", "delay, s", "videos")
    rows = [
        (
            point["label"],
            cbr_text(point["cbr"]),
            f"{point['snr_db']:g}",
            point["channel"],
            *(cell(point, m) for m in shown),
            figure(point["bler"], DIGITS["bler"]),
            figure(point["delay_s"], 2),
            str(point["videos"]),
        )
        for point in points
    ]
    return table(head, rows)


def _claim_table(lines: Sequence[dict[str, Any]], document: dict[str, Any]) -> str:
    rows = [
        (
            f"{line['snr_db']:g}",
            NAMES[line["metric"]],
            f"{line['ours']:.3f} at {cbr_text(line['ours_cbr'])}",
            f"{line['other']}, {line['other_value']:.3f} at {cbr_text(line['other_cbr'])}",
            gap_text(line["gap"], 3, document),
            line["verdict"] or "–",
        )
        for line in lines
    ]
    return table(("SNR, dB", "metric", "ours", "against", "difference", "ours is"), rows)


def table1_text(rows: Sequence[dict[str, Any]]) -> str:
    """Table I beside what was measured."""
    lines = [
        (
            row["mcs"],
            f"{row['code_rate']:.3f}",
            f"{row['paper_snr_db']:g}",
            f"{row['bler']:.4f} of {row['blocks']} blocks",
            figure(row["threshold_db"], 2),
        )
        for row in rows
    ]
    return table(("MCS", "code rate", "SNR of Table I, dB", "BLER there", "SNR for BLER 0.002, dB"), lines)
