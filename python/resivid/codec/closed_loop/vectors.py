# SPDX-License-Identifier: GPL-3.0-or-later
"""Where blocks come from: the background, or vectors predicted from the neighbours', and the bits of both."""

from __future__ import annotations

import numpy as np

from ...models.tokenizers.moving_state import BLOCKS, REACH
from .range_coder import BitModel, BitWriter, RangeDecoder

_PREFIX_BITS = 6  # longest Exp-Golomb prefix: differences up to 2 REACH
PLACES = [(row, column) for row in range(BLOCKS) for column in range(BLOCKS)]
Vector = tuple[int, int]


def predict(vectors: np.ndarray, row: int, column: int) -> tuple[Vector, int]:
    """What the neighbours that are known let expect, and a context: how many different vectors they have.

    Args:
        vectors: (BLOCKS, BLOCKS, 2); only places before (row, column), row by row, are read.
    """
    known: list[Vector] = []
    for y, x in ((row, column - 1), (row - 1, column), (row - 1, column + 1)):
        if y >= 0 and 0 <= x < BLOCKS:
            known.append((int(vectors[y, x, 0]), int(vectors[y, x, 1])))
    if len(known) == 3:
        a, b, c = known
        return (sorted((a[0], b[0], c[0]))[1], sorted((a[1], b[1], c[1]))[1]), len(set(known))
    return (known[0] if known else (0, 0)), len(set(known))


class _Models:
    """Counts that both ends start from, in the proportions found on training clips."""

    def __init__(self) -> None:
        self.differs = [BitModel.expecting(permille, 10) for permille in (380, 250, 500, 650)]
        self.recalled = [BitModel.expecting(permille, 10) for permille in (50, 250, 500)]
        self.nonzero = [BitModel.expecting(permille, 20) for permille in (750, 700)]
        self.prefix = [BitModel.expecting(permille, 20) for permille in (580, 470, 390, 260, 50, 20)]


def write(encoder: BitWriter, vectors: np.ndarray | None, recalled: np.ndarray | None) -> None:
    """One flag, and with it which blocks the background gives, and the vectors of the others."""
    encoder.number(int(vectors is not None or recalled is not None), 2)
    if vectors is None and recalled is None:
        return
    models = _Models()
    known = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
    encoder.number(int(recalled is not None), 2)
    back = np.zeros((BLOCKS, BLOCKS), np.bool_) if recalled is None else recalled
    for row, column in PLACES if recalled is not None else ():
        encoder.bit(int(back[row, column]), models.recalled[_recalled_near(back, row, column)])
    for row, column in PLACES:
        if back[row, column]:
            continue
        expected, context = predict(known, row, column)
        if vectors is not None:
            known[row, column] = vectors[row, column]
        difference = [int(known[row, column, axis]) - expected[axis] for axis in (0, 1)]
        encoder.bit(int(any(difference)), models.differs[context])
        if any(difference):
            for axis, value in enumerate(difference):
                _write_number(encoder, value, models, axis)


def read(decoder: RangeDecoder) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Inverse of `write`; from hostile bits too, every vector is within REACH."""
    if not decoder.number(2):
        return None, None
    vectors = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
    back = np.zeros((BLOCKS, BLOCKS), np.bool_)
    models = _Models()
    if decoder.number(2):
        for row, column in PLACES:
            back[row, column] = decoder.bit(models.recalled[_recalled_near(back, row, column)])
    for row, column in PLACES:
        if back[row, column]:
            continue
        expected, context = predict(vectors, row, column)
        difference = (0, 0)
        if decoder.bit(models.differs[context]):
            difference = (_read_number(decoder, models, 0), _read_number(decoder, models, 1))
        for axis in (0, 1):
            value = expected[axis] + difference[axis]
            vectors[row, column, axis] = min(max(value, -REACH), REACH)
    return vectors if vectors.any() else None, back if back.any() else None


def _recalled_near(back: np.ndarray, row: int, column: int) -> int:
    """How many of the neighbours above and left come from the background."""
    return int(row > 0 and back[row - 1, column]) + int(column > 0 and back[row, column - 1])


def _write_number(encoder: BitWriter, value: int, models: _Models, axis: int) -> None:
    """Zero flag, sign, magnitude by Exp-Golomb."""
    encoder.bit(int(value != 0), models.nonzero[axis])
    if value == 0:
        return
    encoder.number(int(value < 0), 2)
    length = abs(value).bit_length() - 1
    for i in range(_PREFIX_BITS):
        encoder.bit(int(i < length), models.prefix[i])
        if i >= length:
            break
    if length:
        encoder.number(abs(value) - (1 << length), 1 << length)


def _read_number(decoder: RangeDecoder, models: _Models, axis: int) -> int:
    if not decoder.bit(models.nonzero[axis]):
        return 0
    negative = decoder.number(2)
    length = 0
    while length < _PREFIX_BITS and decoder.bit(models.prefix[length]):
        length += 1
    value = (1 << length) + (decoder.number(1 << length) if length else 0)
    return -value if negative else value


def lengths_bits(largest: int) -> np.ndarray:
    """About the bits of a difference of 0..largest pixels in one axis, for the search."""
    size = np.arange(largest + 1)
    return np.where(size == 0, 1.0, 2.0 + 2.0 * np.log2(size + 1.0))
