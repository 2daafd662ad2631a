# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of an evaluation to means over videos, winners, and the paper's claim: holds or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .clip_means import bootstrap_interval, mean_and_interval
from .pages import figure, table
from .points import BEST_LPIPS, OURS, PAPER_X265
from .video_quality import HIGHER_IS_BETTER, METRICS

# What makes rows of different videos one point.
POINT_COLUMNS = ("method", "stride", "cbr", "snr_db", "adapted", "loss_rate", "burst_length", "fading") + (
    "key_distances",
    "memory",
    "measures",
)
TITLES = {
    "sheet": "Figure 5",
    "cbr": "Figure 3",
    "snr": "Figure 4",
    "loss": "Losses and fading",
}  # of tables of means
FEWEST_VIDEOS = 6  # for a verdict: differences of one sign in five come about by chance in 6 cases of 100
SHOWN = ("psnr_db", "ms_ssim", "lpips", "warp_error", "clip", "vmaf")
DIGITS = {"psnr_db": 2, "ssim": 3, "ms_ssim": 3, "lpips": 3, "warp_error": 5, "clip": 3, "vmaf": 1, "bler": 4}
NAMES = {
    "psnr_db": "PSNR, dB",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "lpips": "LPIPS-Alex",
    "warp_error": "flow-warp error",
    "clip": "CLIP score",
    "vmaf": "VMAF",
    "bler": "BLER",
}


def cbr_text(cbr: float) -> str:
    """Such as "4e-4"."""
    mantissa, _, exponent = f"{cbr:.2e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def rows_of(document: dict[str, Any], figure_name: str) -> list[dict[str, Any]]:
    """The rows that a figure shows."""
    keys = set(document["figures"].get(figure_name, ()))
    return [row for row in document["rows"] if row["key"] in keys]


def point_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What the row's point is, whatever the video and the channel drawn."""
    return tuple(tuple(v) if isinstance(v := row.get(name), list) else v for name in POINT_COLUMNS)


def by_video(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, float]:
    """Video to the mean over its rows; a video without the metric is left out."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row.get(metric) is not None:
            values.setdefault(row["video"], []).append(row[metric])
    return {video: float(np.mean(found)) for video, found in values.items()}


def in_all(curves: Iterable[Mapping[str, object]]) -> list[str]:
    """The videos that every curve (of `by_video`) has: only over these can their means be compared."""
    first, *others = curves
    return [video for video in first if all(video in other for other in others)]


def videos_text(count: int, document: dict[str, Any]) -> str:
    """Such as "5 of 6 videos"; "" where it is all of them."""
    total = len(document["clips"])
    return f"{count} of {total} videos" if count < total else ""


def means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each point: its columns, each metric and its interval over videos, BLER, number of videos.

    A metric that not all of these videos have says under its name with `_videos` how many have it.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(point_of(row), []).append(row)
    out = []
    for members in groups.values():
        mean: dict[str, Any] = {name: members[0].get(name) for name in POINT_COLUMNS}
        for metric in (*METRICS, "bler", "delay_s", "cbr_sent"):
            values = list(by_video(members, metric).values())
            mean |= mean_and_interval(metric, values) | {f"{metric}_videos": len(values)}
        videos = {row["video"] for row in members}
        settings = {row.get("setting", "") for row in members}
        out.append(mean | {"videos": len(videos), "settings": sorted(settings)})
    return out


def points_of(document: dict[str, Any], figure_name: str) -> list[dict[str, Any]]:
    """The figure's `means` in the order of its table, each with its `label` and its `channel`."""
    points = means(rows_of(document, figure_name))
    shown = [point | {"label": label(point), "channel": channel_text(point)} for point in points]
    return sorted(shown, key=lambda point: (point["snr_db"], point["cbr"], *harder(point), point["label"]))


def cell(point: dict[str, Any], metric: str) -> str:
    """Mean and interval of a row of `means`; with the number of videos where it is less than the row's."""
    text = figure(point[metric], DIGITS[metric], point[f"{metric}_ci"])
    count = point[f"{metric}_videos"]
    return f"{text}, {count} of {point['videos']} videos" if 0 < count < point["videos"] else text


def label(point: dict[str, Any]) -> str:
    """A curve's name."""
    if point["method"] == OURS:
        one_way = point.get("memory") in ("gop", "refresh")
        return f"ours, S={point['stride']}" + (", no return channel" if one_way else "")
    distances = point["key_distances"]
    return point["method"] + (f", key frame each {distances[0]}" if distances and distances != [0] else "")


def paired_interval(a: dict[str, float], b: dict[str, float], seed: int = 0) -> dict[str, Any] | None:
    """Mean of b - a over the videos of both, with its interval by the paired bootstrap.

    Returns:
        `difference`, `ci` ([low, high] at 95 %; None for one video), `videos`; None without a common video.
    """
    common = in_all((a, b))
    if not common:
        return None
    differences = [b[video] - a[video] for video in common]
    return {
        "difference": float(np.mean(differences)),
        "ci": bootstrap_interval(differences, seed),
        "videos": len(common),
    }


def verdict(metric: str, interval: dict[str, Any] | None) -> str:
    """Of b - a: "better", "worse", "open" where the interval holds 0, "" without one or with too few videos to say it."""
    if interval is None or interval["ci"] is None or interval["videos"] < FEWEST_VIDEOS:
        return ""
    low, high = interval["ci"]
    if low <= 0 <= high:
        return "open"
    return "better" if (low > 0) == HIGHER_IS_BETTER[metric] else "worse"


def winners(rows: Sequence[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """For each value of the axis and each metric: the best method in the mean, and what ours is to the best classical one.

    Means are taken over the videos that all curves have there, whose number is `videos`: a method must not win because
    it failed on a hard one. There is no line where the curves have no video in common.

    Args:
        rows: of one figure.
        axis: "cbr" or "snr_db".
    """
    out = []
    for value in sorted({row[axis] for row in rows}):
        here = [row for row in rows if row[axis] == value]
        for metric in ("psnr_db", "ms_ssim", "lpips", "clip"):
            curves: dict[str, list[dict[str, Any]]] = {}
            for row in here:
                if row.get(metric) is not None:
                    name = label(row) if axis == "cbr" else f"{label(row)}, CBR {cbr_text(row['cbr'])}"
                    curves.setdefault(name, []).append(row)
            measured = {name: by_video(members, metric) for name, members in curves.items()}
            common = in_all(measured.values()) if measured else []
            if not common:
                continue
            best = _best(metric)
            found = {name: {video: values[video] for video in common} for name, values in measured.items()}
            mean = {name: float(np.mean(list(values.values()))) for name, values in found.items()}
            winner = best(mean, key=mean.__getitem__)
            ours = [name for name in mean if name.startswith(OURS)]
            others = [name for name in mean if not name.startswith(OURS)]
            line = {
                axis: value,
                "metric": metric,
                "winner": winner,
                "value": mean[winner],
                "videos": len(common),
            }
            if ours and others:
                a, b = (best(names, key=mean.__getitem__) for names in (others, ours))
                gap = paired_interval(found[a], found[b])
                line |= {"ours": b, "classical": a, "gap": gap, "verdict": verdict(metric, gap)}
            out.append(line)
    return out


def _best(metric: str) -> Callable[..., Any]:
    return max if HIGHER_IS_BETTER[metric] else min


def claim(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's claim at each SNR: ours at the lowest CBR against H.265 at more than three times of it.

    Also against the best classical chain at equal CBR.
    """
    rows, out = rows_of(document, "snr"), []
    ours_cbr, *_ = sorted(float(text) for text in document["settings"]["snr_cbrs"])
    high_cbr, *_ = sorted(float(text) for text in document["settings"]["snr_classical_cbrs"])
    for snr_db in sorted({row["snr_db"] for row in rows}):
        here = [row for row in rows if row["snr_db"] == snr_db]
        ours = [row for row in here if row["method"] == OURS and row["cbr"] == ours_cbr]
        for method, cbr in ((PAPER_X265, high_cbr), (BEST_LPIPS, ours_cbr)):
            other = [row for row in here if row["method"] == method and row["cbr"] == cbr]
            for metric in ("lpips", "clip", "psnr_db"):
                a, b = by_video(other, metric), by_video(ours, metric)
                gap = paired_interval(a, b)
                if gap is not None:
                    common = in_all((a, b))
                    out.append(
                        {
                            "snr_db": snr_db,
                            "metric": metric,
                            "ours": float(np.mean([b[v] for v in common])),
                            "ours_cbr": ours_cbr,
                            "other": method,
                            "other_cbr": cbr,
                            "other_value": float(np.mean([a[v] for v in common])),
                            "gap": gap,
                            "verdict": verdict(metric, gap),
                        }
                    )
    return out


def timed_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows with times of their stages: of figure 3, or of all figures where it was not run."""
    return [row for row in rows_of(document, "cbr") or document["rows"] if row.get("stage_ms_per_frame")]


def stage_means(document: dict[str, Any]) -> dict[int, dict[str, float]]:
    """Stride to stage to its milliseconds a frame of the video, over `timed_rows`; a point without a stage counts as 0."""
    rows = timed_rows(document)
    stages = list(dict.fromkeys(name for row in rows for name in row["stage_ms_per_frame"]))
    return {
        stride: {
            name: float(
                np.mean([r["stage_ms_per_frame"].get(name, 0) for r in rows if r["stride"] == stride])
            )
            for name in stages
        }
        for stride in sorted({row["stride"] for row in rows})
    }


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


def harder(point: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sorts channels: what is harder comes later."""
    return point["fading"] != "none", point["burst_length"], point["loss_rate"]


def channel_text(point: dict[str, Any]) -> str:
    """What there is beside the noise, in a word."""
    if point["fading"] != "none":
        return f"{point['fading'].capitalize()} fading"
    if not point["loss_rate"]:
        return "–"
    return f"{point['loss_rate']:.0%} lost" + (
        f" in bursts of {point['burst_length']:g}" if point["burst_length"] else ""
    )


def gap_text(gap: dict[str, Any], digits: int, document: dict[str, Any]) -> str:
    """A result of `paired_interval`; with the number of videos where it is less than all."""
    return ", ".join(
        filter(None, (figure(gap["difference"], digits, gap["ci"]), videos_text(gap["videos"], document)))
    )


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
