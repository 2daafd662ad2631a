# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptation over a changing channel: the outer loop holds the target where the estimates alone cannot."""

import math

import numpy as np
import pytest
from gnuradio.resivid import phy
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.evaluate import adaptation
from gnuradio.resivid.link.mcs_table import load_mcs_table

TABLE = load_mcs_table("table1")
THRESHOLDS_DB = [row.snr_db for row in TABLE.rows]
TARGET = 0.01  # of these tests: 500 failures in 50,000 blocks


class CurveLink:
    """Blocks that fail by a closed form: logistic, TARGET at the row's threshold, a factor of e in 0.25 dB."""

    def __init__(self, seed=1):
        self.generator = np.random.default_rng(seed)

    def send(self, row, snr_db):
        beyond = (snr_db - THRESHOLDS_DB[row]) / 0.25 + math.log(1 / TARGET - 1)
        arrived = self.generator.random() >= 1 / (1 + math.exp(min(beyond, 700)))
        return arrived, snr_db + 0.17 * self.generator.standard_normal()


def bler(bias_db, outer_loop, feedback_delay=1, count=50_000):
    selector = phy.mcs_selector(
        THRESHOLDS_DB, snr_bias_db=bias_db, target_bler=TARGET if outer_loop else 0.0, jump_db=2.0
    )
    # Slow shadowing: 5 dB and 3 dB around, 400 key frames a round
    snr_db = 5 + 3 * np.sin(np.arange(count) * 2 * np.pi / 400)
    run = adaptation.run_adaptation(CurveLink(), selector, snr_db, feedback_delay)
    assert np.array_equal(run.snr_db, snr_db) and len(run.rows) == count
    return run.failed[1000:].mean()  # the first thousand: the loop finds its place


@pytest.mark.parametrize("bias_db", [-1.5, 0.0, 1.5])
@pytest.mark.parametrize("feedback_delay", [1, 4])
def test_outer_loop_holds_the_target(bias_db, feedback_delay):
    assert TARGET / 1.5 < bler(bias_db, True, feedback_delay) < TARGET * 1.5


def test_estimates_alone_do_not():
    assert bler(1.5, False) > 5 * TARGET
    assert bler(-1.5, False) < TARGET / 5


def test_rows_come_late_by_the_feedback_delay():
    snr_db = [10.0] * 5 + [-2.0] * 5
    for delay in (1, 3):
        selector = phy.mcs_selector(THRESHOLDS_DB, window=1)
        rows = adaptation.run_adaptation(CurveLink(), selector, snr_db, delay).rows
        assert list(rows[:delay]) == [0] * delay and rows[delay] >= 5
        assert rows[4 + delay] >= 5 and rows[5 + delay] == 0
    with pytest.raises(SettingsError, match="--feedback-delay"):
        adaptation.run_adaptation(CurveLink(), phy.mcs_selector(THRESHOLDS_DB), snr_db, 0)


def test_a_jump_starts_the_mean_anew():
    slow, quick = phy.mcs_selector(THRESHOLDS_DB), phy.mcs_selector(THRESHOLDS_DB, jump_db=2.0)
    for selector in (slow, quick):
        for _ in range(8):
            selector.select(8.0)
    assert (slow.select(2.0), quick.select(2.0)) == (4, 2)  # means 7.25 and 2.0 dB
    assert quick.select(3.9) == 2  # 1.9 dB: no jump, mean 2.95


def test_the_coded_link_and_its_summary():
    link = adaptation.CodedLink(TABLE, 314, seed=3)
    bits = [100 * (row + 1) for row in range(7)]
    run = adaptation.run_adaptation(link, phy.mcs_selector(THRESHOLDS_DB, start_row=4), [20.0, -10.0, -10.0])
    assert list(run.failed) == [False, True, True] and run.rows[0] == 4
    row = adaptation.summary(run, TABLE, bits, trace="mine")
    assert (row["trace"], row["blocks"], row["errors"], row["bler"]) == ("mine", 3, 2, pytest.approx(2 / 3))
    assert row["arrived_bits"] == pytest.approx(500 / 3)


def test_plot_of_a_short_run(tmp_path):
    run = adaptation.run_adaptation(CurveLink(), phy.mcs_selector(THRESHOLDS_DB), [6.0] * 20)
    adaptation.plot(tmp_path / "a.png", {"estimates alone": run, "with outer loop": run}, TABLE)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
