# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps encoders from taking the whole machine (SVT-AV1), and from coding what the heap held before (x265)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

M_PERTURB = -6  # malloc.h of glibc: new memory is filled with the complement of the parameter's byte
TASKS = Path("/proc/self/task")  # Linux: one folder for each thread


@contextmanager
def kept_scheduling() -> Iterator[None]:
    """Threads that are started within are scheduled as the caller was before, and so is the caller itself.

    SVT-AV1 1.x and later ask for SCHED_FIFO at priority 99 for their threads and for the one that opens the encoder. Only
    root may have it; there two encoders stop everything else on two cores, remote logins included. Threads of other callers
    that start at the same time are set alike: a process has one way of scheduling here.
    """
    if not TASKS.is_dir():
        yield
        return
    policy, parameters, before = os.sched_getscheduler(0), os.sched_getparam(0), _threads()
    try:
        yield
    finally:
        for thread in {0} | _threads() - before:  # 0: the caller
            try:
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameters)
            except ProcessLookupError:  # it has ended meanwhile
                pass


@contextmanager
def zeroed_memory() -> Iterator[None]:
    """Memory that is allocated within is zero.

    x265 uses some that it has not written when pictures are as small as its blocks: equal pictures gave streams of other
    lengths from run to run. Without glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield
        return
    mallopt(M_PERTURB, 0xFF)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


def _threads() -> set[int]:
    return {int(task.name) for task in TASKS.iterdir()}
