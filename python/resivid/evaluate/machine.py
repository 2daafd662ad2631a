# SPDX-License-Identifier: GPL-3.0-or-later
"""On which machine something was measured, and how long it took there."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import numpy as np


def machine() -> str:
    """Such as "2 cores of AMD EPYC 9R14": the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{cores} core{'s' if cores > 1 else ''} of {_processor()}"


class Stopwatch:
    """Measures what runs in its `with` blocks: by the clock, and the processor time of all threads.

    Other work on the machine lengthens the first; the second counts this process alone.
    """

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._processor = 0.0

    def __enter__(self) -> Stopwatch:
        self._started, self._processor_started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self._seconds.append(time.perf_counter() - self._started)
        self._processor += time.process_time() - self._processor_started

    def ms(self, calls: int | None = None) -> dict[str, float] | None:
        """Times a call in ms: `mean`, `p50` and `p95` by the clock, `processor` in the mean; None without any.

        Args:
            calls: share the sums among so many calls, where a block holds several.
        """
        if not self._seconds:
            return None
        share = 1e3 * len(self._seconds) / (calls or len(self._seconds))
        times_ms = share * np.asarray(self._seconds)
        p50, p95 = np.percentile(times_ms, [50, 95])
        processor = share * self._processor / len(self._seconds)
        return {"mean": float(times_ms.mean()), "p50": float(p50), "p95": float(p95), "processor": processor}


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names and names[0] else platform.machine()
