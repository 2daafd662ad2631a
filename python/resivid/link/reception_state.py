# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver says of its signal, in a word."""

from __future__ import annotations

from collections import deque

RECENT_S, RECENT_FRAMES = 3.0, 4  # what counts, whichever is longer
NO_ACCIDENT = 3  # blocks with a bad CRC within that; noise is taken for one once in minutes

NO_RADIO, SEARCHING, LOCKED, LOSING, ENDED = "no radio", "searching", "locked", "losing frames", "ended"


class ReceptionState:
    """Follows lock and blocks; noise that looks like a preamble is no lock.

    A signal is there once a block of it had a right CRC, or NO_ACCIDENT failed in a row. A lock that is lost for less than
    the last while, as where a transmitter leaves a frame out, is no search.

    Args:
        frame_s: seconds of a frame.
    """

    def __init__(self, frame_s: float):
        self._recent_s = max(RECENT_S, RECENT_FRAMES * frame_s)
        self._seen: deque[tuple[float, int, int]] = deque()  # time, right, failed
        self._signal = False

    def word(self, now_s: float, tracked: bool, right: int, failed: int) -> str:
        """SEARCHING, LOCKED or LOSING.

        Args:
            now_s: of any clock.
            tracked: the synchroniser follows something.
            right, failed: blocks so far with a right and with a bad CRC.
        """
        self._seen.append((now_s, right, failed))
        while len(self._seen) > 1 and self._seen[1][0] <= now_s - self._recent_s:
            self._seen.popleft()
        _, right_before, failed_before = self._seen[0]
        new_right, new_failed = right - right_before, failed - failed_before
        if tracked:
            self._signal |= new_right > 0 or new_failed >= NO_ACCIDENT
        else:
            self._signal &= new_right > 0
        if not self._signal:
            return SEARCHING
        return LOSING if new_failed or not new_right else LOCKED
