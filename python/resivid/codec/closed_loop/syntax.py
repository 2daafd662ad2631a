# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits of the closed loop: shifts, then level by level which patches are refined, and their values.

Everything passes one range coder. Contexts come from this payload alone, so a lost one garbles no other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...models.tokenizers.moving_state import GRIDS, LevelUpdate, StateUpdate
from . import code_length, vectors
from .range_coder import BitModel, RangeDecoder, RangeEncoder

WIRE_VERSION = 2  # 2: `refresh` leaks; blocks come back from the background
# Refined patches of a thousand that both ends expect, level by level, when neither neighbour above nor left is,
# when one is, when both are; counted on training clips at 1,067 bits a key frame.
_EXPECTED = (
    (34, 500, 500),
    (226, 618, 846),
    (314, 596, 809),
    (161, 384, 633),
    (43, 232, 474),
    (2, 119, 392),
)
_CONFIDENCE = 30  # symbols that the expectation counts for


@dataclass(frozen=True)
class Written:
    """Bits of a payload, uint8 without the padding, and about how many of them say where and what."""

    bits: np.ndarray
    header_bits: int
    body_bits: int


def _models(level: int) -> list[BitModel]:
    return [BitModel.expecting(permille, _CONFIDENCE) for permille in _EXPECTED[level]]


def write(update: StateUpdate, num_codes: list[int]) -> Written:
    """The fewest bits that say `update`; values are below the level's `num_codes`."""
    encoder = RangeEncoder()
    vectors.write(encoder, update.field, update.recalled)
    value_bits = 0.0
    for number, level in enumerate(update.levels):
        _write_mask(encoder, level.mask, number)
        for value in level.values:
            encoder.number(int(value), num_codes[number])
        value_bits += level.values.size * float(np.log2(num_codes[number]))
    bits = encoder.finish()
    body = min(round(value_bits), bits.size)
    return Written(bits, bits.size - body, body)


def length(update: StateUpdate, num_codes: list[int]) -> int:
    """Bits that hold `write(update, num_codes)`, found without writing; a few more at most."""
    total = code_length.of_vectors(update.field, update.recalled)
    for number, level in enumerate(update.levels):
        total += mask_length(level.mask, number) + level.values.size * math.log2(num_codes[number])
    return code_length.whole_bits(total)


def mask_length(mask: np.ndarray, level: int) -> float:
    """Bits that a level's mask takes, bool (g, g)."""
    known = np.zeros(mask.shape, np.int64)  # neighbours above and left that are refined
    known[1:] += mask[:-1]
    known[:, 1:] += mask[:, :-1]
    models = enumerate(_models(level))
    return sum(code_length.of_bits(mask[known == context], model) for context, model in models)


def read(bits: np.ndarray, num_codes: list[int]) -> StateUpdate:
    """Inverse of `write`; takes any bits, even hostile ones, and never raises."""
    decoder = RangeDecoder(bits)
    moved, recalled = vectors.read(decoder)
    levels = []
    for number, grid in enumerate(GRIDS):
        mask = _read_mask(decoder, grid, number)
        values = [decoder.number(num_codes[number]) for _ in range(int(mask.sum()))]
        levels.append(LevelUpdate(mask, np.array(values, np.int64)))
    return StateUpdate(moved, levels, recalled)


def _write_mask(encoder: RangeEncoder, mask: np.ndarray, level: int) -> None:
    models = _models(level)
    rows = mask.tolist()
    above = [False] * len(rows)
    for row in rows:
        left = False
        for up, bit in zip(above, row, strict=True):
            encoder.bit(int(bit), models[up + left])
            left = bit
        above = row


def _read_mask(decoder: RangeDecoder, grid: int, level: int) -> np.ndarray:
    models = _models(level)
    rows, above = [], [False] * grid
    for _ in range(grid):
        row, left = [], False
        for up in above:
            left = bool(decoder.bit(models[up + left]))
            row.append(left)
        rows.append(row)
        above = row
    return np.array(rows, np.bool_)
