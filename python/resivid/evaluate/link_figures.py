# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an evaluation, each as PDF and PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .contact_sheets import draw_sheets
from .figures import new_figure, save_figure
from .link_evaluation import Folders
from .link_tables import HIGHER_IS_BETTER, NAMES, cbr_text, label, means, rows_of
from .points import BEST_LPIPS, BEST_PSNR, OURS, PAPER_X265

METHODS = (OURS, PAPER_X265, BEST_LPIPS, BEST_PSNR)  # in the order of legends
FORMATS = (".png", ".pdf")
OURS_COLOURS = ("#9ecae1", "#2171b5", "#08306b")  # by stride, light to dark
COLOURS = {PAPER_X265: "#d95f02", BEST_LPIPS: "#1b9e77", BEST_PSNR: "#7570b3"}
STAGE_KINDS = ("header", "body", "CRC", "unused")
KIND_COLOURS = ("#6baed6", "#2171b5", "#bdbdbd", "#f0f0f0")


@dataclass(frozen=True)
class Drawn:
    """A figure on disk: its name, title, and what a reader must know."""

    name: str
    title: str
    caption: str


def draw_all(document: dict[str, Any], folders: Folders) -> list[Drawn]:
    """Draw what there are rows for.

    Returns:
        The figures in the order of the report; the files are figures/NAME.png and NAME.pdf.
    """
    makers: list[Callable[[dict[str, Any]], tuple[Any, Drawn] | None]] = [
        _over_cbr,
        _over_snr,
        _over_losses,
        _over_join,
        _over_time,
        _tokens_over_time,
        _rate_split,
        _runtime,
    ]
    drawn = []
    for maker in makers:
        made = maker(document)
        if made is not None:
            figure, about = made
            _save(figure, folders.output / "figures", about.name)
            drawn.append(about)
    for name, title, figure in draw_sheets(document, folders):
        _save(figure, folders.output / "figures", name)
        drawn.append(Drawn(name, title, "One column a second; CBR and mean PSNR of the whole video."))
    return drawn


def _save(figure: Any, folder: Path, name: str) -> None:
    for suffix in FORMATS:
        save_figure(figure, folder / f"{name}{suffix}")


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


def _axes(metrics: Sequence[str]) -> tuple[Any, list[Any]]:
    columns = min(2, len(metrics))
    rows = -(-len(metrics) // columns)
    figure, axes = new_figure(5.2 * columns, 3.6 * rows, rows, columns)
    flat = list(axes.flat)
    for axis in flat[len(metrics) :]:
        axis.set_visible(False)
    return figure, flat[: len(metrics)]


def _curves(
    axes: Sequence[Any],
    metrics: Sequence[str],
    points: Sequence[dict[str, Any]],
    x: str,
    name: Callable[[dict[str, Any]], str],
) -> None:
    """One line for each name, with intervals over videos."""
    strides = sorted({point["stride"] for point in points if point["stride"]})
    curves: dict[str, list[dict[str, Any]]] = {}
    for point in sorted(points, key=lambda p: (METHODS.index(p["method"]), p["stride"] or 0, p["cbr"])):
        curves.setdefault(name(point), []).append(point)
    for axis, metric in zip(axes, metrics, strict=True):
        for number, (text, members) in enumerate(curves.items()):
            shown = sorted((p for p in members if p[metric] is not None), key=lambda p: p[x])
            if not shown:
                continue
            values = np.array([p[metric] for p in shown])
            spans = [p[f"{metric}_ci"] or [p[metric]] * 2 for p in shown]
            bars = np.abs(np.array(spans).T - values)
            axis.errorbar(
                [p[x] for p in shown],
                values,
                yerr=bars,
                label=text,
                color=_colour(members[0], strides),
                linestyle=("-", "--", ":", "-.")[_style(members[0], number)],
                marker="o" if members[0]["method"] == OURS else "s",
                markersize=4,
                linewidth=1.6,
                elinewidth=0.7,
                capsize=2,
            )
        arrow = "higher" if HIGHER_IS_BETTER[metric] else "lower"
        axis.set_ylabel(f"{NAMES[metric]} ({arrow} is better)")
    axes[0].legend(fontsize="x-small")


def _style(point: dict[str, Any], number: int) -> int:
    """Solid for ours; for classical chains dashes where there are several of a colour."""
    return 0 if point["method"] == OURS else 1 + (number % 2)


def _over_cbr(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    points = means(rows_of(document, "cbr"))
    if not points:
        return None
    metrics = _metrics(points)
    figure, axes = _axes(metrics)
    _curves(axes, metrics, points, "cbr", label)
    for axis in axes:
        axis.set_xscale("log")
        axis.set_xlabel("CBR, channel symbols per source value")
    settings = document["settings"]
    text = f"Es/N0 {settings['fixed_snr_db']:g} dB, {settings['fixed_mcs']}. {_bars_text(document)}"
    return figure, Drawn("figure3", "Figure 3: quality over CBR", text)


def _over_snr(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    points = means(rows_of(document, "snr"))
    if not points:
        return None
    metrics = _metrics(points)
    figure, axes = _axes(metrics)
    _curves(axes, metrics, points, "snr_db", lambda p: f"{p['method']}, CBR {cbr_text(p['cbr'])}")
    for axis in axes:
        axis.set_xlabel("Es/N0, dB")
        _thin_equal_colours(axis)
    text = "Modulation and code rate are adapted to the channel. " + _bars_text(document)
    return figure, Drawn("figure4", "Figure 4: quality over SNR", text)


def _thin_equal_colours(axis: Any) -> None:
    """Curves of one method at several CBR share a colour: the lower ones are thinner."""
    seen: dict[str, int] = {}
    for container in axis.containers:
        line = container.lines[0]
        number = seen[line.get_color()] = seen.get(line.get_color(), -1) + 1
        line.set_alpha(max(1 - 0.25 * number, 0.25))
        line.set_linestyle(("-", "--", "-.", ":")[min(number, 3)])


def _over_losses(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
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
            column_axes[0].get_legend().remove()
            for axis in column_axes:
                axis.set_ylabel("")
        column_axes[-1].set_xlabel("block error rate, measured")
    text = (
        "The last good picture is held where nothing can be decoded; of the decoder's own concealment and of holding the "
        "picture until the next key frame the better one counts for the classical chains. "
        + _bars_text(document)
    )
    return figure, Drawn("losses", "Losses and fading", text)


def _over_join(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    rows = [row for row in rows_of(document, "join") if "series_join" in document["series"][row["key"]]]
    if not rows:
        return None
    metrics = [
        m
        for m in ("lpips", "psnr_db")
        if any(document["series"][row["key"]]["series_join"][m] for row in rows)
    ]
    figure, axes = _axes(metrics)
    for name, members in _named(rows).items():
        series = [document["series"][row["key"]]["series_join"] for row in members]
        length = min(len(one["seconds"]) for one in series)
        seconds = np.mean([one["seconds"][:length] for one in series], axis=0)
        for axis, metric in zip(axes, metrics, strict=True):
            curve = np.mean([one[metric][:length] for one in series], axis=0)
            axis.plot(seconds, curve, label=name, **_look(members[0]))
            axis.set_ylabel(NAMES[metric])
            axis.set_xlabel("time since the receiver joined, s")
    axes[0].legend(fontsize="x-small")
    text = (
        "Means over the videos. A classical receiver waits for the next key frame; with one key frame at the start only, "
        "it waits for ever."
    )
    return figure, Drawn("join", "Late join", text)


def _named(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(f"{label(row)}, CBR {cbr_text(row['cbr'])}", []).append(row)
    return found


def _look(row: dict[str, Any]) -> dict[str, Any]:
    distances = row["key_distances"]
    dashed = distances is not None and distances != [0]
    colour = OURS_COLOURS[1] if row["method"] == OURS else COLOURS[row["method"]]
    return {"color": colour, "linestyle": "--" if dashed else "-", "linewidth": 1.5}


def _over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    rows = [row for row in rows_of(document, "sheet") if "series" in document["series"][row["key"]]]
    if not rows:
        return None
    metrics = [
        m for m in ("lpips", "psnr_db") if any(document["series"][row["key"]]["series"][m] for row in rows)
    ]
    figure, axes = _axes(metrics)
    fps = {clip["name"]: clip["num_frames"] / _duration(clip) for clip in document["clips"]}
    for name, members in _named(rows).items():
        for axis, metric in zip(axes, metrics, strict=True):
            seconds, curve = _mean_curve(
                [(document["series"][row["key"]]["series"][metric], fps[row["video"]]) for row in members]
            )
            axis.plot(seconds, curve, label=name, **_look(members[0]))
            axis.set_ylabel(NAMES[metric])
            axis.set_xlabel("time, s")
    axes[0].legend(fontsize="x-small")
    return figure, Drawn(
        "over_time", "Quality over time", "Means over the videos, a value for each fifth of a second."
    )


def _duration(clip: dict[str, Any]) -> float:
    numerator, _, denominator = clip["rate"].partition("/")
    return clip["num_frames"] * float(denominator or 1) / float(numerator)


def _mean_curve(curves: Sequence[tuple[Sequence[float], float]], step_s: float = 0.2) -> tuple[Any, Any]:
    """Means within steps of time, over videos of different rates; as long as the shortest."""
    curves = [curve for curve in curves if curve[0]]
    steps = max(1, min(int(len(values) / fps / step_s) for values, fps in curves)) if curves else 0
    means_of = [
        [
            np.mean(part)
            for part in np.array_split(np.asarray(values)[: max(1, round(steps * step_s * fps))], steps)
        ]
        for values, fps in curves
    ]
    return (np.arange(steps) + 0.5) * step_s, np.mean(means_of, axis=0) if means_of else np.zeros(0)


def _tokens_over_time(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    rows = [row for row in rows_of(document, "sheet") if "series_blocks" in document["series"][row["key"]]]
    if not rows:
        return None
    figure, axes = _axes(["prefix", "updates"])
    seconds_of = {clip["name"]: _duration(clip) / clip["num_frames"] for clip in document["clips"]}
    for row in rows:
        blocks = document["series"][row["key"]]["series_blocks"]
        for axis, name in zip(axes, ("prefix", "updates"), strict=True):
            seconds = np.arange(len(blocks[name])) * row["stride"] * seconds_of[row["video"]]
            axis.plot(seconds, blocks[name], linewidth=1, label=row["video"])
    for axis, name in zip(axes, ("prefix K, tokens", "tokens sent"), strict=True):
        axis.set_ylabel(name)
        axis.set_xlabel("time, s")
    axes[0].legend(fontsize="xx-small")
    return figure, Drawn("tokens", "Prefix and tokens over time", "Ours, one line a video.")


def _rate_split(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    rows = [row for row in document["rows"] if row["method"] == OURS and row.get("bits_capacity")]
    rows = [row for row in rows if row["loss_rate"] == 0 and not row["adapted"]]
    if not rows:
        return None
    names, shares = [], []
    for stride in sorted({row["stride"] for row in rows}):
        for cbr in sorted({row["cbr"] for row in rows if row["stride"] == stride}):
            members = [row for row in rows if row["stride"] == stride and row["cbr"] == cbr]
            total = sum(row["bits_capacity"] + row["bits_crc"] for row in members)
            parts = [
                sum(row[f"bits_{kind}"] for row in members) / total for kind in ("header", "body", "crc")
            ]
            names.append(f"S={stride}, CBR {cbr_text(cbr)}")
            shares.append([*parts, 1 - sum(parts)])
    figure, axes = new_figure(7.5, 0.8 + 0.28 * len(names))
    axis = axes[0, 0]
    left = np.zeros(len(names))
    for kind, colour, share in zip(STAGE_KINDS, KIND_COLOURS, np.array(shares).T, strict=True):
        axis.barh(names, share, left=left, label=kind, color=colour, edgecolor="white")
        left += share
    axis.set_xlabel("share of the bits that the blocks carry")
    axis.invert_yaxis()
    axis.legend(fontsize="x-small", ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return figure, Drawn("rate_split", "Rate split", "Bits of all blocks of ours: header, body, CRC, unused.")


def _runtime(document: dict[str, Any]) -> tuple[Any, Drawn] | None:
    rows = [row for row in document["rows"] if row.get("stage_ms_per_frame")]
    if not rows:
        return None
    strides = sorted({row["stride"] for row in rows})
    stages = list(dict.fromkeys(name for row in rows for name in row["stage_ms_per_frame"]))
    figure, axes = new_figure(7.5, 1.2 + 0.4 * len(strides))
    axis, left = axes[0, 0], np.zeros(len(strides))
    names = []
    for stride in strides:
        members = [row for row in rows if row["stride"] == stride]
        total = np.mean([sum(row["stage_ms_per_frame"].values()) for row in members])
        names.append(f"S={stride}: {1e3 / total:.0f} frame/s")
    for stage in stages:
        times = [
            float(np.mean([r["stage_ms_per_frame"].get(stage, 0) for r in rows if r["stride"] == stride]))
            for stride in strides
        ]
        axis.barh(names, times, left=left, label=stage)
        left += times
    axis.set_xlabel("ms a frame of the video, both ends, one thread")
    axis.legend(fontsize="xx-small", ncols=2)
    text = (
        f"{document['machine']}; by the clock while the evaluation's other jobs ran, so no faster than "
        "`resivid bench pipeline` on an idle machine."
    )
    return figure, Drawn("runtime", "Run time by stage (section IV-E)", text)


def _bars_text(document: dict[str, Any]) -> str:
    videos = len(document["clips"])
    return f"Means over {videos} videos; bars: 95 % by bootstrap over videos." if videos > 1 else "One video."
