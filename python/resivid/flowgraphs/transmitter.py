# SPDX-License-Identifier: GPL-3.0-or-later
"""Video file to complex symbols: the transmitter's column of the pipeline."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from gnuradio import gr

from ..blocks.frame_header import header_writer
from ..blocks.payload_to_stream import payload_to_stream
from ..blocks.token_packer import token_packer
from ..blocks.token_source import token_source
from ..codec.base import CodecEncoder
from ..link import air
from ..link.statistics import StatisticsCollector
from ..resivid_python import burst_framer, ldpc_qam_encoder
from .releasable import releasable_hier_block
from .settings import LinkSettings

PACKET_LEN = "packet_len"


class transmitter(releasable_hier_block):
    """Sampling, tokenizer, differential tokens, packing, coding.

    Stream out: complex symbols, one key frame a packet; in a framed link complex samples of mean power 1. Messages in: `mcs`, `report` and `credit` from the receiver,
    `done` from the receiver when the last frame is written, which ends the flowgraph.

    Args:
        path: file or URL that FFmpeg reads.
        settings: as the receiver's.
        codec_encoder: a codec of the caller's; the one of the settings unless given.
        feedback_delay: d, key frames that are packed before the answer to the first is waited for.
        start_mcs: row before the first answer.
        statistics: where payloads and times are counted.
    """

    def __init__(
        self,
        path: str | Path,
        settings: LinkSettings = LinkSettings(),
        codec_encoder: CodecEncoder | None = None,
        feedback_delay: int = 1,
        start_mcs: int = 0,
        statistics: StatisticsCollector | None = None,
    ):
        releasable_hier_block.__init__(
            self, "transmitter", gr.io_signature(0, 0, 0), gr.io_signature(1, 1, gr.sizeof_gr_complex)
        )
        codec_encoder = codec_encoder or settings.make_encoder()
        self.source = token_source(path, codec_encoder, settings.credits, settings.size)
        self.packer = token_packer(
            codec_encoder,
            settings.payload_bits,
            feedback_delay,
            start_mcs,
            statistics=statistics,
            header_bits=settings.header_bits,
        )
        self.to_stream = payload_to_stream(settings.largest_payload_bits, PACKET_LEN)
        self.encoder = ldpc_qam_encoder(settings.symbols, settings.table.as_tuples(), PACKET_LEN)
        for port in ("mcs", "report", "credit", "done"):
            self.message_port_register_hier_in(port)
        self.msg_connect((self.source, "tokens"), (self.packer, "tokens"))
        if settings.phy == "framed":
            self.header = header_writer(settings.stride, Fraction(self.source.rate), settings.digest)
            self.framer = burst_framer(
                settings.symbols,
                air.preambles(settings.table),
                settings.samples_per_symbol,
                settings.roll_off,
                packet_len_key=PACKET_LEN,
            )
            self.msg_connect((self.packer, "payload"), (self.header, "payload"))
            self.msg_connect((self.header, "payload"), (self.to_stream, "pdus"))
            self.connect(self.to_stream, self.encoder, self.framer, self)
        else:
            self.msg_connect((self.packer, "payload"), (self.to_stream, "pdus"))
            self.connect(self.to_stream, self.encoder, self)
        self.msg_connect((self, "mcs"), (self.packer, "mcs"))
        self.msg_connect((self, "report"), (self.packer, "report"))
        self.msg_connect((self, "credit"), (self.source, "credit"))
        self.msg_connect((self, "done"), (self.to_stream, "system"))

    @property
    def rate(self):
        """Frame rate of the video in frame/s."""
        return self.source.rate

    @property
    def error(self) -> Exception | None:
        """What ended the stream early; None while all is well."""
        return self.source.error or self.packer.error
