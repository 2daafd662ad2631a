# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames at the speed of the video."""

from __future__ import annotations

import time


class Pace:
    """Holds frames to the rate of the video; a late one moves the whole schedule, so that nothing is hurried.

    Args:
        rate: frame/s.
    """

    def __init__(self, rate: float):
        self._period_s, self._due = 1 / rate, 0.0

    def wait(self) -> None:
        """Sleep until the next frame is due."""
        now = time.monotonic()
        if now < self._due:
            time.sleep(self._due - now)
        self._due = max(self._due, now) + self._period_s
