# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewer sees, measured and kept."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..video.writer import VideoWriter
from .job_models import known_originals
from .video_quality import VideoQuality

if TYPE_CHECKING:
    from .jobs import PointJob

VIDEO_CRF = 16  # of the pictures that a report shows; figures are measured before


class Viewer:
    """Measures the frames that a viewer sees, in step with the originals, and keeps them where they are wanted."""

    def __init__(self, job: PointJob):
        self._job = job
        self._quality = VideoQuality(job.clip.fps, known_originals(job.clip, job.evaluation))
        self._originals: Iterator[np.ndarray] = iter(())
        self._writer: VideoWriter | None = None

    def __enter__(self) -> Viewer:
        size = self._job.evaluation.link.size
        self._originals = self._job.clip.frames(size)
        if self._job.point.keep_video:
            path = self._job.videos / f"{self._job.key}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = VideoWriter(path, Fraction(self._job.clip.rate), size, size, VIDEO_CRF)
            self._writer.__enter__()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def add(self, frame: np.ndarray) -> None:
        """The next frame, uint8 (H, W, 3)."""
        self._quality.add(next(self._originals), frame)
        if self._writer is not None:
            self._writer.write(frame)

    def result(self) -> dict[str, Any]:
        """Metrics and their notes; where the video is kept, both curves over time as well."""
        found = self._quality.result() | {
            "frames": self._quality.num_frames,
            "weights": self._quality.weights_sha256,
            "video_file": None,
        }
        if self._writer is None:
            return found
        return found | {"series": self._quality.per_frame(), "video_file": f"{self._job.key}.mp4"}
