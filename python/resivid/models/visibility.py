# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an error is seen: contrast masking."""

from __future__ import annotations

import torch
import torch.nn.functional as F

_WINDOW = 8  # pixels of the state along the side of a place
# Variance of the luma (black to white is 1) below which a place counts as flat. On ten held-out training clips 2.5e-5, 1e-4 and
# 4e-4 give LPIPS 0.471, 0.470 and 0.468, no weights at all 0.474 (key frames, S = 8, 1,067 bits).
_FLAT = 2e-4


def visibility(target: torch.Tensor) -> torch.Tensor:
    """How much a squared error counts at each place: the inverse of the luma's local standard deviation.

    Strong texture hides errors (contrast masking). Counted alike everywhere, the squared error spends nearly all bits
    on a few edges and textures of high contrast.

    Args:
        target: float (3, S, S) YCC, S a multiple of 8.
    Returns:
        float (1, 1, S / 8, S / 8), mean 1.
    """
    luma = target[None, :1]
    mean = F.avg_pool2d(luma, _WINDOW)
    variance = (F.avg_pool2d(luma.square(), _WINDOW) - mean.square()).clamp(min=0)
    around = F.avg_pool2d(F.pad(variance, (1, 1, 1, 1), mode="replicate"), 3, 1)
    weight = (around + _FLAT).rsqrt()
    return weight / weight.mean()
