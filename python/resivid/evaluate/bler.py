# SPDX-License-Identifier: GPL-3.0-or-later
"""Block error rates by Monte Carlo: points, when a point is done, and the file that lets a run go on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from scipy.stats import beta

from ..errors import FormatError, ResividError
from ..link.budget import crc_bits, payload_bits
from ..link.mcs_file import Mcs
from .normal_approximation import normal_approximation

FIRST_ROUND = 512  # blocks
GROWTH = 1.5  # of the blocks of a point from round to round


@dataclass(frozen=True)
class Point:
    """What one block error rate is measured for.

    Attributes:
        mcs: label of the row.
        bits_per_symbol, rate_1024: of the row.
        info_bits: k, bits into the LDPC encoder, CRC included.
        symbols: n, channel symbols of the block.
        snr_db: Es/N0 in dB.
        kernel: check-node rule of the decoder; None for the default.
        max_iterations: of the decoder.
        known_snr: the demapper is told the SNR instead of estimating it.
        seed: of payloads and noise; each point has its own sequence.
        guesses: of the decoder's list stage; None for the default.
    """

    mcs: str
    bits_per_symbol: int
    rate_1024: int
    info_bits: int
    symbols: int
    snr_db: float
    kernel: str | None = None
    max_iterations: int = 50
    known_snr: bool = False
    seed: int = 0
    guesses: int | None = None

    @property
    def stream(self) -> int:
        """Seed of this point's sequence."""
        return zlib.crc32(json.dumps(asdict(self)).encode())

    @property
    def fills_symbols(self) -> bool:
        """Whether k is all that the symbols carry at the row's rate, as in a key frame."""
        return self.info_bits == most_info_bits(self, self.symbols)


@dataclass(frozen=True)
class Counts:
    """What became of the blocks of a point so far."""

    blocks: int = 0
    errors: int = 0
    undetected: int = 0
    iterations_sum: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass(frozen=True)
class StopRule:
    """When a point is done.

    Attributes:
        target: block error rate of interest. A point is done when its interval lies below half of it,
        precision: or when half the interval is at most this part of the measured rate,
        max_blocks: or after so many blocks.
        confidence: of the interval.
    """

    target: float = 0.002
    precision: float = 0.2
    max_blocks: int = 100_000
    confidence: float = 0.95

    def done(self, counts: Counts) -> bool:
        """Whether these counts suffice."""
        if counts.blocks == 0:
            return False
        low, high = clopper_pearson(counts.errors, counts.blocks, self.confidence)
        narrow = high - low <= 2 * self.precision * counts.errors / counts.blocks
        return narrow or high < self.target / 2 or counts.blocks >= self.max_blocks

    def share(self, counts: Counts) -> float:
        """Part of a point's blocks that is run, 0 to 1, as far as these counts tell."""
        if self.done(counts):
            return 1.0
        needed = 4 / self.precision**2  # errors; a deviation of 1/sqrt(errors), the interval twice as wide
        rate = max(counts.errors / counts.blocks if counts.blocks else 0.0, self.target / 2)
        return min(0.99, counts.blocks / min(needed / rate, self.max_blocks))

    def next_round(self, counts: Counts) -> int:
        """Blocks to run before looking again: a function of the counts alone, so that every run stops at the
        same block."""
        total = max(FIRST_ROUND, int(GROWTH * counts.blocks))
        return min(total, self.max_blocks) - counts.blocks


class Workers(Protocol):
    """Where blocks are run: `evaluate.workers`.

    Attributes:
        width: points to work on at the same time.
    """

    width: int

    def run(self, jobs: Sequence[tuple[Point, int, int]]) -> Iterator[tuple[int, Counts]]:
        """Run (point, first block, number of blocks); yields the index of a job and part of its counts."""
        ...


def clopper_pearson(errors: int, blocks: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of a rate: Clopper and Pearson 1934.

    Args:
        errors: 0..blocks.
        blocks: at least 1.
        confidence: that the interval holds the true rate, at least.
    Returns:
        (low, high).
    """
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, errors, blocks - errors + 1)) if errors else 0.0
    high = float(beta.isf(tail, errors + 1, blocks - errors)) if errors < blocks else 1.0
    return low, high


def most_info_bits(row: Mcs | Point, symbols: int) -> int:
    """k of a key frame of so many symbols: payload and CRCs."""
    payload = payload_bits(symbols, row)
    return payload + crc_bits(payload, row.rate_1024) if payload else 0


def symbols_for(row: Mcs, info_bits: int) -> int:
    """The fewest symbols that carry k bits at the row's rate or below."""
    return -(-1024 * info_bits // (row.rate_1024 * row.bits_per_symbol))


def measure(
    points: Sequence[Point],
    rule: StopRule,
    workers: Workers,
    results: Results,
    progress: Callable[[float, int], None] = lambda share, blocks: None,
) -> list[tuple[Point, Counts]]:
    """Run every point until the rule says that it is done.

    Args:
        points: what to measure.
        rule: when to stop.
        workers: where to run.
        results: what is there already and where new counts go, a round at a time.
        progress: called with the part of the work that is done, 0 to 1, and the blocks run in this call so far.
    Returns:
        The points and their counts, in the order given.
    """
    points = list(dict.fromkeys(points))
    waiting = [point for point in points if not rule.done(results[point])]
    blocks = 0
    while waiting:
        batch = waiting[: workers.width]
        jobs = [(p, results[p].blocks, rule.next_round(results[p])) for p in batch]
        sums = [Counts()] * len(jobs)
        for index, part in workers.run(jobs):
            sums[index] += part
            blocks += part.blocks
            done = len(points) - len(waiting)
            running = sum(rule.share(results[p] + c) for p, c in zip(batch, sums, strict=True))
            progress((done + running) / len(points), blocks)
        for point, counts in zip(batch, sums, strict=True):
            results.add(point, counts)
        waiting = [point for point in waiting if not rule.done(results[point])]
    progress(1.0, blocks)
    return [(point, results[point]) for point in points]


class Results:
    """Counts by point; with a path also in a file of JSON lines, one a round, so that a run can go on.

    A line cut short at the end of the file, as a power cut leaves it, is left out.

    Raises:
        FormatError: the file holds something else.
    """

    def __init__(self, path: Path | None = None):
        self._path = path
        self._counts: dict[Point, Counts] = {}
        if path is not None and path.exists():
            self._read(path)

    def __getitem__(self, point: Point) -> Counts:
        return self._counts.get(point, Counts())

    def __iter__(self) -> Iterator[tuple[Point, Counts]]:
        return iter(self._counts.items())

    def add(self, point: Point, counts: Counts) -> None:
        """Add a round.

        Raises:
            ResividError: the file cannot be written.
        """
        self._counts[point] = self[point] + counts
        if self._path is None:
            return
        line = json.dumps({**asdict(point), **asdict(counts)})
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise ResividError(f"{self._path}: cannot be written ({error.strerror})") from error

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FormatError(f"{path}: cannot be read as a file of results") from error
        whole, _, rest = text.rpartition("\n")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                document = json.loads(line)
                counts = Counts(*(document.pop(key) for key in asdict(Counts())))
                point = Point(**document)
                if not 0 <= counts.errors <= counts.blocks:
                    raise ValueError("errors")
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise FormatError(f"{path}: line {number} is no result of `resivid bench bler`") from error
            self._counts[point] = self[point] + counts
        if rest:
            path.write_text(whole + "\n" if whole else "", encoding="utf-8")


def as_rows(measured: Iterable[tuple[Point, Counts]], confidence: float = 0.95) -> list[dict[str, Any]]:
    """One row a point for JSON and CSV; `bound` is the normal approximation at this SNR."""
    rows = []
    for point, counts in measured:
        low, high = clopper_pearson(counts.errors, counts.blocks, confidence)
        rows.append(
            {
                "mcs": point.mcs,
                "bits_per_symbol": point.bits_per_symbol,
                "rate_1024": point.rate_1024,
                "info_bits": point.info_bits,
                "symbols": point.symbols,
                "snr_db": point.snr_db,
                "blocks": counts.blocks,
                "errors": counts.errors,
                "bler": counts.errors / counts.blocks,
                "ci_low": low,
                "ci_high": high,
                "undetected": counts.undetected,
                "iterations": counts.iterations_sum / counts.blocks,
                "bound": normal_approximation(
                    point.bits_per_symbol, point.info_bits, point.symbols, point.snr_db
                ),
                "kernel": point.kernel or "default",
                "max_iterations": point.max_iterations,
                "guesses": point.guesses,
                "known_snr": point.known_snr,
                "seed": point.seed,
            }
        )
    return rows


def at_snr(point: Point, snr_db: float) -> Point:
    """The same block at another Es/N0, in dB, rounded to a thousandth."""
    return replace(point, snr_db=round(snr_db, 3))
