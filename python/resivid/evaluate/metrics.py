# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture quality: PSNR, SSIM, LPIPS-Alex; means over the frames of a video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingPackageError, ResividError
from .known_originals import KnownOriginals
from .structure import PEAK, SMALLEST_MS_SSIM_SIDE, check_pair, ssim, ssim_and_ms_ssim

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.lpips import Lpips

PSNR_CAP_DB = 100.0  # counted for a frame that equals the original, whose PSNR is infinite
LPIPS_BATCH = 16  # pairs of 256x256 pictures: about 150 MB of features
NO_CLIP = "clip: no CLIP score, no CLIP weights come with this package"


def psnr_db(reference: np.ndarray, frame: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all pixels and channels, in dB.

    Args:
        reference, frame: uint8 of one shape.
    Returns:
        10 log10(255^2 / mean squared error); infinite for equal pictures.
    Raises:
        ValueError: different shapes, or not uint8.
    """
    check_pair(reference, frame)
    difference = reference.astype(np.float32) - frame
    error = float(np.mean(np.square(difference), dtype=np.float64))
    return 10 * math.log10(PEAK**2 / error) if error else math.inf


def load_lpips(network: str = "alex") -> Lpips:
    """The LPIPS network; see `models.lpips.Lpips`.

    Raises:
        WeightsError: no weights, or the wrong ones.
        MissingPackageError: torch is not installed.
    """
    try:
        from ..models.lpips import Lpips
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"LPIPS needs a package: {error}") from error
    return Lpips(network)


def lpips(network: Lpips, references: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """LPIPS of pairs of pictures.

    Args:
        network: of `load_lpips`.
        references, frames: uint8 (n, H, W, 3) RGB, sides at least 32.
    Returns:
        float32 (n,), 0 for equal pictures.
    """
    return lpips_from(network, lpips_taps(network, references), frames)


def lpips_taps(network: Lpips, pictures: np.ndarray) -> list[Tensor]:
    """What LPIPS compares of uint8 (n, H, W, 3), so that pictures that are looked at often go through the network once."""
    import torch

    with torch.inference_mode():
        planes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
        return network.taps_of(planes.float() / PEAK)


def lpips_from(network: Lpips, references: Sequence[Tensor], frames: np.ndarray) -> np.ndarray:
    """As `lpips`, of references that are known by `lpips_taps`."""
    import torch

    with torch.inference_mode():
        return network.between(references, lpips_taps(network, frames)).numpy()


class MetricsAccumulator:
    """Quality of a video, frame by frame in bounded memory.

    Args:
        stride_lpips: LPIPS of every n-th frame; 1: of all frames. Above 1, `notes` says so.
        multi_scale: MS-SSIM too, where frames are large enough.
        known: of the originals, where they are measured against more than once.

    Attributes:
        psnr_per_frame: dB of each frame so far, capped at 100 dB.
        ssim_per_frame: SSIM of each frame so far.
        ms_ssim_per_frame: MS-SSIM of each frame so far that is large enough; empty unless asked for.
        lpips_per_frame: LPIPS of each frame measured so far.
        weights_sha256: of the LPIPS weights in use; empty before the first frame.
    """

    def __init__(self, stride_lpips: int = 1, multi_scale: bool = False, known: KnownOriginals | None = None):
        if stride_lpips < 1:
            raise ValueError(f"stride_lpips must be at least 1, got {stride_lpips}")
        self.stride_lpips = stride_lpips
        self._multi_scale = multi_scale
        self._known = known or KnownOriginals(0)
        self.psnr_per_frame: list[float] = []
        self.ssim_per_frame: list[float] = []
        self.ms_ssim_per_frame: list[float] = []
        self.lpips_per_frame: list[float] = []
        self.weights_sha256: dict[str, str] = {}
        self._equal = 0
        self._network: Lpips | None = None
        self._lpips_problem = ""
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, reference_frame: np.ndarray, frame: np.ndarray) -> None:
        """Measure one frame.

        Args:
            reference_frame, frame: uint8 (H, W, 3) RGB: as sent, and as received before any file encoder.
        Raises:
            ValueError: different shapes, or not uint8.
        """
        psnr = psnr_db(reference_frame, frame)
        self._equal += math.isinf(psnr)
        if not self.psnr_per_frame:
            self._prepare_lpips(frame.shape)
        if len(self.psnr_per_frame) % self.stride_lpips == 0 and self._network is not None:
            self._waiting.append((reference_frame.copy(), frame.copy()))
            if len(self._waiting) >= LPIPS_BATCH:
                self._flush_lpips()
        self.psnr_per_frame.append(min(psnr, PSNR_CAP_DB))
        if self._multi_scale and min(frame.shape[:2]) >= SMALLEST_MS_SSIM_SIDE:
            value, multi_scale = ssim_and_ms_ssim(reference_frame, frame)
            self.ms_ssim_per_frame.append(multi_scale)
        else:
            value = ssim(reference_frame, frame)
        self.ssim_per_frame.append(value)

    def result(self) -> dict[str, Any]:
        """Means over the frames so far.

        Returns:
            `psnr_db`, `ssim`, `lpips`, `clip`: a float, or None where it could not be computed; `notes`: list of str,
            the reason of each None and what else a reader must know.
        """
        self._flush_lpips()
        notes = ["ssim: mean over the RGB channels, Gaussian window 11x11, sigma 1.5"]
        if not self.psnr_per_frame:
            notes.append("psnr_db, ssim, lpips: not computed, no frames to compare")
        elif self._lpips_problem:
            notes.append(f"lpips: not computed, {self._lpips_problem}")
        elif self.stride_lpips > 1:
            notes.append(f"lpips: of one frame in {self.stride_lpips} only")
        if self._equal:
            notes.append(f"psnr_db: {self._equal} frames equal the original, counted as {PSNR_CAP_DB:.0f} dB")
        return {
            "psnr_db": _mean(self.psnr_per_frame),
            "ssim": _mean(self.ssim_per_frame),
            "lpips": _mean(self.lpips_per_frame),
            "clip": None,
            "notes": [*notes, NO_CLIP],
        }

    def _prepare_lpips(self, shape: tuple[int, ...]) -> None:
        try:
            self._network = load_lpips()
        except ResividError as error:
            self._lpips_problem = str(error)
            return
        from ..models.lpips import SMALLEST_SIDE

        if min(shape[:2]) < SMALLEST_SIDE:
            self._network, self._lpips_problem = None, f"frames are smaller than {SMALLEST_SIDE} pixels"
            return
        self.weights_sha256 = dict(self._network.weights_sha256)

    def _flush_lpips(self) -> None:
        network = self._network
        if network is None or not self._waiting:
            return
        references, frames = (np.stack(part) for part in zip(*self._waiting, strict=True))
        name = "lpips", len(self.lpips_per_frame), len(frames)
        taps = self._known.get(name, lambda: lpips_taps(network, references))
        self.lpips_per_frame += lpips_from(network, taps, frames).tolist()
        self._waiting.clear()


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
