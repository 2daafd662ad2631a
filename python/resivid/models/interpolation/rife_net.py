# SPDX-License-Identifier: GPL-3.0-or-later
"""Practical-RIFE's intermediate flow network IFNet, any time step ("fast mode": flow blocks only).

Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV 2022, section 3,
without distillation and refinement; the time step of the later releases is one more input channel.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from .rife_versions import Encoder, Version
from .warping import warp

SLOPE = 0.2  # of LeakyReLU


def resize(x: torch.Tensor, factor: float) -> torch.Tensor:
    """Bilinear by a factor; the identity for 1."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def convolution(in_channels: int, out_channels: int, stride: int, learned_slope: bool) -> nn.Sequential:
    """3x3 convolution and its activation."""
    slope = nn.PReLU(out_channels) if learned_slope else nn.LeakyReLU(SLOPE)
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride, 1), slope)


def encoder(layout: Encoder) -> nn.Sequential:
    """Features (n, layout.channels, H, W) of pictures (n, 3, H, W), under the names of the checkpoint."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    *inner, last = layout.names
    for i, name in enumerate(inner):
        layers[name] = nn.Conv2d(3 if i == 0 else layout.hidden, layout.hidden, 3, 2 if i == 0 else 1, 1)
        if len(inner) > 1:  # the encoder of two layers has no activation
            layers[f"activation{i}"] = nn.LeakyReLU(SLOPE)
    layers[last] = nn.ConvTranspose2d(layout.hidden, layout.channels, 4, 2, 1)
    return nn.Sequential(layers)


class Residual(nn.Module):
    """Residual unit whose branch has a factor per channel."""

    def __init__(self, width: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, width, h, w) to the same shape."""
        return F.leaky_relu(self.conv(x) * self.beta + x, SLOPE)


class FlowBlock(nn.Module):
    """Refines flow and mask at one scale."""

    def __init__(self, in_channels: int, width: int, version: Version):
        super().__init__()
        self.residual = version.residual
        plain = not version.residual
        self.conv0 = nn.Sequential(
            convolution(in_channels, width // 2, 2, plain), convolution(width // 2, width, 2, plain)
        )
        units = [
            convolution(width, width, 1, True) if plain else Residual(width, version.groups) for _ in range(8)
        ]
        self.convblock = nn.Sequential(*units)
        if plain:
            self.lastconv: nn.Module = nn.ConvTranspose2d(width, version.last, 4, 2, 1)
        else:
            up = nn.ConvTranspose2d(width, 4 * version.last, 4, 2, 1)
            self.lastconv = nn.Sequential(up, nn.PixelShuffle(2))

    def forward(
        self, x: torch.Tensor, flow: torch.Tensor | None, scale: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Flows (n, 4, H, W) to add and the rest (n, last - 4, H, W), from the state (n, C, H, W) and the flow."""
        x = resize(x, 1 / scale)
        if flow is not None:
            x = torch.cat([x, resize(flow, 1 / scale) / scale], 1)
        x = self.conv0(x)  # (n, width, H / 4 scale, W / 4 scale)
        y = self.convblock(x)
        up = self.lastconv(y if self.residual else y + x)
        coarser = scale if self.residual else 2 * scale  # without pixel shuffle the output has half the sides
        up = resize(up, coarser)
        return up[:, :4] * coarser, up[:, 4:]


class IFNet(nn.Module):
    """Flows from time t to both pictures, and the mask that blends the two warped pictures."""

    def __init__(self, version: Version) -> None:
        super().__init__()
        self.version = version
        pictures = 6 if version.encoder is None else 6 + 2 * version.encoder.channels
        for i, width in enumerate(version.widths):
            # pictures and features, time 1; later blocks also see mask 1, flows 4 and what the last one hands on
            more = 1 if i == 0 else 6 + version.carried
            setattr(self, f"block{i}", FlowBlock(pictures + more, width, version))
        if version.encoder is not None:
            self.encode = encoder(version.encoder)

    def described(self, picture: torch.Tensor) -> torch.Tensor:
        """The picture (n, 3, H, W), RGB in [0, 1], with its features: (n, 3 + features, H, W)."""
        return picture if self.version.encoder is None else torch.cat([picture, self.encode(picture)], 1)

    def forward(self, first: torch.Tensor, last: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Pictures at the given times.

        Args:
            first, last: from `described`, sides multiples of `version.multiple`.
            time: (n, 1, H, W), constant over each picture.
        Returns:
            (n, 3, H, W).
        """
        version = self.version
        flow = mask = None
        before, after, handed = first, last, time[:, :0]
        for i, scale in enumerate(version.scales):
            state = [before[:, :3], after[:, :3], before[:, 3:], after[:, 3:], time]
            if mask is not None:
                state += [mask, handed]
            more_flow, rest = getattr(self, f"block{i}")(torch.cat(state, 1), flow, scale)
            flow = more_flow if flow is None else flow + more_flow
            mask = mask + rest[:, :1] if mask is not None and version.adds_mask else rest[:, :1]
            handed = rest[:, 1 : 1 + version.carried]
            before, after = warp(first, flow[:, :2]), warp(last, flow[:, 2:])
        assert mask is not None  # no version is without blocks
        share = torch.sigmoid(mask)
        return share * before[:, :3] + (1 - share) * after[:, :3]
