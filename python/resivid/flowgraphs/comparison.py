# SPDX-License-Identifier: GPL-3.0-or-later
"""Received against original frames: quality metrics and the picture that shows both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..video.reader import VideoReader


class Comparison:
    """Reads the original once more, in step with the received frames.

    Args:
        path: the original, as the transmitter reads it.
        size: side of the square picture in pixels.
        metrics: compute PSNR, SSIM and the others.
        side_by_side: put the original left of the received picture.
        on_frame: called with each received frame and its index.
    """

    def __init__(
        self,
        path: str | Path,
        size: int,
        metrics: bool = True,
        side_by_side: bool = False,
        on_frame: Callable[[int, np.ndarray], None] | None = None,
    ):
        self.side_by_side, self.on_frame = side_by_side, on_frame
        self.picture_width = 2 * size if side_by_side else size
        self._originals = iter(VideoReader(path, size)) if metrics or side_by_side else None
        self._metrics = None
        if metrics:
            from ..evaluate.metrics import MetricsAccumulator

            self._metrics = MetricsAccumulator()

    def take(self, index: int, received: np.ndarray) -> np.ndarray:
        """Count the next received frame; return the picture to write, uint8 (H, W or 2 W, 3)."""
        if self.on_frame is not None:
            self.on_frame(index, received)
        if self._originals is None:
            return received
        original = next(self._originals)
        if self._metrics is not None:
            self._metrics.add(original, received)
        return np.concatenate([original, received], axis=1) if self.side_by_side else received

    def result(self) -> tuple[dict[str, float | None], list[str]]:
        """Metrics by their names in the statistics document, and what a reader must know of them."""
        if self._metrics is None:
            return {}, ["psnr_db, ssim, lpips, clip: not computed, the run was made without metrics"]
        quality = self._metrics.result()
        notes = quality.pop("notes")
        return quality, notes

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Of the networks that compare pictures."""
        return {} if self._metrics is None else self._metrics.weights_sha256
