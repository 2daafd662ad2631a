# SPDX-License-Identifier: GPL-3.0-or-later
"""EBME: bi-directional flow by a small recurrent pyramid (Jin et al., WACV 2023), both pictures splatted to time t.

The flow network alone, whose weights are public; its synthesis network is replaced by averaging, so this is a
bar to measure against, not the published method.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..weight_files import fill, read_state, sha256_of
from .network import NetworkInterpolator, PictureAt

MULTIPLE = 16  # sides of the padded picture: three levels, features at a quarter
LEVELS = 3  # sides 1/4, 1/2, 1
RADIUS = 4  # of the correlation window, in places of the features
_WIDTHS = (245, 160, 128, 112, 96, 64)  # 81 correlations, features of both pictures, last features and flow


def _conv(in_channels: int, out_channels: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, side, stride, side // 2), nn.LeakyReLU(0.1, inplace=True)
    )


class FeaturePyramid(nn.Module):
    """Features at a quarter of the side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stage1 = nn.Sequential(*_conv(3, 24, 2), *_conv(24, 24), *_conv(24, 24))
        more = [layer for _ in range(5) for layer in _conv(48, 48)]
        self.conv_stage2 = nn.Sequential(*_conv(24, 48, 2), *more)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) to (n, 48, H / 4, W / 4)."""
        return self.conv_stage2(self.conv_stage1(picture))


class FlowEstimator(nn.Module):
    """One step of the pyramid: flow of both directions at a quarter of the level's side."""

    def __init__(self) -> None:
        super().__init__()
        for i, (before, after) in enumerate(zip(_WIDTHS[:-1], _WIDTHS[1:], strict=True), 1):
            setattr(self, f"conv_layer{i}", _conv(before, after, side=1 if i == 1 else 3))
        self.conv_layer6 = nn.Sequential(nn.Conv2d(_WIDTHS[-1], 4, 3, padding=1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Flow (n, 4, h, w) and the features (n, 64, h, w) that the next level sees."""
        for i in range(1, len(_WIDTHS)):
            x = getattr(self, f"conv_layer{i}")(x)
        return self.conv_layer6(x), x


class BiFlowNet(nn.Module):
    """Flows from the first picture to the last and back."""

    def __init__(self) -> None:
        super().__init__()
        self.feat_pyramid, self.flow_estimator = FeaturePyramid(), FlowEstimator()

    def forward(self, first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Pictures (1, 3, H, W) in [0, 1], sides multiples of MULTIPLE, to flows (1, 4, H, W) in pixels."""
        height, width = first.shape[2:]
        flow = first.new_zeros(1, 4, height // 16, width // 16)
        memory = first.new_zeros(1, _WIDTHS[-1], height // 16, width // 16)
        for level in range(LEVELS - 1, -1, -1):
            ends = [_resize(p, 1 / (1 << level)) for p in (first, last)]
            if level < LEVELS - 1:
                flow, memory = _resize(flow, 2) * 2, _resize(memory, 2)
                wide = _resize(flow, 4)
                ends = [splat(p, f / 2)[0] for p, f in zip(ends, wide.split(2, 1), strict=True)]
            features = [self.feat_pyramid(p) for p in ends]
            likeness = F.leaky_relu(correlation(*features), 0.1)
            flow, memory = self.flow_estimator(torch.cat([likeness, *features, memory, flow], 1))
        return _resize(flow, 4)


def _resize(x: torch.Tensor, factor: float) -> torch.Tensor:
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def correlation(first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """Mean product with each place of the window around: (n, 81, h, w), by dy, then dx."""
    height, width = first.shape[2:]
    wide = F.pad(last, (RADIUS,) * 4)
    window = range(2 * RADIUS + 1)
    parts = [
        (first * wide[:, :, y : y + height, x : x + width]).mean(1, keepdim=True)
        for y in window
        for x in window
    ]
    return torch.cat(parts, 1)


def splat(picture: torch.Tensor, flow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Forward warp: each pixel goes to the four around where its flow leads, which average what reaches them.

    Args:
        picture: (1, c, H, W).
        flow: (1, 2, H, W) in pixels, x then y.
    Returns:
        The picture, 0 where nothing arrives, and the weight (1, 1, H, W) that arrived.
    """
    _, channels, height, width = picture.shape
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[0, 0]
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[0, 1]
    values = torch.cat([picture[0], torch.ones_like(picture[0, :1])]).flatten(1)  # (c + 1, H W)
    total = torch.zeros_like(values)
    for column, row in ((x.floor() + i, y.floor() + j) for j in (0, 1) for i in (0, 1)):
        weight = (1 - (x - column).abs()) * (1 - (y - row).abs())
        weight = weight * ((column >= 0) & (column < width) & (row >= 0) & (row < height))
        place = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
        total.index_add_(1, place.flatten(), values * weight.flatten())
    arrived = total[-1:].view(1, 1, height, width)
    return total[:-1].view(1, channels, height, width) / arrived.clamp(min=1e-6), arrived


def load(path: Path, device: str = "cpu") -> EbmeInterpolator:
    """The interpolator of a weight file.

    Raises:
        WeightsError: missing, corrupt, or another network.
    """
    network = BiFlowNet()
    fill(network, read_state(path), path)
    return EbmeInterpolator(network, {path.name: sha256_of(path)}, device)


class EbmeInterpolator(NetworkInterpolator):
    """See `NetworkInterpolator`. Where neither picture arrives, both are cross-faded."""

    name = "ebme"

    def __init__(self, network: BiFlowNet, weights_sha256: dict[str, str] | None = None, device: str = "cpu"):
        super().__init__(network, MULTIPLE, weights_sha256, device)

    def _prepared(self, first: np.ndarray, last: np.ndarray) -> PictureAt:
        ends = self._tensor(first), self._tensor(last)
        forth, back = self.network(*ends).split(2, 1)

        def picture_at(t: float) -> torch.Tensor:
            (near, weight0), (far, weight1) = splat(ends[0], t * forth), splat(ends[1], (1 - t) * back)
            faded = (1 - t) * ends[0] + t * ends[1]
            weight0, weight1, rest = (1 - t) * weight0, t * weight1, 1e-3
            return (weight0 * near + weight1 * far + rest * faded) / (weight0 + weight1 + rest)

        return picture_at
