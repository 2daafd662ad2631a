# SPDX-License-Identifier: GPL-3.0-or-later
"""The price of a bit at which a payload fills its budget."""

from __future__ import annotations

import math

# Slope of a payload's length over the price, both as logarithms: as mostly found where it is too long and where it is short
# enough, the steepest, the flattest.
_SLOPES = (-0.7, -1.25, -3.0, -0.25)
_SETTLED = 0.02  # of the price's logarithm: tokens come one by one, so lengths jump
_LARGEST_STEP, _LEAST_STEP = 2.8, 0.05  # of the price's logarithm, while one end is unknown


class PriceSearch:
    """The price at which a payload just fits: false position on logarithms, for length falls with the price.

    Args:
        price: first guess.
        budget_bits: bits that it should take.

    Attributes:
        price: to be tried next.
    """

    def __init__(self, price: float, budget_bits: int):
        self.price = price
        self._budget = math.log(budget_bits)
        self._ends: list[tuple[float, float] | None] = [
            None,
            None,
        ]  # too long, short enough: log price, log length

    @property
    def settled(self) -> bool:
        """Whether a price that is too low and one that is too high are known, with nothing worth a trial between."""
        long, short = self._ends
        return long is not None and short is not None and short[0] - long[0] < _SETTLED

    def learn(self, length: int) -> None:
        """Take the length at `price`, and find the next."""
        here = math.log(self.price), math.log(max(length, 1))
        excess = here[1] - self._budget
        side = int(excess <= 0)
        before, self._ends[side] = self._ends[side], here
        long, short = self._ends
        if long is None or short is None:
            slope = _SLOPES[side]
            if before is not None and before[0] != here[0]:
                slope = (here[1] - before[1]) / (here[0] - before[0])
            step = -excess / min(max(slope, _SLOPES[2]), _SLOPES[3])
            step = min(max(step, -_LARGEST_STEP), _LARGEST_STEP)
            self.price = math.exp(
                here[0] + (max(step, _LEAST_STEP) if excess > 0 else min(step, -_LEAST_STEP))
            )
            return
        share = (long[1] - self._budget) / max(long[1] - short[1], 1e-9)
        self.price = math.exp(long[0] + (short[0] - long[0]) * min(max(share, 0.1), 0.9))
