# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of the picture networks: pixels and features of frozen networks.

The features come from other networks than the one whose distance is reported (LPIPS-Alex), so that the
reported figure is not trained for.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..models.lpips import Lpips
from ..models.weight_files import find_file, read_state


class SmallVggFeatures(nn.Module):
    """Narrow distilled VGG19 encoder ("small_vgg19_16x_e5"): features at five depths, RGB in [0, 1]."""

    LAYERS = (
        "11",
        "12",
        "P",
        "21",
        "22",
        "P",
        "31",
        "32",
        "33",
        "34",
        "P",
        "41",
        "42",
        "43",
        "44",
        "P",
        "51",
    )
    TAPS = ("12", "22", "32", "42", "51")

    def __init__(self) -> None:
        super().__init__()
        state = read_state(find_file("vgg/small_vgg19_16x_e5.safetensors"))
        self.convs = nn.ModuleDict()
        for name in ("0", *[n for n in self.LAYERS if n != "P"]):
            weight, bias = state[f"conv{name}.weight"].float(), state[f"conv{name}.bias"].float()
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
            conv.load_state_dict({"weight": weight, "bias": bias})
            self.convs[name] = conv
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x, taps = self.convs["0"](x), []
        for name in self.LAYERS:
            if name == "P":
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convs[name](F.pad(x, (1, 1, 1, 1), mode="reflect")))
            if name in self.TAPS:
                taps.append(x)
        return taps


class PictureLoss(nn.Module):
    """4 L1 + relative L1 of small-VGG features + LPIPS-Squeeze.

    LPIPS-Squeeze stays below a third of the L1 weight: as the main loss it makes the decoder paint a regular
    texture that only the distance likes.
    """

    def __init__(self, l1_weight: float = 4.0, vgg_weight: float = 0.3, lpips_weight: float = 1.2):
        super().__init__()
        self.vgg, self.lpips = SmallVggFeatures(), Lpips("squeeze")
        self.l1_weight, self.vgg_weight, self.lpips_weight = l1_weight, vgg_weight, lpips_weight

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        """Loss terms; "loss" is the weighted sum. Pictures (n, 3, H, W) in [0, 1]."""
        l1 = (output.float() - target).abs().mean()
        with torch.no_grad():
            wanted = self.vgg(target)
        vgg = torch.zeros(())
        for have, want in zip(self.vgg(output), wanted, strict=True):
            want = want.float()
            vgg = vgg + (have.float() - want).abs().mean() / (want.abs().mean() + 1e-3)
        lpips = self.lpips(output, target).mean()
        loss = self.l1_weight * l1 + self.vgg_weight * vgg + self.lpips_weight * lpips
        return {"loss": loss, "l1": l1.detach(), "vgg": vgg.detach(), "lpips_squeeze": lpips.detach()}
