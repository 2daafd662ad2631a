# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy of the SNR estimates: unbiased, and at the bound of Cramer and Rao."""

import math

import pytest
from gnuradio.resivid.evaluate import snr_accuracy
from gnuradio.resivid.evaluate.snr_accuracy import blind_bound_db, known_bound_db


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8])
def test_bound_is_that_of_known_symbols_at_high_snr_and_of_energy_at_low_snr(bits_per_symbol):
    assert blind_bound_db(bits_per_symbol, 45.0, 629) == pytest.approx(known_bound_db(629), rel=1e-3)
    # Far below 0 dB |y|^2 is all there is to know: exponential of mean 1 + N0, so N0 deviates by (1 + N0) / sqrt(n)
    n0 = 10**1.5
    expected = 10 / math.log(10) * (1 + n0) / n0 / math.sqrt(629)
    assert blind_bound_db(bits_per_symbol, -15.0, 629) == pytest.approx(expected, rel=0.03)


def test_known_bound_by_hand():
    assert known_bound_db(629) == pytest.approx(0.1732, abs=1e-4)


@pytest.mark.parametrize("modulation", ["QPSK", "16QAM", "64QAM", "256QAM"])
def test_estimates_are_at_the_bound(modulation):
    blocks = 300
    for row in snr_accuracy.measure([modulation], [629], [-4.0, 4.0, 14.0, 24.0], blocks, seed=1):
        error = row["bound_db"] / math.sqrt(blocks)
        # The likeliest value is unbiased but for terms of 1/n: 0.1 dB where the bound is 0.7 dB
        assert abs(row["bias_db"]) < 4 * error + 0.2 * row["bound_db"]
        assert row["deviation_db"] == pytest.approx(row["bound_db"], rel=4 / math.sqrt(2 * blocks) + 0.05)
        assert abs(row["known_bias_db"]) < 4 * row["known_bound_db"] / math.sqrt(blocks) + 0.01
        assert row["known_deviation_db"] == pytest.approx(
            row["known_bound_db"], rel=4 / math.sqrt(2 * blocks)
        )


def test_plot_of_a_few_points(tmp_path):
    rows = snr_accuracy.measure(["QPSK"], [314, 629], [0.0, 6.0], 3)
    snr_accuracy.plot(tmp_path / "snr.svg", rows)
    text = (tmp_path / "snr.svg").read_text()
    assert text.startswith("<?xml") and [p.name for p in tmp_path.iterdir()] == ["snr.svg"]
