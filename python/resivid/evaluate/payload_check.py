# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads that both ends of a radio bench know, and what a receiver makes of them."""

from __future__ import annotations

import numpy as np

from ..link.payload_head import HEAD_BITS, NUM_NUMBERS, PayloadHead, read_head, write_head


def known_payload(number: int, num_bits: int, seed: int) -> np.ndarray:
    """The payload of a frame, head included: uint8 (num_bits,), the same at both ends."""
    rng = np.random.default_rng((seed, number))
    bits = rng.integers(0, 2, num_bits - HEAD_BITS, np.uint8)
    return write_head(bits, PayloadHead(seed % 16, False, number % NUM_NUMBERS, 0))


class PayloadCheck:
    """Counts what a receiver gets: each frame once when every bit is right, everything else is false."""

    def __init__(self, num_bits: int, seed: int):
        self._num_bits, self._seed = num_bits, seed
        self._number = 0  # of the last right frame, counted without end
        self._seen: set[int] = set()
        self.false = self.failed = 0
        self.snr_db: list[float] = []

    @property
    def received(self) -> int:
        """Frames that arrived whole."""
        return len(self._seen)

    def take(self, bits: np.ndarray, crc_ok: bool, snr_db: float) -> None:
        """Count one decoded block."""
        if not crc_ok:
            self.failed += 1
            return
        try:
            number = self._unwrapped(read_head(bits)[0].number)
        except ValueError:
            self.false += 1
            return
        right = bits.size == self._num_bits and np.array_equal(
            bits, known_payload(number, self._num_bits, self._seed)
        )
        if not right or number in self._seen:
            self.false += 1
            return
        self._seen.add(number)
        self._number = number
        self.snr_db.append(snr_db)

    def _unwrapped(self, number: int) -> int:
        step = (number - self._number + NUM_NUMBERS // 2) % NUM_NUMBERS - NUM_NUMBERS // 2
        return self._number + step
