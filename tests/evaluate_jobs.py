# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs for the sweep that end as they are told; workers import them by this name."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from gnuradio.resivid.evaluate.jobs import PointJob


@dataclass(frozen=True)
class ToldJob(PointJob):
    """Gives its number back; or fails; or its worker dies, once or always. Each run leaves a mark in `cache`."""

    ends: str = "well"

    def __call__(self):
        marks = len(list(self.cache.glob(f"{self.key}-*")))
        (self.cache / f"{self.key}-{marks}").touch()
        if self.ends == "dies" or self.ends == "dies once" and marks == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ends == "fails":
            raise ValueError("told to fail\nat once")
        return {"key": self.key, "number": self.clip_number}


def told_job(folder: Path, number: int, ends: str = "well") -> ToldJob:
    """A job whose clip and point do not matter."""
    from gnuradio.resivid.evaluate.points import Evaluation, Point
    from gnuradio.resivid.evaluate.prepared_clips import PreparedClip

    clip = PreparedClip(f"clip{number}", folder, "0", 2, "30")
    return ToldJob(clip, number, Point(), Evaluation(), folder, folder, f"key{number}", ends=ends)
