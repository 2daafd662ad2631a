# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of radio_ends.py for a radio at another host, and what runs there: a small host needs no networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from gnuradio import gr

from ..blocks import pdus
from ..blocks.message_ports import message_exit, payload_entry
from ..link.reception_state import NO_RADIO, ReceptionState
from ..link.split_messages import SplitFormat, SplitPayload, SplitStatus
from ..radio.counters import RadioCounters
from ..radio.settings import RadioSettings
from ..radio.split_link import SILENCE_S, PayloadClient, PayloadPublisher, PayloadServer, PayloadSubscriber
from .live import LiveSettings
from .radio_ends import LocalTransmitter, Port, ReceiverEnd

POLL_S = 0.05
REST_S = 0.5  # the radio takes no more samples: all are sent
TAIL_S = 2.0  # that those who listen have to hear that all is over


def split_format(settings: LiveSettings, rate: Fraction) -> SplitFormat:
    """The messages between both hosts of a link."""
    link = settings.link
    return SplitFormat(
        link.symbols, settings.symbol_rate(rate), link.table, settings.key, link.largest_payload_bits
    )


class RemoteTransmitter:
    """A transmitter at another host, where `resivid tx zmq://...` runs. Payloads that it cannot take are lost.

    Args:
        radio: with the address as its device.
        settings, rate: as of `LocalTransmitter`.
    Raises:
        ResividError: that host does not answer, or is for another link.
    """

    def __init__(self, radio: RadioSettings, settings: LiveSettings, rate: Fraction):
        self._client = PayloadClient(radio.device, split_format(settings, rate))
        self.exit = message_exit("payload", self._send, pdus.to_parts)
        self.payloads = Port(self.exit, "payload")
        self._sent = self._given_up = 0
        self._ended = False
        self._since = time.monotonic()

    def _send(self, parts: tuple[dict[str, Any], np.ndarray]) -> None:
        metadata, bits = parts
        if metadata.get("end"):
            self._client.send(SplitPayload(np.zeros(0, np.uint8), end=True))
            self._ended = True
            return
        self._since = time.monotonic()
        if not self._client.send(SplitPayload(bits, metadata["mcs"], self._sent)):
            self._given_up = self._sent + 1
        self._sent += 1

    @property
    def counters(self) -> RadioCounters:
        """Of the radio, as that host told last."""
        status = self._client.status
        return RadioCounters(underflows=status.underflows, losses=status.losses, present=status.present)

    @property
    def framed(self) -> int:
        """Key frames that the framer there has taken, and those that were lost on the way there."""
        if time.monotonic() > max(self._since, self._client.heard) + SILENCE_S:
            self._given_up = self._sent  # it is away: what it had is gone
        return max(self._client.status.taken + 1, self._given_up)

    @property
    def moved(self) -> int:
        """Key frames that are through."""
        return self.framed

    @property
    def held_s(self) -> float:
        """The other host has the samples."""
        return 0.0

    def end_is_framed(self, sent: int) -> bool:
        """The end was sent, and all before it was taken."""
        return self._ended and self.framed >= sent

    def close(self) -> None:
        """Give the socket back."""
        self._client.close()


class RemoteReceiver:
    """A receiver at another host, where `resivid rx -o zmq://...` runs.

    Args:
        radio: with the address as its device.
        settings, rate: as of `LocalReceiver`.
    """

    synchroniser: Any = None

    def __init__(self, radio: RadioSettings, settings: LiveSettings, rate: Fraction):
        self._symbols = settings.link.symbols
        self._subscriber = PayloadSubscriber(radio.device, split_format(settings, rate), self._enter)
        self.entry = payload_entry()
        self.payloads = Port(self.entry, "payload")
        self._received = 0

    @property
    def moved(self) -> int:
        """Payloads that came."""
        return self._received

    def _enter(self, payload: SplitPayload) -> None:
        self._received += 1
        metadata = {
            "mcs": payload.row,
            "snr_db": payload.snr_db,
            "crc_ok": payload.crc_ok,
            "iterations": payload.iterations,
            "symbols": self._symbols,
        }
        self.entry.enter(metadata, payload.bits)

    @property
    def counters(self) -> RadioCounters:
        """Of the radio, as that host told last; without a word of it the radio is not there."""
        status = self._subscriber.status
        present = status.present and not self._subscriber.silent
        return RadioCounters(overflows=status.overflows, losses=status.losses, present=present)

    @property
    def ended(self) -> bool:
        """The recording or pipe there is over."""
        return self._subscriber.status.ended

    @property
    def bursts(self) -> int:
        """Of the synchroniser there."""
        return self._subscriber.status.bursts

    @property
    def false_alarms(self) -> int:
        """Of the synchroniser there."""
        return self._subscriber.status.false_alarms

    @property
    def locked(self) -> bool:
        """The synchroniser there follows a signal."""
        return self._subscriber.status.locked and not self._subscriber.silent

    @property
    def shift_hz(self) -> float:
        """Of the wide search there."""
        return self._subscriber.status.shift_hz

    @property
    def problem(self) -> str:
        """Why its messages are refused."""
        return self._subscriber.problem

    def start(self) -> None:
        """Begin to listen."""
        self._subscriber.start()

    def close(self) -> None:
        """Give the socket back."""
        self._subscriber.close()


class sending_relay(gr.top_block):
    """The radio's host, transmitting: payloads of another host to a radio.

    Args:
        address: zmq://HOST:PORT to listen at.
        radio: where to send.
        settings: of the link.
        rate: frame/s of the video.
        stays: goes on when a stream ends, for the next one.
    Raises:
        ResividError: the address is taken, or the radio is not there.
    """

    def __init__(
        self, address: str, radio: RadioSettings, settings: LiveSettings, rate: Fraction, stays: bool = False
    ):
        gr.top_block.__init__(self, "resivid tx, radio")
        self._stays, self._ended = stays, False
        self.entry = payload_entry()
        self.end = LocalTransmitter(self, radio, settings, rate)
        self.msg_connect((self.entry, "payload"), self.end.payloads)
        self.sent = 0
        self.server = PayloadServer(
            address, split_format(settings, rate), self._take, lambda: self.end.framed, self._status
        )

    def _take(self, payload: SplitPayload) -> None:
        if not payload.end:
            self.sent += 1
            self.entry.enter({"mcs": payload.row}, payload.bits)
        elif not (self._stays or self._ended):
            self._ended = True
            self.entry.enter({"end": True, "frames": 0}, np.zeros(1, np.uint8))

    def _status(self) -> SplitStatus:
        counters = self.end.counters
        return SplitStatus(counters.present, underflows=counters.underflows, losses=counters.losses)

    def run(self) -> None:
        """Send until the stream ends; for ever where it stays."""
        self.start()
        self.server.start()
        try:
            moved, since = -1, time.monotonic()
            while time.monotonic() < since + REST_S:
                time.sleep(POLL_S)
                now = self.end.moved
                if now != moved or not (self._ended and self.end.end_is_framed(self.sent)):
                    moved, since = now, time.monotonic()
        finally:
            self.server.close()
            self.stop()
            self.wait()


class receiving_relay(gr.top_block):
    """The radio's host, receiving: payloads of a radio to other hosts.

    Args:
        address: zmq://HOST:PORT to listen at.
        make_end: what gives payloads of a radio to the flowgraph that it is called with.
        settings: of the link.
        rate: frame/s of the video.
    Raises:
        ResividError: the address is taken.
    """

    def __init__(
        self,
        address: str,
        make_end: Callable[[gr.top_block], ReceiverEnd],
        settings: LiveSettings,
        rate: Fraction,
    ):
        gr.top_block.__init__(self, "resivid rx, radio")
        self.end = make_end(self)
        self.exit = message_exit("payload", self._take, pdus.to_parts)
        self.msg_connect(self.end.payloads, (self.exit, "payload"))
        self.received = self.failed = 0
        self._signal = ReceptionState(settings.link.stride / float(rate))
        self.publisher = PayloadPublisher(address, split_format(settings, rate), self.status)

    def _take(self, parts: tuple[dict[str, Any], np.ndarray]) -> None:
        metadata, bits = parts
        crc_ok = bool(metadata["crc_ok"])
        self.publisher.send(
            SplitPayload(
                bits if crc_ok else bits[:0],
                int(metadata["mcs"]),
                self.received + self.failed,
                crc_ok=crc_ok,
                snr_db=float(metadata["snr_db"]),
                iterations=int(metadata["iterations"]),
            )
        )
        self.received += crc_ok
        self.failed += not crc_ok

    @property
    def state(self) -> str:
        """What it sees, in a word."""
        if not self.end.counters.present:
            return NO_RADIO
        return self._signal.word(time.monotonic(), self.end.locked, self.received, self.failed)

    def status(self) -> SplitStatus:
        """What it sees now."""
        end, counters = self.end, self.end.counters
        return SplitStatus(
            present=counters.present,
            overflows=counters.overflows,
            losses=counters.losses,
            bursts=end.bursts,
            false_alarms=end.false_alarms,
            locked=end.locked,
            shift_hz=end.shift_hz,
            ended=end.ended,
        )

    def run(
        self,
        ended: Callable[[receiving_relay], bool] = lambda flowgraph: False,
        progress: Callable[[receiving_relay], None] = lambda flowgraph: None,
    ) -> None:
        """Receive until the samples end, `ended` says so, or Ctrl-C; arguments as of `reception.run`."""
        self.start()
        try:
            over_at = None
            while not ended(self) and (over_at is None or time.monotonic() < over_at + TAIL_S):
                time.sleep(POLL_S)
                self.publisher.send_status()
                progress(self)
                if self.end.ended and over_at is None:
                    over_at = time.monotonic()
        finally:
            self.stop()
            self.wait()
            self.publisher.close()
            self.end.close()
