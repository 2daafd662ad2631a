# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `payload` to PDU `tokens`: unpacking and token state (section III-E)."""

from __future__ import annotations

import time

import pmt
from gnuradio import gr

from ..codec.base import CodecDecoder, Unit
from ..link.statistics import StatisticsCollector
from . import pdus
from .failure import CanFail
from .guarded import guarded

PAYLOAD, REPORT, TOKENS = (pmt.intern(name) for name in ("payload", "report", "tokens"))


class token_unpacker(CanFail, gr.basic_block):
    """PDU `payload` to PDU `tokens`: the receiver's state after each transport block.

    A block whose CRC failed, or that the codec cannot read, updates nothing and still gives one PDU. `dropped`
    counts bad messages and blocks that could not be read. Message `report` says of each block whether it was
    used, for the transmitter's `token_packer`. A codec that cannot even go without a block ends the stream; its error
    is in `error`.

    Args:
        codec_decoder: the codec; the `video_sink` behind must get the same object.
        statistics: where each block's figures go.
    """

    def __init__(self, codec_decoder: CodecDecoder, statistics: StatisticsCollector | None = None):
        gr.basic_block.__init__(self, name="token_unpacker", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.codec, self.statistics, self.dropped = codec_decoder, statistics, 0
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)
        self.message_port_register_out(REPORT)
        self.message_port_register_out(TOKENS)

    @guarded
    def on_payload(self, pdu):
        """Update the token state from a payload and publish the unit; a failed CRC changes nothing."""
        payload, figures = pdus.to_payload(pdu)
        if self.error is not None:
            return
        if not isinstance(payload, Unit):
            payload = self._unpack(payload, figures)
        self.message_port_pub(TOKENS, pdus.from_unit(payload))

    def _unpack(self, payload, figures) -> Unit:
        started, used = time.perf_counter(), figures["crc_ok"]
        try:
            unit = self.codec.unpack(payload if used else None)
        except (
            Exception
        ) as error:  # bits that only seem good, or a codec's mistake: lock-step waits for a PDU
            self.dropped += 1
            self.logger.warn(f"payload of frame {payload.first_frame} not used: {error}")
            unit, used = self._unpack_nothing(error), False
        self.message_port_pub(REPORT, pdus.from_report(payload.first_frame, used, self.codec.wants_restart))
        if self.statistics is not None:
            self.statistics.received(payload.first_frame, **figures)
            self.statistics.stage("unpacker", time.perf_counter() - started)
        return unit

    def _unpack_nothing(self, reason: Exception) -> Unit:
        try:
            return self.codec.unpack(None)
        except Exception:  # no bits are to blame
            self.fail(reason)
            return Unit(first_frame=0, num_frames=pdus.END_OF_FAILED_STREAM, end=True)
