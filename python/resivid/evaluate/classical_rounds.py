# SPDX-License-Identifier: GPL-3.0-or-later
"""The classical search of all clips, as far as the points of a figure need it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import MissingPackageError, ResividError
from .classical.encoder import require_encoder
from .classical.frontier import Ask, Frontier
from .classical.ladder import Bars, Choice
from .classical.settings import ClassicalSetting
from .classical_point import budget_of
from .jobs import LadderJob
from .points import PAPER_X265, PICKS, Evaluation, Point
from .prepared_clips import PreparedClip

Numbered = tuple[int, Point]  # number of the clip, point
Curve = tuple[int, tuple[int, ...]]  # number of the clip, key distances: one frontier


class Searches:
    """Frontiers of all clips; what is known serves the next figure.

    Args:
        clips: all of the evaluation.
        evaluation: what is evaluated.
        folder: of the cache.
    """

    def __init__(self, clips: Sequence[PreparedClip], evaluation: Evaluation, folder: Path):
        self._clips, self._evaluation, self._folder = clips, evaluation, folder
        self._frontiers: dict[Curve, Frontier] = {}
        self._failed: dict[Curve, set[str]] = {}  # names of settings
        self._finished: list[Numbered] = []

    def finished(self, points: Iterable[Numbered]) -> None:
        """Points that an earlier run has computed: what it has found for them narrows the searches to come.

        So a run that goes on tries no more than one run would have.
        """
        self._finished += points

    def run(self, points: Iterable[Numbered], run: Callable[[list[LadderJob], int], None]) -> None:
        """Search until the best setting of each point is among those tried.

        Args:
            points: those that are not computed yet.
            run: called with the jobs of a round and its number, which are done when it returns.
        """
        papers, wanted = self._budgets(points)
        if wanted:
            self._recall()
        setting = self._evaluation.paper
        jobs = [
            self._job(number, setting, [(budget, ()) for budget in budgets], False)
            for number, budgets in papers.items()
        ]
        for count in itertools.count(1):
            rounds = {curve: self._frontier(curve).next_round(wanted[curve]) for curve in wanted}
            tasks: dict[tuple[int, ClassicalSetting], list[tuple[int, Bars]]] = {}
            for (number, _), found in rounds.items():
                for budget, ask in found.items():
                    for setting in ask.settings:
                        tasks.setdefault((number, setting), []).append((budget, ask.bars))
            jobs += [self._job(number, setting, asks) for (number, setting), asks in tasks.items()]
            if not jobs:
                return
            left = [job for job in jobs if not _is_kept(job)]
            if left:
                run(left, count)
            for curve, found in rounds.items():
                self._learn(curve, found)
            jobs = []

    def contenders(self, number: int, point: Point) -> tuple[ClassicalSetting, ...]:
        """The settings among which a point's best one is."""
        if point.method not in PICKS:
            return ()
        try:
            return self._frontier((number, point.distances)).at(self._budget(number, point))
        except ResividError:  # the point's own job says why
            return ()

    def failed(self, number: int, point: Point) -> list[str]:
        """Names of settings whose search failed: with one of them missing a point's best one is not known."""
        return sorted(self._failed.get((number, point.distances), ())) if point.method in PICKS else []

    def _budgets(
        self, points: Iterable[Numbered]
    ) -> tuple[dict[int, set[int]], dict[Curve, dict[int, frozenset[str]]]]:
        """What x265 as in the paper is to be fitted to, and what the search is to find by which metrics."""
        paper: dict[int, set[int]] = {}
        wanted: dict[Curve, dict[int, frozenset[str]]] = {}
        for number, point in points:
            try:
                bits = self._budget(number, point)
            except ResividError:  # as above
                continue
            if point.method == PAPER_X265:
                paper.setdefault(number, set()).add(bits)
            elif point.method in PICKS:
                metrics = wanted.setdefault((number, point.distances), {})
                metrics[bits] = metrics.get(bits, frozenset()) | {PICKS[point.method]}
        return paper, wanted

    def _budget(self, number: int, point: Point) -> int:
        seed = point.seed(self._evaluation, number)
        return budget_of(point, self._evaluation, self._clips[number], seed)

    def _frontier(self, curve: Curve) -> Frontier:
        if curve not in self._frontiers:
            self._frontiers[curve] = Frontier(usable(self._evaluation.candidates(curve[1]))[0])
        return self._frontiers[curve]

    def _job(
        self,
        number: int,
        setting: ClassicalSetting,
        asks: Iterable[tuple[int, Bars]],
        judged: bool = True,
    ) -> LadderJob:
        clip = self._clips[number]
        return LadderJob(clip, setting, tuple(sorted(asks)), self._evaluation, self._folder, judged)

    def _recall(self) -> None:
        """Take in what the cache has for finished points; nothing is coded."""
        _, known = self._budgets(self._finished)
        self._finished.clear()
        for curve, budgets in known.items():
            frontier = self._frontier(curve)
            while found := frontier.next_round(budgets):
                asks = [(s, [(bits, ask.bars)]) for bits, ask in found.items() for s in ask.settings]
                if not all(_is_kept(self._job(curve[0], *ask)) for ask in asks):
                    break
                self._learn(curve, found)

    def _learn(self, curve: Curve, found: Mapping[int, Ask]) -> None:
        for budget, ask in found.items():
            self._frontier(curve).learn(budget, *self._reached(curve, ask, budget))

    def _reached(self, curve: Curve, ask: Ask, budget: int) -> tuple[list[Choice], list[Choice]]:
        choices, limits = [], []
        for setting in ask.settings:
            try:
                choice, limit = self._job(curve[0], setting, ()).ladder().kept(budget, ask.bars)
            except LookupError:  # its job failed, and said so
                self._failed.setdefault(curve, set()).add(setting.name)
                continue
            if choice is not None:
                choices.append(choice)
            if limit is not None:
                limits.append(limit)
        return choices, limits


def usable(settings: Iterable[ClassicalSetting]) -> tuple[list[ClassicalSetting], dict[str, str]]:
    """The settings whose encoder is there, and codec to the reason for each that is not."""
    problems: dict[str, str] = {}
    found = []
    for setting in settings:
        try:
            require_encoder(setting)
            found.append(setting)
        except MissingPackageError as error:
            problems[setting.codec] = str(error)
    return found, problems


def _is_kept(job: LadderJob) -> bool:
    ladder = job.ladder()
    try:
        for budget, bars in job.asks:
            if job.judged:
                ladder.kept(budget, bars)
            else:
                ladder.kept_fit(budget)
    except LookupError:
        return False
    return True
