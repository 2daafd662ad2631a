# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality over CBR, SNR and block error rate: figures 3 and 4 of the paper, and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .figures import new_figure
from .link_style import COLOURS, METHODS, OURS_COLOURS, Drawn, bars_text, legend_below, metric_axes
from .link_tables import NAMES, cbr_text, label, means, rows_of
from .points import OURS
from .video_quality import HIGHER_IS_BETTER

ASIDE = 0.006  # of the axis, from one curve to the next


def _colour(point: dict[str, Any], strides: Sequence[int]) -> str:
    if point["method"] != OURS:
        return COLOURS[point["method"]]
    return OURS_COLOURS[min(strides.index(point["stride"]), 2)] if len(strides) > 1 else OURS_COLOURS[1]


def _metrics(points: Sequence[dict[str, Any]]) -> list[str]:
    """Four metrics to draw: CLIP in place of flow-warp error where there is one."""
    last = "clip" if any(point["clip"] is not None for point in points) else "warp_error"
    return [
        name for name in ("lpips", "psnr_db", "ms_ssim", last) if any(p[name] is not None for p in points)
    ]


def _curves(
    axes: Sequence[Any],
    metrics: Sequence[str],
    points: Sequence[dict[str, Any]],
    x: str,
    name: Callable[[dict[str, Any]], str],
    log: bool = False,
) -> None:
    """One line for each name, with intervals over videos; each a little beside the others, so that these can be told apart.

    Args:
        x: column of the axis.
        log: the axis is logarithmic.
    """
    strides = sorted({point["stride"] for point in points if point["stride"]})
    curves: dict[str, list[dict[str, Any]]] = {}
    for point in sorted(points, key=lambda p: (METHODS.index(p["method"]), p["stride"] or 0, p["cbr"])):
        curves.setdefault(name(point), []).append(point)
    looks = _looks(
        {text: (members[0]["method"], _colour(members[0], strides)) for text, members in curves.items()}
    )
    low, high = min(p[x] for p in points), max(p[x] for p in points)
    for axis, metric in zip(axes, metrics, strict=True):
        for number, (text, members) in enumerate(curves.items()):
            aside = ASIDE * (number - (len(curves) - 1) / 2)
            shown = sorted((p for p in members if p[metric] is not None), key=lambda p: p[x])
            if not shown:
                continue
            values = np.array([p[metric] for p in shown])
            spans = [p[f"{metric}_ci"] or [p[metric]] * 2 for p in shown]
            bars = np.abs(np.array(spans).T - values)
            axis.errorbar(
                [p[x] * (high / low) ** aside if log else p[x] + (high - low) * aside for p in shown],
                values,
                yerr=bars,
                label=text,
                markersize=4,
                linewidth=1.6,
                elinewidth=0.6,
                capsize=1.5,
                **looks[text],
            )
        arrow = "higher" if HIGHER_IS_BETTER[metric] else "lower"
        axis.set_ylabel(f"{NAMES[metric]} ({arrow} is better)")
    legend_below(axes[0])


def _bars(document: dict[str, Any], name: str) -> str:
    return f"{bars_text(document, name)} Curves are drawn a little beside each other."


def _looks(curves: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Name to what its line looks like; of several lines of one colour the later ones are dashed and fainter.

    Args:
        curves: name to method and colour.
    """
    seen: dict[str, int] = {}
    looks = {}
    for name, (method, colour) in curves.items():
        number = seen[colour] = seen.get(colour, -1) + 1
        looks[name] = {
            "color": colour,
            "alpha": max(1 - 0.2 * number, 0.4),
            "linestyle": ("-", "--", "-.", ":")[min(number, 3)],
            "marker": "o" if method == OURS else "s",
        }
    return looks


def over_cbr(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Figure 3."""
    points = means(rows_of(document, "cbr"))
    if not points:
        return None
    metrics = _metrics(points)
    figure, axes = metric_axes(metrics)
    _curves(axes, metrics, points, "cbr", label, log=True)
    for axis in axes:
        axis.set_xscale("log")
        shown = sorted({point["cbr"] for point in points})
        axis.set_xticks(shown, [cbr_text(cbr) for cbr in shown], fontsize="small")
        axis.minorticks_off()
        axis.set_xlabel("CBR, channel symbols per source value")
    settings = document["settings"]
    text = f"Es/N0 {settings['fixed_snr_db']:g} dB, {settings['fixed_mcs']}. {_bars(document, 'cbr')}"
    return figure, Drawn("figure3", "Figure 3: quality over CBR", text)


def over_snr(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Figure 4."""
    points = means(rows_of(document, "snr"))
    if not points:
        return None
    metrics = _metrics(points)
    figure, axes = metric_axes(metrics)
    _curves(axes, metrics, points, "snr_db", lambda p: f"{p['method']}, CBR {cbr_text(p['cbr'])}")
    for axis in axes:
        axis.set_xlabel("Es/N0, dB")
    text = "Modulation and code rate are adapted to the channel. " + _bars(document, "snr")
    return figure, Drawn("figure4", "Figure 4: quality over SNR", text)


def over_losses(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    """Quality over block error rate."""
    points = means(rows_of(document, "loss"))
    if not any(point["loss_rate"] or point["fading"] != "none" for point in points):
        return None
    clean = [p for p in points if not p["loss_rate"] and p["fading"] == "none"]
    panels = [("independent losses", [p for p in points if p["loss_rate"] and not p["burst_length"]])]
    panels.append(("losses in bursts", [p for p in points if p["loss_rate"] and p["burst_length"]]))
    panels.append(("Rayleigh fading", [p for p in points if p["fading"] != "none"]))
    panels = [(name, shown) for name, shown in panels if shown]
    metrics = [m for m in ("lpips", "psnr_db") if any(p[m] is not None for p in points)]
    figure, axes = new_figure(4.6 * len(panels), 3.4 * len(metrics), len(metrics), len(panels), sharey="row")
    for column, (name, shown) in enumerate(panels):
        column_axes = [axes[row, column] for row in range(len(metrics))]
        drawn = shown if name.startswith("Rayleigh") else clean + shown
        _curves(column_axes, metrics, drawn, "bler", lambda p: f"{label(p)}, CBR {cbr_text(p['cbr'])}")
        column_axes[0].set_title(name, fontsize="medium")
        if column:
            for axis in column_axes:
                axis.set_ylabel("")
        for axis in column_axes:
            axis.locator_params(axis="x", nbins=5)
        column_axes[-1].set_xlabel("block error rate, measured")
    text = (
        "The last good picture is held where nothing can be decoded; of the decoder's own concealment and of holding the "
        "picture until the next key frame the better one counts for the classical chains. Ours hears over a return channel what "
        "arrived, where it is not said otherwise; classical chains have none. " + _bars(document, "loss")
    )
    return figure, Drawn("losses", "Losses and fading", text)
