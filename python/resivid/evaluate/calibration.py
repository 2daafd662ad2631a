# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds of (MCS, block size): Es/N0 where the block error rate is the target, by a few points around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from ..link.mcs_file import McsEntry, McsFile
from .bler import Counts, Point, StopRule, at_snr, symbols_for
from .normal_approximation import normal_approximation_snr_db

Measure = Callable[[Point, StopRule], Counts]
START_DB = 0.8  # above the bound: where LDPC codes of some hundred bits are
LEAST_STEP_DB = 0.4  # as long as no measurement saw errors, or all saw too many
MAX_STEPS = 20
SLOPE_SPREAD = 0.15  # relative deviation of a code's slope from the bound's, as a prior
SHORT_OF_TARGET = 0.3  # of Q^-1(BLER), at most: the long measurement is made where errors come twice as often
LINEAR_BELOW = 0.2  # block error rates above say little about the target
SIZES = (64, 256, 1024, 4096)  # k of a calibration unless the table names others
LARGEST_AT_QUARTER_RATE = 3824  # k above it would take two code blocks: TS 38.212 5.2.2


@dataclass(frozen=True)
class Threshold:
    """Es/N0 in dB at the target, the standard deviation of that estimate in dB, the normal approximation in dB."""

    snr_db: float
    deviation_db: float
    bound_db: float = math.nan


def find_threshold(
    point: Point,
    measure: Measure,
    target: float = 0.002,
    deviation_db: float = 0.02,
    start_db: float = START_DB,
) -> Threshold:
    """Es/N0 where the block error rate of a point's blocks is the target.

    A few quick measurements lead to the waterfall. There Q^-1(BLER) is a straight line over Es/N0 in dB, as for the
    normal approximation; its maximum-likelihood fit gives the threshold, below which one long measurement is made.

    Args:
        point: which blocks; its snr_db does not count.
        measure: measures a point as far as a rule asks.
        target: block error rate.
        deviation_db: standard deviation aimed at in dB.
        start_db: where to start, above the bound.
    Returns:
        The threshold.
    Raises:
        ValueError: no SNR gives the target.
    """
    bound = normal_approximation_snr_db(point.bits_per_symbol, point.info_bits, point.symbols, target)
    slope = _bound_slope(point, bound, target)
    quick = StopRule(4 * target, precision=0.5, max_blocks=6_000)
    # the slope that is not known well must not decide more than the noise of the measurement does
    short = min(SHORT_OF_TARGET, deviation_db * slope / SLOPE_SPREAD)
    near_target = float(norm.sf(norm.isf(target) - short))
    precision = 1.96 * deviation_db * slope * norm.pdf(norm.isf(near_target)) / near_target
    long = StopRule(target, float(precision), max_blocks=400_000)
    tried: dict[float, Counts] = {}
    snr_db, rule = bound + start_db, quick
    for _ in range(MAX_STEPS):
        at = at_snr(point, snr_db)
        tried[at.snr_db] = measure(at, rule)
        fit = _fit(tried, slope, target)
        if rule is long and fit.deviation_db < 1.5 * deviation_db:
            return replace(fit, bound_db=bound)
        wanted_db = fit.snr_db - short / slope
        rule = long if abs(wanted_db - at.snr_db) < 0.6 / slope else quick
        snr_db = at.snr_db + float(np.clip(wanted_db - at.snr_db, -1.5, 1.5))
    raise ValueError(f"{point.mcs}, {point.info_bits} bits: no SNR found for a block error rate of {target}")


def calibrated(file: McsFile, find: Callable[[Point, float], Threshold], template: Point) -> McsFile:
    """The table with thresholds measured at the sizes of `sizes_of`.

    Args:
        file: its rows.
        find: the threshold of a point, and where to start in dB above the bound.
        template: decoder and seed.
    Returns:
        The same rows; thresholds rounded to hundredths of a dB, upwards, so that each meets the target.
    """
    above_bound: dict[int, float] = {}  # of the row before, by size
    entries = []
    for entry in file.entries:
        thresholds = []
        for k in sizes_of(entry):
            start = above_bound.get(k, next(reversed(above_bound.values()), START_DB))
            found = find(point_for(entry, k, symbols_for(entry, k), template), start)
            above_bound[k] = found.snr_db - found.bound_db
            thresholds.append((k, math.ceil(100 * found.snr_db - 1e-6) / 100))
        entries.append(replace(entry, thresholds=tuple(thresholds)))
    return replace(file, entries=tuple(entries))


def sizes_of(entry: McsEntry) -> list[int]:
    """k at which a row is calibrated: those of its thresholds, SIZES where they hold for any size."""
    sizes = {k for k, _ in entry.thresholds if k} or set(SIZES)
    if 4 * entry.rate_1024 <= 1024:
        sizes = {min(k, LARGEST_AT_QUARTER_RATE) for k in sizes}
    return sorted(sizes)


def point_for(entry: McsEntry, info_bits: int, symbols: int, template: Point) -> Point:
    """The blocks of a row and size, with decoder and seed of the template."""
    return replace(
        template,
        mcs=entry.label,
        bits_per_symbol=entry.bits_per_symbol,
        rate_1024=entry.rate_1024,
        info_bits=info_bits,
        symbols=symbols,
    )


def to_yaml(file: McsFile, comments: list[str]) -> str:
    """The table as its file, a row a line.

    Args:
        file: what to write.
        comments: lines for its head.
    """
    lines = ["# SPDX-License-Identifier: GPL-3.0-or-later", *(f"# {line}" for line in comments)]
    lines += [f"name: {file.name}", f"target_bler: {file.target_bler}"]
    if file.air_lowest_snr_db is not None:
        lines.append(f"air_lowest_snr_db: {file.air_lowest_snr_db}")
    lines.append("rows:")
    for entry in file.entries:
        fields = [
            f'label: "{entry.label}"',
            f"modulation: {entry.modulation}",
            f"bits_per_symbol: {entry.bits_per_symbol}",
            f"rate_1024: {entry.rate_1024}",
        ]
        fields += [] if entry.preamble is None else [f"preamble: {entry.preamble}"]
        fields += [f'source: "{entry.source}"'] if entry.source else []
        pairs = ", ".join(f"{k}: {snr_db:.2f}" for k, snr_db in entry.thresholds)
        lines += [f"  - {{{', '.join(fields)},", f"     thresholds_db: {{{pairs}}}}}"]
    return "\n".join(lines) + "\n"


def _bound_slope(point: Point, bound_db: float, target: float) -> float:
    """d Q^-1(BLER) / d Es/N0 of the normal approximation at the target, per dB."""
    lower = normal_approximation_snr_db(
        point.bits_per_symbol, point.info_bits, point.symbols, min(0.5, target * 10)
    )
    rise = float(norm.isf(target) - norm.isf(min(0.5, target * 10)))
    return rise / max(bound_db - lower, rise / 1000)


def _fit(tried: dict[float, Counts], slope: float, target: float) -> Threshold:
    """Q^-1(BLER) as a line through what was measured; a prior on its slope decides where one point is alone."""
    wanted = float(norm.isf(target))
    used = {s: c for s, c in tried.items() if c.errors <= LINEAR_BELOW * c.blocks}
    if not any(c.errors for c in used.values()):
        return Threshold(_between(tried, slope, wanted), math.inf)
    snr_db = np.array(list(used))
    errors = np.array([c.errors for c in used.values()], float)
    blocks = np.array([c.blocks for c in used.values()], float)

    def cost(parameters: np.ndarray) -> float:
        threshold, log_ratio = parameters
        x = np.clip(wanted + slope * math.exp(log_ratio) * (snr_db - threshold), -8, 8)
        likelihood = errors * norm.logsf(x) + (blocks - errors) * norm.logcdf(x)
        return float(-likelihood.sum() + 0.5 * (log_ratio / SLOPE_SPREAD) ** 2)

    rate = (errors + 0.5) / (blocks + 1)
    guesses = snr_db + (wanted - norm.isf(rate)) / slope
    start = np.array([guesses[np.argmax(errors)], 0.0])
    found = minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6}).x
    return Threshold(float(found[0]), _deviation(cost, found))


def _between(tried: dict[float, Counts], slope: float, wanted: float) -> float:
    """Where to look while every measurement saw no error or far too many."""
    clean = min((s for s, c in tried.items() if not c.errors), default=None)
    noisy = max((s for s, c in tried.items() if c.errors), default=None)
    if clean is not None and noisy is not None:
        return (clean + noisy) / 2
    at = clean if clean is not None else noisy
    assert at is not None
    rate = (tried[at].errors + 0.5) / (tried[at].blocks + 1)
    step = (wanted - float(norm.isf(rate))) / slope
    return at + math.copysign(max(abs(step), LEAST_STEP_DB), step)


def _deviation(cost: Callable[[np.ndarray], float], at: np.ndarray) -> float:
    """Standard deviation of the first parameter from the curvature of the log likelihood."""
    h = 0.01
    steps = np.eye(2) * h
    hessian = np.array(
        [
            [
                (cost(at + a + b) - cost(at + a - b) - cost(at - a + b) + cost(at - a - b)) / (4 * h * h)
                for b in steps
            ]
            for a in steps
        ]
    )
    variance = np.linalg.pinv(hessian)[0, 0]
    return math.sqrt(variance) if variance > 0 else math.inf
