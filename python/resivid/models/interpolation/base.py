# SPDX-License-Identifier: GPL-3.0-or-later
"""What every interpolator offers: the frames between two key frames, section III-F."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np


class Interpolator(Protocol):
    """Synthesis of frames between two others. Deterministic: equal input gives equal output.

    Attributes:
        name: its name in the registry.
        weights_sha256: file name to SHA-256 of the weights in use; empty without weights.
    """

    name: str
    weights_sha256: dict[str, str]

    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """Frames at the given times, (4).

        Args:
            first: uint8 (H, W, 3) RGB, at time 0.
            last: uint8 (H, W, 3) RGB, at time 1.
            times: each inside (0, 1), in units of the distance between `first` and `last`.
        Returns:
            uint8 (len(times), H, W, 3) RGB.
        Raises:
            ValueError: wrong shape, dtype or time.
        """
        ...


def one_by_one(
    interpolator: Interpolator, first: np.ndarray, last: np.ndarray, times: Sequence[float]
) -> Iterator[np.ndarray]:
    """The frames of `between`, each as soon as it is there where the interpolator has a method `each` of this kind."""
    each = getattr(interpolator, "each", interpolator.between)
    yield from each(first, last, times)


def check_arguments(first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> None:
    """Raise the ValueError of `Interpolator.between` when an argument is wrong."""
    for name, frame in (("first", first), ("last", last)):
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), got {frame.dtype} {frame.shape}")
    if first.shape != last.shape:
        raise ValueError(f"last must have the shape of first {first.shape}, got {last.shape}")
    for time in times:
        if not 0.0 < time < 1.0:
            raise ValueError(f"times must lie inside (0, 1), got {time}")
