# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources of frames: cameras, the screen, network streams, a test picture, files at their own pace."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import TracebackType

import numpy as np

from .reader import VideoReader

TEST_PICTURE = "test"
SCREEN = "screen"


def open_source(source: str, size: int, rate: Fraction = Fraction(30)) -> VideoReader:
    """What a user names, as a reader.

    Args:
        source: "test", "screen" (X11, also "screen:1.0"), "/dev/videoN", a file, or a URL (rtsp, http, udp, ...).
        size: side of the frames in pixels.
        rate: frame/s that a test picture or the screen has, and that a camera is asked for.
    Raises:
        VideoError: it cannot be opened.
    """
    kind, _, rest = source.partition(":")
    if source == TEST_PICTURE:
        return VideoReader(f"testsrc2=size=320x240:rate={rate}", size, "lavfi")
    if kind == SCREEN and "/" not in source:
        return VideoReader(f":{rest or '0.0'}", size, "x11grab", {"framerate": str(rate)})
    if source.startswith("/dev/video"):
        return VideoReader(source, size, "video4linux2,v4l2", {"framerate": str(rate)})
    return VideoReader(source, size)


def keeps_time(source: str) -> bool:
    """Whether its frames come when they happen, so that they need no pacing."""
    return (
        source.startswith(("/dev/video", "rtsp:", "udp:", "rtp:", "srt:"))
        or source.partition(":")[0] == SCREEN
    )


class PacedReader:
    """Frames of a reader at its frame rate; with `loop` a file that ends begins again.

    Args:
        open_reader: gives a new reader.
        paced: wait until each frame is due; False where the source waits itself, or nobody should.
        loop: start over at the end.
        duration_s: seconds of video after which it ends; None: never.
    """

    def __init__(
        self,
        open_reader: Callable[[], VideoReader],
        paced: bool,
        loop: bool = False,
        duration_s: float | None = None,
    ):
        self._open, self._paced, self._loop = open_reader, paced, loop
        self._duration_s = math.inf if duration_s is None else duration_s
        self._reader = open_reader()
        self.rate, self.num_frames_hint = self._reader.rate, None if loop else self._reader.num_frames_hint
        self._stopping = threading.Event()

    def __enter__(self) -> PacedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration soon and close the file."""
        self._stopping.set()
        self._reader.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        start, count = time.monotonic(), 0
        while True:
            for frame in self._reader:
                if count >= self._duration_s * self.rate:
                    return
                due = start + count / float(self.rate)
                if self._paced and self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                if time.monotonic() > due + 1:  # the machine slept: no rush to catch up
                    start += time.monotonic() - due
                count += 1
                yield frame
            if not self._loop or self._stopping.is_set():
                return
            self._reader.close()
            self._reader = self._open()
