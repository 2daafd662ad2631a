# SPDX-License-Identifier: GPL-3.0-or-later
"""How old key frames are at each stage of a live link: where its latency comes from."""

from __future__ import annotations

import threading
from collections import deque

from .statistics import spread_ms

MOST_KEPT = 4096


class StageAges:
    """Gathers ages from any thread; the last MOST_KEPT of each stage count."""

    def __init__(self) -> None:
        self._ages: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def add(self, stage: str, age_s: float) -> None:
        """Something passed `stage` so many seconds after it was captured."""
        with self._lock:
            self._ages.setdefault(stage, deque(maxlen=MOST_KEPT)).append(age_s)

    def spread_ms(self) -> dict[str, dict[str, float]]:
        """Stage to {mean, p50, p95} in ms, in the order in which they were first seen."""
        with self._lock:
            kept = {stage: list(ages) for stage, ages in self._ages.items()}
        return {stage: spread_ms(ages) for stage, ages in kept.items()}


class LongWait:
    """Says when the last key frames all waited so long that it pays to leave one out.

    A hiccup of the transmitter makes one key frame miss its place in the signal; all behind it wait from then on, since places
    and key frames come at the same rate.

    Args:
        most_s: a wait that is borne.
        count: key frames that are looked at.
    """

    def __init__(self, most_s: float, count: int = 64):
        self._most_s, self._waits = most_s, deque[float](maxlen=count)

    def add(self, wait_s: float) -> bool:
        """A key frame waited so long; whether to leave out one."""
        self._waits.append(wait_s)
        pays = len(self._waits) == self._waits.maxlen and min(self._waits) > self._most_s
        if pays:
            self._waits.clear()
        return pays
