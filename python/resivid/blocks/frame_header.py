# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of the air interface in front of each payload, and off again at the receiver."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from ..errors import FormatError
from ..link.air_header import AirHeader, FrameNumbers, header_bits, read_header, write_header
from . import pdus
from .guarded import guarded

PAYLOAD = pmt.intern("payload")


class header_writer(gr.basic_block):
    """PDU `payload` to PDU `payload`, the header in front of its bits.

    Args:
        stride: S, frames per key frame.
        rate: frame rate of the video.
        digest: of the settings, `link.air_header.settings_digest`.
    """

    def __init__(self, stride: int, rate: Fraction, digest: int = 0):
        gr.basic_block.__init__(self, name="header_writer", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.stride, self.rate, self.digest, self.dropped = stride, Fraction(rate), digest, 0
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)
        self.message_port_register_out(PAYLOAD)

    @guarded
    def on_payload(self, pdu):
        """Put the header before the bits of a key frame; the end passes as it is."""
        metadata, data = pdus.to_parts(pdu)
        if not metadata.get("end"):
            number, gop_start = metadata["frame"] // self.stride, bool(metadata["gop_start"])
            header = write_header(AirHeader(number, gop_start, self.rate, self.digest))
            pdu = pdus.from_parts(metadata, np.concatenate([header, data]))
        self.message_port_pub(PAYLOAD, pdu)


class header_reader(gr.basic_block):
    """PDU `payload` of the decoder to PDU `payload` with `frame` and `gop_start`, the header taken off.

    A key frame that is missing, by counter or by position, becomes a PDU whose CRC failed, with `lost` true.
    Messages before the first good block are dropped unless `first` is given. `versions` counts blocks of
    another wire version, `strangers` those of a transmitter with other settings.

    Args:
        stride: S, frames per key frame.
        frame_samples: of a frame, in the unit of the tag `position`.
        symbols: payload symbols of a frame.
        digest: what the transmitter's must be.
        first: number of the first key frame, where it is known.
    """

    def __init__(
        self, stride: int, frame_samples: float, symbols: int, digest: int = 0, first: int | None = None
    ):
        gr.basic_block.__init__(self, name="header_reader", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.stride, self.symbols, self.digest = stride, symbols, digest
        self.dropped, self.versions, self.strangers = 0, 0, 0
        self.rate: Fraction | None = None
        self._numbers = FrameNumbers(frame_samples, first)
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)
        self.message_port_register_out(PAYLOAD)

    @guarded
    def on_payload(self, pdu):
        """Take the header off, number the key frame, and report those missing before it."""
        metadata, bits = pdus.to_parts(pdu)
        if metadata.get("end"):
            self.message_port_pub(PAYLOAD, pdu)
            return
        header = self._header(bits) if metadata["crc_ok"] else None
        position = metadata.get("position")
        if header is None:
            metadata["crc_ok"], bits = False, bits[:0]
            numbered = self._numbers.failed(position)
        else:
            numbered = self._numbers.good(header.counter, position)
            bits = bits[header_bits(header.gop_start) :]
        if numbered is None:
            return
        missing, number = numbered
        for lost in missing:
            self._publish_lost(lost)
        metadata |= {"frame": number * self.stride, "gop_start": header is not None and header.gop_start}
        self.message_port_pub(PAYLOAD, pdus.from_parts(metadata, bits))

    def _header(self, bits: np.ndarray) -> AirHeader | None:
        try:
            header = read_header(bits)
        except FormatError as error:
            self.versions += 1
            self.logger.warn(str(error))
            return None
        if header.gop_start:
            if header.digest != self.digest:
                self.strangers += 1
                self.logger.warn("a transmitter with other settings")
                return None
            self.rate = header.rate or None
        return header

    def _publish_lost(self, number: int) -> None:
        metadata: dict[str, Any] = {
            "frame": number * self.stride,
            "gop_start": False,
            "mcs": 0,
            "crc_ok": False,
            "snr_db": float("nan"),
            "iterations": 0,
            "symbols": self.symbols,
            "lost": True,
        }
        self.message_port_pub(PAYLOAD, pdus.from_parts(metadata, np.zeros(0, np.uint8)))
