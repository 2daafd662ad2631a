# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver tells the transmitter over a network: the row that it can read, and what arrived (docs/radio.md)."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from .payload_head import NUM_NUMBERS, PayloadHead

CONTEXT = b"gr-resivid feedback 2"
# magic, version, row, number of the report, start of the stream in ms, number of the last key frame and flags, what arrived
BODY = struct.Struct(">4sBBQQHQ")
MAGIC, VERSION = b"RVFB", 2
RESTART = 1 << 15
MAC_BYTES = 8
REPORT_BYTES = BODY.size + MAC_BYTES
HISTORY = 64  # key frames that each report tells of


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes:
        row: of the MCS table that the transmitter should take.
        last: number of the last key frame that arrived, modulo NUM_NUMBERS.
        used: bit i tells whether the key frame `last` - i was used, HISTORY bits.
        restart: the receiver has no state to build on.
    """

    row: int
    last: int = 0
    used: int = 0
    restart: bool = False


def write_report(report: Report, number: int, start_ms: int, key: bytes | None) -> bytes:
    """Bytes of one report, REPORT_BYTES long.

    Args:
        number: of the report, rising, also when a receiver begins anew: its time in us.
        start_ms: of the stream that is received, as in `StreamParameters`.
        key: signs the report; None: its MAC is that of an empty key, and only a check sum.
    """
    place = report.last | RESTART * report.restart
    body = BODY.pack(MAGIC, VERSION, report.row, number, start_ms, place, report.used)
    return body + _mac(body, key)


class FeedbackReader:
    """Takes reports on one stream; what is not for it, not signed, old or malformed counts in `strangers`.

    Args:
        start_ms: of the transmitter's own stream, which a stranger does not know without receiving it.
        num_rows: of the MCS table.
        key: as `write_report` takes it.
    """

    def __init__(self, start_ms: int, num_rows: int, key: bytes | None):
        self._start_ms, self._num_rows, self._key = start_ms, num_rows, key
        self._number = -1
        self.reports = self.strangers = 0

    def read(self, data: bytes) -> Report | None:
        """What a report says; None for one that is refused."""
        report = self._report(data)
        if report is None:
            self.strangers += 1
        else:
            self.reports += 1
        return report

    def _report(self, data: bytes) -> Report | None:
        if len(data) != REPORT_BYTES:
            return None
        body, mac = data[: BODY.size], data[BODY.size :]
        magic, version, row, number, start_ms, place, used = BODY.unpack(body)
        known = (magic, version, start_ms) == (MAGIC, VERSION, self._start_ms)
        last = place & ~RESTART
        if not known or row >= self._num_rows or last >= NUM_NUMBERS or number <= self._number:
            return None
        if not hmac.compare_digest(mac, _mac(body, self._key)):
            return None
        self._number = number
        return Report(row, last, used, bool(place & RESTART))


class ArrivalLog:
    """The receiver's side: which of the last key frames of a stream were used.

    Attributes:
        last, used: as of `Report`.
        restart: what was missed is beyond the log, or another stream's state is in the way, until a key frame starts from
            nothing.
    """

    def __init__(self) -> None:
        self._session: int | None = None
        self.last = self.used = 0
        self.restart = True

    def add(self, head: PayloadHead, used: bool) -> None:
        """Note the key frame of a head."""
        step = (head.number - self.last) % NUM_NUMBERS
        if head.session != self._session or step >= HISTORY:
            self._session, self.used, self.restart = head.session, 0, True
        self.used = (self.used << step | used) & (1 << HISTORY) - 1
        self.last = head.number
        self.restart &= not (head.gop_start and used)


class ArrivalReader:
    """The transmitter's side: the fate of each key frame, once, in order."""

    def __init__(self) -> None:
        self._told = -1  # count of the last key frame whose fate is known

    def fates(self, report: Report, sent: int) -> list[tuple[int, bool, bool]]:
        """What a report says that is new.

        Args:
            sent: count of the last key frame that was sent, without end.
        Returns:
            Count, whether it was used, and whether the receiver asks for a start from nothing (the last one only).
        """
        last = sent - (sent - report.last) % NUM_NUMBERS
        if last < 0:
            return []
        first = max(self._told + 1, last - HISTORY + 1, 0)
        self._told = max(self._told, last)
        return [
            (count, bool(report.used >> last - count & 1), report.restart and count == last)
            for count in range(first, last + 1)
        ]


def _mac(body: bytes, key: bytes | None) -> bytes:
    return hmac.new(key or b"", CONTEXT + body, hashlib.sha256).digest()[:MAC_BYTES]
