# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the blocks of the receiver's state have gone: candidates by optical flow, their errors block by block."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .tokenizers.moving_state import BLOCK, BLOCKS, REACH, SIDE

_NEIGHBOURS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


class MotionSearch:
    """Candidates come from the flow between two original pictures, errors from the state itself."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def candidates(self, now: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Shifts worth trying, no motion first.

        Args:
            now, before: uint8 (SIDE, SIDE, 3) RGB.
        Returns:
            int64 (n, 2), (x, y) in pixels, within REACH.
        """
        grey = [cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (now, before)]
        flow = self._flow.calc(grey[0], grey[1], None)  # now(x) looks like before(x + flow)
        blocks = flow.reshape(BLOCKS, BLOCK, BLOCKS, BLOCK, 2)
        found = np.concatenate([np.median(blocks, (1, 3)).reshape(-1, 2), blocks.mean((1, 3)).reshape(-1, 2)])
        found = np.clip(np.rint(found), -REACH, REACH).astype(np.int64)
        near = np.concatenate([found + step for step in _NEIGHBOURS])
        every = np.unique(np.clip(np.concatenate([[[0, 0]], near]), -REACH, REACH), axis=0)
        return every[np.argsort(np.abs(every).sum(1), kind="stable")]


def block_errors(ycc: torch.Tensor, target: torch.Tensor, shifts: np.ndarray) -> np.ndarray:
    """Squared error of each block for each shift.

    Args:
        ycc: float (3, SIDE, SIDE), the state.
        target: float (3, SIDE, SIDE), what it should become.
        shifts: int (n, 2) within REACH.
    Returns:
        float32 (n, BLOCKS, BLOCKS).
    """
    padded = torch.nn.functional.pad(ycc[None], (REACH,) * 4, mode="replicate")[0]
    errors = np.empty((len(shifts), BLOCKS, BLOCKS), np.float32)
    for number, (x, y) in enumerate(shifts.tolist()):
        moved = padded[:, REACH + y : REACH + y + SIDE, REACH + x : REACH + x + SIDE]
        squared = (moved - target).square_().sum(0)
        errors[number] = squared.view(BLOCKS, BLOCK, BLOCKS, BLOCK).sum((1, 3)).numpy()
    return errors
