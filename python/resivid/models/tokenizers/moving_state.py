# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver's picture state: a reduced picture that block shifts move, tokens refine and a background restores.

A token of level g adds one 4x4-pixel patch to the picture reduced to 4g x 4g pixels; what it adds is enlarged
to the whole state. Tokens are increments, so a place can be refined again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F

from .pyramid import PATCH, from_patches, resize, to_patches, to_ycc

SIDE = 128  # pixels along the side of the state
GRIDS = (1, 2, 4, 8, 16, 32)  # patches along the side, level by level
BLOCKS = 8  # blocks along the side that move as one
BLOCK = SIDE // BLOCKS  # pixels along the side of one
REACH = 22  # longest shift in pixels of the state and axis
OVERLAP = 4  # pixels from a block's edge up to which its neighbour's vector counts too
MOST_MIXED = 0.75  # largest share of the neighbours' vectors
AGE_SIDE = 32  # side of the freshness maps
CALM = 2  # key frames in a row in which a block must not have changed to count as background
CALM_GRIDS = (1, 2, 4, 8)  # levels whose tokens change a block; those of finer ones only refine it
FADE = 0.9  # what is left of a map's freshness one key frame later
COARSE_SIDE = 8  # pixels along the side of the reduced state that `Leak.coarse` is about


@dataclass(frozen=True)
class LevelUpdate:
    """Tokens of one level.

    Attributes:
        mask: bool (g, g), which patches are refined.
        values: int64 (updates,), their codes, row by row.
    """

    mask: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class StateUpdate:
    """All that one payload says.

    Attributes:
        field: int64 (BLOCKS, BLOCKS, 2), where each block comes from: (x, y) in pixels of the state; None:
            nothing moves.
        levels: one for each grid, coarse to fine.
        recalled: bool (BLOCKS, BLOCKS), blocks that come from the background; None: none.
    """

    field: np.ndarray | None
    levels: Sequence[LevelUpdate]
    recalled: np.ndarray | None = None

    @property
    def num_tokens(self) -> int:
        """Updates of all levels."""
        return sum(level.values.size for level in self.levels)


@dataclass(frozen=True)
class Leak:
    """What is left of the state before a key frame's tokens, so that what a receiver missed does not count for ever.

    Attributes:
        coarse: share that is left of the state reduced to COARSE_SIDE pixels a side.
        fine: share that is left of the rest.
    """

    coarse: float
    fine: float


@dataclass
class PictureState:
    """Attributes:
    ycc: float (3, SIDE, SIDE), centred luma and weighted chroma (`pyramid.to_ycc`).
    freshness: float (len(GRIDS), AGE_SIDE, AGE_SIDE), 1 where a level's token has just come, fading after.
    background: float (3, SIDE, SIDE), each block as it last was when it had not changed for CALM key frames.
    calm: int64 (BLOCKS, BLOCKS), key frames since a block changed.
    """

    ycc: torch.Tensor = field(default_factory=lambda: torch.zeros(3, SIDE, SIDE))
    freshness: torch.Tensor = field(default_factory=lambda: torch.zeros(len(GRIDS), AGE_SIDE, AGE_SIDE))
    background: torch.Tensor = field(default_factory=lambda: torch.zeros(3, SIDE, SIDE))
    calm: np.ndarray = field(default_factory=lambda: np.zeros((BLOCKS, BLOCKS), np.int64))

    def to_bytes(self) -> np.ndarray:
        """What a picture is drawn from, uint8, for `from_bytes`; the background stays behind."""
        parts = (self.ycc.half().numpy().tobytes(), (self.freshness * 255).round().byte().numpy().tobytes())
        return np.frombuffer(b"".join(parts), np.uint8)

    @classmethod
    def from_bytes(cls, data: np.ndarray) -> PictureState:
        """The state that `to_bytes` gave, rounded to half precision, without its background."""
        split = 2 * 3 * SIDE * SIDE
        ycc = torch.from_numpy(data[:split].copy().view(np.float16).astype(np.float32))
        freshness = torch.from_numpy(data[split:].astype(np.float32) / 255)
        return cls(ycc.view(3, SIDE, SIDE), freshness.view(len(GRIDS), AGE_SIDE, AGE_SIDE))


def reduce_frame(frame: np.ndarray) -> np.ndarray:
    """A picture, uint8 (H, W, 3) RGB, by means of areas at the state's size, uint8 (SIDE, SIDE, 3); needs OpenCV."""
    import cv2  # what trains from prepared states has none

    return cv2.resize(np.ascontiguousarray(frame), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def target_of(picture: np.ndarray) -> torch.Tensor:
    """What `PictureState.ycc` should become for a picture of its size: uint8 (S, S, 3) RGB to float (3, S, S)."""
    return to_ycc(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)[0]


@dataclass(frozen=True)
class _Overlap:
    """Of each pixel of an axis: its block, the nearest neighbour (itself at the border); of each pixel its neighbours' weights.

    Near its edges a block is mixed with what its neighbours have (overlapped block motion compensation, Orchard and
    Sullivan 1994), else the edges would stay in the state: 0.4 dB on held-out clips.
    """

    own: torch.Tensor
    near: torch.Tensor
    across: torch.Tensor
    down: torch.Tensor

    @classmethod
    def of(cls, side: int) -> _Overlap:
        block = side // BLOCKS
        own, place = torch.arange(side) // block, torch.arange(side) % block
        near = (own + torch.where(place < block // 2, -1, 1)).clamp(0, BLOCKS - 1)
        depth = torch.minimum(place, block - 1 - place) + 0.5  # pixels from the nearer edge
        weight = (0.5 * (1 - depth / OVERLAP)).clamp(min=0)
        across, down = weight[None, :], weight[:, None]
        scale = MOST_MIXED / (across + down).clamp(min=MOST_MIXED)  # corners keep a share of their own
        return cls(own, near, across * scale, down * scale)

    def mixed(self, taken: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """What `taken` gives for the blocks (rows, columns) of each pixel, mixed with what it gives for their neighbours."""
        own, near = self.own, self.near
        kept = taken(own, own) * (1 - self.across - self.down)
        return kept + taken(own, near) * self.across + taken(near, own) * self.down


_OVERLAP = _Overlap.of(SIDE)


def move(picture: torch.Tensor, vectors: np.ndarray) -> torch.Tensor:
    """Each block taken from where its vector points, mixed near its edges; beyond the border the border goes on.

    Args:
        picture: float (c, S, S), S a multiple of BLOCKS; smaller ones than the state are not mixed.
        vectors: (BLOCKS, BLOCKS, 2) shifts (x, y) in pixels of the state.
    """
    side = picture.shape[-1]
    shifts = torch.from_numpy(np.rint(np.asarray(vectors) * side / SIDE).astype(np.int64))
    axis = torch.arange(side)

    def taken(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        shift = shifts[rows][:, columns]
        x = (axis[None, :] + shift[..., 0]).clamp(0, side - 1)
        y = (axis[:, None] + shift[..., 1]).clamp(0, side - 1)
        return picture[:, y, x]

    if side < SIDE:  # freshness maps: too coarse to be mixed
        own = axis // (side // BLOCKS)
        return taken(own, own)
    return _OVERLAP.mixed(taken)


def recall(state: PictureState, blocks: np.ndarray) -> PictureState:
    """The state with some blocks as the background has them, mixed near their edges; what comes back is not fresh.

    Args:
        blocks: bool (BLOCKS, BLOCKS).
    """
    chosen = torch.from_numpy(blocks).float()
    weight = _OVERLAP.mixed(lambda rows, columns: chosen[rows][:, columns])
    of_map = AGE_SIDE // BLOCKS
    stays = 1 - chosen.repeat_interleave(of_map, 0).repeat_interleave(of_map, 1)
    return replace(
        state, ycc=torch.lerp(state.ycc, state.background, weight), freshness=state.freshness * stays
    )


def watched(state: PictureState, update: StateUpdate) -> PictureState:
    """The state after `update` with the background that it gives: blocks that have been calm for long are taken into it.

    What counts as calm is read from the payload alone, so that both ends agree to the block.
    """
    changed = np.zeros((BLOCKS, BLOCKS), np.bool_)
    if update.field is not None:
        changed |= update.field.any(-1)
    if update.recalled is not None:
        changed |= update.recalled
    for grid, level in zip(GRIDS, update.levels, strict=True):
        if grid in CALM_GRIDS:
            changed |= np.kron(level.mask, np.ones((BLOCKS // grid, BLOCKS // grid), np.bool_))
    calm = np.where(changed, 0, state.calm + 1)
    taken = torch.from_numpy(calm >= CALM).repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    return replace(state, background=torch.where(taken, state.ycc, state.background), calm=calm)


def enlarge_level(patches: torch.Tensor, grid: int) -> torch.Tensor:
    """Patches (g*g, 48) of a level as a picture (3, SIDE, SIDE)."""
    return resize(from_patches(patches[None], grid), SIDE)[0]


def reduce_level(picture: torch.Tensor, grid: int) -> torch.Tensor:
    """The patches (g*g, 48) of a picture (3, SIDE, SIDE) at a level."""
    return to_patches(resize(picture[None], PATCH * grid))[0]


def leaked(ycc: torch.Tensor, leak: Leak) -> torch.Tensor:
    """A state picture (3, SIDE, SIDE) of which coarse and fine parts have leaked away."""
    coarse = resize(resize(ycc[None], COARSE_SIDE), SIDE)[0]
    return leak.coarse * coarse + leak.fine * (ycc - coarse)


def predict(
    state: PictureState, vectors: np.ndarray | None, recalled: np.ndarray | None, leak: Leak | None
) -> PictureState:
    """The state before its tokens: moved, restored, a bit less fresh, and with a leak a bit paler.

    Args:
        vectors: as `StateUpdate.field`.
        recalled: as `StateUpdate.recalled`.
        leak: None: everything stays.
    """
    if vectors is not None:
        state = replace(state, ycc=move(state.ycc, vectors), freshness=move(state.freshness, vectors))
    if recalled is not None:
        state = recall(state, recalled)
    ycc = state.ycc if leak is None else leaked(state.ycc, leak)
    return replace(state, ycc=ycc, freshness=state.freshness * FADE)


def apply(
    state: PictureState,
    update: StateUpdate,
    codebooks: Sequence[torch.Tensor],
    leak: Leak | None = None,
) -> PictureState:
    """The state after one payload; `state` stays as it is.

    Args:
        codebooks: float (num_codes, 48) of each level; values beyond a codebook add nothing.
        leak: as `predict`.
    """
    before = predict(state, update.field, update.recalled, leak)
    ycc, freshness = before.ycc.clone(), before.freshness.clone()
    for number, (grid, level, book) in enumerate(zip(GRIDS, update.levels, codebooks, strict=True)):
        values = torch.from_numpy(level.values)
        known = values < len(book)
        places = torch.from_numpy(np.flatnonzero(level.mask))[known]
        if not len(places):
            continue
        patches = torch.zeros(grid * grid, book.shape[1])
        patches[places] = book[values[known]]
        ycc += enlarge_level(patches, grid)
        marks = torch.from_numpy(level.mask)[None, None].float()
        marks = F.interpolate(marks, size=AGE_SIDE, mode="nearest")[0, 0]
        freshness[number] = torch.maximum(freshness[number], marks)
    return watched(replace(before, ycc=ycc, freshness=freshness), update)
