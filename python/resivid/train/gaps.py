# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of key frames, clean and as the closed loop leaves them, with flows between them and frames in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import MissingPackageError, ResividError
from ..models.tokenizers.moving_state import PictureState, apply
from ..models.tokenizers.multiscale import MultiscaleTokenizer
from .data import clip_is_held_out
from .films import make_planner, reduced
from .image_files import decode_clip, has_opencv
from .settings import InterpolatorTraining
from .sources import Skipped, base_name, members, training_files

LOG = logging.getLogger(__name__)
KEY_FRAMES = 4  # of a clip, in a row
BITS_FACTORS = (0.6, 2.0)  # least and most of a key frame's bits
FIRST_FACTOR = 4.0  # the first key frame gets so many times the bits, as if the state had lived for a while
HELD_OUT_EVERY = 3  # a held-out clip gives so few gaps, that many clips are seen
DECODED, CLEAN = "decoded", "clean"


@dataclass
class Gaps:
    """On one device; n pairs of key frames, T frames between each.

    Attributes:
        pictures: uint8 (n, 2, 2, 3, H, W): as decoded and clean, first and last.
        trusts: half (n, 2, 2, H, W): of the same pictures.
        flows: half (n, 2, 4, H, W): between the decoded and between the clean ones, forth and back, in pixels.
        targets: uint8 (n, T, 3, H, W).
        times: float (n, T), inside (0, 1).
    """

    pictures: torch.Tensor
    trusts: torch.Tensor
    flows: torch.Tensor
    targets: torch.Tensor
    times: torch.Tensor

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def of(cls, rows: list[tuple[np.ndarray, ...]]) -> Gaps:
        """From rows as `rows_of` gives them; the list is emptied, so that nothing stands in memory twice."""
        count, shapes = len(rows), [(part.shape, torch.from_numpy(part).dtype) for part in rows[0]]
        tensors = [torch.empty((count, *shape), dtype=kind) for shape, kind in shapes]
        for i in range(count - 1, -1, -1):
            for tensor, part in zip(tensors, rows.pop(), strict=True):
                tensor[i] = torch.from_numpy(part)
        return cls(*tensors)

    def to(self, device: torch.device | str) -> Gaps:
        """The same on a device."""
        return Gaps(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def rows_of(
    frames: np.ndarray,
    tokenizer: MultiscaleTokenizer,
    settings: InterpolatorTraining,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, ...]]:
    """The gaps of some key frames of a clip in a row, as `Gaps.of` takes them.

    Args:
        frames: uint8 (n, 256, 256, 3) of a clip, all of them.
    """
    stride = int(rng.integers(settings.least_stride, settings.most_stride + 1))
    stride = min(stride, len(frames) - 1)
    if stride < 2:
        return
    count = min(KEY_FRAMES, (len(frames) - 1) // stride + 1)
    start = int(rng.integers(len(frames) - (count - 1) * stride))
    keys = frames[start : start + (count - 1) * stride + 1 : stride]
    decoded = _through_the_loop(keys, tokenizer, settings.bits * stride / 8, rng)
    for gap in range(count - 1):
        inside = rng.choice(np.arange(1, stride), settings.targets, replace=stride <= settings.targets)
        pairs = [decoded[gap : gap + 2], keys[gap : gap + 2]]
        flows, trusts = zip(*(flow_planes(*pair) for pair in pairs), strict=True)
        yield (
            _planes(np.stack(pairs)),
            np.stack(trusts),
            np.stack(flows),
            _planes(frames[start + gap * stride + inside]),
            (inside / stride).astype(np.float32),
        )


def _planes(pictures: np.ndarray) -> np.ndarray:
    """(..., H, W, 3) to (..., 3, H, W)."""
    return np.ascontiguousarray(np.moveaxis(pictures, -1, -3))


def flow_planes(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flows half (4, H, W), forth and back, and trusts half (2, H, W) of two pictures."""
    from ..models.interpolation.fusion import FlowPair

    pair = FlowPair(first, last)
    flows = np.concatenate([pair.forth.transpose(2, 0, 1), pair.back.transpose(2, 0, 1)])
    return flows.astype(np.float16), np.stack(pair.trusts).astype(np.float16)


def _through_the_loop(
    keys: np.ndarray, tokenizer: MultiscaleTokenizer, bits: float, rng: np.random.Generator
) -> np.ndarray:
    """What a receiver shows of key frames, uint8 as `keys`."""
    budget = bits * np.exp(rng.uniform(*np.log(BITS_FACTORS)))
    planner, state, before = make_planner(tokenizer.codebooks), PictureState(), None
    out = np.empty_like(keys)
    for index, frame in enumerate(keys):
        now, target = reduced(frame)
        factor = rng.uniform(1, FIRST_FACTOR) if index == 0 else 1
        update = planner.plan(state, target, int(budget * factor), now, before).update
        state, before = apply(state, update, tokenizer.codebooks), now
        out[index] = tokenizer.picture(state)
    return out


@torch.inference_mode()
def load_gaps(settings: InterpolatorTraining, tokenizer: MultiscaleTokenizer) -> tuple[Gaps, Gaps]:
    """Gaps of training clips, and at most `check_pictures` of held-out ones.

    Raises:
        ResividError: nothing there, or no video that can be read.
        MissingPackageError: OpenCV, whose flow the network refines, is not installed.
    """
    if not has_opencv():
        raise MissingPackageError("training the interpolator needs OpenCV, for its optical flow")
    assert settings.data is not None
    paths = training_files(settings.data)
    skipped, read = Skipped(), 0
    trained: list[tuple[np.ndarray, ...]] = []
    held_out: list[tuple[np.ndarray, ...]] = []
    for number, member in enumerate(members(paths, skipped, "video")):
        if (settings.limit and number >= settings.limit) or len(trained) >= settings.gaps:
            break
        rng = np.random.default_rng([settings.seed, 4, number])
        away = clip_is_held_out(member.row.get("path") or base_name(member))
        if away and len(held_out) >= settings.check_pictures:
            continue
        try:
            frames = decode_clip(member.raw)
        except ValueError as error:
            skipped.note(member.name, error)
            continue
        read += 1
        rows = list(rows_of(frames, tokenizer, settings, rng))
        if away:
            held_out += rows[1::HELD_OUT_EVERY]
        else:
            trained += rows[: settings.gaps - len(trained)]
    skipped.report(read)
    if not trained:
        raise ResividError(f"{settings.data}: no readable video of at least three frames")
    LOG.info("%d gaps of training clips, %d of held-out ones", len(trained), len(held_out))
    if not held_out:
        LOG.warning("no clip is held out: what is measured on the way was trained on, give more videos")
    few = trained[:16]
    return Gaps.of(trained), Gaps.of(held_out or few)
