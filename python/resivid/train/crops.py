# SPDX-License-Identifier: GPL-3.0-or-later
"""All training pictures as one uint8 tensor on the device, and random windows cut out of it there."""

from __future__ import annotations

import copy

import numpy as np
import torch


class PictureBank:
    """Pictures of any size, one behind the other.

    Args:
        pictures: uint8 (H, W, 3) RGB each; the list is emptied, so that nothing stands in memory twice.
        device: where they lie.
    """

    def __init__(self, pictures: list[np.ndarray], device: torch.device | str = "cpu"):
        sizes = np.array([p.shape[:2] for p in pictures], np.int64).reshape(-1, 2)
        self.sizes = sizes  # (n, 2): height, width
        self._starts = np.concatenate([[0], np.cumsum(sizes.prod(1))])
        self.pixels = torch.empty((int(self._starts[-1]), 3), dtype=torch.uint8, device=device)
        for i in range(len(pictures) - 1, -1, -1):
            picture = torch.from_numpy(np.ascontiguousarray(pictures.pop()))
            self.pixels[self._starts[i] : self._starts[i + 1]] = picture.view(-1, 3)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        """One picture, uint8 (H, W, 3); a view where the pictures lie on the CPU."""
        flat = self.pixels[self._starts[index] : self._starts[index + 1]]
        return flat.cpu().numpy().reshape(*self.sizes[index], 3)

    def to(self, device: torch.device | str) -> PictureBank:
        """The same on a device."""
        out = copy.copy(self)
        out.pixels = self.pixels.to(device)
        return out

    def squares(
        self, count: int, rng: np.random.Generator, side: int = 256, shift_px: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Random square windows, mirrored half of the time, and the same windows a moment earlier.

        Args:
            shift_px: standard deviation of the camera's movement between the two, in pixels and axis.
        Returns:
            now and before, each uint8 (count, 3, side, side) on the device.
        """
        chosen = rng.integers(len(self), size=count)
        room = self.sizes[chosen] - side
        corner = rng.integers(room + 1)
        earlier = np.clip(np.rint(corner + rng.normal(0, shift_px, (count, 2))).astype(np.int64), 0, room)
        mirrored = rng.random(count) < 0.5
        return self._cut(chosen, corner, mirrored, side), self._cut(chosen, earlier, mirrored, side)

    def _cut(self, chosen: np.ndarray, corner: np.ndarray, mirrored: np.ndarray, side: int) -> torch.Tensor:
        axis = np.arange(side)
        columns = np.where(mirrored[:, None], axis[::-1], axis) + corner[:, 1:]  # (n, side)
        rows = (axis + corner[:, :1]) * self.sizes[chosen, 1:] + self._starts[chosen, None]
        device = self.pixels.device
        place = torch.from_numpy(rows).to(device)[:, :, None] + torch.from_numpy(columns).to(device)[:, None]
        return self.pixels[place].permute(0, 3, 1, 2)
