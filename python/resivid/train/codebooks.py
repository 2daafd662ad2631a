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


def sampled(patches: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """At most `most` of the patches, by chance."""
    if len(patches) <= most:
        return patches
    return patches[torch.randperm(len(patches), generator=generator)[:most].to(patches.device)]


def kmeans(
    patches: torch.Tensor, num_codes: int, iterations: int, generator: torch.Generator
) -> torch.Tensor:
    """Lloyd's algorithm from random patches; a code that nobody uses moves to a badly coded patch.

    Args:
        patches: float (n, d), n >= num_codes, on any device.
        generator: of the CPU.
    Returns:
        float (num_codes, d).
    """
    codes = sampled(patches, num_codes, generator).clone()
    dead = 0
    for step in range(iterations):
        index, distance = nearest(patches, codes)
        count = torch.bincount(index, minlength=num_codes)
        total = torch.zeros_like(codes).index_add_(0, index, patches)
        used = count > 0
        codes[used] = total[used] / count[used, None]
        dead = int((~used).sum())
        if dead and step < iterations - 1:
            chance = distance.clamp(min=0).cpu() + 1e-12
            worst = torch.multinomial(chance[: 1 << 24], dead, generator=generator)  # its largest table
            codes[~used] = patches[worst.to(patches.device)]
        LOG.debug("k-means step %d: error %.6f, %d unused codes", step, distance.mean(), dead)
    error = max(float(distance.mean()), 0.0)  # rounding can take it below
    LOG.info("k-means: %d patches, error %.6f, %d of %d codes unused", len(patches), error, dead, len(codes))
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
        patches = sampled(patches, NUM_CODES * SAMPLES_PER_CODE, generator)
        LOG.info("grid %d: %d patches, power %.6f", grid, len(patches), patches.square().sum(1).mean())
        codes = kmeans(patches, min(NUM_CODES, len(patches)), iterations, generator)
        books.append(codes)
        for i, r in enumerate(residuals):
            parts = to_patches(resize(r, PATCH * grid))
            index = nearest(parts.flatten(0, 1), codes)[0].view(parts.shape[:2])
            residuals[i] = r - resize(from_patches(codes[index], grid), side)
    return books


class CodebookUse:
    """How often each code of each level was taken.

    Args:
        sizes: codes of each level.
    """

    def __init__(self, sizes: list[int]):
        self._counts = [torch.zeros(size, dtype=torch.int64) for size in sizes]

    def add(self, level: int, values: torch.Tensor) -> None:
        """Count codes; values beyond the codebook are missing tokens."""
        known = self._counts[level] = self._counts[level].to(values.device)
        flat = values.flatten().clamp(max=len(known))
        counted = known.new_zeros(len(known) + 1).scatter_add_(0, flat, torch.ones_like(flat))
        self._counts[level] = known + counted[:-1]

    def report(self, names: list[str]) -> dict[str, dict[str, float]]:
        """Share of codes in use and perplexity (two to the entropy) of each level that was counted.

        Args:
            names: of the levels.
        """
        out = {}
        for name, counts in zip(names, self._counts, strict=True):
            if not counts.any():
                continue
            share = counts.double() / counts.sum()
            entropy = -(share * share.clamp(min=1e-30).log2()).sum()
            out[name] = {
                "tokens": int(counts.sum()),
                "share_in_use": round(float((counts > 0).double().mean()), 4),
                "perplexity": round(float(2**entropy), 1),
            }
        return out

    def reset(self) -> None:
        """Count anew."""
        self._counts = [torch.zeros_like(counts) for counts in self._counts]
