# SPDX-License-Identifier: GPL-3.0-or-later
"""Ages of key frames by stage; figures worked by hand."""

from __future__ import annotations

import pytest
from gnuradio.resivid.link.stage_ages import MOST_KEPT, LongWait, StageAges


def test_stages_stay_in_order_and_have_mean_and_median():
    ages = StageAges()
    for age_s in (0.1, 0.2, 0.6):
        ages.add("packed", age_s)
        ages.add("framed", 2 * age_s)
    spread = ages.spread_ms()
    assert list(spread) == ["packed", "framed"]
    assert spread["packed"]["mean"] == pytest.approx(300)
    assert spread["framed"]["p50"] == pytest.approx(400)


def test_only_the_last_ones_count():
    ages = StageAges()
    ages.add("packed", 1e6)
    for _ in range(MOST_KEPT):
        ages.add("packed", 0.5)
    assert ages.spread_ms()["packed"] == pytest.approx({"mean": 500, "p50": 500, "p95": 500})


def test_one_is_left_out_when_all_waited_long():
    wait = LongWait(0.1, count=4)
    assert [wait.add(s) for s in (0.2, 0.2, 0.2, 0.2)] == [False, False, False, True]
    assert [wait.add(s) for s in (0.2, 0.05, 0.2, 0.2, 0.2)] == [
        False
    ] * 5  # it begins anew; one did not wait
    assert wait.add(0.2)
