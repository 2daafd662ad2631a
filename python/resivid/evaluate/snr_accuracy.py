# SPDX-License-Identifier: GPL-3.0-or-later
"""How far SNR estimates are from the truth: bias and deviation beside the bounds of Cramer and Rao."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import phy
from ..link.mcs_table import MODULATIONS

DB = 10 / math.log(10)  # a small relative deviation in dB
DEFAULT_SNR_DB = tuple(float(snr) for snr in range(-6, 26))
DEFAULT_SYMBOLS = (314, 629, 943)  # key frames at CBR 4e-4 and strides 4, 8, 12


def known_bound_db(symbols: int) -> float:
    """Least deviation in dB of an unbiased estimate of N0 when the symbols are known: N0 / sqrt(symbols)."""
    return DB / math.sqrt(symbols)


def blind_bound_db(bits_per_symbol: int, snr_db: float, symbols: int) -> float:
    """The same when the symbols are unknown and equally likely, gain and phase known.

    The score of ln N0 on one axis is E[(y - s)^2 | y] / N0 - 1/2; its square is integrated over y.

    Args:
        bits_per_symbol: 2, 4, 6 or 8.
        snr_db: Es/N0 in dB.
        symbols: length of the block.
    Returns:
        Deviation in dB.
    """
    n0 = 10 ** (-snr_db / 10)
    bits = np.arange(1 << bits_per_symbol)[:, None] >> np.arange(bits_per_symbol)[::-1] & 1
    points = phy.qam_map(bits.astype(np.uint8).ravel(), bits_per_symbol)
    levels = np.unique(points.real.astype(np.float64).round(6))
    reach = levels.max() + 7 * math.sqrt(n0 / 2)
    y = np.linspace(-reach, reach, 8001)
    squares = (y[:, None] - levels) ** 2
    likelihoods = np.exp(-squares / n0) / math.sqrt(math.pi * n0)
    density = likelihoods.mean(axis=1)
    noise = (likelihoods * squares).mean(axis=1) / np.maximum(density, 1e-300)
    integrand = density * (noise / n0 - 0.5) ** 2
    information = (integrand[1:] + integrand[:-1]).sum() * (y[1] - y[0])  # two axes
    return DB / math.sqrt(symbols * information)


def measure(
    modulations: Sequence[str] = tuple(MODULATIONS),
    symbols: Sequence[int] = DEFAULT_SYMBOLS,
    snr_db: Sequence[float] = DEFAULT_SNR_DB,
    blocks: int = 400,
    seed: int = 0,
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> list[dict[str, Any]]:
    """Estimate the SNR of random blocks in white noise.

    Args:
        modulations: names of `MODULATIONS`.
        symbols: block lengths.
        snr_db: Es/N0 in dB.
        blocks: random blocks for each point.
        seed: of symbols and noise.
        progress: called with the share done and the number of blocks.
    Returns:
        One row a point: modulation, symbols, snr_db, blocks; bias_db, deviation_db and bound_db of the estimate
        without knowing the symbols; known_bias_db, known_deviation_db and known_bound_db of the one with them.
    """
    grid = [(m, n, snr) for m in modulations for n in symbols for snr in snr_db]
    rows = []
    for number, (modulation, length, snr) in enumerate(grid):
        rows.append(_row(modulation, length, snr, blocks, [seed, number]))
        progress((number + 1) / len(grid), blocks * (number + 1))
    return rows


def _row(modulation: str, length: int, snr_db: float, blocks: int, seed: list[int]) -> dict[str, Any]:
    bits_per_symbol = MODULATIONS[modulation]
    blind, known = np.array(list(_errors(bits_per_symbol, length, snr_db, blocks, seed))).T
    return {
        "modulation": modulation,
        "symbols": length,
        "snr_db": snr_db,
        "blocks": blocks,
        "bias_db": float(blind.mean()),
        "deviation_db": float(blind.std(ddof=1)),
        "bound_db": blind_bound_db(bits_per_symbol, snr_db, length),
        "known_bias_db": float(known.mean()),
        "known_deviation_db": float(known.std(ddof=1)),
        "known_bound_db": known_bound_db(length),
    }


def _errors(
    bits_per_symbol: int, length: int, snr_db: float, blocks: int, seed: list[int]
) -> Iterator[tuple[float, float]]:
    """Errors in dB of both estimates, a pair for each block."""
    generator = np.random.default_rng(seed)
    channel = phy.awgn_channel(int(generator.integers(1 << 62)))
    for _ in range(blocks):
        bits = generator.integers(0, 2, length * bits_per_symbol, np.uint8)
        sent = phy.qam_map(bits, bits_per_symbol)
        received = channel.apply(sent, snr_db)
        blind = phy.blind_snr_db(received, bits_per_symbol)
        yield blind - snr_db, phy.known_symbols_snr_db(received, sent) - snr_db


def plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Draw bias and deviation over Es/N0, one column a modulation, the bounds as thin lines."""
    from .figures import new_figure, save_figure

    modulations = list(dict.fromkeys(row["modulation"] for row in rows))
    figure, axes = new_figure(1.5 + 2.5 * len(modulations), 5, 2, len(modulations), sharex=True, sharey="row")
    for column, modulation in enumerate(modulations):
        bias, deviation = axes[0][column], axes[1][column]
        chosen = [row for row in rows if row["modulation"] == modulation]
        for number, length in enumerate(dict.fromkeys(row["symbols"] for row in chosen)):
            points = [row for row in chosen if row["symbols"] == length]
            snr_db = [row["snr_db"] for row in points]
            colour = f"C{number}"
            bias.plot(
                snr_db, [row["bias_db"] for row in points], ".-", color=colour, label=f"{length} symbols"
            )
            deviation.plot(snr_db, [row["deviation_db"] for row in points], ".", color=colour)
            deviation.plot(snr_db, [row["bound_db"] for row in points], "-", color=colour, lw=1)
            deviation.plot(snr_db, [row["known_bound_db"] for row in points], ":", color=colour, lw=1)
        bias.set_title(modulation)
        deviation.set_xlabel("Es/N0, dB")
    axes[0][0].set_ylabel("bias, dB")
    axes[0][0].legend(fontsize="small")
    axes[1][0].set_ylabel("deviation, dB")
    axes[1][0].plot([], [], ".", color="gray", label="measured, symbols unknown")
    axes[1][0].plot([], [], "-", color="gray", lw=1, label="bound, symbols unknown")
    axes[1][0].plot([], [], ":", color="gray", lw=1, label="bound, symbols known")
    axes[1][0].legend(fontsize="small")
    save_figure(figure, path)
