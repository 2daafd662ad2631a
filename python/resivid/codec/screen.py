# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of key frames to frames in order, with the frames between them: section III-F."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..models.interpolation.base import one_by_one
from ..models.interpolation.cuts import is_cut

if TYPE_CHECKING:
    from ..models.interpolation.base import Interpolator


class Screen:
    """What a viewer sees; at most S - 1 frames wait for the next key frame.

    Args:
        decode: state of the receiver (as in `Unit.data`) to a picture, uint8 (H, W, 3).
        interpolator: f_int.
        stride: S, frames per key frame.
        nothing: the state before anything was received.
    """

    def __init__(
        self,
        decode: Callable[[np.ndarray], np.ndarray],
        interpolator: Interpolator,
        stride: int,
        nothing: np.ndarray,
    ):
        self._decode_state, self._interpolator, self._stride = decode, interpolator, stride
        self._nothing = nothing
        self._num_frames = 0  # frames shown; after a key frame it is the last of them
        self._state: np.ndarray | None = None  # what the picture was decoded from
        self._picture: np.ndarray | None = None

    def show(self, first_frame: int, state: np.ndarray) -> Iterator[np.ndarray]:
        """Frames up to the key frame `first_frame`, each when it is ready; none for one that was shown already.

        All of them are to be taken before anything else is asked for.
        """
        if first_frame < self._num_frames:
            return
        missing = first_frame - self._num_frames  # frames between the last key frame and this one
        before = self._held_picture() if missing else None
        picture = self._decode(state)
        self._num_frames = first_frame + 1
        if before is None:
            yield picture
            return
        # Key frames that never came, not even as failed blocks: the picture stays until one stride before.
        held = max(missing - self._stride + 1, 0)
        yield from [before] * held
        yield from self._interpolate(before, picture, missing - held)
        yield picture

    def finish(self, num_frames: int) -> list[np.ndarray]:
        """The frames after the last key frame: it is held."""
        left = max(num_frames - self._num_frames, 0)
        self._num_frames += left
        return [self._held_picture()] * left if left else []

    def _held_picture(self) -> np.ndarray:
        if self._picture is None:  # nothing received yet
            self._state = self._nothing
            self._picture = self._decode_state(self._nothing)
        return self._picture

    def _decode(self, state: np.ndarray) -> np.ndarray:
        """f_dec of (20), run only when the state changed."""
        if self._state is None or not np.array_equal(state, self._state):
            self._state = state
            self._picture = self._decode_state(state)
        return self._held_picture()

    def _interpolate(self, first: np.ndarray, last: np.ndarray, count: int) -> Iterator[np.ndarray]:
        """`count` frames at equal distances between two key frames, (21); across a cut the nearer one is held."""
        times = [(i + 1) / (count + 1) for i in range(count)]
        if count == 0 or first is last:
            yield from [first] * count
        elif is_cut(first, last):  # frames between two scenes would be ghosts of both
            yield from [first if time < 0.5 else last for time in times]
        else:
            yield from one_by_one(self._interpolator, first, last, times)
