# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitter's copy of the receiver's state, kept true by reports of what arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ...models.tokenizers.moving_state import PictureState, StateUpdate

MOST_PENDING = 64  # units without a report that can still be taken back


@dataclass(frozen=True)
class Sent:
    """One payload that may still turn out lost.

    Attributes:
        unit_id: its first frame.
        start: its state starts from nothing.
        update: what it says.
        before: the mirror before it.
    """

    unit_id: int
    start: bool
    update: StateUpdate
    before: PictureState


class Mirror:
    """What the receiver holds if all payloads arrive that were not reported lost.

    Args:
        advance: (state, unit id, update) to the state after it, the receiver's own function.
        track: whether reports will come; without them nothing is kept for taking back.
    """

    def __init__(self, advance: Callable[[PictureState, int, StateUpdate], PictureState], track: bool):
        self._advance, self._track = advance, track
        self._pending: deque[Sent] = deque(maxlen=MOST_PENDING)
        self.state = PictureState()

    def send(self, unit_id: int, update: StateUpdate, start: bool) -> None:
        """Count a payload as arrived, for now."""
        if self._track:
            self._pending.append(Sent(unit_id, start, update, self.state))
        self.state = self._after(self.state, unit_id, update, start)

    def report(self, unit_id: int, arrived: bool) -> None:
        """Take back a payload that did not arrive and play later ones again; unknown units are passed over."""
        while self._pending and self._pending[0].unit_id < unit_id:
            self._pending.popleft()  # its report never came: it counts as arrived
        if not self._pending or self._pending[0].unit_id != unit_id:
            return
        lost = self._pending.popleft()
        if arrived:
            return
        state, later = lost.before, list(self._pending)
        self._pending.clear()
        self.state = state
        for sent in later:
            self.send(sent.unit_id, sent.update, sent.start)

    def _after(self, state: PictureState, unit_id: int, update: StateUpdate, start: bool) -> PictureState:
        return self._advance(PictureState() if start else state, unit_id, update)
