# SPDX-License-Identifier: GPL-3.0-or-later
"""Short clips for tests, written losslessly, and the frames of a file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from gnuradio.resivid.video.reader import VideoReader
from gnuradio.resivid.video.writer import VideoWriter
from toy import moving_picture


def write_clip(path: Path, num_frames: int, rate: int = 30, seed: int = 1) -> Path:
    """A moving texture of 256x256."""
    with VideoWriter(path, Fraction(rate), 256, 256, crf=1) as writer:
        for frame in moving_picture(num_frames, seed=seed):
            writer.write(frame)
    return path


def read_frames(path: Path, size: int = 256) -> np.ndarray:
    """All frames of a file, uint8 (n, size, size, 3)."""
    with VideoReader(path, size) as reader:
        return np.stack(list(reader))
