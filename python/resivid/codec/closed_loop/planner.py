# SPDX-License-Identifier: GPL-3.0-or-later
"""What to send of a key frame: the updates with the most gain per bit that the budget holds.

For a price lambda of a bit, vectors and tokens are chosen that lower squared error + lambda * bits; the price is
then moved until the payload fits. For tokens the squared error counts by where it is seen (`visibility`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...models.motion import MotionSearch, block_errors
from ...models.tokenizers.base import VALUE_BITS
from ...models.tokenizers.moving_state import (
    GRIDS,
    SIDE,
    Leak,
    LevelUpdate,
    PictureState,
    StateUpdate,
    enlarge_level,
    predict,
    reduce_level,
)
from ...models.tokenizers.pyramid import PATCH, resize
from ...models.visibility import visibility
from . import syntax
from .block_choices import BlockChoices
from .price import PriceSearch

if TYPE_CHECKING:
    import torch

_MOST_TRIALS = 10
_LEAST_PRICE = 1e-7
_TOKEN_BITS = 18  # of one more token with its place: a payload that lacks less than that is full
# How much the visible error of each level counts: fine detail is worth more to the eye. On ten held-out clips 1.25 and
# 1.5 for the two finest levels give 22.97 dB and LPIPS 0.469, these 22.89 dB and 0.461 (key frames, S = 8, 1,067 bits).
_WORTH = (1.0, 1.0, 1.0, 1.0, 1.5, 2.25)
_STILL = np.zeros((1, 2), np.int64)
_PRUNABLE = 1.25  # a payload at most so many times too long is made to fit by leaving tokens out
_MOST_PRUNED = 3  # times that tokens are left out of a payload that is a little too long
_NOTHING = StateUpdate(None, [LevelUpdate(np.zeros((g, g), np.bool_), np.zeros(0, np.int64)) for g in GRIDS])


@dataclass(frozen=True)
class Plan:
    """An update and its bits."""

    update: StateUpdate
    written: syntax.Written


@dataclass(frozen=True)
class _Draft:
    """An update that is not written yet.

    Attributes:
        gains: float (updates,) of each level, visible error that a token takes away.
        length: bits that surely hold it.
    """

    update: StateUpdate
    gains: Sequence[np.ndarray]
    length: int


class Planner:
    """Chooses updates; remembers the last price and how often each level was refined.

    Args:
        codebooks: float (num_codes, 48) of each level.
        motion: whether blocks may move.
    """

    def __init__(self, codebooks: Sequence[torch.Tensor], motion: bool = True):
        self._codebooks = codebooks
        self._powers = [book.square().sum(1) for book in codebooks]
        self._num_codes = [len(book) for book in codebooks]
        self._motion = MotionSearch() if motion else None
        self.reset()

    def reset(self) -> None:
        """Forget what was learned from earlier key frames."""
        self._price = 3e-3
        self._share = np.array([0.3, 0.5, 0.4, 0.25, 0.05, 0.003])

    def plan(
        self,
        state: PictureState,
        target: torch.Tensor,
        budget_bits: int,
        now: np.ndarray | None = None,
        before: np.ndarray | None = None,
        leak: Leak | None = None,
    ) -> Plan:
        """The best update that fits.

        Args:
            state: what the receiver holds.
            target: float (3, SIDE, SIDE) YCC, what it should see.
            budget_bits: bits of the payload.
            now, before: uint8 (SIDE, SIDE, 3) RGB, this and the last key frame, for the search of motion;
                None: nothing moves.
            leak: what fades before the update.
        """
        choices: BlockChoices | None = None
        if self._motion is not None and now is not None and before is not None:
            shifts = self._motion.candidates(now, before)
            # a background keeps what a receiver missed for longer than a state that leaks does
            behind = block_errors(state.background, target, _STILL)[0] if leak is None else None
            choices = BlockChoices(shifts, block_errors(state.ycc, target, shifts), behind)
        seen = visibility(target)
        best: _Draft | None = None
        search = PriceSearch(self._price, budget_bits)
        for _ in range(_MOST_TRIALS):
            price = search.price
            field, recalled = choices.best(price) if choices is not None else (None, None)
            predicted = predict(state, field, recalled, leak).ycc
            levels, gains = self._levels(predicted, target, price, seen)
            update = StateUpdate(field, levels, recalled)
            draft = _Draft(update, gains, syntax.length(update, self._num_codes))
            fitting: _Draft | None = draft
            if draft.length > budget_bits:
                near = draft.length < _PRUNABLE * budget_bits
                fitting = self._pruned(draft, budget_bits) if near else None
            if fitting is not None and (best is None or fitting.length > best.length):
                best, self._price = fitting, price
                if fitting.length > budget_bits - _TOKEN_BITS:
                    break
            search.learn(draft.length)
            if search.settled or search.price < _LEAST_PRICE:  # or nothing is left to be sent
                break
        if best is not None:
            self._share = 0.5 * self._share + 0.5 * np.array(
                [level.mask.mean() for level in best.update.levels]
            )
        return self._written(best, budget_bits)

    def _written(self, draft: _Draft | None, budget_bits: int) -> Plan:
        if draft is not None:
            written = syntax.write(draft.update, self._num_codes)
            if written.bits.size <= budget_bits:  # as the length says
                return Plan(draft.update, written)
        return Plan(_NOTHING, syntax.write(_NOTHING, self._num_codes))

    def _pruned(self, draft: _Draft, budget_bits: int) -> _Draft | None:
        """The draft without the tokens of least gain, so that it fits; None where that takes too many trials.

        Only the two finest levels lose tokens: nothing builds on them.
        """
        levels, gains, length = list(draft.update.levels), list(draft.gains), draft.length
        for _ in range(_MOST_PRUNED):
            left_out = math.ceil((length - budget_bits) / VALUE_BITS)
            fine = np.concatenate(gains[-2:])
            if left_out > fine.size:
                return None
            least = np.partition(fine, left_out - 1)[left_out - 1]
            for number in (-2, -1):
                levels[number], gains[number] = _kept(levels[number], gains[number], gains[number] > least)
            update = replace(draft.update, levels=levels)
            length = syntax.length(update, self._num_codes)
            if length <= budget_bits:
                return _Draft(update, gains, length)
        return None

    def _levels(
        self, predicted: torch.Tensor, target: torch.Tensor, price: float, seen: torch.Tensor
    ) -> tuple[list[LevelUpdate], list[np.ndarray]]:
        """Level by level the patches whose gain is worth their bits, each level seeing the coarser ones' work.

        Returns:
            The levels, and the gain of each of their tokens in visible error.
        """
        ycc, levels, gains = predicted, [], []
        for number, (grid, book) in enumerate(zip(GRIDS, self._codebooks, strict=True)):
            patches = reduce_level(target - ycc, grid)
            share = min(max(self._share[number], 0.5 / grid**2), 0.95)
            bits = max(math.log2(len(book)) + math.log2((1 - share) / share), 1.0)
            scale = _WORTH[number] * (SIDE / (PATCH * grid)) ** 2 * resize(seen, grid).flatten()
            least = price * bits / scale  # gain in the reduced picture, of each place
            places = (patches.square().sum(1) > least).nonzero()[:, 0]  # no code gains more than that
            mask, values = np.zeros(grid * grid, np.bool_), np.zeros(0, np.int64)
            gain = np.zeros(0, np.float32)
            if len(places):
                scores = self._powers[number].addmm(patches[places], book.T, alpha=-2)
                score, index = scores.min(1)
                worth = -score > least[places]
                places, index = places[worth], index[worth]
                mask[places.numpy()] = True
                values = index.numpy()
                gain = (-score[worth] * scale[places]).numpy()
                chosen = patches.new_zeros(patches.shape)
                chosen[places] = book[index]
                ycc = ycc + enlarge_level(chosen, grid)
            levels.append(LevelUpdate(mask.reshape(grid, grid), values))
            gains.append(gain)
        return levels, gains


def _kept(level: LevelUpdate, gains: np.ndarray, kept: np.ndarray) -> tuple[LevelUpdate, np.ndarray]:
    """A level with only some of its tokens."""
    mask = level.mask.copy()
    mask[level.mask] = kept
    return LevelUpdate(mask, level.values[kept]), gains[kept]
