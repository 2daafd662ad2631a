# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the state leaks away before a key frame."""

from __future__ import annotations

from ...models.tokenizers.moving_state import Leak
from ...video.sampler import starts_gop
from .settings import ClosedLoopSettings

# Measured on nine held-out training clips, key frames, S = 8, N = 32, 1,067 bits (`none` loses nothing and never heals):
# none LPIPS 0.335, a start from nothing each GOP 0.386; with the coarse part of 8x8 pixels anew each GOP a fine share of
# 0.92, 0.95, 0.97 gives 0.353, 0.348, 0.348, of 16x16 pixels and 0.92 0.363, of 4x4 pixels and 0.92 0.348. A receiver that
# joins with a GOP has 0.45 after 4 key frames with 8x8, 0.41 with 16x16, 0.49 with 4x4 pixels.
FINE_SHARE = 0.94


def leak_before(first_frame: int, settings: ClosedLoopSettings) -> Leak | None:
    """With "refresh", the coarse part starts anew with each GOP and the fine one fades from key frame to key frame.

    So a late receiver has a coarse picture with the next GOP, and of what it lacks beyond that, or lost later, half is
    forgotten after eleven key frames.

    Args:
        first_frame: the key frame's index in the video.
    Returns:
        None where nothing leaks.
    """
    if settings.memory != "refresh":
        return None
    anew = starts_gop(first_frame, settings.stride, settings.gop)
    return Leak(coarse=0.0 if anew else 1.0, fine=FINE_SHARE)
