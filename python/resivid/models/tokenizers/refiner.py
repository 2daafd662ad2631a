# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder network of the multi-scale tokenizer: from what the tokens say to a picture.

Most work is done at 1/8 and 1/16 of the picture's side; pixel shuffles lead up to full size. It sees each
level's picture and which tokens are present, so one network serves every prefix.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .pyramid import resize, to_rgb

BODY_SIDE = 32  # side in pixels of the main stage, for a 256x256 picture


@dataclass(frozen=True)
class RefinerConfig:
    """Widths (channels) and residual blocks of each stage: side 16, 32, 64, 128."""

    grids: tuple[int, ...] = (1, 2, 4, 8, 8, 16)
    widths: tuple[int, int, int, int] = (256, 160, 80, 40)
    blocks: tuple[int, int, int, int] = (3, 3, 2, 1)

    def to_dict(self) -> dict:
        return asdict(self)


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), the second convolution starting from zero."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        for parameter in self.conv2.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


def _stage(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*[ResidualBlock(width) for _ in range(blocks)])


def _up(wide: int, narrow: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(wide, 4 * narrow, 1), nn.PixelShuffle(2))


def input_channels(grids: tuple[int, ...]) -> int:
    """Channels that `stack_levels` gives: 3 for each level up to 32 pixels, 12 for 64, 1 mask each."""
    return sum(3 if g * 4 <= BODY_SIDE else 3 * (g * 4 // BODY_SIDE) ** 2 for g in grids) + len(grids)


def stack_levels(pictures: list[torch.Tensor], masks: list[torch.Tensor]) -> torch.Tensor:
    """Network input (n, channels, 32, 32) from `Pyramid.gather`; no level loses a pixel."""
    planes = []
    for p in pictures:
        factor = p.shape[-1] // BODY_SIDE
        planes.append(F.pixel_unshuffle(p, factor) if factor > 1 else resize(p, BODY_SIDE))
    # a mask finer than the body's grid is not used (grids end at 16)
    planes += [F.interpolate(m, size=BODY_SIDE, mode="nearest") for m in masks]
    return torch.cat(planes, 1)


class Refiner(nn.Module):
    """Adds to the enlarged pyramid picture what the network has learned to expect.

    Fully convolutional: it also trains on crops of the token map.
    """

    def __init__(self, config: RefinerConfig):
        super().__init__()
        self.config = config
        w16, w32, w64, w128 = config.widths
        b16, b32, b64, b128 = config.blocks
        self.stem = nn.Conv2d(input_channels(config.grids), w32, 3, padding=1)
        self.down = nn.Conv2d(w32, w16, 4, stride=2, padding=1)
        self.body16 = _stage(w16, b16)
        self.up16 = _up(w16, w32)
        self.body32 = _stage(w32, b32)
        self.up32 = _up(w32, w64)
        self.body64 = _stage(w64, b64)
        self.up64 = _up(w64, w128)
        self.body128 = _stage(w128, b128)
        self.head = nn.Sequential(nn.SiLU(), nn.Conv2d(w128, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, levels: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """RGB (n, 3, 8h, 8w), about [0, 1].

        Args:
            levels: (n, channels, h, w) of `stack_levels` or a crop of it.
            base: (n, 3, 2h, 2w) centred YCC picture of the pyramid, the same crop.
        """
        x = self.stem(levels)
        x = x + self.up16(self.body16(self.down(x)))
        x = self.body64(self.up32(self.body32(x)))
        detail = self.head(self.body128(self.up64(x)))
        enlarged = F.interpolate(base, scale_factor=4, mode="bilinear", align_corners=False)
        return to_rgb(enlarged).to(detail.dtype) + detail
