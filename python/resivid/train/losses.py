# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of the picture networks: pixels and features of frozen networks.

The features come from other networks than the one whose distance is reported (LPIPS-Alex), so that the
reported figure is not trained for.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from ..errors import WeightsError


def _load(folder: Path, name: str) -> dict[str, torch.Tensor]:
    path = folder / name
    if not path.is_file():
        raise WeightsError(f"{path} is missing: --loss-weights names the folder that holds lpips/ and vgg/")
    return {k: v.float() for k, v in load_file(path).items()}


class SmallVggFeatures(nn.Module):
    """Narrow distilled VGG19 encoder ("small_vgg19_16x_e5"): features at five depths, RGB in [0, 1]."""

    LAYERS = ("11", "12", "P", "21", "22", "P", "31", "32", "33", "34", "P", "41", "42", "43", "44", "P", "51")
    TAPS = ("12", "22", "32", "42", "51")

    def __init__(self, folder: Path, depth: int = 5):
        super().__init__()
        state = _load(folder, f"vgg/small_vgg19_16x_e{depth}.safetensors")
        names = self.LAYERS[: self.LAYERS.index(f"{depth}1") + 1]
        self.names = names
        self.convs = nn.ModuleDict()
        for name in ("0", *[n for n in names if n != "P"]):
            weight = state[f"conv{name}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
            conv.weight.data, conv.bias.data = weight, state[f"conv{name}.bias"]
            self.convs[name] = conv
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x, taps = self.convs["0"](x), []
        for name in self.names:
            if name == "P":
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convs[name](F.pad(x, (1, 1, 1, 1), mode="reflect")))
            if name in self.TAPS:
                taps.append(x)
        return taps


class SqueezeLpips(nn.Module):
    """LPIPS v0.1 with the SqueezeNet features; RGB in [0, 1]; distance (n,)."""

    FIRES = (3, 4, 6, 7, 9, 10, 11, 12)
    TAPS = (4, 7, 9, 10, 11, 12)

    def __init__(self, folder: Path):
        super().__init__()
        for name, value in _load(folder, "lpips/squeezenet1_1_features.safetensors").items():
            self.register_buffer(name.replace(".", "_"), value)
        for name, value in _load(folder, "lpips/lin_v0.1_squeeze.safetensors").items():
            self.register_buffer(name.replace(".", "_"), value)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))

    def _conv(self, x: torch.Tensor, name: str, **options) -> torch.Tensor:
        return F.conv2d(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"), **options)

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = F.relu(self._conv((2 * x - 1 - self.shift) / self.scale, "features_0", stride=2))
        taps = [x]
        for n in self.FIRES:
            if n in (3, 6, 9):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            s = F.relu(self._conv(x, f"features_{n}_squeeze"))
            x = torch.cat(
                [
                    F.relu(self._conv(s, f"features_{n}_expand1x1")),
                    F.relu(self._conv(s, f"features_{n}_expand3x3", padding=1)),
                ],
                1,
            )
            if n in self.TAPS:
                taps.append(x)
        return taps

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(a.shape[0], device=a.device)
        for i, (fa, fb) in enumerate(zip(self.features(a), self.features(b), strict=True)):
            fa = fa.float() / (fa.float().norm(dim=1, keepdim=True) + 1e-10)
            fb = fb.float() / (fb.float().norm(dim=1, keepdim=True) + 1e-10)
            weight = getattr(self, f"lin{i}_model_1_weight")
            total = total + F.conv2d((fa - fb).square(), weight).mean((1, 2, 3))
        return total


class PictureLoss(nn.Module):
    """L1 + small-VGG features + a little LPIPS-Squeeze; each weight as `train tokenizer` gives it."""

    def __init__(self, folder: Path, vgg_weight: float = 1.0, lpips_weight: float = 0.3):
        super().__init__()
        self.vgg, self.lpips = SmallVggFeatures(folder), SqueezeLpips(folder)
        self.vgg_weight, self.lpips_weight = vgg_weight, lpips_weight

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
        loss = 4 * l1 + 0.2 * self.vgg_weight * vgg + self.lpips_weight * lpips
        return {"loss": loss, "l1": l1.detach(), "vgg": vgg.detach(), "lpips_squeeze": lpips.detach()}
