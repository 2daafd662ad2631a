# SPDX-License-Identifier: GPL-3.0-or-later
"""Training pictures: tar shards of photographs and of clips, held in memory as uint8."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ResividError

LOG = logging.getLogger(__name__)
HELD_OUT_PICTURES = ("pixlsus/website",)  # a whole source, so that no look-alike is trained on
HELD_OUT_CLIP_SHARE = 10  # every tenth source recording is held out


@dataclass
class PictureSet:
    """Pictures of any size of at least 256 pixels a side, uint8 (H, W, 3) RGB each."""

    train: list[np.ndarray]
    held_out: list[np.ndarray]


def _rows(folder: Path) -> list[dict[str, str]]:
    manifest = folder / "MANIFEST.tsv"
    if not manifest.is_file():
        raise ResividError(f"{folder}: no MANIFEST.tsv; --data names the folder that holds train_pictures/")
    with manifest.open(newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def clip_is_held_out(path: str) -> bool:
    """Whether clips of the recording `path` are for validation: decided by the path alone."""
    return int(hashlib.sha256(path.encode()).hexdigest(), 16) % HELD_OUT_CLIP_SHARE == 0


def _members(folder: Path):
    """Yield (file name, bytes) of all shards of a folder."""
    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()


def load_pictures(data: Path, limit: int | None = None) -> PictureSet:
    """Photographs of `data/train_pictures`.

    Args:
        data: folder that holds `train_pictures/`.
        limit: at most so many, for short trials.
    Raises:
        ResividError: the folder is not there.
    """
    from PIL import Image

    folder = data / "train_pictures"
    source = {row["file"]: row["source"] for row in _rows(folder)}
    out = PictureSet([], [])
    for name, raw in _members(folder):
        picture = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))
        held_out = source.get(name, "").startswith(HELD_OUT_PICTURES)
        (out.held_out if held_out else out.train).append(picture)
        if limit and len(out.train) >= limit:
            break
    LOG.info("%d pictures, %d held out", len(out.train), len(out.held_out))
    return out


def clip_frames(raw: bytes, step: int = 1) -> np.ndarray:
    """Every `step`-th frame of an encoded clip, uint8 (n, 256, 256, 3) RGB."""
    import cv2

    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(raw)
        file.flush()
        video, frames, index = cv2.VideoCapture(file.name), [], 0
        while video.grab():
            if index % step == 0:
                frames.append(video.retrieve()[1][:, :, ::-1].copy())
            index += 1
    return np.stack(frames)


def load_clips(data: Path, step: int, held_out: bool = False, limit: int | None = None) -> list[np.ndarray]:
    """Clips of `data/train_clips`, every `step`-th frame, uint8 (n, 256, 256, 3) each."""
    folder = data / "train_clips"
    path = {row["file"]: row["path"] for row in _rows(folder)}
    clips = []
    for name, raw in _members(folder):
        if clip_is_held_out(path.get(name, "")) == held_out:
            clips.append(clip_frames(raw, step))
            if limit and len(clips) >= limit:
                break
    return clips


def random_squares(
    pictures: list[np.ndarray], count: int, rng: np.random.Generator, side: int = 256, shift_px: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Random square windows, mirrored half of the time, and the same windows a moment earlier.

    Args:
        shift_px: standard deviation of the camera's movement between the two, in pixels and axis.
    Returns:
        now and before, each uint8 (count, side, side, 3).
    """
    now, before = (np.empty((count, side, side, 3), np.uint8) for _ in range(2))
    for i in range(count):
        p = pictures[rng.integers(len(pictures))]
        room = np.array(p.shape[:2]) - side
        corner = rng.integers(room + 1)
        earlier = np.clip(np.rint(corner + rng.normal(0, shift_px, 2)).astype(int), 0, room)
        mirror = -1 if rng.random() < 0.5 else 1
        for out, (y, x) in ((now, corner), (before, earlier)):
            out[i] = p[y : y + side, x : x + side][:, ::mirror]
    return now, before


def centre_squares(pictures: list[np.ndarray], side: int = 256) -> np.ndarray:
    """Centre windows, uint8 (n, side, side, 3)."""
    return np.stack(
        [p[(p.shape[0] - side) // 2 :, (p.shape[1] - side) // 2 :][:side, :side] for p in pictures]
    )
