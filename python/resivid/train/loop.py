# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of every training run: begins or goes on, steps, checks and saves on the way, ends cleanly.

A run ends by steps or by wall-clock time and goes on where it stopped.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..errors import ResividError, SettingsError
from .config import write_yaml
from .curves import Curves
from .distributed import Workers, workers
from .losses import PictureLoss
from .run import Batch, Run
from .settings import BEST, CHECKPOINT, CONFIG, RunSettings
from .stopping import Stopping

LOG = logging.getLogger(__name__)
R = TypeVar("R", bound=Run)
_LOG_STEPS = 20  # steps between two rows of the curves


class Feed(Protocol):
    """Gives a run its batches."""

    def refresh(self) -> None:
        """What must be made anew from time to time; the run's clock stands still meanwhile."""
        ...

    def batch(self) -> Batch:
        """What the next step trains on."""
        ...


class Checker(Protocol):
    """Measures a run on held-out material.

    Attributes:
        ROWS: what the rows of a check are called in the tables.
    """

    ROWS: str

    def __call__(self, run: Any, sheets: Path | None = None) -> dict:
        """ "held_out": row to metrics, and "codebooks"; sample sheets go to `sheets`."""
        ...

    def score(self, check: dict) -> float:
        """What the best weights have least of."""
        ...


class Task(Protocol[R]):
    """What a kind of network brings to its training."""

    @property
    def settings(self) -> RunSettings:
        """Of the run."""
        ...

    def load(self) -> None:
        """Read the data."""
        ...

    def begin(self, device: torch.device) -> R:
        """A run before its first step; only the first process begins one."""
        ...

    def resume(self, path: Path, crew: Workers) -> R:
        """The run of a checkpoint."""
        ...

    def prepare(self, run: R) -> tuple[Feed, Checker]:
        """What a run needs for its steps."""
        ...


@contextmanager
def memory_advice(settings: RunSettings) -> Iterator[None]:
    """Out of memory as one line that says which setting to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        full = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in text
        if not full:
            raise
        raise ResividError(
            f"out of memory: lower batch ({settings.batch}) or crop ({settings.crop}); "
            f"while loading, {settings.hoarders}"
        ) from error


def train(
    task: Task[R],
    folder: Path,
    time_limit: float | None = None,
    step_limit: int | None = None,
) -> R:
    """Train, going on from `folder` when a checkpoint is there.

    Args:
        folder: configuration, checkpoint, curves, sheets and the exported weights go here.
        time_limit: minutes until this part of the run ends with a checkpoint, loading included.
        step_limit: the same in steps.
    Returns:
        the run; its weights stand in `folder`.
    Raises:
        SettingsError: no data named, or settings that do not fit the checkpoint.
        ResividError: data, weights or checkpoint cannot be read, or out of memory.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the checkpoint was written.
    """
    settings, stop = task.settings, Stopping(time_limit, step_limit)
    if settings.data is None:
        raise SettingsError(
            "no folder of pictures and videos is named: --data FOLDER, or data: in the configuration"
        )
    torch.backends.cudnn.benchmark = True  # shapes stay the same
    try:
        folder.mkdir(parents=True, exist_ok=True)  # before minutes of loading
    except OSError as error:
        raise ResividError(f"{folder}: no folder for the run can be made there ({error.strerror})") from error
    with workers(settings.device) as crew, memory_advice(settings):
        loss = PictureLoss(settings.losses).to(crew.device)  # first, because its weights may be missing
        task.load()
        checkpoint = folder / CHECKPOINT
        if crew.first:
            if not checkpoint.is_file():
                task.begin(crew.device).save_checkpoint(checkpoint)
        crew.wait()
        run = task.resume(checkpoint, crew)
        if crew.first:  # only now, so that settings which do not fit a run leave its own alone
            write_yaml(folder / CONFIG, _anywhere(settings))
        LOG.info("from step %d, %.0f s", run.step, run.seconds)
        if run.progress >= 1 and crew.first:
            LOG.warning(
                "the run is complete; to train on, raise minutes or steps, or start a new one with start"
            )
        if run.progress < 1 and not stop.wanted():
            feed, checker = task.prepare(run)
            with stop:
                _Loop(run, feed, loss, checker, folder).until(stop)
        run.save_checkpoint(checkpoint)
        run.leave()
        if crew.first:
            run.export(folder / run.WEIGHTS)
        if run.progress < 1 and crew.first:
            LOG.warning("stopped at step %d; the same command goes on from there", run.step)
        if stop.interrupted:
            raise KeyboardInterrupt
        return run


def _anywhere(settings: RunSettings) -> RunSettings:
    """The settings with absolute paths, so that a run goes on from any working directory."""
    values = ((field.name, getattr(settings, field.name)) for field in fields(settings))
    paths: dict[str, Any] = {name: value.absolute() for name, value in values if isinstance(value, Path)}
    return replace(settings, **paths)


class _Loop:
    """Steps until the end; checks, saves and exports on the way."""

    def __init__(self, run: Run, feed: Feed, loss: PictureLoss, checker: Checker, folder: Path):
        self._run, self._feed, self._loss, self._checker = run, feed, loss, checker
        self._folder = folder
        self._first = run.workers.first
        self._curves = Curves(folder, run.step, checker.ROWS) if self._first else None
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0

    def until(self, stop: Stopping) -> None:
        """Until the run is done, or `stop` wants it."""
        run, settings = self._run, self._run.settings
        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
        next_check = self._next_check()
        compiled = not settings.compile  # the first step compiles for minutes, which no schedule should count
        with Progress(*columns, console=Console(stderr=True), disable=not self._first) as bar:
            task = bar.add_task("training", total=1.0)
            while run.progress < 1 and not run.workers.any(stop.wanted()):
                self._feed.refresh()
                start = time.monotonic()
                self._add(run.train_step(self._feed.batch(), self._loss))
                if compiled:
                    run.seconds = run.workers.largest(run.seconds + time.monotonic() - start)
                compiled = True
                stop.count_step()
                if run.step % _LOG_STEPS == 0 or run.progress >= 1:
                    shown = self._log()
                    bar.update(task, completed=run.progress, description=f"step {run.step} {shown}")
                done = run.step if settings.check_steps else run.seconds
                if done >= next_check or run.progress >= 1:
                    self._check()
                    next_check = self._next_check()
        if self._curves is not None:
            self._curves.close()

    def _next_check(self) -> float:
        run, s = self._run, self._run.settings
        return run.step + s.check_steps if s.check_steps else run.seconds + 60 * s.check_minutes

    def _add(self, terms: dict[str, torch.Tensor]) -> None:
        for name, term in terms.items():
            self._sums[name] = self._sums[name] + term if name in self._sums else term
        self._count += 1

    def _log(self) -> str:
        """A row of the curves: means since the last one."""
        run = self._run
        terms = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        if not math.isfinite(terms["loss"]):
            raise ResividError(
                f"the loss is no number at step {run.step}: lower rate ({run.settings.rate:g}); "
                "the last checkpoint is kept"
            )
        if self._curves is not None:
            self._curves.terms(run.step, run.seconds, run.rate, terms)
        return " ".join(f"{name} {value:.4f}" for name, value in terms.items())

    def _check(self) -> None:
        run = self._run
        if self._first and self._curves is not None:
            check = self._checker(run, self._folder / "sheets")
            run.history.append({"step": run.step, "seconds": round(run.seconds), **check})
            self._curves.check(run.step, run.seconds, check)
            score = self._checker.score(check)
            LOG.info(
                "step %d: %.4f on held-out data (LPIPS-Squeeze; without it -PSNR), best so far %.4f",
                run.step,
                score,
                min(score, run.best),
            )
            run.export(self._folder / run.WEIGHTS)
            if score < run.best:
                run.best = score
                run.export(self._folder / BEST)
        run.save_checkpoint(self._folder / CHECKPOINT)
