# SPDX-License-Identifier: GPL-3.0-or-later
"""Training data: photographs and clips of a folder, of tar shards or of prepared shards, as uint8."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import ResividError
from . import prepared
from .image_files import SIDE, decode_clip, decode_picture
from .loop_states import LoopStates
from .sources import Member, Skipped, base_name, kind_of, members, training_files

LOG = logging.getLogger(__name__)
HELD_OUT_PICTURES = ("pixlsus/website",)  # a whole source, so that no look-alike is trained on
HELD_OUT_PICTURE_SHARE = 20  # without a manifest every twentieth picture
HELD_OUT_CLIP_SHARE = 10  # every tenth source recording is held out
CLIP_FRAMES = 4  # every fourth frame of a clip is kept: key frames stand no closer


@dataclass
class TrainingData:
    """Pictures have at least SIDE pixels a side, uint8 (H, W, 3) RGB; clips are uint8 (n, SIDE, SIDE, 3)."""

    pictures: list[np.ndarray] = field(default_factory=list)
    held_out: list[np.ndarray] = field(default_factory=list)
    clips: list[np.ndarray] = field(default_factory=list)
    held_out_clips: list[np.ndarray] = field(default_factory=list)
    states: LoopStates | None = None

    def training_pictures(self, clip_step: int) -> list[np.ndarray]:
        """The photographs and every `clip_step`-th frame of the clips."""
        step = max(1, round(clip_step / CLIP_FRAMES))
        return self.pictures + [frame for clip in self.clips for frame in clip[::step]]

    def check_squares(self, count: int) -> np.ndarray:
        """Centre windows of held-out pictures, uint8 (n, SIDE, SIDE, 3); of trained ones where there are no others."""
        spare = self.pictures[:16] or [clip[0] for clip in self.clips[:16]]
        return centre_squares(self.held_out[:count] or spare[:count])


def _held_out_by(text: str, share: int) -> bool:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % share == 0


def clip_is_held_out(path: str) -> bool:
    """Whether clips of the recording `path` are for validation: decided by the path alone."""
    return _held_out_by(path, HELD_OUT_CLIP_SHARE)


def _picture_is_held_out(member: Member) -> bool:
    source = member.row.get("source")
    if source:
        return source.startswith(HELD_OUT_PICTURES)
    return _held_out_by(base_name(member), HELD_OUT_PICTURE_SHARE)


def load(data: Path, limit: int = 0) -> TrainingData:
    """All pictures and clips of a folder.

    A folder that holds folders named train... is read in these alone: what lies beside them is for tests.

    Args:
        limit: at most so many of each; 0: all.
    Raises:
        ResividError: the folder is not there, empty, or nothing in it can be read.
    """
    paths = training_files(data)
    out, skipped = TrainingData(), Skipped()
    for path in paths:
        if kind_of(path.name) == "prepared":
            prepared.read(path, out, limit)
    kinds: list[tuple[str, Callable, Callable, tuple[list[np.ndarray], list[np.ndarray]]]] = [
        ("picture", decode_picture, _picture_is_held_out, (out.pictures, out.held_out)),
        (
            "video",
            lambda raw: decode_clip(raw, CLIP_FRAMES),
            lambda member: clip_is_held_out(member.row.get("path") or base_name(member)),
            (out.clips, out.held_out_clips),
        ),
    ]
    read = 0
    for kind, decode, is_held_out, (trained, held_out) in kinds:
        for member in members(paths, skipped, kind):
            if limit and len(trained) >= limit:
                break
            try:
                (held_out if is_held_out(member) else trained).append(decode(member.raw))
                read += 1
            except ValueError as error:
                skipped.note(member.name, error)
    skipped.report(read)
    for trained, held_out in ((out.pictures, out.held_out), (out.clips, out.held_out_clips)):
        if len(trained) > 1 and not held_out:  # so few that chance took none
            held_out.append(trained.pop())
    if not out.pictures and not out.clips:
        raise ResividError(
            f"{data}: no readable picture of at least {SIDE} x {SIDE} pixels and no readable video"
        )
    LOG.info(
        "%d pictures and %d clips; held out: %d and %d",
        *map(len, (out.pictures, out.clips, out.held_out, out.held_out_clips)),
    )
    if not out.held_out:
        LOG.warning("no picture is held out: what is measured on the way was trained on, give more pictures")
    return out


def centre_squares(pictures: list[np.ndarray], side: int = SIDE) -> np.ndarray:
    """Centre windows, uint8 (n, side, side, 3)."""
    return np.stack(
        [p[(p.shape[0] - side) // 2 :, (p.shape[1] - side) // 2 :][:side, :side] for p in pictures]
    )
