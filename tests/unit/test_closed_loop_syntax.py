# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits of the closed loop: any update comes back, any bits are an update within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from gnuradio.resivid.codec.closed_loop import syntax, vectors
from gnuradio.resivid.codec.closed_loop.range_coder import RangeDecoder, RangeEncoder
from gnuradio.resivid.models.tokenizers.moving_state import BLOCKS, GRIDS, REACH, LevelUpdate, StateUpdate
from hypothesis import given, settings
from hypothesis import strategies as st

NUM_CODES = [4095, 4095, 1000, 17, 2, 1]
SEEDS = st.integers(0, 2**32 - 1)


def random_field(rng):
    """Vectors of a picture that moves as a whole, of one whose parts do, and without any order."""
    kind = rng.integers(4)
    if kind == 0:
        return None
    field = np.broadcast_to(rng.integers(-REACH, REACH + 1, 2), (BLOCKS, BLOCKS, 2)).copy()
    changed = rng.random((BLOCKS, BLOCKS)) < (0, 0.2, 1)[kind - 1]
    field[changed] = rng.integers(-REACH, REACH + 1, (int(changed.sum()), 2))
    return field


def random_sources(rng):
    """Vectors and blocks of the background, which have no vector; either may be missing."""
    field = random_field(rng)
    recalled = rng.random((BLOCKS, BLOCKS)) < rng.choice([0, 0.05, 0.5, 1])
    if field is not None:
        field[recalled] = 0
    return (field if field is not None and field.any() else None), (recalled if recalled.any() else None)


def random_update(rng):
    levels = []
    for grid, count in zip(GRIDS, NUM_CODES, strict=True):
        mask = rng.random((grid, grid)) < rng.choice([0, 0.02, 0.3, 1])
        levels.append(LevelUpdate(mask, rng.integers(0, count, int(mask.sum()))))
    field, recalled = random_sources(rng)
    return StateUpdate(field, levels, recalled)


def assert_equal(a, b):
    assert (a.field is None) == (b.field is None)
    assert a.field is None or np.array_equal(a.field, b.field)
    assert (a.recalled is None) == (b.recalled is None)
    assert a.recalled is None or np.array_equal(a.recalled, b.recalled)
    for level, other in zip(a.levels, b.levels, strict=True):
        assert np.array_equal(level.mask, other.mask) and np.array_equal(level.values, other.values)


def assert_within_bounds(update):
    if update.field is not None:
        assert update.field.shape == (BLOCKS, BLOCKS, 2) and np.abs(update.field).max() <= REACH
    if update.recalled is not None:
        assert update.recalled.shape == (BLOCKS, BLOCKS) and update.recalled.dtype == np.bool_
    for level, grid, count in zip(update.levels, GRIDS, NUM_CODES, strict=True):
        assert level.mask.shape == (grid, grid) and level.mask.dtype == np.bool_
        assert level.values.shape == (level.mask.sum(),)
        assert level.values.size == 0 or 0 <= level.values.min() <= level.values.max() < count


def median_of_three(a, b, c):
    return a + b + c - max(a, b, c) - min(a, b, c)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, BLOCKS - 1), st.integers(0, BLOCKS - 1))
def test_prediction_is_the_median_of_left_above_and_above_right(seed, row, column):
    field = np.random.default_rng(seed).integers(-1, 2, (BLOCKS, BLOCKS, 2))
    places = {"left": (row, column - 1), "above": (row - 1, column), "right": (row - 1, column + 1)}
    known = [
        tuple(field[y, x].tolist()) for y, x in places.values() if y in range(BLOCKS) and x in range(BLOCKS)
    ]
    if len(known) == 3:
        expected = tuple(median_of_three(*axis) for axis in zip(*known, strict=True))
    else:
        expected = known[0] if known else (0, 0)
    assert vectors.predict(field, row, column) == (expected, len(set(known)))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_sources_of_blocks_come_back(seed):
    sources = random_sources(np.random.default_rng(seed))
    encoder = RangeEncoder()
    vectors.write(encoder, *sources)
    for got, wanted in zip(vectors.read(RangeDecoder(encoder.finish())), sources, strict=True):
        assert (got is None) if wanted is None else np.array_equal(got, wanted)


@pytest.mark.parametrize("vector", [(REACH, -REACH), (-REACH, REACH), (0, 1), (-1, 0)])
def test_the_longest_differences_come_back(vector):
    field = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
    field[::2, ::2], field[1::2, 1::2] = vector, np.negative(vector)
    encoder = RangeEncoder()
    vectors.write(encoder, field, None)
    assert np.array_equal(vectors.read(RangeDecoder(encoder.finish()))[0], field)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_updates_come_back(seed):
    update = random_update(np.random.default_rng(seed))
    written = syntax.write(update, NUM_CODES)
    assert_equal(syntax.read(written.bits, NUM_CODES), update)
    assert written.header_bits + written.body_bits == written.bits.size
    assert min(written.header_bits, written.body_bits) >= 0


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.integers(0, 400).map(lambda n: b"\xff" * n)))
def test_hostile_bits_are_an_update_within_its_bounds(data):
    assert_within_bounds(syntax.read(np.unpackbits(np.frombuffer(data, np.uint8)), NUM_CODES))


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.data())
def test_a_payload_that_is_cut_short_is_still_an_update(seed, data):
    bits = syntax.write(random_update(np.random.default_rng(seed)), NUM_CODES).bits
    length = data.draw(st.integers(0, bits.size))
    assert_within_bounds(syntax.read(bits[:length], NUM_CODES))


def test_no_bits_say_that_nothing_changed():
    nothing = StateUpdate(None, [LevelUpdate(np.zeros((g, g), bool), np.zeros(0, np.int64)) for g in GRIDS])
    assert syntax.write(nothing, NUM_CODES).bits.size == 0
    assert_equal(syntax.read(np.zeros(0, np.uint8), NUM_CODES), nothing)
    assert_equal(syntax.read(np.zeros(1050, np.uint8), NUM_CODES), nothing)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_length_found_without_writing_holds_the_payload(seed):
    update = random_update(np.random.default_rng(seed))
    have = syntax.write(update, NUM_CODES).bits.size
    # trailing zeros are not written: a payload of n bits has k of them with probability 2^-k
    assert have <= syntax.length(update, NUM_CODES) <= have + 3 + 20


def test_lengths_are_near_on_the_mean():
    rng = np.random.default_rng(11)
    updates = [random_update(rng) for _ in range(40)]
    excess = [syntax.length(u, NUM_CODES) - syntax.write(u, NUM_CODES).bits.size for u in updates]
    assert min(excess) >= 0 and np.mean(excess) < 5
