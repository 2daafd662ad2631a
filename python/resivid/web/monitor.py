# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live page shows: filled by the stages of a receiver from any thread, read by the web server."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..link.statistics import DecodedBlock, PackedBlock, Statistics
from .history import BLER_WINDOW, MAX_BLOCKS, MAX_EVENTS, MAX_TEXT, BlockPoint, Event, LossWatch, Ring
from .recorder import Recorder

MAX_SYMBOLS = 512  # of the constellation
MAX_DETAILS = 32
DOCUMENT_AGE_S = 1.0  # the statistics document is made at most once in this time

log = logging.getLogger("resivid.web")


class Pictures(NamedTuple):
    """A received frame, uint8 (H, W, 3) RGB, its 0-based index, and the original where there is one."""

    frame: int
    received: np.ndarray
    original: np.ndarray | None


class Monitor:
    """Takes what happens in a receiver; every method may be called from any thread and none waits for a viewer.

    Only the latest pictures and symbols are kept, and a bounded history of blocks and events, so a monitor that
    nobody looks at costs next to nothing, and one that many look at costs the receiver no more.

        monitor = Monitor("camera at 144.5 MHz", mcs_labels=[row.label for row in table.rows])
        collector.on_block = monitor.block                     # link.statistics.StatisticsCollector
        monitor.document = lambda: collector.result(...)       # the JSON of `/stats`
        sink = video_sink(..., on_frame=monitor.show)          # or monitor.pictures(index, received, original)
        symbol_tap(monitor.symbols)                            # constellation, blocks.symbol_tap
        monitor.signal("locked"); monitor.event("..."); monitor.detail("cfo_hz", 12.5); monitor.end()

    Args:
        title: what is received, for the head of the page.
        simulated: the original is known and shown beside the received picture.
        rate: frame/s, for the recorder and the page; None while unknown.
        mcs_labels: of the rows of the MCS table, in order.
        document: makes the statistics document; called at most once a second, in a thread of the server.
        recorder: where the page's button records to; None: no button.
    """

    def __init__(
        self,
        title: str,
        simulated: bool = False,
        rate: float | None = None,
        mcs_labels: Sequence[str] = (),
        document: Callable[[], Statistics] | None = None,
        recorder: Recorder | None = None,
    ):
        self.title, self.simulated, self.rate = title, simulated, rate
        self.mcs_labels, self.document, self.recorder = list(mcs_labels), document, recorder
        self.run = secrets.token_hex(8)  # a viewer that sees another run starts its history anew
        self.on_news: Callable[[], None] = lambda: None  # the server's, called after each picture
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._blocks: Ring[BlockPoint] = Ring(MAX_BLOCKS)
        self._events: Ring[Event] = Ring(MAX_EVENTS)
        self._losses = LossWatch()
        self._mcs: int | None = None
        self._pictures: Pictures | None = None
        self._symbols = np.zeros(0, np.complex64)
        self._latency_ms: float | None = None
        self._phase, self._signal = "waiting", ""
        self._details: dict[str, float | str] = {}
        self._document_lock = threading.Lock()
        self._document: tuple[float, dict[str, Any]] = (-math.inf, Statistics().to_dict())

    def pictures(self, index: int, received: np.ndarray, original: np.ndarray | None = None) -> None:
        """Show a frame: uint8 (H, W, 3) RGB. The arrays must not be written to afterwards."""
        with self._lock:
            first = self._pictures is None
            self._pictures = Pictures(index, received, original)
            self._phase = "running"
        if first:
            self.event("First picture")
        if self.recorder is not None:
            self.recorder.take(received)
        self.on_news()

    def show(self, index: int, received: np.ndarray) -> np.ndarray:
        """`pictures` in the form of `on_frame` of `blocks.video_sink`: gives the picture back."""
        self.pictures(index, received)
        return received

    def symbols(self, symbols: np.ndarray) -> None:
        """Show received payload symbols, complex (n,) with mean energy near 1; the last MAX_SYMBOLS of them."""
        latest = np.array(symbols[-MAX_SYMBOLS:], np.complex64)
        with self._lock:
            self._symbols = latest

    def block(
        self, decoded: DecodedBlock, packed: PackedBlock | None = None, prefix: int | None = None
    ) -> None:
        """Count a transport block; K is that of `packed` in a simulation, `prefix` where the receiver knows it."""
        snr_db = decoded.snr_db if math.isfinite(decoded.snr_db) else None
        with self._lock:
            news = self._losses.add(decoded.frame, decoded.crc_ok)
            changed = self._mcs is not None and self._mcs != decoded.mcs
            self._mcs = decoded.mcs
            point = BlockPoint(
                round(time.monotonic() - self._started, 3),
                decoded.frame,
                decoded.mcs,
                snr_db,
                decoded.crc_ok,
                packed.prefix if packed is not None else prefix,
                self._latency_ms,
                self._losses.bler,
            )
            self._blocks.add(point)
        if changed:
            self.event(f"MCS {self.mcs_label(decoded.mcs)} from frame {decoded.frame} on")
        if news is not None:
            self.event(news[1], news[0])

    def latency(self, seconds: float) -> None:
        """The way of one frame from camera to screen; paced links only."""
        self._latency_ms = round(1e3 * seconds, 1)

    def event(self, text: str, level: str = "info") -> None:
        """A line for the log; `level` is `info`, `warning` or `error`."""
        with self._lock:
            self._events.add(Event(round(time.time(), 3), level, text[:MAX_TEXT]))

    def signal(self, state: str) -> None:
        """What the synchroniser sees, in a word or two, such as `searching` or `locked`; a change is an event."""
        state = state[:40]
        if state != self._signal:
            self._signal = state
            self.event(f"Signal: {state}")

    def detail(self, name: str, value: float | str) -> None:
        """One more figure for the page, such as the frequency offset; the name carries the unit. Empty: not any more."""
        with self._lock:
            if value == "":
                self._details.pop(name[:40], None)
            elif name in self._details or len(self._details) < MAX_DETAILS:
                self._details[name[:40]] = value if isinstance(value, (int, float)) else str(value)[:80]

    def end(self, error: BaseException | None = None) -> None:
        """The stream is over, or failed with `error`."""
        self._phase = "ended" if error is None else "failed"
        self._document = (-math.inf, self._document[1])  # the last state shows the last figures
        if error is None:
            self.event("The stream has ended")
        else:
            self.event(f"The stream failed: {error}", "error")
        self.on_news()

    def mcs_label(self, row: int) -> str:
        """Label of a row of the MCS table, or its number where there is none."""
        return self.mcs_labels[row] if 0 <= row < len(self.mcs_labels) else f"row {row}"

    def latest_pictures(self) -> Pictures | None:
        """The last frame; None before the first."""
        return self._pictures

    def latest_figures(self) -> dict[str, float | None]:
        """Of the last block, by the names of `/metrics`; empty before the first."""
        with self._lock:
            last = self._blocks.since(self._blocks.count - 1)
        if not last:
            return {}
        point = last[0]
        return {
            "snr_est_db": point.snr_db,
            "mcs": point.mcs,
            "crc_ok": point.crc_ok,
            "k": point.prefix,
            "latency_ms": point.latency_ms,
            f"bler_{BLER_WINDOW}_blocks": point.bler,
        }

    def state(self, blocks_seen: int = 0, events_seen: int = 0) -> dict[str, Any]:
        """What a page shows beside the pictures, for JSON.

        Args:
            blocks_seen, events_seen: blocks and events that the viewer has already: `seen` of the state before.
        """
        with self._lock:
            symbols, details = self._symbols, dict(self._details)
            blocks, events = self._blocks.since(blocks_seen), self._events.since(events_seen)
            seen = self._blocks.count, self._events.count
        return {
            "run": self.run,
            "title": self.title,
            "simulated": self.simulated,
            "phase": self._phase,
            "signal": self._signal,
            "rate": self.rate,
            "uptime_s": round(time.monotonic() - self._started, 1),
            "mcs_labels": self.mcs_labels,
            "seen": seen,
            "blocks": blocks,
            "events": events,
            "symbols": _quantized(symbols),
            "details": {name: _json_number(value) for name, value in details.items()},
            "recording": None if self.recorder is None else self.recorder.state(),
        }

    def statistics(self) -> Mapping[str, Any]:
        """The statistics document as `--json` writes it, at most DOCUMENT_AGE_S old; may take a while."""
        with self._document_lock:
            made, document = self._document
            if self.document is not None and time.monotonic() - made > DOCUMENT_AGE_S:
                try:
                    document = self.document().to_dict()
                except Exception as error:  # of the caller's function: the page lives on with the last one
                    log.warning("statistics: %s", error)
                self._document = (time.monotonic(), document)
            return document


SYMBOL_SCALE = 64  # steps of the page's constellation for an amplitude of 1
MAX_AMPLITUDE = 3.0


def _quantized(symbols: np.ndarray) -> list[int]:
    """Real and imaginary parts in turn, in steps of 1 / SYMBOL_SCALE; what is not finite becomes 0."""
    parts = np.nan_to_num(symbols.view(np.float32), posinf=0, neginf=0)
    return np.rint(np.clip(parts, -MAX_AMPLITUDE, MAX_AMPLITUDE) * SYMBOL_SCALE).astype(int).tolist()


def _json_number(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
