# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual block of the picture networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))), the second convolution starting from zero.

    Args:
        width: channels.
        activation: act.
    """

    def __init__(self, width: int, activation: Callable[[torch.Tensor], torch.Tensor] = F.silu):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self._activation = activation
        for parameter in self.conv2.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, width, H, W) to the same shape."""
        return x + self.conv2(self._activation(self.conv1(self._activation(x))))
