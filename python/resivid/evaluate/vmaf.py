# SPDX-License-Identifier: GPL-3.0-or-later
"""VMAF through FFmpeg's filter `libvmaf`, where an FFmpeg has it."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ResividError

TIMEOUT_S = 3600


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
    """Both videos go to temporary lossless files, which FFmpeg compares at the end.

    Args:
        rate: frame/s.
    """

    def __init__(self, rate: float):
        self._rate = Fraction(rate).limit_denominator(1 << 16)
        self._ffmpeg, self._problem = find_ffmpeg()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._writers: list[Any] = []

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Take one frame, uint8 (H, W, 3) RGB, square."""
        if self._problem:
            return
        if self._folder is None:
            from .prepared_clips import LosslessWriter

            self._folder = tempfile.TemporaryDirectory(prefix="resivid-vmaf-")
            self._writers = [
                LosslessWriter(Path(self._folder.name) / f"{name}.mkv", self._rate, original.shape[0])
                for name in ("original", "received")
            ]
            for writer in self._writers:
                writer.__enter__()
        for writer, frame in zip(self._writers, (original, received), strict=True):
            writer.write(frame)

    def result(self) -> tuple[float | None, str]:
        """The pooled mean, or None and why there is none."""
        if self._problem or self._folder is None:
            return None, self._problem or "no frames to compare"
        for writer in self._writers:
            writer.__exit__(None, None, None)
        try:
            return self._compare(Path(self._folder.name)), ""
        except (ResividError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            return None, f"ffmpeg's libvmaf failed ({type(error).__name__})"
        finally:
            self._folder.cleanup()
            self._folder, self._writers = None, []

    def _compare(self, folder: Path) -> float:
        log = folder / "vmaf.json"
        filters = f"[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]libvmaf=n_threads=1:log_fmt=json:log_path={log}"
        subprocess.run(
            [self._ffmpeg, "-v", "error", "-i", str(folder / "received.mkv")]
            + ["-i", str(folder / "original.mkv")]
            + ["-lavfi", filters, "-f", "null", "-"],
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=True,
        )
        return float(json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"])
