# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder network: from the receiver's picture state to a picture.

Most work is done at 1/8 and 1/16 of the picture's side; pixel shuffles lead up to full size. Beside the state it
sees where tokens of each level have come and how fresh they are, so one network serves every prefix and every age.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from ..residual import ResidualBlock
from .moving_state import AGE_SIDE, GRIDS, SIDE
from .pyramid import to_rgb

UNSHUFFLE = SIDE // AGE_SIDE  # pixels of the state along the side of one place of the network's main stage
INPUT_CHANNELS = 3 * UNSHUFFLE**2 + len(GRIDS)


@dataclass(frozen=True)
class RefinerConfig:
    """Widths (channels) and residual blocks of each stage: side 16, 32, 64, 128."""

    widths: tuple[int, int, int, int] = (256, 160, 80, 40)
    blocks: tuple[int, int, int, int] = (3, 3, 2, 1)

    def to_dict(self) -> dict:
        """Plain values, as a weight file keeps them."""
        return asdict(self)


def _stage(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*[ResidualBlock(width) for _ in range(blocks)])


def _up(wide: int, narrow: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(wide, 4 * narrow, 1), nn.PixelShuffle(2))


class Refiner(nn.Module):
    """Adds to the enlarged state what the network has learned to expect.

    Fully convolutional: it also trains on crops.
    """

    def __init__(self, config: RefinerConfig):
        super().__init__()
        self.config = config
        w16, w32, w64, w128 = config.widths
        b16, b32, b64, b128 = config.blocks
        self.stem = nn.Conv2d(INPUT_CHANNELS, w32, 3, padding=1)
        self.down = nn.Conv2d(w32, w16, 4, stride=2, padding=1)
        self.body16 = _stage(w16, b16)
        self.up16 = _up(w16, w32)
        self.body32 = _stage(w32, b32)
        self.up32 = _up(w32, w64)
        self.detail64 = nn.Conv2d(12, w64, 3, padding=1)  # the state itself, one stage finer
        self.body64 = _stage(w64, b64)
        self.up64 = _up(w64, w128)
        self.body128 = _stage(w128, b128)
        self.head = nn.Sequential(nn.SiLU(), nn.Conv2d(w128, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, ycc: torch.Tensor, freshness: torch.Tensor) -> torch.Tensor:
        """RGB (n, 3, 8h, 8w), about [0, 1].

        Args:
            ycc: (n, 3, 4h, 4w) of `PictureState` or a crop of it, h and w even.
            freshness: (n, len(GRIDS), h, w), the same crop.
        """
        kind = self.stem.weight.dtype  # the enlarged state keeps full precision
        planes = torch.cat([F.pixel_unshuffle(ycc, UNSHUFFLE), freshness], 1)
        x = self.stem(planes.to(kind, memory_format=torch.channels_last))
        x = x + self.up16(self.body16(self.down(x)))
        x = self.up32(self.body32(x)) + self.detail64(F.pixel_unshuffle(ycc, 2).to(kind))
        detail = self.head(self.body128(self.up64(self.body64(x))))
        enlarged = F.interpolate(ycc, scale_factor=2, mode="bilinear", align_corners=False)
        return to_rgb(enlarged.float()) + detail.float()
