# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the multi-scale tokenizer: codebooks by k-means, then the decoder on random prefixes and states.

Zero-out training (section III-C1): each picture of a batch loses its tail, so one decoder serves every
prefix.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import torch

from ..models.tokenizers.moving_state import GRIDS, SIDE
from ..models.tokenizers.multiscale import load
from ..models.tokenizers.pyramid import resize, to_ycc
from . import data as training_data
from . import loop
from .check import Checker
from .codebooks import CodebookUse, fit_codebooks
from .crops import PictureBank
from .data import TrainingData
from .distributed import Workers
from .films import Films, in_order
from .loop_states import LoopStates, make_states
from .refit import gather, refit
from .run import ALONE, Batch
from .settings import TokenizerTraining
from .tokenizer_run import TokenizerRun

LOG = logging.getLogger(__name__)
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


def begin(
    settings: TokenizerTraining, data: TrainingData, bank: PictureBank, device: torch.device
) -> TokenizerRun:
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
    return TokenizerRun(settings, codebooks, ALONE, network)


def held_out_states(settings: TokenizerTraining, data: TrainingData, run: TokenizerRun) -> LoopStates | None:
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


class TokenizerFeed:
    """See `loop.Feed`; states of the closed loop are prepared ones, or made from time to time."""

    def __init__(self, settings: TokenizerTraining, data: TrainingData, bank: PictureBank, run: TokenizerRun):
        self._settings, self._data, self._bank, self._run = settings, data, bank, run
        self._on_device = bank.to(run.device)
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

    def batch(self) -> Batch:
        """See `loop.Feed`: one batch of crops and states."""
        return self._run.batch(self._on_device)


class TokenizerTask:
    """See `loop.Task`."""

    def __init__(self, settings: TokenizerTraining):
        self.settings = settings

    def load(self) -> None:
        """See `loop.Task.load`."""
        assert self.settings.data is not None
        self._data = training_data.load(self.settings.data, self.settings.limit)
        self._bank = PictureBank(self._data.training_pictures(self.settings.clip_step))

    def begin(self, device: torch.device) -> TokenizerRun:
        """See `loop.Task.begin`."""
        return begin(self.settings, self._data, self._bank, device)

    def resume(self, path: Path, crew: Workers) -> TokenizerRun:
        """See `loop.Task.resume`."""
        return TokenizerRun.resume(self.settings, path, crew)

    def prepare(self, run: TokenizerRun) -> tuple[TokenizerFeed, Checker]:
        """See `loop.Task.prepare`."""
        settings, data = self.settings, self._data
        states = held_out_states(settings, data, run)
        checker = Checker(data.check_squares(settings.check_pictures), states, run.device)
        return TokenizerFeed(settings, data, self._bank, run), checker


def train(
    settings: TokenizerTraining,
    folder: Path,
    time_limit: float | None = None,
    step_limit: int | None = None,
) -> TokenizerRun:
    """Train the tokenizer; see `loop.train`."""
    return loop.train(TokenizerTask(settings), folder, time_limit, step_limit)
