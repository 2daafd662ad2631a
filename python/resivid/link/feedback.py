# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver tells the transmitter over a network: the row of the MCS table that it can read (docs/radio.md)."""

from __future__ import annotations

import hashlib
import hmac
import struct

CONTEXT = b"gr-resivid feedback 1"
BODY = struct.Struct(">4sBBIQ")  # magic, version, row, number of the report, start of the stream in ms
MAGIC, VERSION = b"RVFB", 1
MAC_BYTES = 8
REPORT_BYTES = BODY.size + MAC_BYTES


def write_report(row: int, number: int, start_ms: int, key: bytes | None) -> bytes:
    """One report, REPORT_BYTES long.

    Args:
        row: of the MCS table that the transmitter should take.
        number: of the report, rising.
        start_ms: of the stream that is received, as in `StreamParameters`.
        key: signs the report; None: its MAC is that of an empty key, and only a check sum.
    """
    body = BODY.pack(MAGIC, VERSION, row, number, start_ms)
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

    def read(self, report: bytes) -> int | None:
        """The row that is asked for; None for a report that is refused."""
        row = self._row_of(report)
        if row is None:
            self.strangers += 1
        else:
            self.reports += 1
        return row

    def _row_of(self, report: bytes) -> int | None:
        if len(report) != REPORT_BYTES:
            return None
        body, mac = report[: BODY.size], report[BODY.size :]
        magic, version, row, number, start_ms = BODY.unpack(body)
        known = (magic, version, start_ms) == (MAGIC, VERSION, self._start_ms)
        if not known or row >= self._num_rows or number <= self._number:
            return None
        if not hmac.compare_digest(mac, _mac(body, self._key)):
            return None
        self._number = number
        return row


def _mac(body: bytes, key: bytes | None) -> bytes:
    return hmac.new(key or b"", CONTEXT + body, hashlib.sha256).digest()[:MAC_BYTES]
