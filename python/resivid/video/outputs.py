# SPDX-License-Identifier: GPL-3.0-or-later
"""Where received frames go: a file, a pipe, a window, another program's camera."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import MissingPackageError, VideoError
from .pacing import JitterBuffer

PIPE, WINDOW = "-", "window"
MOST_WAITING = 120  # frames before the oldest are thrown away


class Output:
    """A screen: `show` takes each frame and returns what a video file at `path` gets.

    Attributes:
        path: the file that the sink writes itself; None for none.
        closed: the viewer left.
        live: frames are shown when they are due, or not at all.
        on_shown: called with index and picture when a frame leaves; in a file that is when it is decoded.
    """

    def __init__(self, path: Path | None = None):
        self.path, self.closed, self.live = path, False, False
        self.on_shown: Callable[[int, np.ndarray], object] = lambda index, frame: None

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, index: int, frame: np.ndarray) -> np.ndarray:
        """Take frame `index`, uint8 (H, W, 3)."""
        self.on_shown(index, frame)
        return frame


def open_output(name: str | None, size: int, rate: Fraction, burst: int = 8) -> Output:
    """What a user names as an output.

    Args:
        name: a video file, "-" (raw RGB frames on standard output), "window", "/dev/videoN", or None for none.
        size: side of the picture in pixels.
        rate: frame/s at which a viewer gets frames.
        burst: frames that come at once, S.
    Raises:
        MissingPackageError: the program that shows frames is not installed.
        VideoError: standard output is a terminal.
    """
    if name == PIPE:
        if sys.stdout.isatty():
            raise VideoError("-o -: standard output is a terminal; pipe it into a program")
        return PacedOutput(sys.stdout.buffer, rate, paced=False)
    raw = [
        "-f",
        "rawvideo",
        "-pixel_format",
        "rgb24",
        "-video_size",
        f"{size}x{size}",
        "-framerate",
        str(rate),
    ]
    if name == WINDOW:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise VideoError("window: there is no display here; --web shows the picture in a browser")
        # Frames come when they are due: the player is to show each at once.
        at_once = [
            *("-probesize", "32", "-analyzeduration", "0", "-fflags", "nobuffer"),
            *("-flags", "low_delay", "-framedrop", "-vf", "setpts=0"),
        ]
        return _program(
            ["ffplay", "-loglevel", "error", "-window_title", "resivid", *at_once, *raw, "-i", "-"],
            rate,
            burst,
        )
    if name is not None and is_screen(name):
        encode = ["-pix_fmt", "yuv420p", "-f", "v4l2", name]
        return _program(["ffmpeg", "-loglevel", "error", *raw, "-i", "-", *encode], rate, burst)
    return Output(None if name is None else Path(name))


def is_screen(name: str | None) -> bool:
    """Whether somebody looks on at what `open_output` makes of a name."""
    return name is not None and (name == WINDOW or name.startswith("/dev/video"))


class PacedOutput(Output):
    """Raw RGB frames to a file object, in a thread; frames come in bursts and leave at the video's rate (`JitterBuffer`).

    Frames that fill a gap which is over when they come, or that a slow viewer leaves, are thrown away, oldest first, and
    counted in `dropped`.

    Args:
        file: binary file object; None: only `on_shown`.
        rate: frame/s.
        paced: False: as fast as they come, and none is thrown away.
        process: that reads the file, ended with the output.
        burst: frames that come at once.
    """

    def __init__(self, file: Any, rate: Fraction, paced: bool = True, process: Any = None, burst: int = 8):
        super().__init__()
        self._file, self._process = file, process
        self._paced = self.live = paced
        self._buffer = JitterBuffer(float(rate), burst)
        self._frames: queue.Queue[tuple[int, np.ndarray, float] | None] = queue.Queue(MOST_WAITING)
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    def __enter__(self) -> PacedOutput:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self.closed:
            try:
                self._frames.put(None, timeout=0.1)
                break
            except queue.Full:
                continue
        self._thread.join(10)
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)

    def show(self, index: int, frame: np.ndarray) -> np.ndarray:
        """Queue the frame."""
        arrived = time.monotonic()
        while not self.closed:
            try:
                self._frames.put((index, frame, arrived), timeout=0 if self._paced else 0.1)
                break
            except queue.Full:
                if self._paced:
                    self._throw_away_oldest()
        return frame

    def _throw_away_oldest(self) -> None:
        try:
            if self._frames.get_nowait() is None:
                self._frames.put(None)  # the end stays
                return
            self.dropped += 1
        except queue.Empty:
            pass

    def _run(self) -> None:
        try:
            while (entry := self._frames.get()) is not None:
                index, frame, arrived = entry
                if self._paced:
                    due = self._buffer.due(index, arrived)
                    if due < arrived and not self._frames.empty():
                        self.dropped += 1
                        continue
                    time.sleep(max(0.0, due - time.monotonic()))
                if self._file is not None:
                    self._file.write(np.ascontiguousarray(frame).tobytes())
                    self._file.flush()
                self.on_shown(index, frame)
        except (OSError, ValueError):  # the viewer closed its end
            pass
        self.closed = True
        try:
            if self._process is not None:
                self._file.close()
        except OSError:
            pass


def _program(command: list[str], rate: Fraction, burst: int) -> PacedOutput:
    if shutil.which(command[0]) is None:
        raise MissingPackageError(f"this output needs {command[0]}: apt-get install ffmpeg")
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    return PacedOutput(process.stdin, rate, process=process, burst=burst)
