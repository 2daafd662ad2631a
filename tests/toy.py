# SPDX-License-Identifier: GPL-3.0-or-later
"""Small exact stand-ins for the networks, in NumPy, and moving test pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

GREY = 128


class ToyTokenizer:
    """128 patches in a fixed scattered order, each token the 12-bit mean colour of one patch.

    A missing patch is mean grey, so quality rises with the prefix and prefix 0 is a grey picture.
    """

    name = "toy"
    num_tokens = 128
    zero_flag = 4095

    rows, columns = 8, 16

    def __init__(self, size: int = 256):
        self.size = size
        self.weights_sha256: dict[str, str] = {}
        self.order = np.random.default_rng(128).permutation(self.num_tokens)  # token to patch
        self.num_encoded = 0
        self.num_decoded = 0

    def encode(self, frames: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (self.size, self.size, 3):
            raise ValueError(
                f"frames must be uint8 (n, {self.size}, {self.size}, 3), got {frames.dtype} {frames.shape}"
            )
        self.num_encoded += len(frames)
        means = self._patches(frames).mean(axis=(4, 5))  # (n, rows, columns, 3)
        means = means.reshape(len(frames), self.num_tokens, 3)[:, self.order]
        levels = np.clip(np.round(means / 17), 0, 15).astype(np.uint16)  # 4 bits a colour
        tokens = np.minimum(levels[..., 0] << 8 | levels[..., 1] << 4 | levels[..., 2], self.zero_flag - 1)
        tokens = tokens.astype(np.uint16)
        if reference is not None:
            close = np.abs(self._colours(reference) - means).max(axis=-1) <= 12
            tokens = np.where(close & (reference != self.zero_flag), reference, tokens).astype(np.uint16)
        return tokens

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        if tokens.ndim != 2 or tokens.shape[1] > self.num_tokens:
            raise ValueError(f"tokens must be (n, l) with l <= {self.num_tokens}, got {tokens.shape}")
        self.num_decoded += len(tokens)
        n, length = tokens.shape
        patches = np.full((n, self.num_tokens, 3), GREY, np.uint8)
        colours = self._colours(tokens)
        colours[tokens == self.zero_flag] = GREY
        patches[:, self.order[:length]] = colours
        picture = patches.reshape(n, self.rows, self.columns, 3)
        tall, wide = self.size // self.rows, self.size // self.columns
        return picture.repeat(tall, axis=1).repeat(wide, axis=2)

    def _patches(self, frames: np.ndarray) -> np.ndarray:
        n, tall, wide = len(frames), self.size // self.rows, self.size // self.columns
        cut = frames.reshape(n, self.rows, tall, self.columns, wide, 3)
        return cut.transpose(0, 1, 3, 5, 2, 4)  # (n, rows, columns, 3, tall, wide)

    @staticmethod
    def _colours(tokens: np.ndarray) -> np.ndarray:
        tokens = tokens.astype(np.int64)
        return np.stack([tokens >> 8 & 15, tokens >> 4 & 15, tokens & 15], axis=-1) * 17


class ToyInterpolator:
    """Cross-fade in integers; counts its calls."""

    name = "toy"

    def __init__(self) -> None:
        self.num_calls = 0
        self.weights_sha256: dict[str, str] = {}

    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        self.num_calls += 1
        a, b = first.astype(np.float64), last.astype(np.float64)
        return np.stack([np.round((1 - t) * a + t * b) for t in times]).astype(np.uint8)


def moving_picture(num_frames: int, size: int = 256, seed: int = 1) -> np.ndarray:
    """A coloured texture that drifts two pixels a frame, uint8 (num_frames, size, size, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size // 16, size // 16, 3))
    texture = coarse.repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)
    return np.stack([np.roll(texture, (2 * t, t), axis=(0, 1)) for t in range(num_frames)])


def tokenizer(weights: Path | None, device: str) -> ToyTokenizer:
    """For the registry: `--tokenizer toy:tokenizer`."""
    return ToyTokenizer()


def interpolator(weights: Path | None, device: str) -> ToyInterpolator:
    """For the registry: `--interpolator toy:interpolator`."""
    return ToyInterpolator()
