# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a live link that know its settings, one call each: what flowgraphs of GNU Radio Companion are made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pmt
from gnuradio import gr

from ..blocks.message_ports import message_exit
from ..blocks.payload_heads import payload_head_reader, payload_head_writer
from ..blocks.token_source import token_source
from ..codec.base import CodecEncoder
from ..errors import SettingsError
from ..link import air
from ..link.payload_head import TIME_BITS, StreamParameters
from ..radio.carrier_search import carrier_searcher
from ..radio.factory import Radio, make_receiver, make_transmitter
from ..radio.front_end import receiver_front_end, transmitter_front_end
from ..radio.permission import check_may_transmit
from ..radio.settings import RadioSettings
from ..video.live import PacedReader, keeps_time, open_source
from .live import LiveSettings
from .transmission import IN_FLIGHT


def live_source(
    source: str, codec_encoder: CodecEncoder, rate: float = 30.0, size: int = 256, loop: bool = False
) -> token_source:
    """A token source that never waits: what finds no credit is thrown away.

    Args:
        source: /dev/videoN, a file, a URL, "screen" or "test".
        codec_encoder: the codec; the packer must get the same object.
        rate: frame/s of a camera, the screen or a test picture; a file has its own.
        size: side of the picture in pixels.
        loop: a file that ends begins again.
    Raises:
        VideoError: it cannot be opened.
        SettingsError: a file of another frame rate, which would not fit the signal.
    """
    fps = Fraction(rate).limit_denominator(1001)
    reader = PacedReader(lambda: open_source(source, size, fps), not keeps_time(source), loop)
    if abs(reader.rate - fps) > fps / 1000:
        raise SettingsError(f"{source}: has {float(reader.rate):g} frame/s, the link {float(fps):g}")
    return token_source("", codec_encoder, IN_FLIGHT, size, reader, drops=True)


def live_head_writer(settings: LiveSettings) -> payload_head_writer:
    """The head of each payload, for a stream that begins now."""
    start_ms = time.time_ns() // 1_000_000 % (1 << TIME_BITS)
    parameters = StreamParameters(_digest(settings), start_ms, settings.call_sign)
    return payload_head_writer(settings.link.stride, parameters, settings.key)


def live_head_reader(settings: LiveSettings, rate: float = 30.0) -> payload_head_reader:
    """What becomes of received payloads by their heads.

    Args:
        rate: frame/s of the video.
    """
    sequence = settings.sequence(rate)
    return payload_head_reader(
        sequence, _digest(settings), float(rate), settings.link.stride, key=settings.key
    )


def _digest(settings: LiveSettings) -> int:
    return settings.digest(settings.link.load_tokenizer().weights_sha256)


class _radio_end(gr.hier_block2):
    """What both directions share: the radio, opened at a rate for the signal, behind one port.

    Args:
        name, inputs, outputs: of the block.
        make: `make_transmitter` or `make_receiver`.
        settings, rate: as of `radio_sink`.
        wish: the radio that is wanted.
    """

    def __init__(
        self,
        name: str,
        inputs: int,
        outputs: int,
        make: Callable[[RadioSettings, float, float], Radio],
        settings: LiveSettings,
        rate: float,
        wish: RadioSettings,
    ):
        ports = (gr.io_signature(n, n, n * gr.sizeof_gr_complex) for n in (inputs, outputs))
        gr.hier_block2.__init__(self, name, *ports)
        self.symbol_rate = settings.symbol_rate(rate)
        self.radio = make(wish, air.SAMPLES_PER_SYMBOL * self.symbol_rate, settings.occupied_hz(rate))


class radio_sink(_radio_end):
    """The framer's samples to a radio: resampled, beside its oscillator, sent.

    Args:
        settings: of the link.
        rate: frame/s of the video.
        device: SoapySDR arguments, or "uhd[,ARGS]".
        frequency_hz: centre of the signal.
        i_may_transmit: you may, by law and licence; asked for once, remembered.
        options: more of `RadioSettings`: gain_db, antenna, ppm, lo_offset_hz, sample_rate, ...
    Raises:
        RadioError: no device, busy, no permission, or a value that it does not have.
        SettingsError: nobody said that transmitting is allowed, or no sample rate fits.
    """

    def __init__(
        self,
        settings: LiveSettings,
        rate: float,
        device: str,
        frequency_hz: float,
        i_may_transmit: bool = False,
        **options: Any,
    ):
        wish = RadioSettings(device, frequency_hz, **options)
        announcement = check_may_transmit(wish, i_may_transmit, settings.width_hz(rate))
        super().__init__("radio_sink", 1, 0, make_transmitter, settings, rate, wish)
        self.front_end = transmitter_front_end(self.radio.plan, wish.has_clock)
        self.connect(self, self.front_end, self.radio.block)
        if announcement:
            gr.logger("resivid").info(announcement)


class radio_source(_radio_end):
    """A radio's samples as the burst synchroniser takes them; arguments as of `radio_sink`.

    Message `status` of the synchroniser says whether it is locked: while it is not, the signal is searched.

    Args:
        search_ppm: how far off its frequency the signal may be; 0: half a symbol rate, and `status` is not needed.
    """

    def __init__(
        self,
        settings: LiveSettings,
        rate: float,
        device: str,
        frequency_hz: float,
        search_ppm: float = 0.0,
        **options: Any,
    ):
        wish = RadioSettings(device, frequency_hz, **options)
        super().__init__("radio_source", 0, 1, make_receiver, settings, rate, wish)
        self.front_end = receiver_front_end(self.radio.plan, self.symbol_rate)
        self.connect(self.radio.block, self.front_end, self)
        self._locked = False
        self._status = message_exit("status", self._note_status, pmt.to_python)
        self.message_port_register_hier_in("status")
        self.msg_connect((self, "status"), (self._status, "status"))
        if search_ppm > 0:
            self.searcher = carrier_searcher(
                self.front_end,
                1e-6 * search_ppm * frequency_hz,
                settings.link.stride / rate,
                self.front_end.given_s,
                lambda: self._locked,
            )
            self.connect(self.radio.block, self.searcher)

    def _note_status(self, status: dict[str, Any]) -> None:
        self._locked = status["state"] == "locked"
