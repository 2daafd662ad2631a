# SPDX-License-Identifier: GPL-3.0-or-later
"""Where received frames go: a file, a pipe, a window, another program's camera."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import MissingPackageError, VideoError

PIPE, WINDOW = "-", "window"
MOST_WAITING = 120  # frames before the oldest are thrown away


class Output:
    """A screen: `show` takes each frame and returns what a video file at `path` gets.

    Attributes:
        path: the file that the sink writes itself; None for none.
        closed: the viewer left.
    """

    def __init__(self, path: Path | None = None):
        self.path, self.closed = path, False

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, index: int, frame: np.ndarray) -> np.ndarray:
        """Take frame `index`, uint8 (H, W, 3)."""
        return frame


def open_output(name: str | None, size: int, rate: Fraction) -> Output:
    """What a user names as an output.

    Args:
        name: a video file, "-" (raw RGB frames on standard output), "window", "/dev/videoN", or None for none.
        size: side of the picture in pixels.
        rate: frame/s at which a viewer gets frames.
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
        return _program(["ffplay", "-loglevel", "error", "-window_title", "resivid", *raw, "-i", "-"], rate)
    if name is not None and name.startswith("/dev/video"):
        encode = ["-pix_fmt", "yuv420p", "-f", "v4l2", name]
        return _program(["ffmpeg", "-loglevel", "error", *raw, "-i", "-", *encode], rate)
    return Output(None if name is None else Path(name))


class PacedOutput(Output):
    """Raw RGB frames to a file object, in a thread; frames come in bursts and leave at the video's rate.

    When the viewer is slower than the link, the oldest frames are thrown away, and counted in `dropped`.

    Args:
        file: binary file object.
        rate: frame/s.
        paced: False: as fast as they come, and none is thrown away.
        process: that reads the file, ended with the output.
    """

    def __init__(self, file: Any, rate: Fraction, paced: bool = True, process: Any = None):
        super().__init__()
        self._file, self._process, self._paced = file, process, paced
        self._interval = 1 / float(rate)
        self._frames: queue.Queue[np.ndarray | None] = queue.Queue(MOST_WAITING)
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
        while not self.closed:
            try:
                self._frames.put(frame, timeout=0 if self._paced else 0.1)
                break
            except queue.Full:
                if self._paced:
                    self._throw_away_oldest()
        return frame

    def _throw_away_oldest(self) -> None:
        try:
            self._frames.get_nowait()
            self.dropped += 1
        except queue.Empty:
            pass

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while (frame := self._frames.get()) is not None:
                if self._paced:
                    due = max(due + self._interval, time.monotonic() - 4 * self._interval)
                    time.sleep(max(0.0, due - time.monotonic()))
                self._file.write(np.ascontiguousarray(frame).tobytes())
                self._file.flush()
        except (OSError, ValueError):  # the viewer closed its end
            pass
        self.closed = True
        try:
            if self._process is not None:
                self._file.close()
        except OSError:
            pass


def _program(command: list[str], rate: Fraction) -> PacedOutput:
    if shutil.which(command[0]) is None:
        raise MissingPackageError(f"this output needs {command[0]}: apt-get install ffmpeg")
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    return PacedOutput(process.stdin, rate, process=process)
