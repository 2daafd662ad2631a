# SPDX-License-Identifier: GPL-3.0-or-later
"""Token states as a channel leaves them: what the decoder of the multi-scale tokenizer trains on."""

from __future__ import annotations

import numpy as np
import torch

from ..models.tokenizers.base import ZERO_FLAG
from ..models.tokenizers.moving_state import AGE_SIDE


def random_prefixes(tokens: torch.Tensor, rng: np.random.Generator, fresh: int = 160) -> torch.Tensor:
    """Zero out each row's tail, and now and then single tokens, as a channel leaves them.

    Half of the prefixes end within the first `fresh` tokens, where a new picture stands; a tenth is whole.
    """
    count, length = tokens.shape
    keep = _prefix_mask(count, length, rng, fresh)
    holes = (rng.random(count) < 0.15)[:, None] & (rng.random((count, length)) < 0.15)
    return torch.where(torch.from_numpy(keep & ~holes).to(tokens.device), tokens, ZERO_FLAG)


def _prefix_mask(count: int, length: int, rng: np.random.Generator, fresh: int) -> np.ndarray:
    ends = np.where(
        rng.random(count) < 0.55,
        rng.integers(0, min(fresh, length) + 1, count),
        rng.integers(0, length + 1, count),
    )
    ends = np.where(rng.random(count) < 0.1, length, ends)
    return np.arange(length)[None] < ends[:, None]


def stale_states(
    now: torch.Tensor, before: torch.Tensor, share: float, rng: np.random.Generator, fresh: int = 160
) -> torch.Tensor:
    """In a share of the rows, positions beyond the new prefix hold tokens of the picture before.

    So stands a receiver's state when a block could not carry every change.
    """
    keep = torch.from_numpy(_prefix_mask(now.shape[0], now.shape[1], rng, fresh))
    stale = torch.from_numpy(rng.random(len(now)) < share)[:, None]
    return torch.where((stale & ~keep).to(now.device), before, now)


def crop_states(
    ycc: torch.Tensor, freshness: torch.Tensor, target: torch.Tensor, crop: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same random window of state (128), freshness maps (32) and target (256), `crop` pixels of the last."""
    side = crop // 8
    if side >= AGE_SIDE:
        return ycc, freshness, target
    parts: tuple[list[torch.Tensor], ...] = ([], [], [])
    for i in range(len(ycc)):
        y, x = (int(v) for v in rng.integers(0, (AGE_SIDE - side) // 2 + 1, 2) * 2)
        for part, tensor, scale in zip(parts, (ycc, freshness, target), (4, 1, 8), strict=True):
            part.append(tensor[i, :, scale * y : scale * (y + side), scale * x : scale * (x + side)])
    return torch.stack(parts[0]), torch.stack(parts[1]), torch.stack(parts[2])
