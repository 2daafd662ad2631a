# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `tokens` to PDU `payload`: differential tokens and packing for the MCS in force (section III-D)."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence

import pmt
from gnuradio import gr

from ..codec.base import CodecEncoder, Unit
from ..errors import ResividError
from ..link.statistics import StatisticsCollector
from . import pdus
from .failure import CanFail
from .guarded import guarded
from .stall_watch import ADVICE, PATIENCE_S, StallWatch

TOKENS, MCS, REPORT, PAYLOAD = (pmt.intern(name) for name in ("tokens", "mcs", "report", "payload"))


class token_packer(CanFail, gr.basic_block):
    """PDU `tokens` to PDU `payload`: the best payload for the MCS in force.

    Message `mcs` (integer, row of the MCS table) sets the budget. In lock-step, unit n waits for and uses
    the message that answers unit n - `feedback_delay`, so that the rows do not depend on timing. A codec
    that plans a whole GOP, (15), gets it before its first unit is packed, and the GOP keeps one row. Message
    `report` of the receiver's `token_unpacker` goes to the codec; one that wants reports gets that of unit n -
    `feedback_delay` before it packs unit n.

    Any error of the codec ends the stream, and so does a packet in lock-step that is never answered; it is in `error`.
    `dropped` counts bad messages.

    Args:
        codec_encoder: the codec, the same object as in `token_source`.
        payload_bits: bits of a transport block's payload by row, as a function or a sequence.
        feedback_delay: d, units that are packed before the answer to the first is waited for, at least 1.
        start_mcs: row before the first answer.
        lock_step: False for a live link, where the latest message counts and nothing is waited for.
        statistics: where each payload is counted.
        header_bits: bits of the payload that are kept free for a header, by whether the unit starts a GOP.
        max_waiting: units that may wait, at least a planned GOP and one more; others are dropped before they are
            packed.
        patience_s: seconds of quiet in lock-step (`stall_watch`) after which an answer is given up; 0: never, as where the
            receiver is another program that is started later.
    """

    def __init__(
        self,
        codec_encoder: CodecEncoder,
        payload_bits: Callable[[int], int] | Sequence[int],
        feedback_delay: int = 1,
        start_mcs: int = 0,
        lock_step: bool = True,
        statistics: StatisticsCollector | None = None,
        max_waiting: int = 1024,
        header_bits: Callable[[bool], int] = lambda gop_start: 0,
        patience_s: float = PATIENCE_S,
    ):
        gr.basic_block.__init__(self, name="token_packer", in_sig=None, out_sig=None)
        if feedback_delay < 1:
            raise ValueError(f"feedback_delay must be at least 1, got {feedback_delay}")
        self.logger = gr.logger(self.alias())
        self.codec, self.statistics = codec_encoder, statistics
        self.payload_bits = payload_bits if callable(payload_bits) else list(payload_bits).__getitem__
        self.lock_step, self.header_bits = lock_step, header_bits
        self.max_waiting = max(max_waiting, codec_encoder.units_to_plan + 1)
        self.mcs = start_mcs
        self.dropped = 0
        self._plans = codec_encoder.units_to_plan > 1
        self._rows = deque([start_mcs] * feedback_delay)  # one for each unit that may be packed now
        self._waits_for_reports = lock_step and codec_encoder.wants_reports
        self._reports: deque[tuple | None] = deque([None] * feedback_delay)  # as `_rows`
        self._units: deque[Unit] = deque()
        self._sent: list[int] = []  # first frames, in lock-step
        self._num_answers = self._num_reports = 0
        self._watch: StallWatch | None = None
        if lock_step and patience_s > 0:
            self._watch = StallWatch(self._waits_for_answer, self._give_up, patience_s)
        self.payload_bits(start_mcs)  # an unknown row is refused here
        for port, handler in ((TOKENS, self.on_tokens), (MCS, self.on_mcs), (REPORT, self.on_report)):
            self.message_port_register_in(port)
            self.set_msg_handler(port, handler)
        self.message_port_register_out(PAYLOAD)

    def start(self):
        """Start to watch for answers that never come; called by the scheduler."""
        if self._watch is not None:
            self._watch.start()
        return True

    def stop(self):
        """End that; called by the scheduler."""
        if self._watch is not None:
            self._watch.stop()
        return True

    @guarded
    def on_mcs(self, message):
        """Note the row of the MCS table, an integer, for the next unit, and pack what waits for it."""
        row = pdus.to_integer(message)
        if row < 0:
            raise ValueError(f"expected a row of the MCS table, got {row}")
        self.payload_bits(row)
        self._rows.append(row)
        self._num_answers += 1
        if not self.lock_step:
            self._rows = deque([row])
        self._pack_ready()

    @guarded
    def on_report(self, message):
        """Give the receiver's report to the codec, in lock-step when its turn comes."""
        report = pdus.to_report(message)
        if self._skips_a_unit(report[0]):
            self._fail(self._lost(self._num_reports))
            return
        self._num_reports += 1
        if self._waits_for_reports:
            self._reports.append(report)
            self._pack_ready()
        else:
            self.codec.report(*report)

    @guarded
    def on_tokens(self, pdu):
        """Queue a unit; beyond `max_waiting` it is refused and counted."""
        unit = pdus.to_unit(pdu)
        if len(self._units) >= self.max_waiting and not unit.end:
            raise ValueError(f"{self.max_waiting} units wait already")
        self._units.append(unit)
        self._pack_ready()

    def _pack_ready(self):
        while self.error is None and self._may_take_next():
            unit = self._units.popleft()
            if unit.end:
                self._publish(pdus.from_end(unit.num_frames))
                continue
            try:
                self._pack(unit)
            except (
                Exception
            ) as error:  # a packer that only drops the unit would leave lock-step waiting for ever
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.fail(error)
        self._publish(pdus.from_end(pdus.END_OF_FAILED_STREAM))

    def _waits_for_answer(self) -> int | None:
        """Answers so far, while a unit waits for the next one."""
        try:
            ends = self._units[0].end
        except IndexError:
            return None
        answered = self._rows and (self._reports or not self._waits_for_reports)
        return None if ends or answered else self._num_answers + self._num_reports

    def _skips_a_unit(self, first_frame: int) -> bool:
        """Whether a report is of a later unit than the one whose turn it is."""
        in_turn = self._sent[self._num_reports : self._num_reports + 1]
        return self.error is None and bool(in_turn) and first_frame > in_turn[0]

    def _lost(self, number: int) -> ResividError:
        frames = self._sent[number : number + 1] or self._sent[-1:]
        return ResividError(f"the packet of the key frame at frame {frames[0]} was lost on its way: {ADVICE}")

    def _give_up(self) -> None:
        """Nothing comes any more: say so; when the end marker is lost too, end the flowgraph without it."""
        if self.error is None:
            number = (
                min(self._num_answers, self._num_reports) if self._waits_for_reports else self._num_answers
            )
            self._fail(self._lost(number))
        else:
            self.to_basic_block()._post(pmt.intern("system"), pdus.DONE)

    def _may_take_next(self) -> bool:
        if not self._units:
            return False
        first = self._units[0]
        if first.end:
            return True
        if self._waits_for_reports and not self._reports:
            return False
        return bool(self._rows) and (not self._plans or not first.gop_start or self._gop_is_whole())

    def _gop_is_whole(self) -> bool:
        later = itertools.islice(self._units, 1, None)
        return len(self._units) >= self.codec.units_to_plan or any(u.gop_start or u.end for u in later)

    def _pack(self, unit):
        started = time.perf_counter()
        row = self._rows.popleft() if self.lock_step else self._rows[0]
        report = self._reports.popleft() if self._waits_for_reports else None
        if report is not None:  # not before: how early it came depends on timing
            self.codec.report(*report)
        if unit.gop_start or not self._plans:
            self.mcs = row
        starts = getattr(self.codec, "starts", _as_planned)
        budget_bits = self.payload_bits(self.mcs) - self.header_bits(starts(unit))
        if self._plans and unit.gop_start:
            rest = itertools.takewhile(lambda u: not (u.gop_start or u.end), self._units)
            self.codec.plan([unit, *rest], budget_bits)
        payload = self.codec.pack(unit, budget_bits)
        if self.statistics is not None:
            self.statistics.packed(payload)
            self.statistics.stage("packer", time.perf_counter() - started)
        if self.lock_step:
            self._sent.append(payload.first_frame)
        self._publish(pdus.from_payload(payload, mcs=self.mcs))

    def _publish(self, pdu):
        self.message_port_pub(PAYLOAD, pdu)


def _as_planned(unit):
    """`CodecEncoder.starts` of a codec that leaves it out."""
    return unit.gop_start
