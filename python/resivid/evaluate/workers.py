# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Monte Carlo blocks are run: the cores of this machine, or a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ..errors import MissingPackageError, ResividError
from .bler import Counts, Point

SLICE_SECONDS = 0.25  # of one call, so that Ctrl-C and the progress bar need not wait
FIRST_SLICE = 64  # blocks
CLUSTER_SLICES = 4  # for each thread of a cluster


def run_blocks(point: Point, first_block: int, num_blocks: int, threads: int) -> Counts:
    """Run blocks first_block.. of the point's sequence in lib/phy; the counts do not depend on the threads.

    Args:
        point: what to run.
        first_block, num_blocks: which blocks.
        threads: 0 for one on each core.
    """
    from .. import phy

    result = phy.simulate_blocks(
        point.bits_per_symbol,
        point.rate_1024,
        point.symbols,
        point.snr_db,
        num_blocks,
        point.stream,
        first_block=first_block,
        max_iterations=point.max_iterations,
        threads=threads,
        known_snr=point.known_snr,
        info_bits=None if point.fills_symbols else point.info_bits,
        **({} if point.kernel is None else {"kernel": point.kernel}),
        **({} if point.guesses is None else {"guesses": point.guesses}),
    )
    return Counts(result["blocks"], result["errors"], result["undetected"], result["iterations_sum"])


class LocalWorkers:
    """The cores of this machine, all on the same point.

    Args:
        threads: 0 for one on each core.
    """

    width = 1

    def __init__(self, threads: int = 0):
        self._threads = threads

    def run(self, jobs: Sequence[tuple[Point, int, int]]) -> Iterator[tuple[int, Counts]]:
        """As `Workers` says, in slices of a fraction of a second."""
        for index, (point, first, count) in enumerate(jobs):
            size = min(FIRST_SLICE, count)
            while count > 0:
                size = min(size, count)
                started = time.perf_counter()
                yield index, run_blocks(point, first, size, self._threads)
                seconds = time.perf_counter() - started
                first, count = first + size, count - size
                size = max(FIRST_SLICE, int(size * min(4.0, SLICE_SECONDS / max(seconds, 1e-6))))


class DaskWorkers:
    """The workers of a Dask cluster; each needs this package.

    Args:
        address: of the scheduler, such as tcp://host:8786.
    Raises:
        MissingPackageError: dask.distributed is not installed.
        ResividError: nobody answers at the address.
    """

    def __init__(self, address: str):
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise MissingPackageError('--scheduler needs dask: pip install "distributed>=2024.1"') from error
        try:
            self._client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise ResividError(f"--scheduler {address}: no Dask scheduler answers there") from error
        threads = sum(self._client.nthreads().values())
        if threads == 0:
            self.close()
            raise ResividError(f"--scheduler {address}: the cluster has no workers")
        self._slices = CLUSTER_SLICES * threads
        self.width = max(1, threads // 2)

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()

    def run(self, jobs: Sequence[tuple[Point, int, int]]) -> Iterator[tuple[int, Counts]]:
        """As `Workers` says, in slices for all workers of the cluster."""
        from distributed import as_completed

        size = max(FIRST_SLICE, -(-sum(count for _, _, count in jobs) // self._slices))
        futures = {}
        for index, (point, first, count) in enumerate(jobs):
            for start in range(first, first + count, size):
                part = min(size, first + count - start)
                futures[self._client.submit(run_blocks, point, start, part, 1, pure=False)] = index
        try:
            for future, counts in as_completed(futures, with_results=True):
                yield futures[future], counts
        finally:
            self._client.cancel(list(futures))
