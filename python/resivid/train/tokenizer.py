# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the multi-scale tokenizer: codebooks by k-means, then the decoder on random prefixes and states.

Zero-out training (section III-C1): each picture of a batch loses its tail, so one decoder serves every
prefix. A run ends by steps or by wall-clock time and goes on where it stopped.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..errors import ResividError, SettingsError
from ..models.tokenizers.moving_state import GRIDS, SIDE
from ..models.tokenizers.multiscale import load
from ..models.tokenizers.pyramid import resize, to_ycc
from . import data as training_data
from .check import Checker
from .codebooks import CodebookUse, fit_codebooks
from .config import write_yaml
from .crops import PictureBank
from .curves import Curves
from .data import TrainingData
from .distributed import Workers, workers
from .films import Films, in_order
from .loop_states import LoopStates, make_states
from .losses import PictureLoss
from .refit import gather, refit
from .run import Run
from .settings import BEST, CHECKPOINT, CONFIG, WEIGHTS, TokenizerTraining
from .stopping import Stopping

LOG = logging.getLogger(__name__)
_LOG_STEPS = 20  # steps between two rows of the curves
_HELD_OUT_STATES = 24
_CODEBOOK_PART = 64  # pictures reduced at once for k-means


def fresh_codebooks(bank: PictureBank, count: int, seed: int) -> list[torch.Tensor]:
    """k-means codebooks of `count` random windows, one for each of GRIDS."""

    def batches() -> list[torch.Tensor]:
        rng = np.random.default_rng(seed)
        return [
            resize(to_ycc(bank.squares(_CODEBOOK_PART, rng)[0].float() / 255), SIDE)
            for _ in range(count // _CODEBOOK_PART)
        ]

    return [book.cpu() for book in fit_codebooks(list(GRIDS), batches, SIDE, seed=seed)]


def begin(settings: TokenizerTraining, data: TrainingData, bank: PictureBank, device: torch.device) -> Run:
    """A run before its first step: from the start weights, or from codebooks of the training pictures."""
    if settings.start is not None:
        tokenizer = load(settings.start)
        network, codebooks = tokenizer.network.float(), tokenizer.codebooks
    else:
        LOG.info("k-means codebooks, some minutes")
        count = min(settings.codebook_pictures, max(64, 2 * len(bank) // 64 * 64))
        network, codebooks = None, fresh_codebooks(bank.to(device), count, settings.seed)
    if settings.refit_codebooks:
        LOG.info("codebooks from the closed loop: %d films", settings.refit_codebooks)
        films = in_order(Films(data.clips, bank, [settings.seed, 1]), gather, codebooks, settings.workers)
        rows = [next(films) for _ in range(settings.refit_codebooks)]
        films.close()
        codebooks = refit(codebooks, rows, settings.seed, device)
    return Run(settings, codebooks, Workers(0, 1, torch.device("cpu")), network)


def held_out_states(settings: TokenizerTraining, data: TrainingData, run: Run) -> LoopStates | None:
    """States of held-out clips and pictures; with prepared states a few of those, which leave the training."""
    if data.states is not None:
        count = min(_HELD_OUT_STATES, len(data.states) // 4)
        ends = {k: t.split([len(t) - count, count]) for k, t in data.states.tensors().items()}
        data.states = LoopStates(*(train for train, _ in ends.values()))
        return LoopStates(*(held_out for _, held_out in ends.values()))
    if not settings.loop_share:
        return None
    squares = list(data.check_squares(settings.check_pictures))
    films = Films(data.held_out_clips, squares, [settings.seed, 2])
    return make_states(films, run.codebooks, min(_HELD_OUT_STATES, settings.check_pictures))


class StateSource:
    """Training states of the closed loop for a process: prepared ones, or made from time to time."""

    def __init__(self, settings: TokenizerTraining, data: TrainingData, bank: PictureBank, run: Run):
        self._settings, self._data, self._bank, self._run = settings, data, bank, run
        self._age = -1  # number of the set in use

    def refresh(self) -> None:
        """Give the run the states of its step; what they are depends on seed and step alone."""
        s, run = self._settings, self._run
        age = run.step // s.loop_refresh_steps if s.loop_refresh_steps and self._data.states is None else 0
        if not s.loop_share or age == self._age:
            return
        self._age = age
        if self._data.states is not None:
            run.loop_states = self._data.states.to(run.device)
            return
        LOG.info("making %d states of the closed loop, some minutes", s.loop_states)
        films = Films(self._data.clips, self._bank, [s.seed, 3, age, run.workers.rank])
        count = math.ceil(s.loop_states / run.workers.world)
        run.loop_use = CodebookUse([len(book) for book in run.codebooks])
        states = make_states(films, run.codebooks, count, s.workers, run.loop_use)
        run.loop_states = states.to(run.device)


@contextmanager
def memory_advice(settings: TokenizerTraining) -> Iterator[None]:
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
            "while loading, limit or loop_states"
        ) from error


def train(
    settings: TokenizerTraining,
    folder: Path,
    time_limit: float | None = None,
    step_limit: int | None = None,
) -> Run:
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
    stop = Stopping(time_limit, step_limit)
    if settings.data is None:
        raise SettingsError("data: no folder of pictures and videos is named")
    torch.backends.cudnn.benchmark = True  # shapes stay the same
    with workers(settings.device) as crew, memory_advice(settings):
        loss = PictureLoss(settings.losses).to(crew.device)  # first, because its weights may be missing
        data = training_data.load(settings.data, settings.limit)
        bank = PictureBank(data.training_pictures(settings.clip_step))
        checkpoint = folder / CHECKPOINT
        if crew.first:
            folder.mkdir(parents=True, exist_ok=True)
            if not checkpoint.is_file():
                begin(settings, data, bank, crew.device).save_checkpoint(checkpoint)
            write_yaml(folder / CONFIG, settings)
        crew.wait()
        run = Run.resume(settings, checkpoint, crew)
        LOG.info("from step %d, %.0f s", run.step, run.seconds)
        if run.progress < 1 and not stop.wanted():
            states = held_out_states(settings, data, run)
            checker = Checker(data.check_squares(settings.check_pictures), states, run.device)
            source = StateSource(settings, data, bank, run)
            with stop:
                _Loop(run, bank, source, loss, checker, folder).until(stop)
        run.save_checkpoint(checkpoint)
        if crew.first:
            run.export(folder / WEIGHTS)
        if stop.interrupted:
            LOG.warning("stopped at step %d; the same command goes on from there", run.step)
            raise KeyboardInterrupt
        return run


class _Loop:
    """Steps until the end; checks, saves and exports on the way."""

    def __init__(
        self,
        run: Run,
        bank: PictureBank,
        source: StateSource,
        loss: PictureLoss,
        checker: Checker,
        folder: Path,
    ):
        self._run, self._source, self._loss, self._checker = run, source, loss, checker
        self._bank, self._folder = bank.to(run.device), folder
        self._first = run.workers.first
        self._curves = Curves(folder, run.step) if self._first else None
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
                self._source.refresh()
                start = time.monotonic()
                self._add(run.train_step(run.batch(self._bank), self._loss))
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
            LOG.info("%s", json.dumps(run.history[-1]))
            self._curves.check(run.step, run.seconds, check)
            score = self._checker.score(check)
            run.export(self._folder / WEIGHTS)
            if score < run.best:
                run.best = score
                run.export(self._folder / BEST)
        run.save_checkpoint(self._folder / CHECKPOINT)
