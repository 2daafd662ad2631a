# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs for the sweep that end as they are told; workers import them by this name."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gnuradio.resivid.evaluate.jobs import PointJob


@dataclass(frozen=True)
class ToldJob(PointJob):
    """Gives its number back; or fails; or its worker dies, once or always; or tells the
    page faults of a hundred megabytes, one after the other. Each run leaves a mark in `cache`.
    """

    ends: str = "well"

    def __call__(self):
        marks = len(list(self.cache.glob(f"{self.key}-*")))
        (self.cache / f"{self.key}-{marks}").touch()
        if self.ends == "dies" or self.ends == "dies once" and marks == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ends == "fails":
            raise ValueError("told to fail\nat once")
        found = {"key": self.key, "number": self.clip_number}
        return found | {"faults": faults_of_pictures()} if self.ends == "tells faults" else found


def faults_of_pictures() -> int:
    """Pages that are mapped anew while a hundred arrays of 1 MiB are filled and freed."""
    np.ones(1 << 20, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        np.ones(1 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def told_job(folder: Path, number: int, ends: str = "well") -> ToldJob:
    """A job whose clip and point do not matter."""
    from gnuradio.resivid.evaluate.points import Evaluation, Point
    from gnuradio.resivid.evaluate.prepared_clips import PreparedClip

    clip = PreparedClip(f"clip{number}", folder, "0", 2, "30")
    return ToldJob(clip, number, Point(), Evaluation(), folder, folder, f"key{number}", ends=ends)
