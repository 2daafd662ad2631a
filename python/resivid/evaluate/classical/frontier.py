# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings can be the best one for which bits: what cannot win is not coded, and the winner stays the same.

More bits of one setting give no worse pictures. So a setting that with many bits is behind what another one reaches with
few cannot win anywhere between, and the search closes in on the winners from both ends, halving each gap.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .search import Choice
from .settings import ClassicalSetting

# A finer quantizer is now and then a little worse: how much a setting must be behind.
MARGINS = {"lpips": 0.01, "psnr_db": 0.2}
SIGNS = {"lpips": 1, "psnr_db": -1}  # times the value: the lower the better


@dataclass(frozen=True)
class Searched:
    """What was tried for one budget: the settings, their choices as far as they fit, and by which metrics it was narrowed."""

    settings: tuple[ClassicalSetting, ...]
    choices: tuple[Choice, ...]
    metrics: frozenset[str]


class Frontier:
    """The search of one clip over many budgets, round by round.

    Args:
        settings: all that there are.
    """

    def __init__(self, settings: Sequence[ClassicalSetting]):
        self.settings = tuple(settings)
        self._known: dict[int, Searched] = {}
        self._asked: dict[int, tuple[tuple[ClassicalSetting, ...], frozenset[str]]] = {}

    def next_round(self, wanted: Mapping[int, frozenset[str]]) -> dict[int, tuple[ClassicalSetting, ...]]:
        """Budgets to search next, and the settings that may win there; nothing when all that is wanted is known.

        The lowest and the highest budget are searched in full, then the middle one of each gap.

        Args:
            wanted: budget in bits to the metrics ("lpips", "psnr_db") that the winner is picked by.
        """
        todo = sorted(bits for bits, metrics in wanted.items() if not self._serves(bits, metrics))
        if not todo:
            return {}
        metrics: frozenset[str] = frozenset().union(*(wanted[bits] for bits in todo))
        anchors = sorted(bits for bits, searched in self._known.items() if metrics <= searched.metrics)
        gaps: dict[int, list[int]] = {}
        for bits in todo:
            gaps.setdefault(bisect(anchors, bits), []).append(bits)
        found: dict[int, tuple[ClassicalSetting, ...]] = {}
        for place, members in gaps.items():
            if place == 0:
                found[members[0]] = self.settings
            if place == len(anchors):
                found[members[-1]] = self.settings
            if 0 < place < len(anchors):
                low, high = self._known[anchors[place - 1]], self._known[anchors[place]]
                found[members[len(members) // 2]] = contenders(low, high, metrics)
        self._asked |= {bits: (settings, metrics) for bits, settings in found.items()}
        return found

    def learn(self, bits: int, choices: Sequence[Choice]) -> None:
        """Take in what the settings of a round reach with a budget; those that do not fit are missing."""
        settings, metrics = self._asked.pop(bits)
        served = frozenset(MARGINS) if settings == self.settings else metrics  # searched in full serves all
        self._known[bits] = Searched(settings, tuple(choices), served)

    def at(self, bits: int) -> tuple[ClassicalSetting, ...]:
        """The settings among which the best one for a budget is."""
        return self._known[bits].settings if bits in self._known else self.settings

    def _serves(self, bits: int, metrics: frozenset[str]) -> bool:
        return bits in self._known and metrics <= self._known[bits].metrics


def contenders(low: Searched, high: Searched, metrics: frozenset[str]) -> tuple[ClassicalSetting, ...]:
    """Settings of `high` that can win between both budgets.

    Those are left out that do not fit the higher budget, or are there behind the best one of the lower by MARGINS, by each of
    the metrics.
    """
    if not low.choices:
        return tuple(choice.setting for choice in high.choices) or high.settings
    tests: list[Callable[[Choice], bool]] = [_keeps_up(low.choices, metric) for metric in sorted(metrics)]
    return tuple(choice.setting for choice in high.choices if any(test(choice) for test in tests))


def _keeps_up(choices: Sequence[Choice], metric: str) -> Callable[[Choice], bool]:
    def value(choice: Choice) -> float | None:
        found = getattr(choice, metric)
        return None if found is None else SIGNS[metric] * found

    known = [found for found in map(value, choices) if found is not None]
    bound = min(known) + MARGINS[metric] if known else None

    def keeps_up(choice: Choice) -> bool:
        found = value(choice)
        return bound is None or found is None or found <= bound

    return keeps_up
