# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips of a folder, one after the other in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..errors import VideoError
from ..video.reader import VideoReader

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".y4m")


@dataclass(frozen=True)
class Clip:
    """One video: its file name without the suffix, and uint8 (n, size, size, 3) RGB frames, n at least 1."""

    name: str
    frames: np.ndarray


class ClipFolder:
    """The videos of a folder by name.

    Args:
        folder: where they are; folders in it are passed over.
        limit: take the first so many clips only; None: all.
        most_frames: frames that are read of a clip; a clip of 600 takes 118 MB at 256 pixels.
    Raises:
        VideoError: there is no such folder, or no video in it.
    """

    def __init__(self, folder: Path, limit: int | None = None, most_frames: int = 600):
        if not folder.is_dir():
            raise VideoError(f"{folder}: is no folder")
        found = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
        if not found:
            raise VideoError(f"{folder}: holds no video ({', '.join('*' + s for s in SUFFIXES)})")
        self.name, self.paths = folder.resolve().name, found[:limit]
        self._most_frames = most_frames

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, size: int) -> Iterator[Clip]:
        """One clip after the other, scaled to `size` pixels; each is read when its turn comes.

        Raises:
            VideoError: one cannot be read.
        """
        for path in self.paths:
            with VideoReader(path, size) as reader:
                yield Clip(path.stem, np.stack(list(islice(reader, self._most_frames))))


def bits_at(stride: int, bits_at_8: int) -> int:
    """Payload bits of a key frame at equal bit rate: in proportion to the stride, rounded down."""
    return bits_at_8 * stride // 8


def spread_evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0..count - 1, the first and the last among them."""
    return sorted({math.floor(x + 0.5) for x in np.linspace(0, count - 1, min(count, most))})
