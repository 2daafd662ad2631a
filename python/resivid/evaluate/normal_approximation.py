# SPDX-License-Identifier: GPL-3.0-or-later
"""What the best code of a given length could reach over AWGN: the normal approximation."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

_STEP = 1 / 16  # of the integrals over the noise, in its standard deviations; their error is below 1e-9
_REACH = 9.0  # noise beyond so many standard deviations does not count


def bicm_capacity_dispersion(bits_per_symbol: int, snr_db: float) -> tuple[float, float]:
    """Capacity and dispersion of Gray-mapped QAM over AWGN, bits of a symbol demapped one by one.

    The information density of a symbol is the sum over its bits of log2 p(y | bit) / p(y); capacity is its mean,
    dispersion its variance. Both are integrated numerically, I and Q apart (TS 38.211 5.1).

    Args:
        bits_per_symbol: 2, 4, 6 or 8.
        snr_db: Es/N0 in dB.
    Returns:
        (C, V) in bit and bit^2 a complex symbol.
    """
    amplitudes, labels = _pam(bits_per_symbol // 2)
    sigma = math.sqrt(0.5 / 10 ** (snr_db / 10))
    noise = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    weight = np.exp(-(noise**2) / 2) * _STEP / math.sqrt(2 * math.pi)
    mean = square = 0.0
    for amplitude, label in zip(amplitudes, labels, strict=True):
        distance = (amplitude - amplitudes[:, None]) / sigma + noise  # (points, noise)
        exponent = -(distance**2) / 2
        likelihood = np.exp(exponent - exponent.max(0))
        density = np.zeros_like(noise)
        for bit in range(labels.shape[1]):
            same = labels[:, bit] == label[bit]
            density += np.log2(2 * likelihood[same].sum(0) / likelihood.sum(0))
        mean += float((weight * density).sum()) / len(amplitudes)
        square += float((weight * density**2).sum()) / len(amplitudes)
    return 2 * mean, 2 * max(square - mean**2, 0.0)


def normal_approximation(bits_per_symbol: int, info_bits: int, symbols: float, snr_db: float) -> float:
    """Block error rate of the best code: Polyanskiy, Poor, Verdu 2010, equation (223).

    Args:
        bits_per_symbol: 2, 4, 6 or 8: QPSK to 256QAM.
        info_bits: k, bits into the code.
        symbols: n, complex symbols a block.
        snr_db: Es/N0 in dB.
    Returns:
        Q((n C - k + log2(n) / 2) / sqrt(n V)).
    """
    surplus, deviation = _surplus_bits(bits_per_symbol, info_bits, symbols, snr_db)
    return float(norm.sf(surplus / max(deviation, 1e-9)))


def normal_approximation_snr_db(bits_per_symbol: int, info_bits: int, symbols: float, bler: float) -> float:
    """Es/N0 in dB where `normal_approximation` equals `bler`.

    Raises:
        ValueError: no SNR from -30 to 60 dB gives it: more bits than the symbols can carry.
    """
    target = float(norm.isf(bler))

    def margin(snr_db: float) -> float:
        surplus, deviation = _surplus_bits(bits_per_symbol, info_bits, symbols, snr_db)
        return surplus - target * deviation

    low, high = -30.0, 60.0
    if margin(low) > 0 or margin(high) < 0:
        raise ValueError(
            f"{info_bits} bits in {symbols:.0f} symbols of {bits_per_symbol} bits: no SNR gives a block error "
            f"rate of {bler}"
        )
    return float(brentq(margin, low, high, xtol=1e-4))


def _surplus_bits(bits_per_symbol: int, info_bits: int, symbols: float, snr_db: float) -> tuple[float, float]:
    """n C - k + log2(n) / 2 and sqrt(n V)."""
    capacity, dispersion = bicm_capacity_dispersion(bits_per_symbol, snr_db)
    surplus = symbols * capacity - info_bits + 0.5 * math.log2(symbols)
    return surplus, math.sqrt(symbols * dispersion)


@lru_cache
def _pam(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """One axis of Gray-mapped QAM at symbol energy 1: amplitudes (m,) and labels (m, bits)."""
    points = np.arange(2**bits)
    gray = points ^ points >> 1
    labels = gray[:, None] >> np.arange(bits)[::-1] & 1
    amplitudes = (2.0 * points - len(points) + 1) / math.sqrt(2 * (4**bits - 1) / 3)
    return amplitudes, labels
