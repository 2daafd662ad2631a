# SPDX-License-Identifier: GPL-3.0-or-later
"""Received against original frames: quality metrics and the picture that shows both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..video.reader import VideoReader

MOST_SAMPLES = 32  # even, so that halving keeps the first one


class Comparison:
    """Reads the original once more, in step with the received frames.

    Args:
        path: the original, as the transmitter reads it.
        size: side of the square picture in pixels.
        metrics: compute PSNR, SSIM and the others.
        side_by_side: put the original left of the received picture.
        on_frame: called with each received frame and its index.
        sample_every: keep both pictures of every n-th frame in `samples`, twice as far apart whenever
            there are MOST_SAMPLES; 0 keeps none.
    """

    def __init__(
        self,
        path: str | Path,
        size: int,
        metrics: bool = True,
        side_by_side: bool = False,
        on_frame: Callable[[int, np.ndarray], None] | None = None,
        sample_every: int = 0,
    ):
        self.side_by_side, self.on_frame = side_by_side, on_frame
        self.sample_every = sample_every
        self._path, self._size = path, size
        self._on_pair: Callable[[int, np.ndarray, np.ndarray], None] | None = None
        self.samples: list[tuple[int, np.ndarray, np.ndarray]] = []  # index, original, received
        self.picture_width = 2 * size if side_by_side else size
        self._originals = iter(VideoReader(path, size)) if metrics or side_by_side or sample_every else None
        self._metrics = None
        if metrics:
            from ..evaluate.metrics import MetricsAccumulator
            from ..evaluate.plugin_metrics import PluginMetrics

            self._metrics = MetricsAccumulator()
            self._own_metrics = PluginMetrics()

    def watch(self, on_pair: Callable[[int, np.ndarray, np.ndarray], None]) -> None:
        """Call with index, original and received picture of each frame; before the first."""
        self._on_pair = on_pair
        if self._originals is None:
            self._originals = iter(VideoReader(self._path, self._size))

    def take(self, index: int, received: np.ndarray) -> np.ndarray:
        """Count the next received frame; return the picture to write, uint8 (H, W or 2 W, 3)."""
        if self.on_frame is not None:
            self.on_frame(index, received)
        if self._originals is None:
            return received
        original = next(self._originals)
        if self._on_pair is not None:
            self._on_pair(index, original, received)
        if self._metrics is not None:
            self._metrics.add(original, received)
            self._own_metrics.add(original, received)
        if self.sample_every and index % self.sample_every == 0:
            self._keep(index, original, received)
        return np.concatenate([original, received], axis=1) if self.side_by_side else received

    def _keep(self, index: int, original: np.ndarray, received: np.ndarray) -> None:
        if len(self.samples) == MOST_SAMPLES:
            self.samples = self.samples[::2]
            self.sample_every *= 2
        if index % self.sample_every == 0:
            self.samples.append((index, original, received.copy()))

    def result(self) -> tuple[dict[str, float | None], list[str]]:
        """Metrics by their names in the statistics document, and what a reader must know of them."""
        if self._metrics is None:
            return {}, ["psnr_db, ssim, lpips, clip: not computed, the run was made without metrics"]
        quality = self._metrics.result()
        notes = quality.pop("notes")
        return quality, notes

    def own_metrics(self) -> tuple[dict[str, float | None], list[str]]:
        """Metrics of installed extensions by name, and what a reader must know of them."""
        return ({}, []) if self._metrics is None else self._own_metrics.result()

    @property
    def psnr_per_frame(self) -> list[float]:
        """PSNR in dB of each frame; empty without metrics."""
        return [] if self._metrics is None else self._metrics.psnr_per_frame

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Of the networks that compare pictures."""
        return {} if self._metrics is None else self._metrics.weights_sha256
