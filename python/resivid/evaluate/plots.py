# SPDX-License-Identifier: GPL-3.0-or-later
"""Small SVG plots for the report: plain text, colours from the page's style sheet, so they follow dark mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 480, 220  # units of the drawing; the page scales it to its column
TOP, BOTTOM, RIGHT = 12, 40, 12
CHARACTER = 7.2  # width of one character of a tick label


@dataclass(frozen=True)
class Series:
    """One line of a plot.

    Attributes:
        label: for the legend.
        values: one for each step of the x axis; a value that is not finite leaves a gap.
        colour: class of the style sheet: "a", "b" or "bad".
        dots: draw points instead of a line.
        step: hold each value until the next one.
    """

    label: str
    values: Sequence[float]
    colour: str = "a"
    dots: bool = False
    step: bool = False


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that cover low..high: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def line_plot(series: Sequence[Series], x_label: str, y_label: str, y_names: Sequence[str] = ()) -> str:
    """Lines over 0, 1, 2, ...

    Args:
        series: at least one; all share the x axis.
        x_label, y_label: what the axes show, with units.
        y_names: names for the values 0, 1, 2, ... of the y axis instead of numbers.
    Returns:
        An `<svg>` element, all text escaped.
    """
    finite = [v for s in series for v in s.values if math.isfinite(v)]
    if y_names:
        y_ticks = [float(i) for i in range(len(y_names))]
        low, high = -0.3, len(y_names) - 0.7
    else:
        y_ticks = ticks(min(finite, default=0.0), max(finite, default=1.0))
        low, high = y_ticks[0], y_ticks[-1]
    labels = [y_names[int(v)] if y_names else f"{v:g}" for v in y_ticks]
    left = 24 + CHARACTER * max(map(len, labels))
    length = max(len(s.values) for s in series)
    x_scale = (WIDTH - left - RIGHT) / max(length - 1, 1)
    y_scale = (HEIGHT - TOP - BOTTOM) / (high - low)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x * x_scale, HEIGHT - BOTTOM - (y - low) * y_scale

    parts = [_y_axis(labels, [place(0, v)[1] for v in y_ticks], left, y_label)]
    x_ticks = [x for x in ticks(0, max(length - 1, 1), 6) if x <= length - 1 and x == int(x)]
    parts.append(_x_axis([(f"{x:g}", place(x, low)[0]) for x in x_ticks], left, x_label))
    parts += [_dots(s, place) if s.dots else _line(s, place) for s in series]
    name = escape(f"{y_label} over {x_label}", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(parts)}</svg>'


def stacked_bar(shares: Sequence[tuple[str, float, str]]) -> str:
    """One horizontal bar cut into its parts: (label, size, colour class) from left to right."""
    total = sum(size for _, size, _ in shares) or 1.0
    x, parts = 0.0, []
    for label, size, colour in shares:
        width = WIDTH * size / total
        title = escape(f"{label}: {size:g} ({size / total:.1%})")
        parts.append(
            f'<rect class="fill {colour}" x="{x:.1f}" y="0" width="{width:.1f}" height="36"><title>{title}</title></rect>'
        )
        x += width
    return f'<svg viewBox="0 0 {WIDTH} 36" role="img" aria-label="share of the bits">{"".join(parts)}</svg>'


def _y_axis(labels: Sequence[str], heights: Sequence[float], left: float, title: str) -> str:
    rows = [
        f'<line class="grid" x1="{left:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        for label, y in zip(labels, heights, strict=True)
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    rows.append(
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(title)}</text>'
    )
    return "".join(rows)


def _x_axis(labels: Sequence[tuple[str, float]], left: float, title: str) -> str:
    row = "".join(
        f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>'
        for label, x in labels
    )
    middle = (left + WIDTH - RIGHT) / 2
    return f'{row}<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(title)}</text>'


def _line(series: Series, place) -> str:
    pieces: list[str] = []
    pen_down = False
    for i, value in enumerate(series.values):
        if not math.isfinite(value):
            pen_down = False
            continue
        x, y = place(i, value)
        across = f"H{x:.1f}V{y:.1f}" if series.step else f"L{x:.1f} {y:.1f}"
        pieces.append(across if pen_down else f"M{x:.1f} {y:.1f}")
        pen_down = True
    if len(series.values) == 1:
        return _dots(series, place)  # a line of one point would not show
    return f'<path class="line {series.colour}" d="{"".join(pieces)}"/>'


def _dots(series: Series, place) -> str:
    points = [place(i, v) for i, v in enumerate(series.values) if math.isfinite(v)]
    return "".join(
        f'<circle class="fill {series.colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points
    )
