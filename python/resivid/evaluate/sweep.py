# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the jobs of an evaluation on Dask or in this process; what is finished is kept and never run twice."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import MissingPackageError, ResividError
from ..part_files import write_text_atomically
from .jobs import Job, LadderJob, PointJob, describe

log = logging.getLogger(__name__)

TIMEOUT_S = 10  # to wait for a scheduler
WORKER_DEATHS = 3  # of workers that had the same job, before it counts as failed
Outcome = tuple[Job, Any, str]  # the job, its result, or why it failed


class Runner(Protocol):
    """Where jobs run."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Outcomes as they come; an error in a job is an outcome."""


class PointStore:
    """Results of points, a file each; half a file never has a name.

    Args:
        folder: made when the first point is kept.
        videos: folder of what viewers see.
    """

    def __init__(self, folder: Path, videos: Path):
        self._folder, self._videos = folder, videos

    def get(self, key: str) -> dict[str, Any] | None:
        """The result, or None where there is none that can be read, or its video is not there."""
        try:
            row = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            video = row.get("video_file")
        except (OSError, ValueError, AttributeError):
            return None
        return row if video is None or (self._videos / video).is_file() else None

    def put(self, key: str, row: dict[str, Any]) -> None:
        """Keep a result.

        Raises:
            ResividError: it cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResividError(f"{self._folder}: cannot be made ({error.strerror})") from error
        write_text_atomically(self._folder / f"{key}.json", json.dumps(row, allow_nan=False) + "\n")


def sweep(
    jobs: Sequence[Job],
    store: PointStore,
    runner: Runner,
    progress: Callable[[float, int], None] | None = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Run what is not done yet.

    Args:
        jobs: searches and points; a search is quick where its cache is full.
        store: of the points.
        runner: where to run.
        progress: called with the share done and the number of jobs done in this run.
    Returns:
        The rows of all points that are there, in the order of `jobs`, and a line for each job that failed.
    Raises:
        ResividError: a result cannot be kept; those before it are.
    """
    done = {
        job.key: row for job in jobs if isinstance(job, PointJob) and (row := store.get(job.key)) is not None
    }
    left = [job for job in jobs if isinstance(job, LadderJob) or job.key not in done]
    failures = []
    for count, (job, result, problem) in enumerate(runner.run(left), 1):
        if problem:
            failures.append(f"{describe(job)}: {problem}")
            log.warning("%s", failures[-1])
        elif isinstance(job, PointJob):
            store.put(job.key, result)
            done[job.key] = result
        if progress is not None:
            progress(count / len(left), count)
    keys = dict.fromkeys(job.key for job in jobs if isinstance(job, PointJob))
    return [done[key] for key in keys if key in done], failures


def attempt(job: Job) -> tuple[Any, str]:
    """Result and problem of a job, wherever it runs."""
    try:
        return job(), ""
    except ResividError as error:
        return None, " ".join(str(error).split())
    except Exception as error:  # of a codec or network: the other points go on
        log.debug("details", exc_info=error)
        return None, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


class ThisProcess:
    """One job after the other, without Dask."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """As `Runner` says."""
        for job in jobs:
            yield job, *attempt(job)


class DaskRunner:
    """Workers of a Dask cluster: of this machine, or at an address.

    Args:
        workers: processes of this machine, one thread each.
        scheduler: address of a running cluster; its workers need this package and the same files.
    Raises:
        MissingPackageError: dask.distributed is not installed.
        ResividError: nobody answers at the address, or the cluster has no workers.
    """

    def __init__(self, workers: int = 1, scheduler: str | None = None):
        try:
            import dask
            from distributed import Client, LocalCluster
        except ModuleNotFoundError as error:
            raise MissingPackageError(
                'the sweep needs dask: pip install "distributed>=2024.1"; or --workers 0 without it'
            ) from error
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": WORKER_DEATHS,
                # Dask's own value has each picture mapped anew, which doubles the time of a point
                "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
            }
        )
        logging.getLogger("distributed").setLevel(logging.ERROR)  # Dask says INFO of each connection
        self._cluster: Any = None
        if scheduler is None:
            self._cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port: with None it is 8787, and another sweep's is in the way
                silence_logs=logging.CRITICAL,  # a worker whose scheduler has gone says so in 25 lines
            )
        try:
            self._client = Client(self._cluster or scheduler, timeout=TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise ResividError(f"--scheduler {scheduler}: no Dask scheduler answers there") from error
        self._threads = sum(self._client.nthreads().values())
        if self._threads == 0:
            self.close()
            raise ResividError(f"--scheduler {scheduler}: the cluster has no workers")

    def __enter__(self) -> DaskRunner:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; a local one ends."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """As `Runner` says: a job whose worker dies goes to another one."""
        from distributed import KilledWorker, as_completed

        waiting = iter(jobs)
        futures: dict[Any, Job] = {}

        def hand_out() -> Any:
            job = next(waiting, None)
            if job is None:
                return None
            future = self._client.submit(attempt, job, pure=False)
            futures[future] = job
            return future

        pending = as_completed([])
        for _ in range(self._threads):  # no more: Dask blames every job that waits at a worker for its death
            if (future := hand_out()) is not None:
                pending.add(future)
        try:
            for future in pending:
                job = futures.pop(future)
                try:
                    result, problem = future.result()
                except KilledWorker:
                    result, problem = None, f"{WORKER_DEATHS + 1} workers ended while they ran it"
                except Exception as error:  # lost connection, a result that cannot be sent
                    result, problem = None, f"{type(error).__name__}: {error}"
                future.release()  # else Dask runs the job again when the worker that holds its result dies
                if (following := hand_out()) is not None:
                    pending.add(following)
                yield job, result, problem
        finally:
            self._client.cancel(list(futures))
