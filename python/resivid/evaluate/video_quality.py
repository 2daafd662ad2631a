# SPDX-License-Identifier: GPL-3.0-or-later
"""All metrics of a received video, frame by frame in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .clip_score import ClipScore
from .known_originals import KnownOriginals
from .metrics import NO_CLIP, MetricsAccumulator
from .structure import SMALLEST_MS_SSIM_SIDE
from .temporal import FlowWarpError
from .vmaf import Vmaf

METRICS = ("psnr_db", "ssim", "ms_ssim", "lpips", "warp_error", "clip", "vmaf")
HIGHER_IS_BETTER = {name: name not in ("lpips", "warp_error") for name in METRICS}


class VideoQuality:
    """PSNR, SSIM and LPIPS as `resivid simulate` reports them, and what it leaves out.

    Args:
        rate: frame/s; VMAF weighs motion by it.
        known: of the originals, where several videos are compared with them.
    """

    def __init__(self, rate: float = 30.0, known: KnownOriginals | None = None):
        self._frame = MetricsAccumulator(multi_scale=True, known=known)
        self._warp = FlowWarpError(known)
        self._clip = ClipScore()
        self._vmaf = Vmaf(rate)

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Measure one frame.

        Args:
            original, received: uint8 (H, W, 3) RGB.
        Raises:
            ValueError: different shapes, or not uint8.
        """
        self._frame.add(original, received)
        self._warp.add(original, received)
        self._clip.add(original, received)
        self._vmaf.add(original, received)

    @property
    def num_frames(self) -> int:
        """Frames measured so far."""
        return len(self._frame.psnr_per_frame)

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Of the networks that compare pictures."""
        return self._frame.weights_sha256 | self._clip.weights_sha256

    def result(self) -> dict[str, Any]:
        """Means over the frames: each of METRICS, None where it could not be had; `notes` say why."""
        found = self._frame.result()
        notes = [note for note in found.pop("notes") if note != NO_CLIP]
        values = self._frame.ms_ssim_per_frame
        found["ms_ssim"] = float(np.mean(values)) if values else None
        if self.num_frames and not values:
            notes.append(f"ms_ssim: not computed, frames are smaller than {SMALLEST_MS_SSIM_SIDE} pixels")
        found["warp_error"] = self._warp.mean()
        if found["warp_error"] is None:
            notes.append("warp_error: not computed, no two frames show the same thing")
        for name, metric in (("clip", self._clip), ("vmaf", self._vmaf)):
            found[name], problem = metric.result()
            if problem:
                notes.append(f"{name}: not computed, {problem}")
        return {name: found[name] for name in METRICS} | {"notes": notes}

    def per_frame(self) -> dict[str, list[float]]:
        """PSNR in dB and LPIPS of each frame; LPIPS is empty where it could not be had."""
        self._frame.result()  # what waits for the network
        return {"psnr_db": self._frame.psnr_per_frame, "lpips": self._frame.lpips_per_frame}
