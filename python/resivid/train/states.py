# SPDX-License-Identifier: GPL-3.0-or-later
"""Token states as a channel leaves them: what the decoder of the multi-scale tokenizer trains on."""

from __future__ import annotations

import numpy as np
import torch

from ..models.tokenizers.base import ZERO_FLAG
from ..models.tokenizers.refiner import BODY_SIDE


def random_prefixes(tokens: torch.Tensor, rng: np.random.Generator, fresh: int = 160) -> torch.Tensor:
    """Zero out each row's tail, and now and then single tokens, as a channel leaves them.

    Half of the prefixes end within the first `fresh` tokens, where a new picture stands; a tenth is whole.
    """
    count, length = tokens.shape
    keep = _prefix_mask(count, length, rng, fresh)
    holes = (rng.random(count) < 0.15)[:, None] & (rng.random((count, length)) < 0.15)
    return torch.where(torch.from_numpy(keep & ~holes), tokens, ZERO_FLAG)


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
    return torch.where(stale & ~keep, before, now)


def crop_maps(
    levels: torch.Tensor, base: torch.Tensor, target: torch.Tensor, crop: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same random window of the token maps (32), the pyramid picture (64) and the target (256)."""
    side = crop // 8
    if side >= BODY_SIDE:
        return levels, base, target
    parts: tuple[list[torch.Tensor], ...] = ([], [], [])
    for i in range(len(levels)):
        y, x = (int(v) for v in rng.integers(0, (BODY_SIDE - side) // 2 + 1, 2) * 2)
        parts[0].append(levels[i, :, y : y + side, x : x + side])
        parts[1].append(base[i, :, 2 * y : 2 * (y + side), 2 * x : 2 * (x + side)])
        parts[2].append(target[i, :, 8 * y : 8 * (y + side), 8 * x : 8 * (x + side)])
    return torch.stack(parts[0]), torch.stack(parts[1]), torch.stack(parts[2])
