# SPDX-License-Identifier: GPL-3.0-or-later
"""Running token state, (19): at the receiver, and mirrored at the transmitter."""

from __future__ import annotations

import numpy as np

from ...models.tokenizers.base import ZERO_FLAG
from .packing import Update


class TokenState:
    """z~_t: the tokens that the receiver holds.

    Args:
        num_tokens: L.
    """

    def __init__(self, num_tokens: int):
        self._tokens = np.full(num_tokens, ZERO_FLAG, dtype=np.uint16)

    @property
    def tokens(self) -> np.ndarray:
        """A copy, uint16 (L,); the zero flag where nothing was received since the last reset."""
        return self._tokens.copy()

    def reset(self) -> None:
        """Zero state: as before the first key frame of a GOP."""
        self._tokens[:] = ZERO_FLAG

    def apply(self, update: Update, gop_start: bool) -> None:
        """Equation (19) for a block whose CRC holds; a failed one is never applied.

        Args:
            update: what the block says.
            gop_start: the block is its GOP's first, so the state starts from zero.
        """
        if gop_start:
            self.reset()
        self._tokens[: update.mask.size][update.mask] = update.values
