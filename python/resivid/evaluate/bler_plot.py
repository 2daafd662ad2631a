# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of block error rates and of what tables carry, with Matplotlib: PNG, SVG or PDF by the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .figures import new_figure, save_figure
from .normal_approximation import normal_approximation

LEAST_BLER = 3e-5  # of the plot
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"]


def plot_bler(path: Path, rows: Sequence[dict[str, Any]], target: float) -> None:
    """BLER over Es/N0, one curve a row and block size with its confidence intervals; the bound beside it, dashed.

    Args:
        path: file to write.
        rows: as `bler.as_rows` gives them.
        target: block error rate that a line marks.
    """
    figure, ((axes,),) = new_figure(8, 4.5)
    curves: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        curves.setdefault((row["mcs"], row["info_bits"]), []).append(row)
    for number, ((mcs, info_bits), points) in enumerate(
        sorted(curves.items(), key=lambda c: c[1][0]["snr_db"])
    ):
        colour = _COLOURS[number % len(_COLOURS)]
        _plot_points(axes, sorted(points, key=lambda p: p["snr_db"]), colour, f"{mcs}, k = {info_bits:,}")
        _plot_bound(axes, points, colour)
    axes.axhline(target, color="#888888", linewidth=0.8, linestyle=":")
    axes.plot([], [], color="#888888", linestyle="--", label="normal approximation")
    axes.set(yscale="log", ylim=(LEAST_BLER, 1), xlabel="Es/N0 (dB)", ylabel="block error rate")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    save_figure(figure, path)


def plot_tables(path: Path, rows: Sequence[dict[str, Any]], names: Sequence[str], symbols: int) -> None:
    """Source bits of a key frame over Es/N0, a step line a table; dotted where the row misses the target.

    Args:
        path: file to write.
        rows: as `link_gain.compare_tables` gives them.
        names: the tables to show.
        symbols: k_t.
    """
    figure, ((axes,),) = new_figure(8, 4.5)
    snrs = [row["snr_db"] for row in rows]
    for name, colour in zip(names, _COLOURS, strict=False):
        bits = np.array([row[name]["bits"] for row in rows], float)
        misses = np.array([row[name]["meets"] is False for row in rows])
        axes.step(snrs, np.where(misses, np.nan, bits), where="post", color=colour, label=name)
        if misses.any():
            axes.step(
                snrs,
                np.where(misses, bits, np.nan),
                where="post",
                color=colour,
                linestyle=":",
                label=f"{name}, misses the target",
            )
    axes.set(xlabel="Es/N0 (dB)", ylabel=f"source bits a key frame of {symbols} symbols")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    save_figure(figure, path)


def _plot_points(axes: Any, points: list[dict[str, Any]], colour: str, label: str) -> None:
    snr_db = [p["snr_db"] for p in points]
    bler = np.array([p["bler"] or np.nan for p in points])
    low = np.array([max(p["ci_low"], LEAST_BLER / 10) for p in points])
    high = np.array([p["ci_high"] for p in points])
    axes.plot(snr_db, bler, color=colour, marker="o", markersize=3.5, linewidth=1.2, label=label)
    axes.vlines(snr_db, low, high, color=colour, linewidth=1)
    none = [p for p in points if not p["errors"]]  # no error seen: the upper end of the interval
    axes.plot([p["snr_db"] for p in none], [p["ci_high"] for p in none], "v", color=colour, markersize=4)


def _plot_bound(axes: Any, points: list[dict[str, Any]], colour: str) -> None:
    p = points[0]
    low = min(q["snr_db"] for q in points)
    high = max(q["snr_db"] for q in points)
    grid = np.arange(low - 1.5, high + 0.5, 0.05)
    bound = [normal_approximation(p["bits_per_symbol"], p["info_bits"], p["symbols"], s) for s in grid]
    axes.plot(grid, bound, color=colour, linestyle="--", linewidth=0.8)
