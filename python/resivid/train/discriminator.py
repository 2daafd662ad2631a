# SPDX-License-Identifier: GPL-3.0-or-later
"""Patch discriminator with the hinge loss: whether each patch of a picture could be a photograph's.

Patches as in Isola et al. (CVPR 2017), hinge loss as in Lim and Ye (2017), on crops.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (32, 64, 128)  # channels after each halving


class PatchDiscriminator(nn.Module):
    """Scores (n, 1, H/8, W/8) of pictures (n, 3, H, W), RGB in [0, 1]; above zero: real."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, width in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [spectral_norm(nn.Conv2d(before, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        layers += [spectral_norm(nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 3, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(WIDTHS[-1], 1, 3, padding=1))

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Scores (n, 1, H/8, W/8) of RGB (n, 3, H, W) in [0, 1]."""
        return self.layers(2 * rgb - 1)


def hinge(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """The discriminator's loss of its scores for real and for made pictures."""
    return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + made).mean())


def balanced_gradient(
    output: torch.Tensor, loss: torch.Tensor, adversarial: torch.Tensor, strength: float
) -> torch.Tensor:
    """Gradient of the loss at the picture, plus the adversarial one at `strength` times its length.

    A fixed weight would mean another thing at each stage of a run; Esser et al. (CVPR 2021) balance the two
    at the last layer, which takes one more pass back.
    """
    wanted = torch.autograd.grad(loss, output, retain_graph=True)[0]
    judged = torch.autograd.grad(adversarial, output, retain_graph=True)[0]
    length = judged.float().norm()
    return (
        wanted + strength * wanted.float().norm() / length.clamp(min=torch.finfo(torch.float32).tiny) * judged
    )
