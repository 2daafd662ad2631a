# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live receiver tells its transmitter, put together from the stages that know it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..blocks.payload_heads import payload_head_reader
from ..link.feedback import ArrivalLog, Report, write_report


class Reporter:
    """Sends a report when a row is chosen, after each block, and when a key frame was used.

    Args:
        heads: knows the stream and its key frames.
        key: signs the reports.
        send: called with each; it must not wait.
    """

    def __init__(
        self,
        heads: payload_head_reader,
        key: bytes | None,
        send: Callable[[bytes], None],
    ):
        self._heads, self._key, self._send = heads, key, send
        self._log, self._row, self._number, self._restart = ArrivalLog(), 0, 0, False
        self._lock = threading.Lock()  # row and arrivals come from threads of their own

    def row(self, row: int) -> None:
        """This row of the MCS table can be read here."""
        with self._lock:
            self._row = row
            self._report()

    def arrived(self, report: tuple[int, bool, bool]) -> None:
        """First frame of a key frame on the receiver's time line, whether it was used, and whether the codec has no state."""
        first_frame, used, self._restart = report
        head = self._heads.head_of(first_frame)
        if head is not None:
            with self._lock:
                self._log.add(head, used)
                self._report()

    def _report(self) -> None:
        start_ms = self._heads.collector.start_ms
        if start_ms is None:
            return
        self._number = max(self._number + 1, time.time_ns() // 1000)
        log = self._log
        report = Report(self._row, log.last, log.used, log.restart or self._restart)
        self._send(write_report(report, self._number, start_ms, self._key))
