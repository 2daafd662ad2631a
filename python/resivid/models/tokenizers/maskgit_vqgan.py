# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel decoder of MaskGIT's VQGAN (Chang et al., 2022): a grid of vectors to a picture 16 times as large.

Layout and names of its published PyTorch weights, as TiTok (Yu et al., 2024) fine-tunes them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

MULTIPLIERS = (1, 1, 2, 2, 4)  # channels of a level, finest first, in units of the width
FACTOR = 1 << (len(MULTIPLIERS) - 1)  # picture side over grid side
BLOCKS = 2  # residual blocks a level, and before the first
GROUPS = 32  # of each group normalisation: the width must be a multiple


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, channels, eps=1e-6)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after a normalisation and SiLU, beside a shortcut."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.norm1 = _norm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = _norm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.nin_shortcut = None
        if in_channels != out_channels:
            self.nin_shortcut = nn.Conv2d(out_channels, out_channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, h, w) to (n, out, h, w)."""
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        # The published network was trained with its shortcut reading the branch instead of the input.
        return y + (x if self.nin_shortcut is None else self.nin_shortcut(y))


class UpLevel(nn.Module):
    """One resolution: residual blocks, then doubling, except at the finest."""

    def __init__(self, in_channels: int, out_channels: int, finest: bool):
        super().__init__()
        self.block = nn.ModuleList(
            ResidualBlock(in_channels if i == 0 else out_channels, out_channels) for i in range(BLOCKS)
        )
        self.upsample_conv = None if finest else nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, h, w) to (n, out, 2h, 2w), at the finest to (n, out, h, w)."""
        for block in self.block:
            x = block(x)
        if self.upsample_conv is None:
            return x
        return self.upsample_conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class PixelDecoder(nn.Module):
    """Vectors of the pixel codebook to RGB.

    Args:
        in_channels: length of a vector, 256 as published.
        width: channels of the finest level, 128 as published.
    """

    def __init__(self, in_channels: int = 256, width: int = 128):
        super().__init__()
        coarsest = width * MULTIPLIERS[-1]
        self.conv_in = nn.Conv2d(in_channels, coarsest, 3, padding=1)
        self.mid = nn.ModuleList(ResidualBlock(coarsest, coarsest) for _ in range(BLOCKS))
        channels = [width * m for m in MULTIPLIERS] + [coarsest]
        # level i reads what level i + 1 gives: up[0] is the finest and runs last
        self.up = nn.ModuleList(
            UpLevel(channels[i + 1], channels[i], finest=i == 0) for i in range(len(MULTIPLIERS))
        )
        self.norm_out = _norm(width)
        self.conv_out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(n, in_channels, h, w) to RGB (n, 3, 16h, 16w), about [0, 1]."""
        x = self.conv_in(vectors)
        for layer in (*self.mid, *reversed(self.up)):
            x = layer(x)
        return self.conv_out(F.silu(self.norm_out(x)))
