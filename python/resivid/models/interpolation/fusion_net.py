# SPDX-License-Identifier: GPL-3.0-or-later
"""Optical flow refined, and the two warped pictures blended, by a small network.

The two coarsest blocks of an intermediate flow network (IFNet, Huang et al., ECCV 2022) are replaced by DIS flow,
which costs a few milliseconds and needs no training. What is left for the network: small corrections of the
flow, which of the two pictures to believe where they disagree, and what coding took from both.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ...errors import WeightsError
from ..residual import ResidualBlock
from ..weight_files import fill, read_metadata, read_state, write_tensors
from .warping import warp

FORMAT = "resivid-fusion-1"
MULTIPLE = 8  # sides of the padded picture: pixels gathered by 4, one stride of 2
CELL = 4  # pixels along the side of one place of the network
FLOW_SCALE = 16.0  # pixels that count as 1
CORRECTION_PX = 8.0  # flow corrections are about this times the network's output
# two warped pictures; both trusts, both flows and the time, once a place
INPUT_CHANNELS = 2 * 3 * CELL**2 + 2 + 4 + 1
OUTPUT_CHANNELS = 4 + (1 + 3) * CELL**2  # corrections of both flows; shares and residuals of each pixel


@dataclass(frozen=True)
class FusionConfig:
    """Channels at a quarter and at an eighth of the side, and residual blocks at each."""

    widths: tuple[int, int] = (48, 80)
    blocks: tuple[int, int] = (1, 2)

    def to_dict(self) -> dict:
        """Plain values, as a weight file keeps them."""
        return asdict(self)


def _activation(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2)


class FusionNet(nn.Module):
    """From two pictures and the flows between them to the picture at a time between.

    It starts as what it refines: its last convolution is zero, so flow, blend and residual are those of
    `classical.FlowInterpolator`.
    """

    def __init__(self, config: FusionConfig = FusionConfig()):
        super().__init__()
        self.config = config
        wide, narrow = config.widths[1], config.widths[0]
        self.stem = nn.Conv2d(INPUT_CHANNELS, narrow, 3, padding=1)
        self.down = nn.Conv2d(narrow, wide, 4, stride=2, padding=1)
        self.body8 = nn.Sequential(*[ResidualBlock(wide, _activation) for _ in range(config.blocks[1])])
        self.up = nn.Sequential(nn.Conv2d(wide, 4 * narrow, 1), nn.PixelShuffle(2))
        self.body4 = nn.Sequential(*[ResidualBlock(narrow, _activation) for _ in range(config.blocks[0])])
        self.head = nn.Conv2d(narrow, OUTPUT_CHANNELS, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        first: torch.Tensor,
        last: torch.Tensor,
        forth: torch.Tensor,
        back: torch.Tensor,
        time: torch.Tensor,
        corner: torch.Tensor | None = None,
        strength: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Pictures at the given times.

        Args:
            first, last: (n, 4, H, W) RGB in [0, 1] and trust in (0, 1].
            forth, back: (n, 2, h, w) flow from first to last and back in the window that is wanted, x then y, in
                pixels; sides multiples of MULTIPLE.
            time: (n, 1, 1, 1), each inside (0, 1).
            corner: (n, 2) of the window, x then y; None: it is the whole picture.
            strength: (n, 1, 1, 1), each in [0, 1], what of the network's corrections counts; None: all.
        Returns:
            float (n, 3, h, w), about [0, 1].
        """
        motion = (1 - time) * forth - time * back  # first to last, seen at the time
        flow0, flow1 = -time * motion, (1 - time) * motion
        warped0, warped1 = warp(first, flow0, corner), warp(last, flow1, corner)
        out = self._network(warped0, warped1, flow0, flow1, time)
        strength = torch.ones_like(time) if strength is None else strength
        out = strength * out
        corrections = F.interpolate(out[:, :4], scale_factor=CELL, mode="bilinear", align_corners=False)
        flow0, flow1 = flow0 + CORRECTION_PX * corrections[:, :2], flow1 + CORRECTION_PX * corrections[:, 2:]
        warped0, warped1 = warp(first, flow0, corner), warp(last, flow1, corner)
        details = F.pixel_shuffle(out[:, 4:], CELL)  # (n, 4, h, w)
        # without the network both pictures are mixed more evenly: 0.05 dB between clean key frames
        odds = (1 + strength) / 2 * torch.log(warped0[:, 3:] / warped1[:, 3:]) + torch.log((1 - time) / time)
        share = torch.sigmoid(odds + details[:, :1])
        return share * warped0[:, :3] + (1 - share) * warped1[:, :3] + details[:, 1:]

    def _network(
        self,
        warped0: torch.Tensor,
        warped1: torch.Tensor,
        flow0: torch.Tensor,
        flow1: torch.Tensor,
        time: torch.Tensor,
    ) -> torch.Tensor:
        pictures = torch.cat([warped0[:, :3], warped1[:, :3]], 1) - 0.5
        places = torch.cat([warped0[:, 3:], warped1[:, 3:], flow0 / FLOW_SCALE, flow1 / FLOW_SCALE], 1)
        places = F.avg_pool2d(places, CELL)
        times = time.expand(-1, 1, *places.shape[2:])
        x = torch.cat([F.pixel_unshuffle(pictures, CELL), places, times], 1)
        x = self.stem(x.to(self.stem.weight.dtype, memory_format=torch.channels_last))
        x = x + self.up(self.body8(self.down(_activation(x))))
        return self.head(_activation(self.body4(x))).float()


def save(path: Path, network: FusionNet, notes: dict[str, str]) -> None:
    """Write the network as fp16 safetensors; `notes` go into the metadata."""
    metadata = {"format": FORMAT, "config": json.dumps(network.config.to_dict()), **notes}
    write_tensors(path, {k: v.half() for k, v in network.state_dict().items()}, metadata)


def _config(path: Path, metadata: dict[str, str]) -> FusionConfig:
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path}: these are no weights of the interpolator fusion ({FORMAT})")
    try:
        raw = json.loads(metadata["config"])
        (w4, w8), (b4, b8) = ([int(n) for n in raw[key]] for key in ("widths", "blocks"))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{path}: its configuration cannot be read ({error})") from error
    if not (1 <= min(w4, w8) <= max(w4, w8) <= 1024 and 0 <= min(b4, b8) <= max(b4, b8) <= 32):
        raise WeightsError(f"{path}: its configuration is out of bounds: {raw}")
    return FusionConfig((w4, w8), (b4, b8))


def load_network(path: Path) -> FusionNet:
    """The network of a weight file.

    Raises:
        WeightsError: unreadable, of another architecture, or a tensor missing, left over or misshapen.
    """
    config = _config(path, read_metadata(path))
    with torch.device("meta"):  # shapes alone: what a file claims must not take memory before it is compared
        network = FusionNet(config)
    fill(network, read_state(path), path)
    return network
