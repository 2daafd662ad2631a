# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex symbols to video file: the receiver's column of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from gnuradio import gr

from ..blocks.frame_header import header_reader
from ..blocks.symbol_tap import symbol_tap
from ..blocks.token_unpacker import token_unpacker
from ..blocks.video_sink import video_sink
from ..codec.base import CodecDecoder
from ..link import air
from ..link.statistics import StatisticsCollector
from ..resivid_python import burst_synchroniser, ldpc_qam_decoder, mcs_selector
from .releasable import releasable_hier_block
from .settings import LinkSettings
from .transmitter import PACKET_LEN


class receiver(releasable_hier_block):
    """Soft demapping, decoding, unpacking, token state, detokenization, interpolation, MCS selection.

    Stream in: complex symbols, one key frame a packet; in a framed link complex samples. Messages out: `mcs`, `report`, `credit` and `done`, which belong
    to the transmitter's ports of these names, and `frames`, one PDU a picture.

    Args:
        path: the file to write; None or empty for none.
        settings: as the transmitter's.
        rate: frame rate in frame/s.
        codec_decoder: a codec of the caller's; the one of the settings unless given.
        hysteresis_db: how far the SNR falls below a row's threshold before the row is left.
        start_mcs: row before the first estimate.
        fixed_mcs: a row to stay with; None: follow the estimates.
        on_frame, picture_width: as `video_sink` takes them.
        statistics: where blocks, frames and times are counted.
        outer_loop: shift the estimates until the table's target share of the blocks fails.
        snr_bias_db: added to the selector's estimates: a wrong estimator, for studies.
        jump_db: an estimate so far from the mean of the last ones starts the mean anew; 0: never.
        lock_step: the transmitter waits for an answer to each key frame, from the first of the video on.
    """

    def __init__(
        self,
        path: str | Path | None,
        settings: LinkSettings = LinkSettings(),
        rate: Fraction | float = 30,
        codec_decoder: CodecDecoder | None = None,
        hysteresis_db: float = 0.5,
        start_mcs: int = 0,
        fixed_mcs: int | None = None,
        on_frame: Callable[[int, np.ndarray], np.ndarray] | None = None,
        picture_width: int | None = None,
        statistics: StatisticsCollector | None = None,
        outer_loop: bool = False,
        snr_bias_db: float = 0.0,
        jump_db: float = 2.0,
        lock_step: bool = True,
    ):
        releasable_hier_block.__init__(
            self, "receiver", gr.io_signature(1, 1, gr.sizeof_gr_complex), gr.io_signature(0, 0, 0)
        )
        codec_decoder = codec_decoder or settings.make_decoder()
        self.decoder = ldpc_qam_decoder(
            settings.symbols, settings.table.as_tuples(), packet_len_key=PACKET_LEN
        )
        self.selector = mcs_selector(
            settings.table.thresholds_db(),
            hysteresis_db,
            start_row=start_mcs,
            fixed_row=-1 if fixed_mcs is None else fixed_mcs,
            snr_bias_db=snr_bias_db,
            target_bler=settings.table.target_bler if outer_loop else 0.0,
            jump_db=jump_db,
        )
        self.unpacker = token_unpacker(codec_decoder, statistics)
        self.sink = video_sink(
            path,
            codec_decoder,
            rate,
            settings.size,
            on_frame,
            picture_width,
            statistics,
            max_waiting=max(1024, settings.credits),  # a GOP that was held back comes all at once
        )
        for port in ("mcs", "report", "credit", "done", "frames"):
            self.message_port_register_hier_out(port)
        decoded: gr.basic_block = self.decoder
        if settings.phy == "framed":
            decoded = self._connect_framed(settings, float(rate), lock_step)
        else:
            self.connect(self, self.decoder)
        self._symbols: gr.basic_block = self.synchroniser if settings.phy == "framed" else self
        self.msg_connect((decoded, "payload"), (self.unpacker, "payload"))
        self.msg_connect((decoded, "payload"), (self.selector, "snr"))
        self.msg_connect((self.unpacker, "tokens"), (self.sink, "tokens"))
        self.msg_connect((self.selector, "mcs"), (self, "mcs"))
        self.msg_connect((self.unpacker, "report"), (self, "report"))
        for port in ("credit", "done", "frames"):
            self.msg_connect((self.sink, port), (self, port))

    def _connect_framed(self, settings: LinkSettings, rate: float, lock_step: bool) -> header_reader:
        """Synchroniser before the decoder, reader of the header behind it."""
        self.synchroniser = burst_synchroniser(
            settings.symbols,
            air.synchroniser_rows(settings.table),
            settings.samples_per_symbol,
            settings.roll_off,
            symbol_rate=settings.frame_symbols * rate / settings.stride,
            every_frame=lock_step,
            packet_len_key=PACKET_LEN,
        )
        self.header = header_reader(
            settings.stride,
            settings.frame_symbols * settings.samples_per_symbol,
            settings.symbols,
            settings.digest,
            first=0 if lock_step else None,
        )
        self.connect(self, self.synchroniser, self.decoder)
        self.msg_connect((self.decoder, "payload"), (self.header, "payload"))
        return self.header

    def watch_symbols(self, on_symbols: Callable[[np.ndarray], None]) -> None:
        """Give the symbols before the decoder to a quick function, now and then; before the start.

        Args:
            on_symbols: as `symbol_tap` takes it.
        """
        self._tap = symbol_tap(on_symbols)  # held here: GNU Radio does not keep a Python block alive
        self.connect(self._symbols, self._tap)

    @property
    def finished(self):
        """Event: the file has its final name, or is deleted."""
        return self.sink.finished

    @property
    def error(self) -> Exception | None:
        """What ended the stream early; None while all is well."""
        return self.unpacker.error or self.sink.error
