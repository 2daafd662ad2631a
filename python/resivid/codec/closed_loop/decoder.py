# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiver side of the closed loop: the state follows the payloads, a network makes pictures of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ...models.tokenizers.moving_state import PictureState, apply
from ..base import Payload, Unit
from ..screen import Screen
from . import syntax
from .memory import leak_before
from .settings import ClosedLoopSettings, codebooks_of

if TYPE_CHECKING:
    from ...models.interpolation.base import Interpolator
    from ...models.tokenizers.multiscale import MultiscaleTokenizer


class ClosedLoopDecoder:
    """`CodecDecoder` of the closed loop; a unit carries the state after its key frame.

    Args:
        tokenizer: its codebooks and its network are used.
        interpolator: f_int.
        settings: as the encoder's.
    Raises:
        SettingsError: the tokenizer has no codebooks.
    """

    def __init__(
        self, tokenizer: MultiscaleTokenizer, interpolator: Interpolator, settings: ClosedLoopSettings
    ):
        self.tokenizer, self.interpolator, self.settings = tokenizer, interpolator, settings
        self._codebooks = codebooks_of(tokenizer)
        self._num_codes = [len(book) for book in self._codebooks]
        self.reset()

    def reset(self) -> None:
        """See `CodecDecoder.reset`."""
        self._state = PictureState()
        self.wants_restart = self.settings.memory == "feedback"  # until a payload starts from nothing
        self._next_frame = 0  # first frame of the next unit, as the receiver counts them
        self._screen = Screen(
            self._picture, self.interpolator, self.settings.stride, PictureState().to_bytes()
        )

    @property
    def state(self) -> PictureState:
        """After the last payload."""
        return self._state

    def unpack(self, payload: Payload | None) -> Unit:
        """See `CodecDecoder.unpack`."""
        first_frame, gop_start = self._next_frame, False
        if payload is not None:
            first_frame, gop_start = payload.first_frame, payload.gop_start
            update = syntax.read(payload.bits, self._num_codes)
            state = PictureState() if gop_start else self._state
            leak = leak_before(first_frame, self.settings)
            self._state = apply(state, update, self._codebooks, leak)
            self.wants_restart &= not gop_start
        self._next_frame = first_frame + self.settings.stride
        return Unit(first_frame, self.settings.stride, gop_start, data=self._state.to_bytes())

    def render(self, unit: Unit) -> Iterable[np.ndarray]:
        """See `CodecDecoder.render`."""
        if unit.end:
            return self._screen.finish(unit.num_frames)
        return self._screen.show(unit.first_frame, unit.data)

    def _picture(self, data: np.ndarray) -> np.ndarray:
        return self.tokenizer.picture(PictureState.from_bytes(data))
