# SPDX-License-Identifier: GPL-3.0-or-later
"""Still pictures and clips from bytes and back, with OpenCV, or Pillow and PyAV where OpenCV is missing."""

from __future__ import annotations

import importlib.util
import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".y4m")
SIDE = 256  # least side of a picture, and that of a clip
_LONG = 512  # a picture whose short side exceeds this is reduced
_KEPT = 288  # to this short side
_MOST_FRAMES = 512  # of one video


def has_opencv() -> bool:
    """Whether OpenCV is installed."""
    return importlib.util.find_spec("cv2") is not None


def decode_picture(raw: bytes) -> np.ndarray:
    """A picture file as uint8 (H, W, 3) RGB.

    Raises:
        ValueError: no picture, or a side below SIDE.
    """
    picture = decode_exactly(raw)
    height, width = picture.shape[:2]
    if min(height, width) < SIDE:
        raise ValueError(f"{width} x {height} pixels, below {SIDE}")
    if min(height, width) > _LONG:
        scale = _KEPT / min(height, width)
        picture = _reduce(picture, max(round(height * scale), _KEPT), max(round(width * scale), _KEPT))
    return np.ascontiguousarray(picture)


def decode_exactly(raw: bytes) -> np.ndarray:
    """A picture file of any size as uint8 (H, W, 3) RGB.

    Raises:
        ValueError: no picture.
    """
    if has_opencv():
        import cv2

        picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
        if picture is None:
            raise ValueError("no readable picture")
        return picture[:, :, ::-1]
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, zlib.error and more
        raise ValueError("no readable picture") from error


def _reduce(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    if has_opencv():
        import cv2

        return cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA)
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def decode_clip(raw: bytes, step: int = 1) -> np.ndarray:
    """Every `step`-th frame of a video file, its centre square, uint8 (n, SIDE, SIDE, 3) RGB.

    Raises:
        ValueError: no video, or no frame in it.
    """
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(raw)
        file.flush()
        frames = _opencv_frames(file.name, step) if has_opencv() else _pyav_frames(file.name, step)
    if not frames:
        raise ValueError("no readable video")
    return np.stack(frames)


def _square(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    frame = frame[y : y + side, x : x + side]
    return np.ascontiguousarray(frame if side == SIDE else _reduce(frame, SIDE, SIDE))


def _opencv_frames(path: str, step: int) -> list[np.ndarray]:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its own lines on a broken file name nothing
    import cv2

    frames: list[np.ndarray] = []
    video, index = cv2.VideoCapture(path), 0
    while len(frames) < _MOST_FRAMES and video.grab():
        if index % step == 0:
            good, frame = video.retrieve()
            if good:
                frames.append(_square(frame[:, :, ::-1]))
        index += 1
    video.release()
    return frames


def _pyav_frames(path: str, step: int) -> list[np.ndarray]:
    import av

    frames: list[np.ndarray] = []
    try:
        with av.open(path) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % step == 0:
                    frames.append(_square(frame.to_ndarray(format="rgb24")))
                if len(frames) == _MOST_FRAMES:
                    break
    except (OSError, ValueError, IndexError):  # PyAV's errors derive from the first two
        pass
    return frames


def encode_webp(picture: np.ndarray, quality: int) -> bytes:
    """uint8 (H, W, 3) RGB as WebP."""
    if has_opencv():
        import cv2

        good, data = cv2.imencode(
            ".webp", np.ascontiguousarray(picture[:, :, ::-1]), [cv2.IMWRITE_WEBP_QUALITY, quality]
        )
        assert good
        return data.tobytes()
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).save(out, "WEBP", quality=quality)
    return out.getvalue()


def write_png(path: Path, picture: np.ndarray) -> None:
    """uint8 (H, W, 3) RGB as PNG (RFC 2083), by the standard library alone."""
    height, width = picture.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], 1)  # 0: no filter

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
