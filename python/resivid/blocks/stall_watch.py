# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices that what a block of a lock-step flowgraph waits for will never come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 20.0  # of quiet, as StallWatch counts it
STEP_S = 0.5
ADVICE = (
    "in lock-step every block between the transmitter and the receiver must pass every packet on; "
    "one that loses a packet sends noise in its place, as Channel does"
)


class StallWatch:
    """A thread that calls a function when its block has waited `patience_s` for one thing while the whole process slept.

    Steps count in which no other thread of the process has work, and others count against them twice, so neither a slow
    or busy machine nor a process that was stopped for a while is taken for a lost packet, and a window that is drawn now
    and then hides none. (Where threads cannot be looked at, without /proc, all steps count.)

    Args:
        waits: how much has come so far, while the block waits for more; None while it does not. Called in this thread.
        on_stall: called in this thread, again after every further half of `patience_s`.
        patience_s: seconds of quiet.
    """

    def __init__(self, waits: Callable[[], int | None], on_stall: Callable[[], None], patience_s: float):
        self._waits, self._on_stall, self._patience_s = waits, on_stall, patience_s
        self._quiet_s = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start watching."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="stall_watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        before: int | None = None
        while not self._stopping.wait(STEP_S):
            now = self._waits()
            if now is None or now != before:
                before, self._quiet_s = now, 0.0
            elif not others_sleep():
                self._quiet_s = max(0.0, self._quiet_s - 2 * STEP_S)
            else:
                self._quiet_s += STEP_S
                if self._quiet_s >= self._patience_s:
                    self._quiet_s = self._patience_s / 2
                    self._on_stall()


def others_sleep() -> bool:
    """Whether no thread of this process but the caller's runs, is ready to run or waits for a disk."""
    own = str(threading.get_native_id())
    for thread in Path("/proc/self/task").glob("*"):
        try:
            state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):  # it has ended since
            continue
        if thread.name != own and state in "RD":
            return False
    return True
