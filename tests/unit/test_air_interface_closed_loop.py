# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed loop's payload read by a second reader, written from docs/air-interface.md alone."""

from __future__ import annotations

import numpy as np
import pytest
from documents import AIR_INTERFACE, table_after
from gnuradio.resivid.codec.closed_loop import syntax
from gnuradio.resivid.models.tokenizers.moving_state import BLOCKS, GRIDS, LevelUpdate, StateUpdate
from hypothesis import given, settings
from hypothesis import strategies as st

NUM_CODES = [4095] * 6


class Reader:
    """The range decoder: a window of the message and how wide it is."""

    def __init__(self, bits):
        self.bits, self.place, self.range = bits, 48, 1 << 48
        self.code = int("".join(map(str, bits[:48])).ljust(48, "0"), 2)

    def narrowed(self, start, width):
        self.code, self.range = self.code - start, width
        while self.range < 1 << 40:
            byte = "".join(map(str, self.bits[self.place : self.place + 8])).ljust(8, "0")
            self.code, self.range, self.place = self.code << 8 | int(byte, 2), self.range << 8, self.place + 8

    def number(self, n):
        step = self.range // n
        value = min(self.code // step, n - 1)
        self.narrowed(value * step, step)
        return value

    def bit(self, counts):
        zeros, ones = counts
        p = min(max(65536 * zeros // (zeros + ones), 32), 65504)
        split = (self.range >> 16) * p
        bit = int(self.code >= split)
        self.narrowed(*((split, self.range - split) if bit else (0, split)))
        counts[bit] += 1000
        if sum(counts) > 120000:
            counts[:] = [n // 2 for n in counts]
        return bit


def counts_of(context):
    """Start counts of the models, from the document's tables."""
    (row,) = (row for row in table_after("<!-- contexts -->") if row[0].strip("`") == context)
    symbols = int(row[1])
    return [[symbols * (1000 - int(share)), symbols * int(share)] for share in row[2].split(",")]


def read_vectors(reader):
    if not reader.number(2):
        return None, None
    back, differs, nonzero, prefix = (counts_of(name) for name in ("back", "differs", "nonzero", "prefix"))
    places = [(u, v) for v in range(8) for u in range(8)]
    recalled = dict.fromkeys(places, 0)
    if reader.number(2):
        for u, v in places:
            near = recalled.get((u - 1, v), 0) + recalled.get((u, v - 1), 0)
            recalled[u, v] = reader.bit(back[near])
    field = {}
    for v in range(8):
        for u in range(8):
            if recalled[u, v]:
                field[u, v] = (0, 0)
                continue
            known = [field[p] for p in ((u - 1, v), (u, v - 1), (u + 1, v - 1)) if p in field]
            expected = known[0] if known else (0, 0)
            if len(known) == 3:
                expected = tuple(sorted(axis)[1] for axis in zip(*known, strict=True))
            vector = list(expected)
            if reader.bit(differs[len(set(known))]):
                for axis in (0, 1):
                    if reader.bit(nonzero[axis]):
                        negative, length = reader.number(2), 0
                        while length < 6 and reader.bit(prefix[length]):
                            length += 1
                        size = 2**length + (reader.number(2**length) if length else 0)
                        vector[axis] = min(max(vector[axis] + (-size if negative else size), -22), 22)
            field[u, v] = tuple(vector)
    blocks = {(v, u) for u, v in places if recalled[u, v]}
    moves = any(x or y for x, y in field.values())
    return [[field[u, v] for u in range(8)] for v in range(8)] if moves else None, blocks or None


def read_payload(bits):
    reader = Reader(bits)
    field, levels = read_vectors(reader), []
    for grid in (1, 2, 4, 8, 16, 32):
        counts, mask = counts_of(f"mask {grid}"), {}
        for row in range(grid):
            for column in range(grid):
                near = mask.get((row - 1, column), 0) + mask.get((row, column - 1), 0)
                mask[row, column] = reader.bit(counts[near])
        levels.append({place: reader.number(4095) for place, bit in mask.items() if bit})
    return field, levels


def as_plain(update):
    """An update as `read_payload` gives it."""
    levels = []
    for level in update.levels:
        places = map(tuple, np.argwhere(level.mask).tolist())
        levels.append(dict(zip(places, level.values.tolist(), strict=True)))
    field = None if update.field is None else [[tuple(v) for v in row] for row in update.field.tolist()]
    blocks = None if update.recalled is None else set(map(tuple, np.argwhere(update.recalled).tolist()))
    return (field, blocks), levels


def update_of(vectors, tokens):
    """An update from the cells of the document's table."""
    field = recalled = None
    if "back" in vectors:
        vectors, _, places = vectors.partition("back ")
        vectors = vectors.strip("; ") or "none"
        recalled = np.zeros((BLOCKS, BLOCKS), np.bool_)
        for place in places.split():
            recalled[tuple(int(n) for n in place.split(","))] = True
    if vectors != "none":
        field = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
        for part in vectors.split(";"):
            place, x, y = part.split()
            field[(...,) if place == "all" else tuple(int(n) for n in place.split(","))] = int(x), int(y)
    masks, values = [np.zeros((g, g), np.bool_) for g in GRIDS], [{} for _ in GRIDS]
    for part in tokens.split(";") if tokens != "none" else []:
        grid, row, column, value = map(int, part.split())
        masks[GRIDS.index(grid)][row, column] = True
        values[GRIDS.index(grid)][row, column] = value
    levels = [
        LevelUpdate(mask, np.array([known[tuple(p)] for p in np.argwhere(mask).tolist()], np.int64))
        for mask, known in zip(masks, values, strict=True)
    ]
    return StateUpdate(field, levels, recalled)


@pytest.mark.parametrize("row", table_after("<!-- closed-loop vectors -->"), ids=lambda row: row[0])
def test_vectors(row):
    _, vectors, tokens, length, payload = row
    update = update_of(vectors, tokens)
    written = syntax.write(update, NUM_CODES)
    assert written.bits.size == int(length)
    assert np.packbits(written.bits).tobytes().hex() == payload.strip("-")
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(payload.strip("-")), np.uint8))
    assert read_payload(bits.tolist()) == as_plain(update)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_second_reader_reads_what_is_written(seed):
    rng = np.random.default_rng(seed)
    field = None
    if rng.random() < 0.7:
        field = np.broadcast_to(rng.integers(-22, 23, 2), (BLOCKS, BLOCKS, 2)).copy()
        changed = rng.random((BLOCKS, BLOCKS)) < rng.choice([0, 0.3, 1])
        field[changed] = rng.integers(-22, 23, (int(changed.sum()), 2))
    recalled = rng.random((BLOCKS, BLOCKS)) < rng.choice([0, 0.2])
    if field is not None:
        field[recalled] = 0
        field = field if field.any() else None
    masks = [rng.random((g, g)) < rng.choice([0, 0.05, 0.5]) for g in GRIDS]
    update = StateUpdate(
        field,
        [LevelUpdate(m, rng.integers(0, 4095, int(m.sum()))) for m in masks],
        recalled if recalled.any() else None,
    )
    assert read_payload(syntax.write(update, NUM_CODES).bits.tolist()) == as_plain(update)


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=200))
def test_both_readers_read_the_same_from_hostile_bits(data):
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    assert read_payload(bits.tolist()) == as_plain(syntax.read(bits, NUM_CODES))


def test_version_is_stated():
    assert f"closed-loop payload version **{syntax.WIRE_VERSION}**" in AIR_INTERFACE
