# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `payload` with the head that a live stream carries in it: one block writes it, one reads it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np
import pmt
from gnuradio import gr

from ..errors import FormatError
from ..link.frame_mac import MAC_BITS, FrameVerifier, Verdict, frame_mac
from ..link.live_sequence import LiveSequence
from ..link.payload_head import (
    NUM_NUMBERS,
    TIME_BITS,
    ParameterCollector,
    PayloadHead,
    StreamParameters,
    read_head,
    write_head,
)
from ..link.reception_state import NO_ACCIDENT
from . import pdus
from .guarded import guarded

PAYLOAD = pmt.intern("payload")
_MOST_DOUBTFUL = 256
_MENDED = 8  # blocks that were passed on since the last one that was wrong
MOST_HEADS = 64  # that are kept for reports


class payload_head_writer(gr.basic_block):
    """PDU `payload` of `token_packer` to PDU `payload` with the head before its bits.

    Args:
        stride: S in frames.
        parameters: of this stream.
        key: signs each frame, MAC_BITS behind its payload; None: no MAC.
    """

    def __init__(self, stride: int, parameters: StreamParameters, key: bytes | None = None):
        gr.basic_block.__init__(self, name="payload_head_writer", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.stride, self.parameters, self.key = stride, parameters, key
        self.dropped = self.sent = 0
        self.last_count = -1  # number of the last key frame that was sent, without end
        self.on_sent: Callable[[int], None] = lambda count: None  # given that number, quick
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)
        self.message_port_register_out(PAYLOAD)

    @guarded
    def on_payload(self, pdu):
        """Put the head before the bits of a key frame; the end passes as it is."""
        metadata, bits = pdus.to_parts(pdu)
        if not metadata.get("end", False):
            count = metadata["frame"] // self.stride
            number = count % NUM_NUMBERS
            part = self.parameters.slice(number)
            head = PayloadHead(
                self.parameters.session, metadata["gop_start"], number, part, self.key is not None
            )
            bits = write_head(bits, head)
            if self.key is not None:
                bits = np.concatenate([bits, frame_mac(self.key, self.parameters.start_ms, count, bits)])
            pdu = pdus.from_parts(metadata, bits)
            self.sent, self.last_count = self.sent + 1, count
            self.on_sent(count)
        self.message_port_pub(PAYLOAD, pdu)


class payload_head_reader(gr.basic_block):
    """PDU `payload` of `ldpc_qam_decoder` to PDU `payload` for `token_unpacker`, placed on the receiver's time line.

    Blocks that failed their CRC, are of another stream or version, or were there already go no further, and are
    counted: `failed`, `foreign`, `repeated`, and with a key `forged`, `replayed`, `joining`; those that passed are
    `received`. Without a key a MAC is taken off unseen.

    Args:
        sequence: the time line.
        digest: of the settings that both ends share.
        rate, stride: frame/s and S in frames, for the latency.
        on_capture: called with the first frame of a key frame and the seconds since its capture, for streams whose
            clock agrees with ours.
        key: frames must be signed with it.
    """

    def __init__(
        self,
        sequence: LiveSequence,
        digest: int,
        rate: float = 30.0,
        stride: int = 8,
        on_capture: Callable[[int, float], None] | None = None,
        key: bytes | None = None,
    ):
        gr.basic_block.__init__(self, name="payload_head_reader", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.sequence, self.digest, self.rate, self.stride = sequence, digest, rate, stride
        self.on_capture = on_capture
        # Given the first frame and the metadata of a block with a bad CRC. What noise took for a preamble has one too:
        # only blocks that a good one after them shows to be missing are reported, and only then.
        self.on_failed: Callable[[int, dict], None] = lambda first_frame, metadata: None
        self._doubtful: deque[dict] = deque(maxlen=_MOST_DOUBTFUL)  # with a bad CRC, since the last good one
        self.collector, self._heard = ParameterCollector(), ParameterCollector()  # the second of any head
        self._heads: dict[int, PayloadHead] = {}
        self.verdicts = dict.fromkeys(Verdict, 0)
        self._verifier = None if key is None else FrameVerifier(key)
        self.dropped = self.received = self.failed = self.foreign = 0
        self.right = 0  # blocks with a right CRC, whatever became of them
        self.last_snr_db = float("nan")  # of the last block that was no accident of noise
        self.last_mcs = 0
        self.problem = ""  # what is wrong with the stream; empty again when _MENDED blocks were good
        self.on_problem: Callable[[str], None] = self.logger.warn  # given each new one
        self._good = 0  # blocks passed on since the last that was wrong
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)
        self.message_port_register_out(PAYLOAD)

    @property
    def repeated(self) -> int:
        """Blocks that had come before."""
        return self.sequence.repeated

    def head_of(self, first_frame: int) -> PayloadHead | None:
        """Head of a key frame that was passed on lately, by its place on the time line."""
        return self._heads.get(first_frame)

    @guarded
    def on_payload(self, pdu):
        """Count the block, and pass on one that is new and of this stream, with its place in time."""
        metadata, bits = pdus.to_parts(pdu)
        crc_ok = metadata["crc_ok"]
        if not crc_ok:
            self.failed += 1
            self._doubtful.append(metadata)
        if crc_ok or len(self._doubtful) >= NO_ACCIDENT:
            self.last_snr_db, self.last_mcs = float(metadata["snr_db"]), int(metadata["mcs"])
        if not crc_ok:
            return
        self.right += 1
        whole = bits
        try:
            head, bits = read_head(whole)
        except FormatError as error:
            self._foreign(str(error))
            return
        if not self._is_authentic(head, whole):
            return
        self.collector.add(head)
        if head.signed:
            bits = bits[:-MAC_BITS]
        if self.collector.digest not in (None, self.digest):
            self._foreign(
                "the transmitter has other settings (--codec, --memory, --gop, tokenizer or its weights)"
            )
            return
        missing = self.sequence.missing
        first_frame = self.sequence.place(head)
        if first_frame is None:
            return
        self._report_failed(first_frame, self.sequence.missing - missing)
        self.received += 1
        self._note_good()
        self._heads[first_frame] = head
        if len(self._heads) > MOST_HEADS:
            self._heads.pop(next(iter(self._heads)))
        self._capture(head, first_frame)
        metadata.update(frame=first_frame, gop_start=head.gop_start)
        self.message_port_pub(PAYLOAD, pdus.from_parts(metadata, bits))

    def _report_failed(self, first_frame: int, missing: int) -> None:
        """Blocks with a bad CRC before this one, the latest first, as many as numbers are missing."""
        failed = list(self._doubtful)[-missing:] if missing else []
        self._doubtful.clear()
        for behind, metadata in zip(range(len(failed), 0, -1), failed, strict=True):
            self.on_failed(max(first_frame - behind * self.stride, 0), metadata)

    def _is_authentic(self, head, whole):
        if self._verifier is None:
            return True
        self._heard.add(head)
        verdict = self._verifier.verify(head, self._heard.start_ms, whole)
        self.verdicts[verdict] += 1
        if verdict is Verdict.FORGED:
            self._say("frames that are not signed with this key")
        return verdict is Verdict.GOOD

    def _foreign(self, problem):
        self.foreign += 1
        self._say(problem)

    def _say(self, problem):
        self._good = 0
        if problem != self.problem:
            self.problem = problem
            self.on_problem(problem)

    def _note_good(self):
        self._good += 1
        if self._good >= _MENDED:
            self.problem = ""

    def _capture(self, head, first_frame):
        start_ms = self.collector.start_ms
        if start_ms is None or self.on_capture is None:
            return
        passed_s = (time.time_ns() // 1_000_000 - start_ms) % (1 << TIME_BITS) / 1e3
        cycle_s = NUM_NUMBERS * self.stride / self.rate
        age_s = (passed_s - head.number * self.stride / self.rate) % cycle_s
        if age_s < cycle_s / 2:  # else it comes from the future: the clocks do not agree, or there is none
            self.on_capture(first_frame, age_s)
