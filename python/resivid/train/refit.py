# SPDX-License-Identifier: GPL-3.0-or-later
"""Codebooks fitted again to what the closed loop codes: residuals of moved and refined states, not of fresh pictures."""

from __future__ import annotations

import logging

import numpy as np
import torch

from ..models.tokenizers.moving_state import (
    GRIDS,
    PictureState,
    StateUpdate,
    apply,
    enlarge_level,
    predict,
    reduce_level,
)
from .codebooks import NUM_CODES, kmeans, sampled
from .films import Job, make_planner, reduced

LOG = logging.getLogger(__name__)
BUDGETS = (532, 1067, 1067, 1600)  # bits a key frame
DEEPER = (1, 2, 5)  # residuals are gathered at so many times the budget too: fine levels get enough
LEAST_PER_CODE = 4  # patches; a level with fewer keeps its codes
MOST_PER_CODE = 40
FRESH_SHARE = 0.3  # of the films end with their first key frame: fresh pictures, deep
ITERATIONS = 8


def coded_residuals(
    state: PictureState, target: torch.Tensor, update: StateUpdate, codebooks: list[torch.Tensor]
) -> list[torch.Tensor]:
    """The patches (n, 48) that an update's tokens stand for, level by level.

    Args:
        state: before the update.
        target: float (3, SIDE, SIDE) YCC, what the update was chosen for.
    """
    ycc, out = predict(state, update.field, update.recalled, None).ycc, []
    for grid, level, book in zip(GRIDS, update.levels, codebooks, strict=True):
        patches = reduce_level(target - ycc, grid)
        places = torch.from_numpy(np.flatnonzero(level.mask))
        out.append(patches[places])
        if len(places):
            chosen = torch.zeros_like(patches)
            chosen[places] = book[torch.from_numpy(level.values)]
            ycc = ycc + enlarge_level(chosen, grid)
    return out


@torch.inference_mode()
def gather(codebooks: list[torch.Tensor], job: Job) -> tuple[np.ndarray, ...]:
    """What the tokens of a film stand for: the patches (n, 48) of each level, half precision."""
    frames, rng = job.key_frames(), job.rng
    if rng.random() < FRESH_SHARE:
        frames = frames[:1]
    planner, deep = make_planner(codebooks), make_planner(codebooks)
    budget, state, before = int(rng.choice(BUDGETS)), PictureState(), None
    gathered: list[list[torch.Tensor]] = [[] for _ in GRIDS]
    for frame in frames:
        now, target = reduced(frame)
        more = budget * int(rng.choice(DEEPER))
        update = deep.plan(state, target, more, now, before).update
        for level, patches in zip(gathered, coded_residuals(state, target, update, codebooks), strict=True):
            level.append(patches)
        if more != budget:
            update = planner.plan(state, target, budget, now, before).update
        state, before = apply(state, update, codebooks), now
    return tuple(torch.cat(level).half().numpy() for level in gathered)


def refit(
    codebooks: list[torch.Tensor],
    rows: list[tuple[np.ndarray, ...]],
    seed: int,
    device: torch.device | str = "cpu",
) -> list[torch.Tensor]:
    """Codebooks of the gathered residuals; a level with too few of them keeps its codes.

    Args:
        rows: as `gather` gives them.
    """
    generator, out = torch.Generator().manual_seed(seed), []
    for number, (grid, book) in enumerate(zip(GRIDS, codebooks, strict=True)):
        patches = torch.from_numpy(np.concatenate([row[number] for row in rows])).float()
        if len(patches) < LEAST_PER_CODE * NUM_CODES:
            LOG.info("grid %d: only %d residuals, codes kept", grid, len(patches))
            out.append(book)
            continue
        LOG.info("grid %d: fitted to %d residuals", grid, len(patches))
        patches = sampled(patches, MOST_PER_CODE * NUM_CODES, generator).to(device)
        out.append(kmeans(patches, NUM_CODES, ITERATIONS, generator).cpu())
    return out
