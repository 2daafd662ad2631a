# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a payload will be, without writing it: the planner asks for a dozen lengths and writes one payload."""

from __future__ import annotations

import math

import numpy as np

from . import vectors
from .range_coder import MOST_COUNTED, ONE, PRECISION, BitModel

_ROUNDING_BITS = 2.0  # of the range coder's end, and of whole numbers in the models


class LengthCounter:
    """Takes what `RangeEncoder` takes, and only counts."""

    def __init__(self) -> None:
        self.bits = 0.0

    def bit(self, bit: int, model: BitModel) -> None:
        """As `RangeEncoder.bit`."""
        share = model.share_of_zeros
        self.bits += PRECISION - math.log2((1 << PRECISION) - share if bit else share)
        model.learn(bit)

    def number(self, value: int, bound: int) -> None:
        """As `RangeEncoder.number`."""
        self.bits += math.log2(bound)


def of_bits(bits: np.ndarray, model: BitModel) -> float:
    """Length of bits that one model sees, which stays as it is.

    Between two halvings of the counts the length does not depend on the order of the symbols: with z zeros and o ones
    counted before, n zeros and m ones cost the logarithm of B(z, o) / B(z + n, o + m), B being Euler's beta function.

    Args:
        bits: 0 or 1, in order.
    """
    ones_before = np.concatenate([[0], np.cumsum(bits)]).tolist()
    most, ones, counted = MOST_COUNTED / ONE, model.ones / ONE, (model.zeros + model.ones) / ONE
    done, total = 0, 0.0
    while done < len(bits):
        count = min(max(math.floor(most - counted) + 1, 1), len(bits) - done)  # until the counts are halved
        seen = ones_before[done + count] - ones_before[done]
        total += _log_beta(counted - ones, ones) - _log_beta(counted - ones + count - seen, ones + seen)
        counted, ones, done = counted + count, ones + seen, done + count
        if counted > most:
            counted, ones = counted / 2, ones / 2
    return total / math.log(2)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def of_vectors(field: np.ndarray | None, recalled: np.ndarray | None) -> float:
    """Length of what `vectors.write` writes."""
    counter = LengthCounter()
    vectors.write(counter, field, recalled)
    return counter.bits


def whole_bits(length: float) -> int:
    """Bits that surely hold a payload of that length."""
    return math.ceil(length + _ROUNDING_BITS)
