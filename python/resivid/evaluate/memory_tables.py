# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of `memory_quality` as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .pages import figure, table

SHOWN = (0, 1, 2, 4, 8, 12)  # key frames since the event


def text(document: dict[str, Any]) -> str:
    """Four tables: losses, still scene, burst, late receiver."""
    losses = [
        (
            _name(row),
            f"{row['loss']:.0%}",
            f"{row['blocks_lost']} of {row['blocks']}",
            figure(row["psnr_db"], 2, row["psnr_db_ci"]),
            figure(row["lpips"], 3, row["lpips_ci"]),
        )
        for row in document["rows"]
    ]
    still = [
        (
            row["memory"],
            figure(row["first_psnr_db"], 2),
            figure(row["last_psnr_db"], 2),
            figure(row["first_lpips"], 3),
            figure(row["last_lpips"], 3),
        )
        for row in document["still"]
    ]
    seconds = f"after {document['still_seconds']:g} s"
    parts = [
        table(("memory", "lost", "blocks lost", "PSNR, dB", "LPIPS-Alex"), losses),
        f"A still scene, its first picture and that {seconds}:\n",
        table(("memory", "first, dB", f"{seconds}, dB", "first LPIPS", f"{seconds} LPIPS"), still),
        f"Key frames since the last of {document['burst_blocks']} lost blocks, and in brackets without the loss:\n",
        _curves(document["burst"]),
        "Key frames since a receiver joined, and in brackets one that was there from the start:\n",
        _curves(document["late_receiver"]),
    ]
    return "\n".join(parts)


def _curves(curves: Sequence[dict[str, Any]]) -> str:
    rows = [
        (_name(curve), unit, *(_point(curve, metric, digits, key) for key in SHOWN))
        for metric, unit, digits in (("psnr_db", "PSNR, dB", 2), ("lpips", "LPIPS-Alex", 3))
        for curve in curves
    ]
    return table(("memory", "", *map(str, SHOWN)), rows)


def _point(curve: dict[str, Any], metric: str, digits: int, key: int) -> str:
    if curve[metric] is None:
        return "–"
    return f"{curve[metric][key]:.{digits}f} ({curve['undisturbed_' + metric][key]:.{digits}f})"


def _name(row: dict[str, Any]) -> str:
    delay = row["feedback_delay"]
    return row["memory"] if delay is None else f"{row['memory']}, d={delay}"
