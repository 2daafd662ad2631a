# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings can be the best one for which bits: what cannot win is not coded, and the winner stays the same.

More bits of one setting give no worse pictures. So a setting that with many bits is behind what another one reaches with
few cannot win anywhere between, and the search closes in on the winners from both ends, halving each gap. At each budget
a few likely settings go first; what they reach is the bar for the others, of which a stream that needs a little more
than the budget and misses the bar even so is as much as is coded. Where small or rare pictures miss it before they are
coded, nothing is.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ladder import SIGNS, Bars, Choice, is_behind
from .search import best
from .settings import ClassicalSetting, is_likely

MOST_AT_ONCE = 6  # settings that need no others before them


@dataclass(frozen=True)
class Searched:
    """What was tried for one budget.

    Attributes:
        settings: all that were.
        choices: of those that fit, as far as they have a chance.
        limits: of those that have none: more bits than the budget's, and still behind.
        metrics: by which it was narrowed.
    """

    settings: tuple[ClassicalSetting, ...]
    choices: tuple[Choice, ...]
    limits: tuple[Choice, ...]
    metrics: frozenset[str]


@dataclass(frozen=True)
class Ask:
    """What to try for one budget: settings, and bars for them; () for the likely ones, which go first."""

    settings: tuple[ClassicalSetting, ...]
    bars: Bars = ()


class Frontier:
    """The search of one clip over many budgets, round by round.

    Args:
        settings: all that there are.
    """

    def __init__(self, settings: Sequence[ClassicalSetting]):
        self.settings = tuple(settings)
        self._known: dict[int, Searched] = {}
        self._begun: dict[tuple[int, frozenset[str]], Searched] = {}  # the likely settings are back
        self._asked: dict[int, tuple[Ask, tuple[ClassicalSetting, ...], frozenset[str]]] = {}

    def next_round(self, wanted: Mapping[int, frozenset[str]]) -> dict[int, Ask]:
        """Budgets to search next, and what to try there; nothing when all that is wanted is known.

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
        found: dict[int, Ask] = {}
        for place, members in gaps.items():
            around = [self._known[bits] for bits in anchors[max(place - 1, 0) : place + 1]]
            if place == 0:
                found[members[0]] = self._ask(members[0], self.settings, metrics, around)
            if place == len(anchors):
                found[members[-1]] = self._ask(members[-1], self.settings, metrics, around)
            if 0 < place < len(anchors):
                middle = members[len(members) // 2]
                found[middle] = self._ask(middle, contenders(around[0], around[1], metrics), metrics, around)
        return found

    def learn(self, bits: int, choices: Sequence[Choice], limits: Sequence[Choice] = ()) -> None:
        """Take in what the settings of a round reach with a budget.

        Args:
            choices: of those that fit and have a chance.
            limits: of those that have none; see `Ladder.limit`.
        """
        ask, settings, metrics = self._asked.pop(bits)
        before = self._begun.pop((bits, metrics), Searched((), (), (), metrics))
        found = Searched(
            before.settings + ask.settings,
            before.choices + tuple(choices),
            before.limits + tuple(limits),
            metrics,
        )
        if set(found.settings) >= set(settings):
            self._known[bits] = found
        else:
            self._begun[bits, metrics] = found

    def at(self, bits: int) -> tuple[ClassicalSetting, ...]:
        """The settings among which the best one for a budget is."""
        searched = self._known.get(bits)
        if searched is None:
            return self.settings
        return tuple(choice.setting for choice in searched.choices) or searched.settings

    def _ask(
        self,
        bits: int,
        settings: tuple[ClassicalSetting, ...],
        metrics: frozenset[str],
        around: Sequence[Searched],
    ) -> Ask:
        begun = self._begun.get((bits, metrics))
        if begun is not None:
            rest = tuple(setting for setting in settings if setting not in begun.settings)
            ask = Ask(rest, _bars(begun.choices, metrics))
        elif len(settings) <= MOST_AT_ONCE:
            ask = Ask(settings)
        else:
            winners = {
                best(searched.choices, metric).setting
                for searched in around
                if searched.choices
                for metric in metrics
            }
            first = tuple(s for s in settings if s in winners) or tuple(s for s in settings if is_likely(s))
            ask = Ask(first or settings)
        self._asked[bits] = ask, settings, metrics
        return ask

    def _serves(self, bits: int, metrics: frozenset[str]) -> bool:
        return bits in self._known and metrics <= self._known[bits].metrics


def contenders(low: Searched, high: Searched, metrics: frozenset[str]) -> tuple[ClassicalSetting, ...]:
    """Settings of `high` that can win between both budgets.

    Those are left out that do not fit the higher budget, or are there behind the best one of the lower by MARGINS, by each of
    the metrics.
    """
    reached = (*high.choices, *high.limits)
    if not low.choices:
        return tuple(choice.setting for choice in reached) or high.settings
    bars = _bars(low.choices, metrics)
    return tuple(choice.setting for choice in reached if not is_behind(choice, bars))


def _bars(choices: Sequence[Choice], metrics: frozenset[str]) -> Bars:
    """The best value of each metric; () where one is not known."""
    values = {
        m: [SIGNS[m] * v for choice in choices if (v := getattr(choice, m)) is not None] for m in metrics
    }
    if not all(values.values()):
        return ()
    return tuple((metric, SIGNS[metric] * min(values[metric])) for metric in sorted(metrics))
