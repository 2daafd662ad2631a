# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the state starts from nothing with a key frame."""

from __future__ import annotations

import numpy as np

from ...models.tokenizers.moving_state import BLOCKS
from .settings import ClosedLoopSettings


def renewed_blocks(first_frame: int, settings: ClosedLoopSettings) -> np.ndarray | None:
    """With "refresh", one block of each two by two in turn: a GOP renews the whole picture.

    Args:
        first_frame: the key frame's index in the video.
    Returns:
        bool (BLOCKS, BLOCKS); None where nothing is renewed.
    """
    if settings.memory != "refresh":
        return None
    every = max(settings.gop // settings.stride, 1)  # key frames of a GOP
    turn = first_frame // settings.stride % every
    order = np.array([[0, 2], [3, 1]])  # neighbours do not follow each other
    place = np.tile(order, (BLOCKS // 2, BLOCKS // 2))
    if every < 4:
        return place % every == turn
    blocks = place + 4 * (np.add.outer(np.arange(BLOCKS) // 2, np.arange(BLOCKS) // 2) % (every // 4))
    return blocks == turn
