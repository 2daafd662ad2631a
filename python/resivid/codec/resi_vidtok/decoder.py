# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiver side of Resi-VidTok: token state, detokenization, interpolation, (17) to (21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base import Payload, Unit
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

    def __init__(self, tokenizer: Tokenizer, interpolator: Interpolator, settings: ResiVidTokSettings):
        self.tokenizer, self.interpolator, self.settings = tokenizer, interpolator, settings
        self._parse = packing.parse_prefix if settings.gop_prefix else packing.parse
        self.reset()

    def reset(self) -> None:
        self._state = TokenState(self.tokenizer.num_tokens)
        self._next_frame = 0  # first frame of the next unit, as the receiver counts them
        self._screen = _Screen(self.tokenizer, self.interpolator, self.settings.stride)

    def unpack(self, payload: Payload | None) -> Unit:
        first_frame, gop_start = self._next_frame, False
        if payload is not None:
            first_frame, gop_start = payload.first_frame, payload.gop_start
            self._state.apply(self._parse(payload.bits, self.tokenizer.num_tokens), gop_start)
        self._next_frame = first_frame + self.settings.stride
        return Unit(first_frame, self.settings.stride, gop_start, data=self._state.tokens)

    def render(self, unit: Unit) -> list[np.ndarray]:
        if unit.end:
            return self._screen.finish(unit.num_frames)
        return self._screen.show(unit.first_frame, unit.data)


class _Screen:
    """Pictures of key frames to frames in order; at most S - 1 frames wait for the next key frame."""

    def __init__(self, tokenizer: Tokenizer, interpolator: Interpolator, stride: int):
        self._tokenizer, self._interpolator, self._stride = tokenizer, interpolator, stride
        self._num_frames = 0  # frames shown; after a key frame it is the last of them
        self._tokens: np.ndarray | None = None  # what the picture was decoded from
        self._picture: np.ndarray | None = None

    def show(self, first_frame: int, tokens: np.ndarray) -> list[np.ndarray]:
        """Frames up to the key frame `first_frame`; none for one that was shown already."""
        if first_frame < self._num_frames:
            return []
        missing = first_frame - self._num_frames  # frames between the last key frame and this one
        before = self._held_picture() if missing else None
        picture = self._decode(tokens)
        self._num_frames = first_frame + 1
        if before is None:
            return [picture]
        # Key frames that never came, not even as failed blocks: the picture stays until one stride before.
        held = max(missing - self._stride + 1, 0)
        return [*[before] * held, *self._interpolate(before, picture, missing - held), picture]

    def finish(self, num_frames: int) -> list[np.ndarray]:
        """The frames after the last key frame: it is held."""
        left = max(num_frames - self._num_frames, 0)
        self._num_frames += left
        return [self._held_picture()] * left if left else []

    def _held_picture(self) -> np.ndarray:
        if self._picture is None:  # nothing received yet: the picture of the zero state
            self._tokens = TokenState(self._tokenizer.num_tokens).tokens
            self._picture = self._tokenizer.decode(self._tokens[None])[0]
        return self._picture

    def _decode(self, tokens: np.ndarray) -> np.ndarray:
        """f_dec of (20), run only when the state changed."""
        if self._tokens is None or not np.array_equal(tokens, self._tokens):
            self._tokens = tokens
            self._picture = self._tokenizer.decode(tokens[None])[0]
        return self._held_picture()

    def _interpolate(self, first: np.ndarray, last: np.ndarray, count: int) -> list[np.ndarray]:
        """`count` frames at equal distances between two key frames, (21)."""
        if count == 0 or first is last:
            return [first] * count
        times = [(i + 1) / (count + 1) for i in range(count)]
        return list(self._interpolator.between(first, last, times))
