# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of the picture networks: pixels and features of frozen networks.

The features come from other networks than the one whose distance is reported (LPIPS-Alex), so that the
reported figure is not trained for.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..models.lpips import Lpips
from ..models.weight_files import find_file, read_state
from .settings import LossWeights

_VIEW_SHIFT = 8  # pixels, largest; the frozen networks sample in steps of 2 to 16
_RESIZED_SHARE, _VIEW_SCALES = 0.5, (0.6, 1.2)
_VGG_STEP = 4  # VGG16 is dear: it sees every fourth picture of a batch


class SmallVggFeatures(nn.Module):
    """Narrow distilled VGG19 encoder ("small_vgg19_16x_e5"): features at five depths, RGB in [0, 1]."""

    LAYERS = "11 12 P 21 22 P 31 32 33 34 P 41 42 43 44 P 51".split()  # P: halved by the maximum
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
        """Features of each layer of pictures (n, 3, H, W)."""
        x, taps = self.convs["0"](x), []
        for name in self.LAYERS:
            if name == "P":
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convs[name](F.pad(x, (1, 1, 1, 1), mode="reflect")))
            if name in self.TAPS:
                taps.append(x)
        return taps


def random_view(
    a: torch.Tensor, b: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same random window of both pictures, half of the time at another size.

    The frozen networks sample their features in steps of pixels. A network that always meets them at the same
    phase learns a regular texture that lies between the samples; seen from a random place it does not pay
    (Kettunen, Harkonen and Lehtinen 2019 defend LPIPS in this way).

    Args:
        a, b: (n, c, H, W), sides of at least 64 pixels.
    """
    y, x = (int(n) for n in rng.integers(_VIEW_SHIFT + 1, size=2))
    height, width = (int(n) - _VIEW_SHIFT for n in a.shape[-2:])
    pair = [p[..., y : y + height, x : x + width] for p in (a, b)]
    if rng.random() < _RESIZED_SHARE:
        size = [round(n * rng.uniform(*_VIEW_SCALES)) for n in (height, width)]
        pair = [
            F.interpolate(p.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
            for p in pair
        ]
    return pair[0], pair[1]


class PictureLoss(nn.Module):
    """Weighted sum of pixel errors and of distances in the features of frozen networks.

    Raises:
        WeightsError: the weights of a network that counts are not there.
    """

    def __init__(self, weights: LossWeights):
        super().__init__()
        self.weights = weights
        self.vgg = SmallVggFeatures() if weights.vgg else None
        self.lpips = Lpips("squeeze") if weights.lpips else None
        self.lpips_vgg = Lpips("vgg") if weights.lpips_vgg else None

    def forward(
        self, output: torch.Tensor, target: torch.Tensor, rng: np.random.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        """Loss terms; "loss" is the weighted sum.

        Args:
            output, target: pictures (n, 3, H, W) in [0, 1].
            rng: the frozen networks see `random_view`; None: the pictures as they are.
        """
        w, difference = self.weights, output.float() - target
        terms = {"l1": difference.abs().mean()}
        loss = w.l1 * terms["l1"]
        if w.l2:
            terms["l2"] = difference.square().mean()
            loss = loss + w.l2 * terms["l2"]
        if rng is not None:
            output, target = random_view(output, target, rng)
        if self.vgg is not None:
            terms["vgg"] = self._vgg_distance(self.vgg, output, target)
            loss = loss + w.vgg * terms["vgg"]
        if self.lpips is not None:
            terms["lpips_squeeze"] = self.lpips(output, target).mean()
            loss = loss + w.lpips * terms["lpips_squeeze"]
        if self.lpips_vgg is not None:
            first = int(rng.integers(_VGG_STEP)) if rng is not None else 0
            some = slice(min(first, len(output) - 1), None, _VGG_STEP)
            terms["lpips_vgg"] = self.lpips_vgg(output[some], target[some]).mean()
            loss = loss + w.lpips_vgg * terms["lpips_vgg"]
        return {"loss": loss, **{name: term.detach() for name, term in terms.items()}}

    @staticmethod
    def _vgg_distance(vgg: nn.Module, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Relative L1 of the features, summed over the depths."""
        with torch.no_grad():
            wanted = vgg(target)
        total = target.new_zeros(())
        for have, want in zip(vgg(output), wanted, strict=True):
            want = want.float()
            total = total + (have.float() - want).abs().mean() / (want.abs().mean() + 1e-3)
        return total
