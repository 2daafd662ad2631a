# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounded rings of what a page shows over time: blocks and events, each numbered so that a viewer gets only news."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Generic, NamedTuple, TypeVar

MAX_BLOCKS = 600  # two minutes and more at the usual strides
MAX_EVENTS = 200
MAX_TEXT = 300  # characters of an event
BLER_WINDOW = 50  # blocks

Entry = TypeVar("Entry")


class BlockPoint(NamedTuple):
    """A transport block as the page draws it.

    Attributes:
        time_s: since the monitor was made.
        frame: 0-based first frame of its unit.
        mcs: row of the MCS table.
        snr_db: estimated Es/N0; None without an estimate.
        crc_ok: the CRC holds.
        prefix: K in tokens; None where the receiver does not know it.
        latency_ms: of the last frame before it; None unless measured.
        bler: failed share of the last BLER_WINDOW blocks.
    """

    time_s: float
    frame: int
    mcs: int
    snr_db: float | None
    crc_ok: bool
    prefix: int | None
    latency_ms: float | None
    bler: float


class Event(NamedTuple):
    """A line of the log: Unix time in s, `info`, `warning` or `error`, and the text."""

    time: float
    level: str
    text: str


class Ring(Generic[Entry]):
    """The last entries, numbered from 0 in the order they came."""

    def __init__(self, size: int):
        self._entries: deque[Entry] = deque(maxlen=size)
        self.count = 0  # entries ever added: the number of the next one

    def add(self, entry: Entry) -> None:
        """Append; the oldest entry leaves a full ring."""
        self._entries.append(entry)
        self.count += 1

    def since(self, number: int) -> list[Entry]:
        """Entries from that number on, as far as they are still there."""
        missing = max(0, number - (self.count - len(self._entries)))
        return list(itertools.islice(self._entries, missing, None))


class LossWatch:
    """Turns single failed blocks into one event a row of losses, so that a bad channel cannot flood the log."""

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=BLER_WINDOW)
        self._first: int | None = None  # frame of the first loss in this row
        self._length = 0

    def add(self, frame: int, crc_ok: bool) -> tuple[str, str] | None:
        """Count a block; level and text of an event, if there is something to say."""
        self._recent.append(not crc_ok)
        if not crc_ok:
            self._length += 1
            if self._first is None:
                self._first = frame
                return "warning", f"Block of frame {frame} lost"
        elif self._first is not None:
            length, first = self._length, self._first
            self._first, self._length = None, 0
            if length > 1:
                return "info", f"Received again at frame {frame}, after {length} lost blocks from {first} on"
        return None

    @property
    def bler(self) -> float:
        """Failed share of the last BLER_WINDOW blocks; 0 before the first."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0
