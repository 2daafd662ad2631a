# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the received pictures into a file while somebody wants it, without ever holding up the receiver."""

from __future__ import annotations

import logging
import queue
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ResividError
from ..video.writer import VideoWriter

MAX_WAITING = 64  # frames
MAX_SECONDS = 1800.0  # of one recording
MAX_FILES = 32  # of one run

log = logging.getLogger("resivid.web")


class Recorder:
    """Files `NAME-YYYYMMDD-HHMMSS.mp4` in a folder, one at a time.

    The encoder runs in a thread of its own; a frame that finds MAX_WAITING others waiting is dropped and counted.
    A recording ends by itself after MAX_SECONDS of video, and there are at most MAX_FILES in a run, so that
    a viewer cannot fill the disk.

    Args:
        folder: must exist and be writable when a recording starts.
        rate: frame/s.
        name: first part of the file names.
    """

    def __init__(self, folder: str | Path, rate: Fraction | float = 30, name: str = "recording"):
        self.folder, self.name = Path(folder), name
        self.rate = Fraction(rate).limit_denominator(1 << 16)
        self.files: list[str] = []  # finished ones
        self.num_dropped = 0
        self._lock = threading.Lock()
        self._queue: queue.Queue[np.ndarray | None] | None = None
        self._thread: threading.Thread | None = None
        self._num_frames, self._error, self._current = 0, "", ""

    def take(self, picture: np.ndarray) -> None:
        """A received frame, uint8 (H, W, 3); does nothing unless a recording runs."""
        waiting = self._queue
        if waiting is None:
            return
        try:
            waiting.put_nowait(picture)
        except queue.Full:
            self.num_dropped += 1

    def start(self) -> None:
        """Begin a recording; does nothing where one runs.

        Raises:
            ResividError: there are MAX_FILES already, or the last one is not finished yet.
        """
        with self._lock:
            if self._queue is not None:
                return
            if self._thread is not None and self._thread.is_alive():
                raise ResividError("the last recording is still being finished")
            if len(self.files) >= MAX_FILES:
                raise ResividError(f"there are {MAX_FILES} recordings of this run already")
            self._num_frames, self._error = 0, ""
            self._current = self._free_name()
            self._queue = queue.Queue(MAX_WAITING)
            self._thread = threading.Thread(
                target=self._run, args=(self._queue, self._current), name="recorder", daemon=True
            )
            self._thread.start()

    def stop(self, wait: bool = False) -> None:
        """End the recording; the file appears when the encoder is done, at once with `wait`."""
        with self._lock:
            running, self._queue = self._queue, None
            thread = self._thread
        if running is not None:
            running.put(None)
        if wait and thread is not None:
            thread.join()

    def path(self, name: str) -> Path | None:
        """The file of a finished recording; None for any other name."""
        return self.folder / name if name in self.files else None

    def state(self) -> dict[str, Any]:
        """For the page: is it running, for how many seconds of video, what is finished, what went wrong."""
        return {
            "on": self._queue is not None,
            "seconds": round(self._num_frames / float(self.rate), 1),
            "files": list(self.files),
            "dropped": self.num_dropped,
            "error": self._error,
        }

    def _free_name(self) -> str:
        stem = f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, MAX_FILES + 2))
        return next(f"{name}.mp4" for name in names if not (self.folder / f"{name}.mp4").exists())

    def _run(self, waiting: queue.Queue[np.ndarray | None], name: str) -> None:
        writer = None
        try:
            while (picture := waiting.get()) is not None:
                if writer is None:
                    height, width, _ = picture.shape
                    writer = VideoWriter(self.folder / name, self.rate, width, height)
                writer.write(picture)
                self._num_frames += 1
                if self._num_frames >= MAX_SECONDS * self.rate:
                    break
            if writer is not None:
                writer.close()
                self.files.append(name)
        except Exception as error:  # a full disk ends the recording, not the receiver
            self._error = str(error)[:200]
            log.warning("recording: %s", error)
            if writer is not None:
                writer.abort()
        finally:
            with self._lock:
                if self._queue is waiting:
                    self._queue = None
