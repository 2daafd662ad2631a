# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos of any container and size as lossless square clips on disk: read and scaled once, then by every run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ResividError, VideoError
from ..part_files import part_path, write_text_atomically
from ..video.reader import VideoReader, _import_av, _reason

LEAST_SIDE = 64  # pixels; smaller pictures are no measure of anything
LEAST_FRAMES = 2
PIXELS = "bgr0"  # the 8-bit RGB of FFV1
CHUNK = 1 << 20  # bytes read at a time for a hash


@dataclass(frozen=True)
class PreparedClip:
    """One video, ready to be sent.

    Attributes:
        name: the file's name without the suffix; `prepare_all` gives each clip of an evaluation one of its own.
        path: FFV1 in Matroska, square RGB pictures; `VideoReader` gives them back to the last bit.
        digest: SHA-256 of all pictures and the frame rate: what caches go by.
        num_frames: T.
        rate: frame/s, as a fraction such as "30000/1001".
        problem: why it holds less than the file should; "" where all is well.
    """

    name: str
    path: Path
    digest: str
    num_frames: int
    rate: str
    problem: str = ""

    @property
    def fps(self) -> float:
        """Frame rate in frame/s."""
        return float(Fraction(self.rate))

    def frames(self, size: int) -> Iterator[np.ndarray]:
        """The pictures, one at a time, uint8 (size, size, 3)."""
        with VideoReader(self.path, size) as reader:
            yield from reader


def prepare_clip(path: Path, folder: Path, size: int = 256, seconds: float | None = None) -> PreparedClip:
    """Cut and scale a video, unless it was done before.

    Args:
        path: any video.
        folder: where prepared clips are kept.
        size: side of the square pictures in pixels.
        seconds: keep the first so many seconds; None: all.
    Raises:
        VideoError: unreadable, smaller than 64 pixels, or of less than two frames.
        ResividError: the folder cannot be written.
    """
    name = f"{path.stem[:40]}-{_file_key(path, size, seconds)}"
    video, note = folder / f"{name}.mkv", folder / f"{name}.json"
    about = _kept(note) if video.exists() else None
    if about is None:
        _check_side(path)
        about = {"name": path.stem} | _write(path, video, size, seconds)
        write_text_atomically(note, json.dumps(about) + "\n")
    return PreparedClip(path=video, **about)


def to_document(clip: PreparedClip) -> dict[str, Any]:
    """What results say of a clip; its problem stands in their notes."""
    return {key: value for key, value in asdict(clip).items() if key not in ("path", "problem")}


def _kept(note: Path) -> dict[str, Any] | None:
    """What is known of a prepared clip; None where there is no such file or it is damaged."""
    kinds = {"name": str, "digest": str, "num_frames": int, "rate": str, "problem": str}
    try:
        about = {"problem": ""} | json.loads(note.read_text(encoding="utf-8"))
        whole = about.keys() == kinds.keys() and all(isinstance(about[key], kinds[key]) for key in kinds)
        return about if whole and Fraction(about["rate"]) > 0 else None
    except (OSError, ValueError, TypeError, ZeroDivisionError):
        return None


def _file_key(path: Path, size: int, seconds: float | None) -> str:
    found = hashlib.sha256(f"{path.stem} {size} {seconds}".encode())
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({error.strerror})") from error
    return found.hexdigest()[:12]


def _check_side(path: Path) -> None:
    av = _import_av()
    with VideoReader(path):  # whatever else is wrong with it
        pass
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        side = min(video.width, video.height)
    if side < LEAST_SIDE:
        raise VideoError(f"{path}: {side} pixels are too few, at least {LEAST_SIDE} are needed")


def _write(path: Path, video: Path, size: int, seconds: float | None) -> dict[str, Any]:
    """Write the clip; what `PreparedClip` says of it but for name and path."""
    reader = VideoReader(path, size)
    most = None if seconds is None else max(LEAST_FRAMES, round(seconds * reader.rate))
    rate = reader.rate.limit_denominator(1 << 16)
    digest, count = hashlib.sha256(str(rate).encode()), 0
    with reader, LosslessWriter(video, rate, size) as writer:
        for frame in islice(reader, most):
            digest.update(frame.tobytes())
            writer.write(frame)
            count += 1
        if count < LEAST_FRAMES:
            raise VideoError(f"{path}: {count} frame is too few, at least {LEAST_FRAMES} are needed")
    return {
        "digest": digest.hexdigest(),
        "num_frames": count,
        "rate": str(rate),
        "problem": reader.problem,
    }


class LosslessWriter:
    """RGB frames to FFV1 in Matroska; the final name never holds half a file.

    Args:
        path: *.mkv.
        rate: frame/s.
        size: side in pixels.
    Raises:
        ResividError: it cannot be written.
    """

    def __init__(self, path: Path, rate: Fraction, size: int):
        self._av, self._path = _import_av(), path
        self._part = part_path(path, path.suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container = self._av.open(str(self._part), "w")
        except (self._av.FFmpegError, OSError) as error:
            raise ResividError(f"{path}: cannot be written ({_reason(error)})") from error
        self._stream: Any = self._container.add_stream("ffv1", rate=rate)
        self._stream.width = self._stream.height = size
        self._stream.pix_fmt = PIXELS

    def __enter__(self) -> LosslessWriter:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                self._mux(None)
            self._container.close()
            if error is None:
                os.replace(self._part, self._path)
        except (self._av.FFmpegError, OSError) as failure:
            raise ResividError(f"{self._path}: cannot be written ({_reason(failure)})") from failure
        finally:
            self._part.unlink(missing_ok=True)

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, uint8 (size, size, 3) RGB."""
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        self._mux(picture.reformat(format=PIXELS))

    def _mux(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except (self._av.FFmpegError, OSError) as error:
            raise ResividError(f"{self._path}: cannot be written ({_reason(error)})") from error
