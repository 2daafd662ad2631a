# SPDX-License-Identifier: GPL-3.0-or-later
"""Video of any container, size and rate as square RGB frames, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import MissingPackageError, VideoError

log = logging.getLogger(__name__)

HD_HEIGHT = 720  # from here on, untagged video is BT.709 by convention, below BT.601


class VideoReader:
    """Iterates over uint8 (size, size, 3) RGB frames, the centre of each picture, in display order.

    Holds one frame at a time. A file that breaks off gives the frames before the break and a warning in the log.
    A variable frame rate is taken for its average.

    Args:
        source: path of a file, or a URL that FFmpeg knows.
        size: side of the frames in pixels.
        input_format: FFmpeg's name of a device or format, such as "lavfi"; None: found by what is there.
        options: FFmpeg's options of that format.
    Attributes:
        rate: frame/s.
        num_frames_hint: frames that the container promises; None when it does not say.
        problem: after the last frame: why there are fewer than there should be; "" where all is well.
    Raises:
        VideoError: missing, empty, no video, or (while iterating) not a single frame.
        ValueError: size is below 1.
    """

    def __init__(
        self,
        source: str | Path,
        size: int = 256,
        input_format: str | None = None,
        options: dict[str, str] | None = None,
    ):
        if size < 1:
            raise ValueError(f"size must be at least 1 pixel, got {size}")
        self._format, self._options = input_format, options
        self.source, self.size, self.problem = str(source), size, ""
        self._av = _import_av()
        self._damage: Exception | None = None
        self._container = self._open()
        try:
            self._stream = self._video_stream()
            self.rate = self._rate()
            self.num_frames_hint = self._num_frames()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._container.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        count = 0
        for frame in self._frames():
            yield square(_to_rgb(frame), self.size, self._pixel_aspect, frame.rotation)
            count += 1
        if count == 0:
            reason = _reason(self._damage) if self._damage else "it holds none"
            raise VideoError(f"{self.source}: no video frame can be decoded ({reason})")
        if self._damage:
            self.problem = f"damaged ({_reason(self._damage)}), {count} frames decoded"
        elif self.num_frames_hint and count < self.num_frames_hint - 1:
            self.problem = f"{count} frames of the promised {self.num_frames_hint}"
        if self.problem:
            log.warning("%s: %s", self.source, self.problem)

    def _frames(self) -> Iterator[Any]:
        """Decoded frames; damaged packets are passed over, the first error is kept in `_damage`."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.FFmpegError as error:  # the file breaks off; the decoder still holds frames
                self._damage = self._damage or error
                packet = None
            try:
                yield from self._stream.codec_context.decode(packet)
            except self._av.error.EOFError:  # the packet before was the container's own end mark
                pass
            except self._av.FFmpegError as error:
                self._damage = self._damage or error
            if packet is None:
                return

    def _open(self) -> Any:
        path = Path(self.source)
        if self._format is None and "://" not in self.source:
            if not path.exists():
                raise VideoError(f"{self.source}: no such file")
            if path.is_dir():
                raise VideoError(f"{self.source}: is a folder, not a video")
            if path.is_file() and path.stat().st_size == 0:
                raise VideoError(f"{self.source}: is empty")
        try:
            return self._av.open(self.source, format=self._format, options=self._options)
        except (self._av.FFmpegError, OSError) as error:
            raise VideoError(f"{self.source}: is no video that can be read ({_reason(error)})") from error

    def _video_stream(self) -> Any:
        # The picture on an album's cover is a video stream too, of one frame.
        cover = self._av.stream.Disposition.attached_pic
        streams = [s for s in self._container.streams.video if not s.disposition & cover]
        if not streams:
            kinds = sorted({s.type for s in self._container.streams}) or ["nothing"]
            raise VideoError(f"{self.source}: holds no video, only {', '.join(kinds)}")
        if streams[0].codec_context is None:
            raise VideoError(f"{self.source}: its video codec is unknown to this FFmpeg")
        streams[0].thread_type = "AUTO"
        return streams[0]

    @property
    def _pixel_aspect(self) -> float:
        ratio = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        return float(ratio) if ratio and 1 / 16 <= ratio <= 16 else 1.0

    def _rate(self) -> Fraction:
        for rate in (self._stream.average_rate, self._stream.guessed_rate, self._stream.base_rate):
            if rate and rate > 0:
                return Fraction(rate)
        raise VideoError(f"{self.source}: its frame rate is unknown; the file is probably truncated")

    def _num_frames(self) -> int | None:
        if self._stream.frames:
            return int(self._stream.frames)
        if self._stream.duration and self._stream.time_base:
            return round(self._stream.duration * self._stream.time_base * self.rate)
        if self._container.duration:
            return round(Fraction(self._container.duration, self._av.time_base) * self.rate)
        return None


def square(
    picture: np.ndarray, size: int, pixel_aspect: float = 1.0, rotation_degrees: float = 0.0
) -> np.ndarray:
    """The centre square of a picture as a player shows it, resized.

    Args:
        picture: uint8 (H, W, 3).
        size: side of the result in pixels.
        pixel_aspect: width of a stored pixel over its height.
        rotation_degrees: counterclockwise turn for display, as phones note it; whole quarters count.
    Returns:
        uint8 (size, size, 3), contiguous: means of areas when it shrinks, bicubic when it grows.
    """
    height, width = picture.shape[:2]
    side = min(height, width * pixel_aspect)  # in heights of a pixel
    rows, columns = max(1, round(side)), max(1, round(side / pixel_aspect))
    top, left = (height - rows) // 2, (width - columns) // 2
    centre = picture[top : top + rows, left : left + columns]
    centre = np.ascontiguousarray(np.rot90(centre, round(rotation_degrees / 90)))
    if rows == columns == size:
        return centre
    try:
        import cv2
    except ImportError as error:
        raise MissingPackageError("OpenCV is missing: pip install opencv-python-headless") from error
    return cv2.resize(centre, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)


def _to_rgb(frame: Any) -> np.ndarray:
    """uint8 (H, W, 3); untagged HD is taken for BT.709, other untagged video for BT.601."""
    unspecified = 2  # AVCOL_SPC_UNSPECIFIED
    if frame.height >= HD_HEIGHT and int(frame.colorspace) == unspecified and not frame.format.is_rgb:
        frame = frame.reformat(format="rgb24", src_colorspace="ITU709")
    return frame.to_ndarray(format="rgb24")


def _import_av() -> Any:
    try:
        import av
        import av.stream
    except ImportError as error:
        raise MissingPackageError("PyAV is missing: pip install av") from error
    # Errors come as exceptions; the log is ours. At any other level FFmpeg's threads ask for Python's lock when
    # they log, and wait for ever where the one who holds it waits for them (PyAV issue 751).
    av.logging.set_level(None)
    return av


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
