# SPDX-License-Identifier: GPL-3.0-or-later
"""When frames that come in bursts are shown, and how old the picture is then."""

from __future__ import annotations

import math

JITTER_S = 0.15  # what the bursts of a link may be late without a pause on the screen


class JitterBuffer:
    """Frames leave at the video's rate; the first one, and the first after a pause, waits for JITTER_S.

    Args:
        rate: frame/s.
        burst: frames that come at once, S.
        jitter_s: as JITTER_S.
    """

    def __init__(self, rate: float, burst: int = 8, jitter_s: float = JITTER_S):
        self._interval, self._jitter_s = 1 / rate, jitter_s
        self._kept = burst + math.ceil(jitter_s * rate)
        self._most = self._kept + burst
        self._due: float | None = None  # of the last frame

    def surplus(self, waiting: int) -> int:
        """How many of the waiting frames to throw away, oldest first: what a gap in the stream brought at once."""
        return waiting - self._kept if waiting > self._most else 0

    def due(self, now: float) -> float:
        """When to show the next frame, which is here now; times in seconds of any clock."""
        next_due = None if self._due is None else self._due + self._interval
        if next_due is None or now > next_due + self._interval:
            next_due = now + self._jitter_s
        self._due = max(next_due, now)
        return self._due


class CaptureTimes:
    """When frames of a received video were captured, as far as a stream has told.

    Args:
        rate: frame/s.
    """

    def __init__(self, rate: float):
        self._rate = rate
        self._known: tuple[int, float] | None = None

    def learn(self, frame: int, captured_s: float) -> None:
        """Frame `frame` of the received video was captured at this time."""
        self._known = (frame, captured_s)

    def age_s(self, frame: int, now_s: float) -> float | None:
        """Seconds since a frame was captured; None while no capture time is known."""
        if self._known is None:
            return None
        known, captured_s = self._known
        return now_s - captured_s - (frame - known) / self._rate
