# SPDX-License-Identifier: GPL-3.0-or-later
"""Between payloads and a radio: the stages of a live link that need no networks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gnuradio import blocks, gr

from ..blocks.payload_to_stream import payload_to_stream
from ..link import air
from ..radio.carrier_search import carrier_searcher
from ..radio.counters import RadioCounters
from ..radio.factory import Radio, make_transmitter
from ..radio.front_end import hold_little, receiver_front_end, transmitter_front_end
from ..radio.settings import RadioSettings
from ..radio.sigmf_files import SigmfWriter
from ..resivid_python import burst_framer, burst_synchroniser, ldpc_qam_decoder, ldpc_qam_encoder
from .live import LiveSettings
from .transmitter import PACKET_LEN

# A transmitter's samples a symbol: so many that a page of them is 12 ms and not 47 ms of a voice channel.
SHAPED_RATE = 48e3


class Port(NamedTuple):
    """A message port of a block."""

    block: gr.basic_block
    name: str


class TransmitterEnd(Protocol):
    """What takes payloads to a radio.

    Attributes:
        payloads: where PDU `payload` goes in.
    """

    payloads: Port

    @property
    def counters(self) -> RadioCounters:
        """Of the radio."""

    @property
    def framed(self) -> int:
        """Key frames that are on their way to the radio, and not waiting any more."""

    @property
    def moved(self) -> int:
        """A number that stands still when all is sent."""

    @property
    def held_s(self) -> float:
        """Seconds of signal that are framed and not at the radio; 0 where another host has both."""

    def end_is_framed(self, sent: int) -> bool:
        """Whether the stream's end is through, behind `sent` key frames."""

    def close(self) -> None:
        """Give back what is not a block."""


class ReceiverEnd(Protocol):
    """What gives payloads from a radio.

    Attributes:
        payloads: where PDU `payload` comes out.
        synchroniser: the block; None: at another host.
    """

    payloads: Port
    synchroniser: Any

    @property
    def counters(self) -> RadioCounters:
        """Of the radio."""

    @property
    def ended(self) -> bool:
        """A recording or pipe is over."""

    @property
    def bursts(self) -> int:
        """Frames that the synchroniser found."""

    @property
    def false_alarms(self) -> int:
        """Preambles that were none."""

    @property
    def locked(self) -> bool:
        """It follows a signal."""

    @property
    def shift_hz(self) -> float:
        """How far above its frequency the signal was found."""

    @property
    def moved(self) -> int:
        """A number that stands still when all is through."""

    @property
    def problem(self) -> str:
        """Why messages of the radio's host are refused."""

    def start(self) -> None:
        """Called when the flowgraph has started."""

    def close(self) -> None:
        """Give back what is not a block; called when the flowgraph has ended."""


class LocalTransmitter:
    """Coding, framing and radio in a flowgraph.

    Args:
        top: the flowgraph.
        radio: where to send; its rates are chosen for the signal.
        settings: of the link.
        rate: frame/s of the video.
    """

    def __init__(self, top: gr.top_block, radio: RadioSettings, settings: LiveSettings, rate: Fraction):
        link, table = settings.link, settings.link.table
        self._symbols = link.symbols
        self.to_stream = payload_to_stream(link.largest_payload_bits, PACKET_LEN)
        self.encoder = ldpc_qam_encoder(link.symbols, table.as_tuples(), PACKET_LEN)
        prompt = radio.has_clock and not radio.is_pipe
        self.idles = prompt and not radio.is_uhd  # which ends bursts
        symbol_rate = settings.symbol_rate(rate)
        per_symbol = samples_per_symbol(radio, symbol_rate) if prompt else air.SAMPLES_PER_SYMBOL
        self._shaped_rate = per_symbol * symbol_rate
        self.radio = make_transmitter(radio, self._shaped_rate, settings.occupied_hz(rate))
        self.framer = burst_framer(
            link.symbols,
            air.preambles(table),
            per_symbol,
            air.ROLL_OFF,
            idle=self.idles,
            bursts=prompt and radio.is_uhd,
        )
        self.front_end = transmitter_front_end(self.radio.plan, prompt)
        top.connect(self.to_stream, self.encoder, self.framer, self.front_end, self.radio.block)
        # What the framer has written cannot make way for a key frame any more.
        hold_little(self.framer, self._shaped_rate)
        self.payloads = Port(self.to_stream, "pdus")

    @property
    def counters(self) -> RadioCounters:
        """Of the radio."""
        return self.radio.counters

    @property
    def framed(self) -> int:
        """Key frames that the framer has taken."""
        return self.framer.nitems_read(0) // self._symbols

    @property
    def moved(self) -> int:
        """Samples that the radio has taken."""
        return self.radio.block.nitems_read(0)

    @property
    def held_s(self) -> float:
        """Seconds of signal between the framer and the radio."""
        return self.framer.nitems_written(0) / self._shaped_rate - self.moved / self.radio.plan.radio_rate

    def end_is_framed(self, sent: int) -> bool:
        """The end marker, one symbol, is through the framer."""
        return self.framer.nitems_read(0) > sent * self._symbols

    def close(self) -> None:
        """All are blocks."""


def samples_per_symbol(radio: RadioSettings, symbol_rate: float) -> int:
    """How finely a transmitter with a clock shapes its symbols."""
    most = min(SHAPED_RATE, radio.sample_rate or SHAPED_RATE)
    fitting = (n for n in (16, 8) if n * symbol_rate <= most)
    return next(fitting, air.SAMPLES_PER_SYMBOL)


class LocalReceiver:
    """Radio, wide search, synchroniser and decoder in a flowgraph.

    Args:
        top: the flowgraph.
        radio: where samples come from, with its rates.
        settings: of the link.
        rate: frame/s of the video.
        reach_hz: how far off the signal is searched.
        record: SigMF recording of the channel's samples, as the modem gets them.
        frequency_hz: of the channel, for the recording.
    """

    def __init__(
        self,
        top: gr.top_block,
        radio: Radio,
        settings: LiveSettings,
        rate: Fraction,
        reach_hz: float = 0.0,
        record: Path | None = None,
        frequency_hz: float = 0.0,
    ):
        link, symbol_rate = settings.link, settings.symbol_rate(rate)
        self.radio = radio
        self.front_end = receiver_front_end(radio.plan, symbol_rate)
        self.synchroniser = burst_synchroniser(
            link.symbols,
            air.synchroniser_rows(link.table),
            air.SAMPLES_PER_SYMBOL,
            air.ROLL_OFF,
            symbol_rate=symbol_rate,
        )
        self.decoder = ldpc_qam_decoder(link.symbols, link.table.as_tuples(), packet_len_key=PACKET_LEN)
        top.connect(radio.block, self.front_end, self.synchroniser, self.decoder)
        self.searcher = carrier_searcher(
            self.front_end,
            reach_hz,
            link.stride / float(rate),
            lambda: self.synchroniser.nitems_read(0) / radio.plan.modem_rate,
            self.synchroniser.locked,
        )
        top.connect(radio.block, self.searcher)
        self._recording = self._file = None
        if record is not None:
            description = f"received signal of {symbol_rate:g} symbols a second"
            self._recording = SigmfWriter(record, radio.plan.modem_rate, frequency_hz, description)
            self._file = blocks.file_sink(gr.sizeof_gr_complex, str(self._recording.data))
            top.connect(self.front_end, self._file)
        self.payloads = Port(self.decoder, "payload")

    @property
    def counters(self) -> RadioCounters:
        """Of the radio."""
        return self.radio.counters

    @property
    def problem(self) -> str:
        """None, as there is no other host."""
        return ""

    @property
    def ended(self) -> bool:
        """A recording or pipe is over."""
        return getattr(self.radio.block, "ended", False)

    @property
    def bursts(self) -> int:
        """Frames that the synchroniser found."""
        return self.synchroniser.bursts()

    @property
    def false_alarms(self) -> int:
        """Preambles that were none."""
        return self.synchroniser.false_alarms()

    @property
    def locked(self) -> bool:
        """It follows a signal."""
        return self.synchroniser.locked()

    @property
    def shift_hz(self) -> float:
        """How far above its frequency the signal was found."""
        return self.searcher.search.shift_hz

    @property
    def moved(self) -> int:
        """Samples that the synchroniser is through with."""
        return self.synchroniser.nitems_read(0)

    def start(self) -> None:
        """All are blocks."""

    def close(self) -> None:
        """Finish the recording."""
        if self._recording is not None:
            self._file.close()
            self._recording.finish()
