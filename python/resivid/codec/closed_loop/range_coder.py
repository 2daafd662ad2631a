# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive range coder: symbols of known probability to the fewest bits (Martin 1979, Schindler's renormalisation).

Carries need no care here, since Python's integers have any length and a payload has a few thousand bits.
The stream ends without a mark: the reader takes bits behind the end for zeros.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

PRECISION = 16  # bits of a probability
_TOP = 48  # bits of the range
_FLOOR = 1 << (_TOP - 8)
ONE = 1000  # what one symbol counts: whole numbers, since both ends must agree to the bit
MOST_COUNTED = 120 * ONE  # beyond this, old symbols are half forgotten
_LEAST_SHARE = 32  # of 2^PRECISION


class BitModel:
    """Probability of a zero, learned on the way; both ends start from the same counts.

    Args:
        zeros, ones: symbols that count as seen, in 1/ONE, at least 1 together.
    """

    def __init__(self, zeros: int = ONE, ones: int = ONE):
        self.zeros, self.ones = zeros, ones

    @classmethod
    def expecting(cls, ones_permille: int, symbols: int) -> BitModel:
        """A model that starts as if it had seen `symbols`, so many thousandths of them ones."""
        ones = symbols * ONE * ones_permille // 1000
        return cls(symbols * ONE - ones, ones)

    @property
    def share_of_zeros(self) -> int:
        """Probability of a zero in 2^-PRECISION, never 0 or 1."""
        share = (self.zeros << PRECISION) // (self.zeros + self.ones)
        return min(max(share, _LEAST_SHARE), (1 << PRECISION) - _LEAST_SHARE)

    def learn(self, bit: int) -> None:
        """Count one more symbol."""
        if bit:
            self.ones += ONE
        else:
            self.zeros += ONE
        if self.zeros + self.ones > MOST_COUNTED:
            self.zeros, self.ones = self.zeros // 2, self.ones // 2


class BitWriter(Protocol):
    """What takes symbols."""

    def bit(self, bit: int, model: BitModel) -> None:
        """One binary symbol, which the model learns."""
        ...

    def number(self, value: int, bound: int) -> None:
        """A number of 0..bound - 1, all equally likely; bound at most 2^16."""
        ...


class RangeEncoder:
    """Symbols to bits."""

    def __init__(self) -> None:
        self._low, self._range, self._shifts = 0, 1 << _TOP, 0

    def bit(self, bit: int, model: BitModel) -> None:
        """Write one binary symbol and let the model learn it."""
        split = (self._range >> PRECISION) * model.share_of_zeros
        if bit:
            self._low += split
            self._range -= split
        else:
            self._range = split
        model.learn(bit)
        self._renormalise()

    def number(self, value: int, bound: int) -> None:
        """Write a number of 0..bound - 1, all equally likely; bound at most 2^16."""
        step = self._range // bound
        self._low += step * value
        self._range = step
        self._renormalise()

    def finish(self) -> np.ndarray:
        """The fewest bits that say everything, uint8, one 0 or 1 each."""
        last = self._low + self._range - 1
        zeros = (self._low ^ last).bit_length()
        if self._low & ((1 << zeros) - 1):  # what both ends of the interval share lies below it
            zeros -= 1
        value = last >> zeros << zeros
        length = _TOP + 8 * self._shifts
        text = bin(value)[2:].zfill(length)[:length].rstrip("0")
        return np.frombuffer(text.encode(), np.uint8) - ord("0")

    def _renormalise(self) -> None:
        while self._range < _FLOOR:
            self._low <<= 8
            self._range <<= 8
            self._shifts += 1


class RangeDecoder:
    """Bits to symbols; takes any bits, even hostile ones.

    Args:
        bits: uint8, one 0 or 1 each.
    """

    def __init__(self, bits: np.ndarray):
        self._bytes = np.packbits(bits).tobytes()
        self._next = _TOP // 8
        self._code = int.from_bytes(self._bytes[: self._next].ljust(self._next, b"\0"), "big")
        self._range = 1 << _TOP

    def bit(self, model: BitModel) -> int:
        """Inverse of `RangeEncoder.bit`."""
        split = (self._range >> PRECISION) * model.share_of_zeros
        bit = int(self._code >= split)
        if bit:
            self._code -= split
            self._range -= split
        else:
            self._range = split
        model.learn(bit)
        self._renormalise()
        return bit

    def number(self, bound: int) -> int:
        """Inverse of `RangeEncoder.number`."""
        step = self._range // bound
        value = min(self._code // step, bound - 1)
        self._code -= step * value
        self._range = step
        self._renormalise()
        return value

    def _renormalise(self) -> None:
        while self._range < _FLOOR:
            ahead = self._bytes[self._next] if self._next < len(self._bytes) else 0
            self._code = self._code << 8 | ahead
            self._range <<= 8
            self._next += 1
