# SPDX-License-Identifier: GPL-3.0-or-later
"""Residual pyramid of vector-quantised patches: tokens ordered from coarse to fine by construction.

Level by level the picture, reduced to 4g x 4g pixels, is cut into g x g patches of 4x4 pixels; each patch is
replaced by the nearest of the level's codes, and the next level codes what is left. The coarse grids carry
light and colour of the whole picture, the fine ones are local: a still region keeps its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .base import ZERO_FLAG

PATCH = 4  # pixels of the reduced picture along the side of one patch
CODE_DIM = 3 * PATCH * PATCH
CHROMA_WEIGHT = 0.7  # colour errors count less than those of light in the search for the nearest code

# Rows: luma, blue and red difference (ITU-R BT.601), chroma scaled by its weight.
_RGB_TO_YCC = torch.tensor(
    [
        [0.299, 0.587, 0.114],
        [-0.168736 * CHROMA_WEIGHT, -0.331264 * CHROMA_WEIGHT, 0.5 * CHROMA_WEIGHT],
        [0.5 * CHROMA_WEIGHT, -0.418688 * CHROMA_WEIGHT, -0.081312 * CHROMA_WEIGHT],
    ]
)
_YCC_TO_RGB = torch.linalg.inv(_RGB_TO_YCC.double()).float()


def to_ycc(rgb: torch.Tensor) -> torch.Tensor:
    """RGB in [0, 1] to centred luma and weighted chroma, (n, 3, H, W)."""
    return torch.einsum("ij,njhw->nihw", _RGB_TO_YCC.to(rgb), rgb - 0.5)


def to_rgb(ycc: torch.Tensor) -> torch.Tensor:
    """Inverse of `to_ycc`, not clamped, (n, 3, H, W)."""
    return torch.einsum("ij,njhw->nihw", _YCC_TO_RGB.to(ycc), ycc) + 0.5


def to_patches(picture: torch.Tensor) -> torch.Tensor:
    """(n, 3, 4g, 4g) to (n, g*g, 48), rows of patches first."""
    return F.unfold(picture, PATCH, stride=PATCH).transpose(1, 2)


def from_patches(patches: torch.Tensor, grid: int) -> torch.Tensor:
    """(n, g*g, 48) to (n, 3, 4g, 4g)."""
    return F.fold(patches.transpose(1, 2), PATCH * grid, PATCH, stride=PATCH)


def resize(picture: torch.Tensor, side: int) -> torch.Tensor:
    """Area mean when reducing, bilinear when enlarging, (n, c, side, side)."""
    if picture.shape[-1] >= side:
        return F.adaptive_avg_pool2d(picture, side)
    return F.interpolate(picture, size=side, mode="bilinear", align_corners=False)


def centre_out(grid: int) -> np.ndarray:
    """Order of a grid's positions, nearest to the picture's centre first: viewers look there."""
    axis = np.arange(grid) - (grid - 1) / 2
    distance = axis[:, None] ** 2 + axis[None, :] ** 2
    return np.argsort(distance.ravel(), kind="stable")


@dataclass(frozen=True)
class Level:
    """One level: `codes` float (num_codes, 48), its grid and the order of its tokens."""

    grid: int
    codes: torch.Tensor
    order: torch.Tensor  # int64 (g*g,): order[i] is the place in the grid of the level's i-th token

    @property
    def num_tokens(self) -> int:
        """Tokens of this level, one a place of the grid."""
        return self.grid * self.grid


class Pyramid:
    """Levels of the prefix; encodes pictures and gathers what tokens say.

    Args:
        grids: patches along a side, level by level, coarse to fine; a grid may stand twice.
        codebooks: float (num_codes, 48) of each level, num_codes <= 4095.
        side: pixels of the picture that is coded, at least four times the finest grid.
    """

    def __init__(self, grids: list[int], codebooks: list[torch.Tensor], side: int):
        self.levels = [
            Level(g, book.float(), torch.from_numpy(centre_out(g)).to(book.device))
            for g, book in zip(grids, codebooks, strict=True)
        ]
        self.side = side
        self.num_tokens = sum(level.num_tokens for level in self.levels)

    def encode(
        self, ycc: torch.Tensor, reference: torch.Tensor | None = None, margin: float = 0.0
    ) -> torch.Tensor:
        """Greedy tokens, coarse to fine.

        Args:
            ycc: (n, 3, H, W) from `to_ycc`.
            reference: int64 (n, L) codes to keep while their squared error exceeds the best one's by at most
                `margin` times the level's mean error; ZERO_FLAG entries are never kept.
            margin: see `reference`.
        Returns:
            int64 (n, L).
        """
        residual, tokens, start = resize(ycc, self.side), [], 0
        for level in self.levels:
            old = None
            if reference is not None:
                old = torch.empty_like(reference[:, start : start + level.num_tokens])
                old[:, level.order] = reference[:, start : start + level.num_tokens]
            index = self._nearest(to_patches(resize(residual, PATCH * level.grid)), level, old, margin)
            residual = residual - resize(from_patches(level.codes[index], level.grid), self.side)
            tokens.append(index[:, level.order])
            start += level.num_tokens
        return torch.cat(tokens, 1)  # (n, L)

    @staticmethod
    def _nearest(
        patches: torch.Tensor, level: Level, old: torch.Tensor | None, margin: float
    ) -> torch.Tensor:
        """Index (n, g*g) of the nearest code, or of the old one where that is nearly as near."""
        codes = level.codes
        # |p - c|^2 without |p|^2, which is the same for all codes
        score = codes.square().sum(1) - 2 * patches @ codes.T  # (n, g*g, num_codes)
        best, index = score.min(-1)
        if old is None:
            return index
        known = old < codes.shape[0]
        old = torch.where(known, old, index)
        excess = score.gather(-1, old[..., None])[..., 0] - best
        mean_error = (best + patches.square().sum(-1)).mean(-1, keepdim=True)
        return torch.where(known & (excess <= margin * mean_error), old, index)

    def gather(self, tokens: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """What the tokens say, level by level.

        Args:
            tokens: int64 (n, L); ZERO_FLAG (or any value beyond a codebook) is a missing token.
        Returns:
            pictures (n, 3, 4g, 4g), zero where tokens are missing, and presence masks float (n, 1, g, g).
        """
        pictures, masks, start = [], [], 0
        for level in self.levels:
            index = torch.empty_like(tokens[:, start : start + level.num_tokens])
            index[:, level.order] = tokens[:, start : start + level.num_tokens]
            present = (index < level.codes.shape[0]).to(level.codes)
            codes = level.codes[index.clamp(max=level.codes.shape[0] - 1)] * present[..., None]
            pictures.append(from_patches(codes, level.grid))
            masks.append(present.view(-1, 1, level.grid, level.grid))
            start += level.num_tokens
        return pictures, masks

    def picture(self, pictures: list[torch.Tensor]) -> torch.Tensor:
        """Sum of all levels at full side, (n, 3, side, side) in centred YCC."""
        return torch.stack([resize(p, self.side) for p in pictures]).sum(0)


def pad_tokens(tokens: torch.Tensor, num_tokens: int) -> torch.Tensor:
    """A prefix (n, l) filled with the zero flag to (n, L)."""
    return F.pad(tokens, (0, num_tokens - tokens.shape[1]), value=ZERO_FLAG)
