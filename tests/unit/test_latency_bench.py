# SPDX-License-Identifier: GPL-3.0-or-later
"""The latency budget from the documents of both commands; worked by hand."""

from __future__ import annotations

import re

import pytest
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate.latency_bench import budget, limits
from gnuradio.resivid.flowgraphs.live import LiveSettings

SENT = {"sent": 9, "late": 0, "underflows": 0}
RECEIVED = {"received": 8, "failed": 1, "missing": 0, "dropped": 0, "overflows": 0}


def documents(**ages_ms):
    ages = {stage: {"mean": 0, "p50": ms, "p95": ms + 10} for stage, ms in ages_ms.items()}
    tx = {stage: ages[stage] for stage in ("packed", "framed", "held") if stage in ages}
    rx = {stage: ages[stage] for stage in ages if stage not in tx}
    return {**SENT, "age_ms": tx}, {"receiver": RECEIVED, "age_ms": rx}


def test_stages_add_up():
    ages = {"packed": 60, "framed": 100, "held": 30, "decoded": 500, "pictured": 580, "shown": 600}
    result = budget(*documents(**ages), LiveSettings())
    air_ms = 1e3 * (721 + 72) / 2703.75  # symbols of a frame and of the preamble behind, symbols a second
    expected = [60, 40, 30, air_ms, 500 - 100 - 30 - air_ms, 80, 20]
    assert [row["ms"] for row in result["stages"]] == pytest.approx(expected, abs=0.06)
    assert result["stages"][-1]["age_ms"] == result["beyond_ms"] == 600
    assert result["latency_ms"] == pytest.approx(600 + 7e3 / 30, abs=0.06)
    assert result["p95_ms"] == pytest.approx(610 + 7e3 / 30, abs=0.06)
    assert (result["sent"], result["received"], result["failed"]) == (9, 8, 1)
    assert result["limits"] == ""


def test_a_stage_that_nothing_passed_is_named():
    with pytest.raises(ResividError, match="nothing was pictured, shown"):
        budget(*documents(packed=60, framed=100, held=30, decoded=500), LiveSettings())


@pytest.mark.parametrize(
    "counts, said",
    [
        ({}, ""),
        ({"missing": 4}, ""),
        (
            {"late": 1, "missing": 2, "dropped": 2},
            "5 of 201 key frames never reached the screen, and no age counts them",
        ),
        ({"dropped": 120}, "120 of 200 key frames never .*; these figures are worthless"),
        ({"overflows": 2, "underflows": 1}, "samples were late or lost 3 times: this was not real time"),
    ],
)
def test_what_was_lost_limits_what_the_figures_say(counts, said):
    kinds = ("late", "missing", "dropped", "underflows", "overflows")
    assert re.fullmatch(said, limits({"sent": 200, **dict.fromkeys(kinds, 0), **counts}))
