# SPDX-License-Identifier: GPL-3.0-or-later
"""Means over clips, each clip counting once, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtrit

from .metrics import NO_CLIP, MetricsAccumulator

METRICS = ("psnr_db", "ssim", "lpips")
RESAMPLES = 4000
CONFIDENCE = 0.95


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> list[float] | None:
    """Interval of the mean by the expanded percentile bootstrap: the clips are drawn with replacement.

    Plain percentiles make the interval of n clips too narrow, as the normal distribution in place of Student's t and n in
    place of n - 1 would: by 22 % for 8 clips. Hesterberg 2015 (The American Statistician 69(4), section 5) takes them
    further out, so that for a normal distribution of the drawn means the interval is that of Student's t.

    Args:
        values: one for each clip.
    Returns:
        [low, high] at 95 %; None for fewer than two clips, which say nothing of their spread.
    """
    count = len(values)
    if count < 2:
        return None
    draws = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    means = np.asarray(values, np.float64)[draws].mean(1)
    tail = 100 * ndtr(np.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 - CONFIDENCE) / 2))
    low, high = np.percentile(means, [tail, 100 - tail])
    return [float(low), float(high)]


def mean_and_interval(name: str, values: Sequence[float]) -> dict[str, Any]:
    """`name` and `name_ci`; None where there are no values, or not enough."""
    return {
        name: float(np.mean(values)) if len(values) else None,
        f"{name}_ci": bootstrap_interval(values),
    }


class ClipQuality:
    """Quality of pictures clip by clip: add pictures, end the clip, and so on."""

    def __init__(self) -> None:
        self._metrics = MetricsAccumulator()
        self._clips: list[tuple[str, int]] = []  # name, pictures measured up to its end

    def add(self, reference: np.ndarray, picture: np.ndarray) -> None:
        """Measure one picture, uint8 (H, W, 3), against the original."""
        self._metrics.add(reference, picture)

    def end_clip(self, name: str) -> None:
        """The pictures added since the last call were the clip `name`; a clip without any is left out."""
        measured = len(self._metrics.psnr_per_frame)
        if measured > (self._clips[-1][1] if self._clips else 0):
            self._clips.append((name, measured))

    def per_clip(self) -> dict[str, dict[str, list[float]]]:
        """Clip to metric to one value for each picture; a metric that could not be had is an empty list."""
        self._metrics.result()  # what waits for LPIPS
        lists = [
            self._metrics.psnr_per_frame,
            self._metrics.ssim_per_frame,
            self._metrics.lpips_per_frame,
        ]
        out, start = {}, 0
        for name, end in self._clips:
            out[name] = {metric: values[start:end] for metric, values in zip(METRICS, lists, strict=True)}
            start = end
        return out

    def result(self) -> dict[str, Any]:
        """Means over the clips' means.

        Returns:
            Each of METRICS, its interval under the name with `_ci`, and `clips`: the same clip by clip.
        """
        clips: list[dict[str, Any]] = []
        for name, values in self.per_clip().items():
            means = {metric: float(np.mean(v)) if v else None for metric, v in values.items()}
            clips.append({"clip": name, **means})
        row: dict[str, Any] = {}
        for metric in METRICS:
            row |= mean_and_interval(metric, [clip[metric] for clip in clips if clip[metric] is not None])
        return row | {"clips": clips}

    def notes(self) -> list[str]:
        """The reason of each metric that is missing, and what else a reader must know."""
        return [note for note in self._metrics.result()["notes"] if note != NO_CLIP]
