# SPDX-License-Identifier: GPL-3.0-or-later
"""When frames that come in bursts are shown, and how old the picture is then."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

SPARE_S = 0.02  # beyond what the frames of the last while need
REMEMBERED_S = 10.0
LATE_SHARE = 0.05  # of its frames, which may be late: a rare hiccup is no reason to be late for ever
LATE_S = 0.15  # and the length of a burst: what is later than that fills a gap, or begins anew
ANEW_S = 1.0  # frames that are all so late for so long: the stream began anew
FASTER, SLOWER = 0.05, 0.1  # of the video's rate, on the way to another delay


class JitterBuffer:
    """Frames leave at the video's rate, as soon as nearly all frames of the last while allow.

    A frame's offset is when it came less its place in the video. Frames are shown at the least offset that is too small for
    at most LATE_SHARE of those of the last while, and SPARE_S: their 1 - LATE_SHARE quantile. It is approached by a slightly
    faster or slower rate; a frame that is later than planned is shown at once, and those after it are as late at first.

    Args:
        rate: frame/s.
        burst: frames that come at once, S.
    """

    def __init__(self, rate: float, burst: int = 8):
        self._rate, self._most_late_s = rate, burst / rate + LATE_S
        self._arrived: deque[tuple[float, float]] = deque()  # time and offset, of the last while
        self._offsets: list[float] = []  # the same offsets, rising
        self._offset_s: float | None = None
        self._late_since: float | None = None

    def due(self, index: int, arrived: float) -> float:
        """When to show a frame; before `arrived`: never, it fills a gap that is over.

        Args:
            index: of the frame in the video, rising.
            arrived: when it came, seconds of any clock.
        """
        place_s = index / self._rate
        offset_s = arrived - place_s
        if self._offset_s is None:
            self._offset_s = offset_s + SPARE_S
        late_s = offset_s - self._offset_s
        if late_s > (self._most_late_s if self._late_since is None else SPARE_S):
            self._late_since = arrived if self._late_since is None else self._late_since
            if arrived < self._late_since + ANEW_S:
                return self._offset_s + place_s
            self._arrived.clear()
            self._offsets.clear()
            self._offset_s = offset_s
        self._late_since = None
        wanted_s = self._needed(arrived, offset_s) + SPARE_S
        self._offset_s = max(self._offset_s, offset_s)
        if self._offset_s > wanted_s + ANEW_S:
            self._offset_s = wanted_s
        due = self._offset_s + place_s
        step_s = wanted_s - self._offset_s  # from the next frame on
        self._offset_s += min(max(step_s, -FASTER / self._rate), SLOWER / self._rate)
        return max(due, arrived)

    def _needed(self, now: float, offset_s: float) -> float:
        """The quantile of the offsets of the last while, with this one."""
        while self._arrived and self._arrived[0][0] < now - REMEMBERED_S:
            del self._offsets[bisect_left(self._offsets, self._arrived.popleft()[1])]
        self._arrived.append((now, offset_s))
        insort(self._offsets, offset_s)
        return self._offsets[-1 - int(LATE_SHARE * len(self._offsets))]


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
