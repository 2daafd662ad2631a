# SPDX-License-Identifier: GPL-3.0-or-later
"""Practical-RIFE 4.0: intermediate flow network IFNet, any time step ("fast mode": flow blocks only).

Reads released checkpoints (`flownet.pkl`, names start "module.") and their safetensors form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..weight_files import fill, read_state, sha256_of, write_tensors
from .base import check_arguments
from .warping import warp

WIDTHS = (192, 128, 96, 64)
SCALES = (8, 4, 2, 1)  # each block works on the picture reduced by this
MULTIPLE = 32  # sides of the padded picture: scale 8 and two strides of 2
# Parts of a released checkpoint that the fast mode does not use: refinement, training's teacher.
UNUSED = ("contextnet.", "unet.", "block_tea.")


def conv(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution with a slope per channel."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.PReLU(out_channels))


def resize(x: torch.Tensor, factor: float) -> torch.Tensor:
    """Bilinear by a factor; the identity for 1."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class FlowBlock(nn.Module):
    """Refines flow and mask at one scale."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv0 = nn.Sequential(conv(in_channels, width // 2, 2), conv(width // 2, width, 2))
        self.convblock = nn.Sequential(*[conv(width, width) for _ in range(8)])
        self.lastconv = nn.ConvTranspose2d(width, 5, 4, 2, 1)

    def forward(
        self, x: torch.Tensor, flow: torch.Tensor | None, scale: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Flow (n, 4, H, W) and mask (n, 1, H, W) to add, from the state (n, C, H, W) and the flow so far."""
        x = resize(x, 1 / scale)
        if flow is not None:
            x = torch.cat([x, resize(flow, 1 / scale) / scale], 1)
        x = self.conv0(x)  # (n, width, H / 4 scale, W / 4 scale)
        x = resize(self.lastconv(self.convblock(x) + x), 2 * scale)
        return x[:, :4] * (2 * scale), x[:, 4:]


class IFNet(nn.Module):
    """Flows from time t to both pictures, and the mask that blends the two warped pictures."""

    def __init__(self) -> None:
        super().__init__()
        for i, width in enumerate(WIDTHS):
            # pictures 6, time 1; later blocks also see the mask and the flows
            setattr(self, f"block{i}", FlowBlock(7 if i == 0 else 12, width))

    def forward(self, first: torch.Tensor, last: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Pictures at the given times.

        Args:
            first, last: (n, 3, H, W) RGB in [0, 1], sides multiples of 32.
            time: (n, 1, H, W), constant over each picture.
        Returns:
            (n, 3, H, W).
        """
        flow, mask = self.block0(torch.cat([first, last, time], 1), None, SCALES[0])
        for i in range(1, len(WIDTHS)):
            state = torch.cat([warp(first, flow[:, :2]), warp(last, flow[:, 2:]), time, mask], 1)
            more_flow, more_mask = getattr(self, f"block{i}")(state, flow, SCALES[i])
            flow, mask = flow + more_flow, mask + more_mask
        share = torch.sigmoid(mask)
        return share * warp(first, flow[:, :2]) + (1 - share) * warp(last, flow[:, 2:])


def is_checkpoint(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether tensors look like Practical-RIFE's, of whatever version."""
    return any(key.startswith("block0.conv0.") for key in state)


def flow_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors that the fast mode uses, from a released checkpoint or its safetensors form.

    Raises:
        WeightsError: the file is missing or cannot be read.
    """
    return {key: value for key, value in read_state(path).items() if not key.startswith(UNUSED)}


def load(path: Path, device: str = "cpu") -> RifeInterpolator:
    """The interpolator of a weight file.

    Raises:
        WeightsError: missing, corrupt, or not Practical-RIFE 4.0.
    """
    network = IFNet()
    fill(network, flow_state(path), path)
    return RifeInterpolator(network, {path.name: sha256_of(path)}, device)


def convert(source: Path, target: Path) -> None:
    """Write the tensors that `load` uses of a released checkpoint as safetensors, float32.

    Raises:
        WeightsError: the source is missing, corrupt or another network, or the target cannot be written.
    """
    network = IFNet()
    fill(network, flow_state(source), source)
    write_tensors(target, network.state_dict(), {})


class RifeInterpolator:
    """See `Interpolator`. Times are computed one by one: a frame does not depend on what else is asked for."""

    name = "rife"

    def __init__(self, network: IFNet, weights_sha256: dict[str, str] | None = None, device: str = "cpu"):
        self.weights_sha256, self.device = weights_sha256 or {}, torch.device(device)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """See `Interpolator.between`."""
        check_arguments(first, last, times)
        height, width = first.shape[:2]
        pictures = [self._padded(frame) for frame in (first, last)]
        out = np.empty((len(times), *first.shape), np.uint8)
        for i, t in enumerate(times):
            time = torch.full_like(pictures[0][:, :1], t)
            frame = self.network(*pictures, time)[0, :, :height, :width]
            out[i] = (frame.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return out

    def _padded(self, frame: np.ndarray) -> torch.Tensor:
        height, width = frame.shape[:2]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        frame = np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")
        picture = torch.from_numpy(frame).permute(2, 0, 1)[None].to(self.device)
        return (picture.float() / 255).contiguous(memory_format=torch.channels_last)
