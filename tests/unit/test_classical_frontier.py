# SPDX-License-Identifier: GPL-3.0-or-later
"""The search over many budgets: the same winners as trying everything, with less."""

from dataclasses import replace

import numpy as np
import pytest
from gnuradio.resivid.evaluate.classical.frontier import Frontier
from gnuradio.resivid.evaluate.classical.ladder import MARGINS, Choice, is_behind
from gnuradio.resivid.evaluate.classical.search import best
from gnuradio.resivid.evaluate.classical.settings import SVT_AV1, ClassicalSetting, grid, is_likely

SETTINGS = grid(((SVT_AV1, "2"),), (256, 192, 128, 96, 64), (1, 2, 4, 8, 12, 16), (0,))
BUDGETS = [int(bits) for bits in np.geomspace(10_000, 180_000, 35)]
BOTH = frozenset(MARGINS)


class World:
    """Rate-distortion curves as codecs have them: LPIPS from 0.8 to a floor of the setting's own, falling with the bits'
    logarithm and not quite steadily; below some bits the setting cannot go. Counts what is tried."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        shape = len(SETTINGS), 1
        self.floor, self.start = rng.uniform(0.1, 0.5, shape), rng.uniform(2_000, 40_000, shape)
        self.wobble = rng.uniform(-0.5, 0.5, (len(SETTINGS), len(BUDGETS)))
        self.slope = rng.uniform(0.5, 1.5, shape)
        self.tried = self.limited = 0

    def all(self, number):
        doublings = np.log2(np.array(BUDGETS) / self.start)[number]
        share = np.exp(-self.slope[number] * doublings)
        lpips = (
            self.floor[number] + (0.8 - self.floor[number]) * share + self.wobble[number] * MARGINS["lpips"]
        )
        psnr_db = (
            20 + 15 * (0.8 - self.floor[number]) * (1 - share) + self.wobble[number] * MARGINS["psnr_db"]
        )
        return np.where(doublings >= 0, lpips, np.nan), psnr_db

    def choice(self, setting: ClassicalSetting, bits):
        self.tried += 1
        number, place = SETTINGS.index(setting), BUDGETS.index(bits)
        lpips, psnr_db = (values[place] for values in self.all(number))
        return None if np.isnan(lpips) else Choice(setting, 30, bits, psnr_db, lpips)

    def limit(self, choice, bars):
        """What the setting reaches with a few more bits than those of the choice, if that is behind the bars."""
        more = replace(choice, lpips=choice.lpips - 0.004, psnr_db=choice.psnr_db + 0.08)
        return more if is_behind(more, bars) else None

    def search(self, frontier, wanted):
        rounds = 0
        while found := frontier.next_round(wanted):
            rounds += 1
            for bits, ask in found.items():
                fitting = [c for setting in ask.settings if (c := self.choice(setting, bits)) is not None]
                limits = [limit for choice in fitting if (limit := self.limit(choice, ask.bars)) is not None]
                behind = {limit.setting for limit in limits}
                self.limited += len(behind)
                frontier.learn(bits, [choice for choice in fitting if choice.setting not in behind], limits)
        return rounds


def winner(world, settings, bits, metric):
    found = [choice for setting in settings if (choice := world.choice(setting, bits)) is not None]
    return best(found, metric).setting if found else None


@pytest.mark.parametrize("seed", range(10))
def test_winners_are_those_of_trying_everything(seed):
    world, frontier = World(seed), Frontier(SETTINGS)
    some = {bits: BOTH for bits in BUDGETS[10:25:4]}
    world.search(frontier, some)
    wanted = some | {bits: frozenset({"lpips"}) for bits in BUDGETS if bits not in some}
    assert (
        world.search(frontier, wanted) <= 12
    )  # the ends at once, then gaps of at most 31 halved five times, in two steps
    assert world.tried < 0.5 * len(SETTINGS) * len(BUDGETS)
    assert world.limited > 0.25 * world.tried  # most need no exact fit
    for bits, metrics in wanted.items():
        for metric in metrics:
            assert winner(world, frontier.at(bits), bits, metric) == winner(world, SETTINGS, bits, metric)
    assert frontier.next_round(wanted) == {}


def test_a_budget_is_searched_again_where_another_metric_is_wanted():
    world, frontier = World(3), Frontier(SETTINGS)
    world.search(frontier, {bits: frozenset({"lpips"}) for bits in BUDGETS})
    middle = BUDGETS[17]
    assert set(frontier.next_round({middle: BOTH})) == {middle}


def test_one_budget_and_none():
    frontier = Frontier(SETTINGS)
    assert frontier.next_round({}) == {}
    for likely in (True, False):  # nothing fits, so there are no bars
        ask = frontier.next_round({100: BOTH})[100]
        assert ask.bars == () and all(is_likely(s) == likely for s in ask.settings)
        frontier.learn(100, [])
    assert set(frontier.at(100)) == set(SETTINGS) and frontier.at(7) == SETTINGS
    assert set(frontier.next_round({100: BOTH, 50: BOTH})) == {50}
