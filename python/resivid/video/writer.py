# SPDX-License-Identifier: GPL-3.0-or-later
"""RGB frames to an H.264 file that appears under its name only when it is whole."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import VideoError
from ..part_files import part_path
from .reader import _import_av, _reason

BT709 = 1  # AVCOL_PRI_BT709, AVCOL_TRC_BT709 and AVCOL_SPC_BT709
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
SUFFIXES = (".mp4", ".mov", ".mkv", ".m4v")


class VideoWriter:
    """Writes uint8 RGB frames as H.264, yuv420p, BT.709, under a temporary name in the same folder.

    As a context manager it closes the file at the end and deletes it on an exception.

    Args:
        path: final name, ending in .mp4, .m4v, .mov or .mkv.
        rate: frame/s.
        width: in pixels, even.
        height: in pixels, even.
        crf: x264's constant rate factor, 0 (lossless) to 51.
    Raises:
        VideoError: the folder cannot be written, or the ending is unknown.
        ValueError: odd size, or a rate that is not above 0.
    """

    def __init__(self, path: str | Path, rate: Fraction, width: int, height: int, crf: int = 18):
        if min(width, height) < 2 or width % 2 or height % 2:
            raise ValueError(f"width and height must be even numbers of pixels, got {width} x {height}")
        if rate <= 0:
            raise ValueError(f"rate must be above 0 frame/s, got {rate}")
        self.path = Path(path)
        self.width, self.height, self.num_frames = width, height, 0
        check_writable(self.path)
        self._temporary = part_path(self.path, self.path.suffix)
        self._av = _import_av()
        self._container: Any = None
        try:
            self._container = self._av.open(str(self._temporary), "w")
            self._stream = self._container.add_stream(
                "libx264", rate=Fraction(rate).limit_denominator(1 << 16)
            )
        except (self._av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise VideoError(f"{self.path}: cannot be written ({_reason(error)})") from error
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.options = {"crf": str(crf)}
        context = self._stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, uint8 (height, width, 3) RGB.

        Raises:
            ValueError: wrong shape or dtype.
            VideoError: the disk is full, or the encoder fails.
        """
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            expected = f"uint8 ({self.height}, {self.width}, 3)"
            raise ValueError(f"frame must be {expected}, got {frame.dtype} {frame.shape}")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        self._encode(picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"))
        self.num_frames += 1

    def close(self) -> None:
        """Finish the file and give it its final name; without a frame it is deleted; twice does no harm.

        Raises:
            VideoError: the end cannot be written; the file is then deleted.
        """
        if self._container is None:
            return
        if self.num_frames == 0:
            self.abort()
            return
        try:
            self._encode(None)
            self._container.close()
            self._container = None
            os.replace(self._temporary, self.path)
        except (self._av.FFmpegError, OSError) as error:
            self.abort()
            raise VideoError(f"{self.path}: cannot be written ({_reason(error)})") from error

    def abort(self) -> None:
        """Delete what was written; nothing appears under the final name."""
        container, self._container = self._container, None
        if container is not None:
            try:
                container.close()
            except (self._av.FFmpegError, OSError):
                pass  # what it could not write is deleted below
        self._temporary.unlink(missing_ok=True)

    def _encode(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except (self._av.FFmpegError, OSError) as error:
            raise VideoError(f"{self.path}: cannot be written ({_reason(error)})") from error


def check_writable(path: Path) -> None:
    """Refuse an output path before any work is done.

    Args:
        path: final name of a video.
    Raises:
        VideoError: folder missing or read-only, the path is a folder, or the ending is unknown.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VideoError(f"{path}: its name must end in {', '.join(SUFFIXES)}")
    folder = path.parent
    if not folder.is_dir():
        raise VideoError(f"{path}: folder {folder} does not exist")
    if path.is_dir():
        raise VideoError(f"{path}: is a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise VideoError(f"{path}: folder {folder} cannot be written")
