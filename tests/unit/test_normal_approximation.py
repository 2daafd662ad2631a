# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal approximation against published thresholds, closed forms and a Monte Carlo integral."""

import math

import numpy as np
import pytest
from gnuradio.resivid.evaluate.normal_approximation import (
    bicm_capacity_dispersion,
    normal_approximation,
    normal_approximation_snr_db,
)

# Es/N0 in dB at a block error rate of 0.002 for k = 256, 512, 1,067, 2,048, computed with another program
BOUNDS_DB = {
    (2, 251): (-2.69, -3.03, -3.29, -3.45),
    (2, 308): (-1.61, -1.94, -2.20, -2.37),
    (2, 526): (1.57, 1.25, 0.99, 0.83),
    (2, 679): (3.47, 3.15, 2.90, 2.73),
    (4, 434): (5.35, 4.98, 4.70, 4.51),
    (4, 553): (7.25, 6.92, 6.63, 6.45),
    (4, 658): (8.91, 8.59, 8.29, 8.09),
}


@pytest.mark.parametrize("bits_per_symbol, rate_1024", BOUNDS_DB)
def test_thresholds_of_table_one(bits_per_symbol, rate_1024):
    for k, expected in zip((256, 512, 1067, 2048), BOUNDS_DB[bits_per_symbol, rate_1024], strict=True):
        symbols = round(1024 * k / (rate_1024 * bits_per_symbol))
        snr_db = normal_approximation_snr_db(bits_per_symbol, k, symbols, 0.002)
        assert snr_db == pytest.approx(expected, abs=0.02)
        assert normal_approximation(bits_per_symbol, k, symbols, snr_db) == pytest.approx(0.002, rel=0.01)


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8])
def test_limits(bits_per_symbol):
    capacity, dispersion = bicm_capacity_dispersion(bits_per_symbol, 60)
    assert (capacity, dispersion) == pytest.approx((bits_per_symbol, 0), abs=1e-6)
    # QPSK at low SNR reaches Shannon's capacity; larger Gray constellations stay below it
    snr = 10**-2.5
    capacity, dispersion = bicm_capacity_dispersion(bits_per_symbol, -25)
    shannon = math.log2(1 + snr)
    assert capacity <= shannon
    if bits_per_symbol == 2:
        assert capacity == pytest.approx(shannon, rel=0.01)
        assert dispersion == pytest.approx(2 * snr * math.log2(math.e) ** 2, rel=0.02)


def gray(bits):
    """Amplitude of one axis by TS 38.211 5.1.3 to 5.1.6, without its scale."""
    result = 1
    for n, bit in enumerate(reversed(bits[1:]), 1):
        result = 2**n - (1 - 2 * bit) * result
    return (1 - 2 * bits[0]) * result


@pytest.mark.parametrize("bits_per_symbol, snr_db", [(2, 0), (4, 6), (6, 12), (8, 18)])
def test_moments_of_the_information_density(bits_per_symbol, snr_db):
    # noisy symbols drawn at random, likelihoods summed label by label
    generator = np.random.default_rng(bits_per_symbol)
    half = bits_per_symbol // 2
    labels = np.array([[i >> b & 1 for b in range(half)] for i in range(2**half)])
    points = np.array([gray(list(label)) for label in labels], float)
    points /= math.sqrt(2 * (points**2).mean())
    variance = 0.5 * 10 ** (-snr_db / 10)
    sent = generator.integers(0, len(points), (100_000, 2))
    received = points[sent] + generator.normal(0, math.sqrt(variance), sent.shape)
    likelihood = np.exp(-((received[..., None] - points) ** 2) / (2 * variance))
    same = labels[sent][:, :, None, :] == labels[None, None]  # (draw, axis, point, bit)
    density = np.log2(2 * (likelihood[..., None] * same).sum(2) / likelihood.sum(2)[..., None]).sum((1, 2))
    capacity, dispersion = bicm_capacity_dispersion(bits_per_symbol, snr_db)
    assert density.mean() == pytest.approx(capacity, abs=4 * math.sqrt(dispersion / len(density)))
    assert density.var() == pytest.approx(dispersion, rel=0.05)


def test_refuses_more_bits_than_symbols_carry():
    with pytest.raises(ValueError, match="no SNR"):
        normal_approximation_snr_db(2, 2010, 1000, 0.002)
