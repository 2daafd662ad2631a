# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiver side of Resi-VidTok: token state, detokenization, interpolation, (17) to (21)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..base import Payload, Unit
from ..screen import Screen
from . import packing
from .settings import ResiVidTokSettings
from .state import TokenState

if TYPE_CHECKING:
    from ...models.interpolation.base import Interpolator
    from ...models.tokenizers.base import Tokenizer


class ResiVidTokDecoder:
    """`CodecDecoder` of Resi-VidTok; a unit carries the token state after its key frame.

    Args:
        tokenizer: f_dec.
        interpolator: f_int.
        settings: as the encoder's.
    """

    wants_restart = False  # the next GOP starts from nothing anyway

    def __init__(self, tokenizer: Tokenizer, interpolator: Interpolator, settings: ResiVidTokSettings):
        self.tokenizer, self.interpolator, self.settings = tokenizer, interpolator, settings
        self._parse = packing.parse_prefix if settings.gop_prefix else packing.parse
        self.reset()

    def reset(self) -> None:
        """See `CodecDecoder.reset`."""
        self._state = TokenState(self.tokenizer.num_tokens)
        self._next_frame = 0  # first frame of the next unit, as the receiver counts them
        nothing = TokenState(self.tokenizer.num_tokens).tokens
        self._screen = Screen(self._picture, self.interpolator, self.settings.stride, nothing)

    def unpack(self, payload: Payload | None) -> Unit:
        """See `CodecDecoder.unpack`."""
        first_frame, gop_start = self._next_frame, False
        if payload is not None:
            first_frame, gop_start = payload.first_frame, payload.gop_start
            self._state.apply(self._parse(payload.bits, self.tokenizer.num_tokens), gop_start)
        self._next_frame = first_frame + self.settings.stride
        return Unit(first_frame, self.settings.stride, gop_start, data=self._state.tokens)

    def render(self, unit: Unit) -> Iterable[np.ndarray]:
        """See `CodecDecoder.render`."""
        if unit.end:
            return self._screen.finish(unit.num_frames)
        return self._screen.show(unit.first_frame, unit.data)

    def _picture(self, tokens: np.ndarray) -> np.ndarray:
        return self.tokenizer.decode(tokens[None])[0]
