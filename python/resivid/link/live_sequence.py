# SPDX-License-Identifier: GPL-3.0-or-later
"""Key frames of a live stream on the receiver's own time line: late join, losses, restarts, repeats."""

from __future__ import annotations

from .payload_head import NUM_NUMBERS, PayloadHead

OLD_NUMBERS = 64  # a number so little behind the last is a repeat, not a stream that began anew


class LiveSequence:
    """Gives each key frame that arrived its first frame, rising without end.

    A stream that is joined late starts within its first period; one that began anew, or was away for long, goes on
    where the last one ended. Places keep their distance from the start of a period, which codecs count in.

    Args:
        stride: S in frames.
        period: key frames after which codecs start over, N / S.
        longest_gap: key frames that may be missing before the time line closes up over them.
    """

    def __init__(self, stride: int, period: int, longest_gap: int):
        self._stride, self._period, self._longest_gap = stride, max(period, 1), longest_gap
        self._session: int | None = None
        self._number = 0  # of the last key frame, in the stream's own count
        self._place = 0  # of the last key frame on the time line, in key frames
        self._behind: list[int] = []  # numbers of the repeats since then
        self.repeated = 0
        self.restarts = 0
        self.missing = 0

    def place(self, head: PayloadHead) -> int | None:
        """First frame of the key frame; None for one that was there already."""
        step = (head.number - self._number) % NUM_NUMBERS
        if head.session != self._session:
            self.restarts += self._session is not None
            return self._begin(head)
        if step == 0 or step >= NUM_NUMBERS - OLD_NUMBERS:
            if not self._began_anew(head):
                self.repeated += 1
                return None
            self.restarts += 1
            return self._begin(head)
        self.missing += step - 1
        if step > self._longest_gap:
            return self._begin(head)
        return self._go_to(head, self._place + step)

    def _began_anew(self, head: PayloadHead) -> bool:
        """Whether numbers behind the last are a new run that got the same session: its first, or three in a row."""
        self._behind = [*self._behind[-2:], head.number]
        in_a_row = self._behind == list(range(head.number - 2, head.number + 1))
        return in_a_row or (head.number == 0 and head.gop_start)

    def _begin(self, head: PayloadHead) -> int:
        phase = head.number % self._period
        first = 0 if self._session is None else self._place + 1
        return self._go_to(head, first + (phase - first) % self._period)

    def _go_to(self, head: PayloadHead, place: int) -> int:
        self._session, self._number, self._place = head.session, head.number, place
        self._behind = []
        return place * self._stride
