# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `tokens` to video: detokenization and interpolation (sections III-E and III-F)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from ..codec.base import CodecDecoder, Unit
from ..link.statistics import StatisticsCollector
from ..video.writer import VideoWriter, check_writable
from . import pdus
from .failure import CanFail
from .guarded import guarded

TOKENS, CREDIT, FRAMES, DONE = (pmt.intern(port) for port in ("tokens", "credit", "frames", "done"))


MOST_MISSING = 1024  # units in one gap: more is another stream


class StreamFailed(Exception):
    """The end unit says that the sender could not go on."""


class video_sink(CanFail, gr.basic_block):
    """PDU `tokens` to a video file and to PDU `frames` for other viewers.

    Gives a message `credit` (integer 1, more after a gap) back for each unit that is on the screen. At the end unit it writes
    what is left, renames the finished file, and only then publishes `done`, which belongs on port `system` of
    the first stream block: GNU Radio's own end would lose what is on its way. Stopped before the end, it
    finishes the file with what it has; after an error, here or at the sender, it deletes it.

    Networks and file run in a thread of their own; the error that ended it is in `error`. `dropped` counts
    bad messages and units that found the queue full, `missing` units that never came, by the gap that they left.

    Args:
        path: the file to write; None or empty for none.
        codec_decoder: the codec, the same object as in `token_unpacker`.
        rate: frame rate in frame/s.
        size: side of the received picture in pixels.
        on_frame: called in the sink's thread with the index and the picture of each frame, uint8 (H, W, 3);
            returns the picture to write, such as the received one beside the original.
        picture_width: width of the picture that `on_frame` returns, in pixels; `size` unless given.
        statistics: where frames are counted.
        max_waiting: units that may wait for the thread.
        newest: a live screen: beyond `max_waiting` the oldest unit is thrown away, and its picture is never made.
    """

    def __init__(
        self,
        path: str | Path | None,
        codec_decoder: CodecDecoder,
        rate: Fraction | float,
        size: int = 256,
        on_frame: Callable[[int, np.ndarray], np.ndarray] | None = None,
        picture_width: int | None = None,
        statistics: StatisticsCollector | None = None,
        max_waiting: int = 1024,
        newest: bool = False,
    ):
        gr.basic_block.__init__(self, name="video_sink", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.codec, self.statistics, self.on_frame = codec_decoder, statistics, on_frame
        self.dropped, self.missing, self.num_frames = 0, 0, 0
        self.finished = threading.Event()  # the file has its final name, or is deleted
        self.max_waiting, self.newest = max_waiting, newest
        if path:
            check_writable(Path(path))  # before any work is done
        self._video = (Path(path), Fraction(rate), picture_width or size, size) if path else None
        self._next_frame: int | None = None  # first frame of the next unit, once there was one
        self._units: queue.Queue[Unit | None] = queue.Queue()  # None wakes the thread
        self._stopping, self._given_up = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="video_sink", daemon=True)
        self.message_port_register_in(TOKENS)
        self.set_msg_handler(TOKENS, self.on_tokens)
        for port in (CREDIT, FRAMES, DONE):
            self.message_port_register_out(port)

    @guarded
    def on_tokens(self, pdu):
        """Queue a unit for the thread that renders; beyond `max_waiting` one is thrown away and counted."""
        unit = pdus.to_unit(pdu)
        if self._units.qsize() >= self.max_waiting and not unit.end:  # without the end it would never end
            if not self.newest:
                raise ValueError(f"{self.max_waiting} units wait already")
            self._throw_away_oldest()
        self._units.put(unit)

    def _throw_away_oldest(self):
        try:
            oldest = self._units.get_nowait()
        except queue.Empty:  # the thread was faster
            return
        if oldest is None or oldest.end:
            self._units.put(oldest)
        else:
            self.dropped += 1

    def give_up(self) -> None:
        """As the end unit of a failed sender, which may not come through; from any thread."""
        self._given_up.set()
        self._units.put(None)  # wake the thread

    @property
    def waiting(self) -> int:
        """Units that are not on the screen yet."""
        return self._units.qsize()

    def start(self):
        """Start the thread that renders and writes; called by the scheduler."""
        self._thread.start()
        return True

    def stop(self):
        """End that thread and wait for it; called by the scheduler."""
        self._stopping.set()
        self._units.put(None)  # wake the thread
        self._thread.join()
        return True

    def _run(self):
        try:
            if self._video is None:
                self._show_all(None)
            else:
                with VideoWriter(*self._video) as writer:
                    self._show_all(writer)
        except StreamFailed:
            pass  # the sender knows why
        except Exception as error:
            self.fail(error)
        self.finished.set()
        self.message_port_pub(DONE, pdus.DONE)

    def _show_all(self, writer):
        """Show units until the end unit, or until the flowgraph is stopped."""
        while not self._stopping.is_set():
            unit = self._units.get()
            failed = unit is not None and unit.end and unit.num_frames == pdus.END_OF_FAILED_STREAM
            if failed or self._given_up.is_set():
                raise StreamFailed
            if unit is None:
                return
            self._show(unit, writer)
            if unit.end:
                return
            self.message_port_pub(CREDIT, pmt.from_long(1 + self._missing_before(unit)))
        if self._given_up.is_set():
            raise StreamFailed

    def _missing_before(self, unit) -> int:
        """Units that never came, whose credits are given back with this one's: the pictures are drawn across the gap."""
        expected, self._next_frame = self._next_frame, unit.first_frame + unit.num_frames
        if expected is None or unit.first_frame <= expected or unit.num_frames < 1:
            return 0
        missing = min((unit.first_frame - expected) // unit.num_frames, MOST_MISSING)
        self.missing += missing
        return missing

    def _show(self, unit, writer):
        for frame in self.codec.render(unit):
            if self._stopping.is_set():
                return
            if pmt.length(self.message_subscribers(FRAMES)):
                self.message_port_pub(FRAMES, pdus.from_frame(frame, self.num_frames))
            picture = self.on_frame(self.num_frames, frame) if self.on_frame else frame
            if writer is not None:
                writer.write(picture)
            self.num_frames += 1
            if self.statistics is not None:
                self.statistics.frames_out(1)
