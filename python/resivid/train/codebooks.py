# SPDX-License-Identifier: GPL-3.0-or-later
"""k-means codebooks of the residual pyramid, level by level on what the coarser levels leave."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from ..models.tokenizers.base import ZERO_FLAG
from ..models.tokenizers.pyramid import PATCH, from_patches, resize, to_patches

LOG = logging.getLogger(__name__)
NUM_CODES = ZERO_FLAG  # 4095: the last 12-bit value is the zero flag
SAMPLES_PER_CODE = 50  # beyond this more patches change the codes little


def nearest(
    patches: torch.Tensor, codes: torch.Tensor, chunk: int = 16384
) -> tuple[torch.Tensor, torch.Tensor]:
    """Index (n,) of the nearest code of each patch and its squared distance (n,)."""
    index, distance = [], []
    bias = codes.square().sum(1)
    for part in patches.split(chunk):
        score, i = torch.addmm(bias, part, codes.T, alpha=-2).min(1)
        index.append(i)
        distance.append(score + part.square().sum(1))
    return torch.cat(index), torch.cat(distance)


def kmeans(
    patches: torch.Tensor, num_codes: int, iterations: int, generator: torch.Generator
) -> torch.Tensor:
    """Lloyd's algorithm from random patches; a code that nobody uses moves to a badly coded patch.

    Args:
        patches: float (n, d), n >= num_codes.
    Returns:
        float (num_codes, d).
    """
    codes = patches[torch.randperm(len(patches), generator=generator)[:num_codes]].clone()
    for step in range(iterations):
        index, distance = nearest(patches, codes)
        count = torch.bincount(index, minlength=num_codes)
        total = torch.zeros_like(codes).index_add_(0, index, patches)
        used = count > 0
        codes[used] = total[used] / count[used, None]
        dead = int((~used).sum())
        if dead and step < iterations - 1:
            worst = torch.multinomial(distance.clamp(min=0) + 1e-12, dead, generator=generator)
            codes[~used] = patches[worst]
        LOG.info("k-means step %d: error %.6f, %d unused codes", step, distance.mean(), dead)
    return codes


def fit_codebooks(
    grids: list[int],
    batches: Callable[[], list[torch.Tensor]],
    side: int,
    iterations: int = 12,
    seed: int = 0,
) -> list[torch.Tensor]:
    """Codebooks for all grids.

    Args:
        grids: patches along a side of each level, coarse to fine.
        batches: gives the training pictures anew, YCC (n, 3, side, side), in parts.
        side: pixels of the picture that the codes add up to.
    """
    generator = torch.Generator().manual_seed(seed)
    residuals = list(batches())
    books: list[torch.Tensor] = []
    for grid in grids:
        patches = torch.cat([to_patches(resize(r, PATCH * grid)).flatten(0, 1) for r in residuals])
        wanted = NUM_CODES * SAMPLES_PER_CODE
        if len(patches) > wanted:
            patches = patches[torch.randperm(len(patches), generator=generator)[:wanted]]
        LOG.info("grid %d: %d patches, power %.6f", grid, len(patches), patches.square().sum(1).mean())
        codes = kmeans(patches, min(NUM_CODES, len(patches)), iterations, generator)
        books.append(codes)
        for i, r in enumerate(residuals):
            parts = to_patches(resize(r, PATCH * grid))
            index = nearest(parts.flatten(0, 1), codes)[0].view(parts.shape[:2])
            residuals[i] = r - resize(from_patches(codes[index], grid), side)
    return books
