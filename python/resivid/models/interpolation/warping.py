# SPDX-License-Identifier: GPL-3.0-or-later
"""Backward warping by optical flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def warp(picture: torch.Tensor, flow: torch.Tensor, corner: torch.Tensor | None = None) -> torch.Tensor:
    """Backward warp: out(x) = picture(corner + x + flow(x)), bilinear, edge pixels repeated.

    Args:
        picture: (n, c, H, W).
        flow: (n, 2, h, w) in pixels, x then y.
        corner: (n, 2) where the flow's first place lies in the picture; None: at its first pixel.
    """
    (height, width), (rows, columns) = picture.shape[2:], flow.shape[2:]
    x = torch.arange(columns, device=flow.device, dtype=flow.dtype) + flow[:, 0]
    y = torch.arange(rows, device=flow.device, dtype=flow.dtype)[:, None] + flow[:, 1]
    if corner is not None:
        x, y = x + corner[:, 0, None, None], y + corner[:, 1, None, None]
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=True)
