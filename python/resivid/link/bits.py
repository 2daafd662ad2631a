# SPDX-License-Identifier: GPL-3.0-or-later
"""Bit packing primitives: integers to and from bits, most significant bit first, one bit a uint8."""

from __future__ import annotations

import numpy as np


def to_bits(values: np.ndarray, width: int) -> np.ndarray:
    """Unsigned integers as bits.

    Args:
        values: integers (n,), each in 0..2^width - 1.
        width: bits of one value, 1..32.
    Returns:
        uint8 (n * width,), 0 or 1.
    Raises:
        ValueError: a value does not fit.
    """
    values = np.asarray(values, dtype=np.int64)
    if values.size and not 0 <= values.min() <= values.max() < 1 << width:
        raise ValueError(f"values must be 0..{(1 << width) - 1}, got {values.min()}..{values.max()}")
    shifts = np.arange(width - 1, -1, -1)
    return (values[:, None] >> shifts & 1).astype(np.uint8).reshape(-1)


def from_bits(bits: np.ndarray, width: int) -> np.ndarray:
    """Inverse of `to_bits`: uint8 (n * width,) to int64 (n,); only the lowest bit of each item counts."""
    shifts = np.arange(width - 1, -1, -1)
    return ((np.asarray(bits, dtype=np.int64).reshape(-1, width) & 1) << shifts).sum(axis=1)


class BitWriter:
    """Fills a block of a fixed number of bits from the front; what is not written stays zero."""

    def __init__(self, num_bits: int):
        self.bits = np.zeros(num_bits, dtype=np.uint8)
        self.position = 0

    @property
    def left(self) -> int:
        """Bits that can still be written."""
        return self.bits.size - self.position

    def write_bits(self, bits: np.ndarray) -> None:
        """Append bits, 0 or 1 or bool (n,).

        Raises:
            ValueError: they do not fit.
        """
        if len(bits) > self.left:
            raise ValueError(f"{len(bits)} bits do not fit into the {self.left} bits left")
        self.bits[self.position : self.position + len(bits)] = bits
        self.position += len(bits)

    def write(self, values: np.ndarray | int, width: int) -> None:
        """Append unsigned integers of `width` bits each."""
        self.write_bits(to_bits(np.atleast_1d(values), width))


class BitReader:
    """Reads a block from the front and never past its end."""

    def __init__(self, bits: np.ndarray):
        self.bits = np.asarray(bits, dtype=np.uint8) & 1
        self.position = 0

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self.bits.size - self.position

    def read_bits(self, count: int) -> np.ndarray:
        """The next `count` bits, or the fewer that are left."""
        bits = self.bits[self.position : self.position + count]
        self.position += bits.size
        return bits

    def read(self, count: int, width: int) -> np.ndarray:
        """The next `count` integers of `width` bits, or the fewer that are left whole, as int64."""
        whole = min(count, self.left // width)
        return from_bits(self.read_bits(whole * width), width)
