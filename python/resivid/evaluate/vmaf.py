# SPDX-License-Identifier: GPL-3.0-or-later
"""VMAF through FFmpeg's filter `libvmaf`, where an FFmpeg has it."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import ResividError

TIMEOUT_S = 3600
STRETCH = 600  # frames: 240 MB of pictures of 256x256
NAMES = ("received", "original")  # in the order in which the filter takes them
FAILURES = (ValueError, KeyError, subprocess.SubprocessError)


@functools.cache
def find_ffmpeg() -> tuple[str, str]:
    """Program that has the filter: the one on the path, else that of the package imageio-ffmpeg; or "" and why there is none."""
    program = shutil.which("ffmpeg")
    reason = _reason_against(program) if program else "there is no ffmpeg on the path"
    if reason:
        bundled = _bundled()
        if bundled and not _reason_against(bundled):
            return bundled, ""
        return "", f"{reason}; pip install imageio-ffmpeg brings one that has it"
    return str(program), ""


def _reason_against(program: str) -> str:
    try:
        found = subprocess.run(
            [program, "-hide_banner", "-filters"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"ffmpeg does not run ({type(error).__name__})"
    return "" if " libvmaf " in found.stdout else "this ffmpeg has no filter libvmaf"


def _bundled() -> str:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # RuntimeError: a package without a program
        return ""


class Vmaf:
    """Both videos go to temporary files, which FFmpeg compares a stretch at a time, so that disk use is bounded.

    Args:
        rate: frame/s.
    """

    def __init__(self, rate: float):
        self._rate = Fraction(rate).limit_denominator(1 << 16)
        self._ffmpeg, self._problem = find_ffmpeg()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: list[BinaryIO] = []
        self._scores: list[tuple[int, float]] = []  # of each stretch: frames, mean
        self._waiting = 0
        self._size = ""

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Take one frame, uint8 (H, W, 3) RGB.

        Raises:
            ResividError: no room for temporary files. It passes, so that it is no reason to do without VMAF for ever.
        """
        if self._problem:
            return
        try:
            if not self._files:
                self._open(original.shape)
            for file, frame in zip(self._files, (received, original), strict=True):
                file.write(np.ascontiguousarray(frame).data)
            self._waiting += 1
            if self._waiting == STRETCH:
                self._compare()
        except OSError as error:
            raise self._no_room(error) from error
        except FAILURES as error:
            self._fail(error)

    def result(self) -> tuple[float | None, str]:
        """The mean over the frames since the last result, or None and why there is none.

        Raises:
            ResividError: as `add`.
        """
        try:
            if self._waiting and not self._problem:
                self._compare()
        except OSError as error:
            raise self._no_room(error) from error
        except FAILURES as error:
            self._fail(error)
        scores, self._scores = self._scores, []
        if self._problem or not scores:
            return None, self._problem or "no frames to compare"
        return sum(frames * mean for frames, mean in scores) / sum(frames for frames, _ in scores), ""

    def _open(self, shape: tuple[int, ...]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="resivid-vmaf-")
        self._size = f"{shape[1]}x{shape[0]}"
        self._files = [open(self._path(name), "wb") for name in NAMES]  # noqa: SIM115, closed by _compare

    def _path(self, name: str) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / name

    def _compare(self) -> None:
        for file in self._files:
            file.close()
        log = self._path("vmaf.json")
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", self._size]
        inputs = [[*raw, "-framerate", str(self._rate), "-i", str(self._path(name))] for name in NAMES]
        filters = f"[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]libvmaf=n_threads=1:log_fmt=json:log_path={log}"
        subprocess.run(
            [self._ffmpeg, "-v", "error", *inputs[0], *inputs[1], "-lavfi", filters, "-f", "null", "-"],
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=True,
        )
        mean = json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"]
        self._scores.append((self._waiting, float(mean)))
        self._clear()

    def _no_room(self, error: OSError) -> ResividError:
        with contextlib.suppress(OSError):  # closing writes what is still in memory
            self._clear()
        return ResividError(f"vmaf: {tempfile.gettempdir()}: cannot be written ({error.strerror or error})")

    def _fail(self, error: Exception) -> None:
        self._problem = f"ffmpeg's libvmaf failed ({type(error).__name__})"
        self._clear()

    def _clear(self) -> None:
        for file in self._files:
            file.close()
        self._files, self._waiting = [], 0
        if self._folder is not None:
            self._folder.cleanup()
