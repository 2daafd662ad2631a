# SPDX-License-Identifier: GPL-3.0-or-later
"""Video to PDU `tokens`: frame sampling and tokenizer (sections III-B and III-C1)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pmt
from gnuradio import gr

from ..codec.base import CodecEncoder, Unit
from ..errors import ResividError
from ..video.reader import VideoReader
from . import pdus
from .failure import CanFail
from .guarded import guarded
from .stall_watch import ADVICE, StallWatch

CREDIT, TOKENS = pmt.intern("credit"), pmt.intern("tokens")
PATIENCE_S = 600.0  # a picture may be looked at for long: a paused player holds its credit back


class token_source(CanFail, gr.basic_block):
    """Video file to PDU `tokens`, one a unit of the codec; at most `credits` of them on their way.

    Message `credit` (integer) gives credits back. The stream ends with the codec's end unit, which needs no
    credit. File and networks run in a thread of their own; the error that ended it is in `error`. A credit that
    does not come back in PATIENCE_S of quiet (`stall_watch`), for what it belongs to was lost on its way, ends the stream.

    Args:
        path: file or URL that FFmpeg reads.
        codec_encoder: the codec; the packer behind must get the same object.
        credits: units that may be on their way, at least 1.
        size: side in pixels to which the picture is cropped and scaled.
        reader: where frames come from instead of `path`.
        drops: a live source does not wait: a unit that finds no credit is thrown away and counted in `late`.
    """

    def __init__(
        self,
        path: str | Path,
        codec_encoder: CodecEncoder,
        credits: int = 4,
        size: int = 256,
        reader=None,
        drops: bool = False,
    ):
        gr.basic_block.__init__(self, name="token_source", in_sig=None, out_sig=None)
        if credits < 1:
            raise ValueError(f"credits must be at least 1, got {credits}")
        self.logger = gr.logger(self.alias())
        self.codec = codec_encoder
        self.dropped, self.late = 0, 0
        self.drops = drops
        self.on_begin: Callable[[], None] = lambda: None  # called when the first frame is there
        self.reader = VideoReader(path, size) if reader is None else reader
        self._credits = threading.Semaphore(credits)
        self._stopping, self._leaves_out = threading.Event(), threading.Event()
        self._waits, self._num_credited = False, 0
        self._watch = StallWatch(
            lambda: self._num_credited or None if self._waits else None, self._give_up, PATIENCE_S
        )
        self._thread = threading.Thread(target=self._run, name="token_source", daemon=True)
        self.message_port_register_in(CREDIT)
        self.set_msg_handler(CREDIT, self.on_credit)
        self.message_port_register_out(TOKENS)

    @property
    def rate(self):
        """Frame rate of the video in frame/s, a Fraction."""
        return self.reader.rate

    @property
    def num_frames_hint(self) -> int | None:
        """Length that the file claims, in frames."""
        return self.reader.num_frames_hint

    @guarded
    def on_credit(self, message):
        """Let so many more units out, an integer."""
        self._credits.release(pdus.to_integer(message))
        self._num_credited += 1

    def give_credit(self, count: int) -> None:
        """As the message does, from any thread."""
        self._credits.release(count)

    def leave_out(self) -> None:
        """Throw the next unit away, as if it had found no credit; from any thread."""
        self._leaves_out.set()

    @property
    def ended(self) -> bool:
        """The end unit is out."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def start(self):
        """Start the thread that reads and encodes; called by the scheduler."""
        self._thread.start()
        self._watch.start()
        return True

    def stop(self):
        """End that thread and wait for it; called by the scheduler."""
        self._watch.stop()
        self._stopping.set()
        self._credits.release()  # wake a thread that waits for one
        self._thread.join()
        return True

    def _run(self):
        try:
            with self.reader as frames:
                for index, frame in enumerate(frames):
                    if index == 0:
                        self.on_begin()
                    unit = self.codec.analyse(frame)
                    if unit is not None and not self._send(unit):
                        return
            self._publish(self.codec.flush())
        except Exception as error:
            self.fail(error)
            self._publish(Unit(first_frame=0, num_frames=pdus.END_OF_FAILED_STREAM, end=True))

    def _send(self, unit) -> bool:
        if self._leaves_out.is_set() or not self._take_credit():
            self._leaves_out.clear()
            self.late += 1
            return True
        if self._stopping.is_set():
            return False
        self._publish(unit)
        return True

    def _take_credit(self) -> bool:
        self._waits = True
        taken = self._credits.acquire(blocking=not self.drops)
        self._waits = False
        return taken

    def _give_up(self):
        """No credit comes any more: say so; when the end unit is lost too, end the flowgraph without it."""
        if self.error is None:
            self.fail(
                ResividError(
                    f"a unit of tokens was lost on its way, or its picture is held for ever: {ADVICE}"
                )
            )
            self._publish(Unit(first_frame=0, num_frames=pdus.END_OF_FAILED_STREAM, end=True))
        else:
            self.to_basic_block()._post(pmt.intern("system"), pdus.DONE)

    def _publish(self, unit):
        self.message_port_pub(TOKENS, pdus.from_unit(unit))
