# SPDX-License-Identifier: GPL-3.0-or-later
"""When a part of a run ends: by its time limit, or by Ctrl-C or SIGTERM after the step in work."""

from __future__ import annotations

import signal
import threading
import time
from types import TracebackType
from typing import Any


class Stopping:
    """Between two steps `wanted()` says whether to end; a second signal interrupts at once.

    Args:
        minutes: from now on; None: no limit.
        steps: of this part of the run; None: no limit.
    """

    def __init__(self, minutes: float | None = None, steps: int | None = None):
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._steps_left = steps
        self.interrupted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wanted(self) -> bool:
        """Whether to end before the next step."""
        late = self._end is not None and time.monotonic() >= self._end
        return self.interrupted or late or self._steps_left == 0

    def count_step(self) -> None:
        """One step is done."""
        if self._steps_left:
            self._steps_left -= 1

    def _note(self, number: int, frame: object) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
