# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that report how long they take, under the names of the pipeline's stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..link.statistics import StatisticsCollector
from ..models.interpolation.base import Interpolator
from ..models.tokenizers.base import Tokenizer


class _Timed:
    def __init__(self, model: Any, statistics: StatisticsCollector):
        self._model, self._statistics = model, statistics

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._statistics.stage(name, time.perf_counter() - started)


class TimedTokenizer(_Timed):
    """The tokenizer that it is given."""

    _model: Tokenizer

    def encode(self, frames: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
        """See `Tokenizer.encode`."""
        with self._stage("tokenizer.encode"):
            return self._model.encode(frames, reference=reference)

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """See `Tokenizer.decode`."""
        with self._stage("tokenizer.decode"):
            return self._model.decode(tokens)

    def picture(self, state: Any) -> np.ndarray:
        """The picture of a closed-loop state, counted as `decode` is."""
        with self._stage("tokenizer.decode"):
            return self._model.picture(state)  # type: ignore[attr-defined]


class TimedInterpolator(_Timed):
    """The interpolator that it is given."""

    _model: Interpolator

    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """See `Interpolator.between`."""
        with self._stage("interpolation"):
            return self._model.between(first, last, times)

    def each(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> Iterator[np.ndarray]:
        """The same at once, so that its time is one figure."""
        yield from self.between(first, last, times)
