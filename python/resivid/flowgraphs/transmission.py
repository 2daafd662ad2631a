# SPDX-License-Identifier: GPL-3.0-or-later
"""A live transmitter: video to a radio, as one GNU Radio flowgraph."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pmt
from gnuradio import gr

from ..blocks import pdus
from ..blocks.payload_heads import payload_head_writer
from ..blocks.token_packer import token_packer
from ..blocks.token_source import token_source
from ..codec.base import CodecEncoder
from ..errors import ResividError
from ..link.feedback import ArrivalReader, FeedbackReader
from ..link.payload_head import TIME_BITS, StreamParameters
from ..link.stage_ages import LongWait, StageAges
from ..radio.feedback_link import ReportListener
from ..radio.settings import RadioSettings
from .live import LiveSettings
from .radio_ends import LocalTransmitter, TransmitterEnd
from .split_ends import RemoteTransmitter

MCS, REPORT = pmt.intern("mcs"), pmt.intern("report")
IN_FLIGHT = 2  # key frames between the packer and the framer
LONGEST_WAIT = 0.5  # key-frame intervals that all key frames may wait for their place in the signal
POLL_S = 0.01
SILENCE_S = 3.0  # without a report: the row that was chosen for a link without them
REST_S = 0.5  # the radio takes no more samples: all are sent


class transmission(gr.top_block):
    """Source, tokenizer, packing, coding, framing, radio.

    Args:
        reader: frames, with their `rate`.
        radio: where to send; its rates are chosen for the signal.
        settings: of the link.
        codec_encoder: the codec.
        digest: of the settings that both ends share.
        drops: a live source: key frames that find no room are thrown away before they are packed.
        feedback: where the receiver's reports come in, udp://HOST:PORT or zmq://HOST:PORT; None: the row stays.
    """

    def __init__(
        self,
        reader: Any,
        radio: RadioSettings,
        settings: LiveSettings,
        codec_encoder: CodecEncoder,
        digest: int,
        drops: bool,
        feedback: str | None = None,
    ):
        gr.top_block.__init__(self, "resivid tx")
        link, table = settings.link, settings.link.table
        self.settings, self.rate = settings, reader.rate
        self.ages = StageAges()  # of key frames: packed, framed; and how long samples wait behind the framer
        self.symbol_rate = settings.symbol_rate(reader.rate)
        self.source = token_source("", codec_encoder, IN_FLIGHT, link.size, reader, drops)
        self.packer = token_packer(
            codec_encoder, settings.payload_bits, start_mcs=settings.row, lock_step=False
        )
        self.source.on_begin = self._begin
        self.source.logs_error = self.packer.logs_error = False  # `run` raises it
        parameters = StreamParameters(digest, _now_ms(), settings.call_sign)
        self.heads = payload_head_writer(link.stride, parameters, settings.key)
        self.heads.on_sent = self._packed
        self.end: TransmitterEnd = (
            RemoteTransmitter(radio, settings, reader.rate)
            if radio.is_remote
            else LocalTransmitter(self, radio, settings, reader.rate)
        )
        self.msg_connect((self.source, "tokens"), (self.packer, "tokens"))
        self.msg_connect((self.packer, "payload"), (self.heads, "payload"))
        self.msg_connect((self.heads, "payload"), self.end.payloads)
        self._credited = 0
        self._on_their_way: deque[tuple[int, float]] = deque()  # key frames that are packed and not framed
        self._long_wait = LongWait(LONGEST_WAIT * link.stride / float(reader.rate)) if drops else None
        self.reports = FeedbackReader(parameters.start_ms, len(table.rows), settings.key)
        self._arrivals = ArrivalReader()
        self._row, self._reported = settings.row, time.monotonic()
        self._listener = None if feedback is None else ReportListener(feedback, self._on_report)

    def _begin(self) -> None:
        """The first frame was captured now: times count from here, not from when the radio was opened."""
        parameters = replace(self.heads.parameters, start_ms=_now_ms())
        self.heads.parameters = parameters
        self.reports = FeedbackReader(
            parameters.start_ms, len(self.settings.link.table.rows), self.settings.key
        )

    def _packed(self, count: int) -> None:
        self._on_their_way.append((count, self._note_age("packed", count)))

    def _framed(self, count: int, packed_s: float) -> None:
        waited_s = self._note_age("framed", count) - packed_s
        if self._long_wait is not None and self._long_wait.add(waited_s):
            self.source.leave_out()

    def _note_age(self, stage: str, count: int) -> float:
        age_ms = _now_ms() - self.heads.parameters.start_ms
        age_s = age_ms / 1e3 - count * self.settings.link.stride / float(self.rate)
        self.ages.add(stage, age_s)
        return age_s

    def _on_report(self, data: bytes) -> None:
        report = self.reports.read(data)
        if report is None:
            return
        self._reported = time.monotonic()
        self._set_row(report.row)
        if not self.packer.codec.wants_reports:
            return
        stride = self.settings.link.stride
        for count, used, restart in self._arrivals.fates(report, self.heads.last_count):
            self.packer.to_basic_block()._post(REPORT, pdus.from_report(count * stride, used, restart))

    def _set_row(self, row: int) -> None:
        if row != self._row:
            self._row = row
            self.packer.to_basic_block()._post(MCS, pmt.from_long(row))

    def run(self, progress: Callable[[transmission], None] = lambda flowgraph: None) -> None:
        """Send until the source ends.

        Args:
            progress: called a few dozen times a second.
        Raises:
            ResividError: what ended the stream early.
        """
        self.start()
        try:
            self._until_sent(progress)
        finally:
            if self._listener is not None:
                self._listener.close()
            self.end.close()
            self.stop()
            self.wait()

    def _until_sent(self, progress: Callable[[transmission], None]) -> None:
        taken, since = -1, time.monotonic()
        while time.monotonic() < since + REST_S:
            time.sleep(POLL_S)
            self._give_credits()
            if time.monotonic() > self._reported + SILENCE_S:
                self._set_row(self.settings.row)  # nobody says that more can be read
            progress(self)
            error = self.source.error or self.packer.error
            if error is not None:
                raise error if isinstance(error, ResividError) else ResividError(f"transmitter: {error}")
            now_taken = self.end.moved
            if now_taken != taken or not self._end_is_framed():
                taken, since = now_taken, time.monotonic()

    def _give_credits(self) -> None:
        """One for each key frame that left, so that few wait after they are packed."""
        new = self.end.framed - self._credited
        if new > 0:
            self._credited += new
            self.source.give_credit(new)
            self.ages.add("held", self.end.held_s)
        for _ in range(min(max(new, 0), len(self._on_their_way))):
            self._framed(*self._on_their_way.popleft())

    def _end_is_framed(self) -> bool:
        return self.source.ended and self.end.end_is_framed(self.heads.sent)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000 % (1 << TIME_BITS)
