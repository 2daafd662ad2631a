# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for the points of figures: a run that goes on tries what one run would have tried."""

from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.resivid.evaluate import classical_rounds as module
from gnuradio.resivid.evaluate.classical.ladder import Choice
from gnuradio.resivid.evaluate.classical.settings import SVT_AV1, grid
from gnuradio.resivid.evaluate.classical_rounds import Searches
from gnuradio.resivid.evaluate.points import BEST_LPIPS, BEST_PSNR, Evaluation, Point

SETTINGS = grid(((SVT_AV1, "2"),), (256, 192, 128, 96, 64), (1, 2, 4, 8, 12, 16), (0,))
FIRST = [
    (0, Point(method, cbr))
    for cbr in ("3e-4", "6e-4", "12e-4", "24e-4")
    for method in (BEST_LPIPS, BEST_PSNR)
]
SECOND = [(0, Point(BEST_LPIPS, cbr)) for cbr in ("4e-4", "5e-4", "8e-4", "16e-4")]


class Coded(Searches):
    """What is coded is drawn from rate-distortion curves; `cache` outlives a run."""

    def __init__(self, cache):
        super().__init__([None], Evaluation(), None)
        self.cache, self.coded = cache, set()

    def _job(self, number, setting, asks, judged=True):
        def kept(bits, bars):
            return self.cache[setting, bits], None

        return SimpleNamespace(
            setting=setting, asks=asks, judged=True, ladder=lambda: SimpleNamespace(kept=kept)
        )

    def code(self, jobs, count):
        for job in jobs:
            for bits, _ in job.asks:
                self.coded.add((job.setting, bits))
                rng = np.random.default_rng(SETTINGS.index(job.setting))
                floor, start = rng.uniform(0.1, 0.5), rng.uniform(20, 400)
                share = min(1.0, start / bits)
                choice = Choice(job.setting, 30, bits, 35 - 15 * share, floor + (0.8 - floor) * share)
                self.cache[job.setting, bits] = choice if start < bits else None


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(module, "budget_of", lambda point, *_: round(float(point.cbr) * 1e6))
    monkeypatch.setattr(module, "usable", lambda settings: (SETTINGS, {}))


def test_a_run_that_goes_on_tries_what_one_run_would_have():
    whole = Coded({})
    whole.run(FIRST, whole.code)
    first = set(whole.coded)
    whole.run(SECOND, whole.code)
    before = Coded({})
    before.run(FIRST, before.code)
    after = Coded(before.cache)
    after.finished(FIRST)
    after.run(SECOND, after.code)
    assert before.coded == first and after.coded == whole.coded - first
    assert [after.contenders(*each) for each in SECOND] == [whole.contenders(*each) for each in SECOND]
    forgetful = Coded({key: choice for key, choice in before.cache.items() if key in first})
    forgetful.run(SECOND, forgetful.code)
    assert len(forgetful.coded) > 1.5 * len(after.coded)


def test_without_the_cache_finished_points_are_not_searched_again():
    alone, after = Coded({}), Coded({})
    alone.run(SECOND, alone.code)
    after.finished(FIRST)
    after.run(SECOND, after.code)
    assert after.coded == alone.coded and {bits for _, bits in after.coded} <= {400, 500, 800, 1600}
