# SPDX-License-Identifier: GPL-3.0-or-later
"""The range coder: what is written comes back, in hardly more bits than the symbols hold."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import numpy as np
import pytest
from gnuradio.resivid.codec.closed_loop.range_coder import BitModel, RangeDecoder, RangeEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

# A symbol: (model, bit) or, with model None, (bound, value).
BITS = st.tuples(st.integers(0, 2), st.integers(0, 1))
NUMBERS = st.integers(1, 1 << 16).flatmap(
    lambda n: st.tuples(st.just(None), st.just(n), st.integers(0, n - 1))
)
SCRIPTS = st.lists(st.one_of(BITS, NUMBERS), max_size=300)
STARTS = [(1000, 1000), (29940, 60), (10, 90000)]


def models():
    return [BitModel(*start) for start in STARTS]


def write(script):
    encoder, used = RangeEncoder(), models()
    for kind, *rest in script:
        if kind is None:
            encoder.number(rest[1], rest[0])
        else:
            encoder.bit(rest[0], used[kind])
    return encoder.finish()


def read(bits, script):
    decoder, used = RangeDecoder(bits), models()
    return [
        (None, rest[0], decoder.number(rest[0])) if kind is None else (kind, decoder.bit(used[kind]))
        for kind, *rest in script
    ]


def information_bits(script):
    """Sum of -log2 of the symbols' probabilities, counted in fractions of whole symbols."""
    counts = [[Fraction(n, 1000) for n in start] for start in STARTS]
    total = 0.0
    for kind, *rest in script:
        if kind is None:
            total += log2(rest[0])
            continue
        count = counts[kind]
        total -= log2(count[rest[0]] / sum(count))
        count[rest[0]] += 1
        if sum(count) > 120:
            counts[kind] = [n / 2 for n in count]
    return total


@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
def test_symbols_come_back(script):
    assert read(write(script), script) == script


@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
def test_symbols_come_back_behind_any_padding_with_zeros(script):
    bits = np.concatenate([write(script), np.zeros(37, np.uint8)])
    assert read(bits, script) == script


@pytest.mark.parametrize("share", [0.001, 0.03, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("count", [0, 1, 30, 3000])
def test_length_is_the_information_of_the_symbols(share, count):
    rng = np.random.default_rng([count, int(1000 * share)])
    script = [
        (None, 4095, int(rng.integers(4095)))
        if rng.random() < 0.1
        else (int(rng.integers(2)), int(rng.random() < share))
        for _ in range(count)
    ]
    # An interval of width w holds a number of at most -log2 w + 1 bits; ends with zeros may be shorter.
    assert write(script).size <= information_bits(script) + 3
    if count == 3000:
        assert write(script).size >= information_bits(script) - 20  # one payload of a million is that lucky


def test_the_likeliest_symbols_cost_nothing_at_all():
    """Zeros lie at the low end of the range, and zeros behind the end are not sent."""
    assert write([(1, 0)] * 50).size == 0
    assert write([(None, 4095, 0)] * 10).size == 0


def test_a_number_worked_by_hand():
    """0..3 are the first two bits of the message."""
    assert [write([(None, 4, value)]).tolist() for value in range(4)] == [[], [0, 1], [1], [1, 1]]


def test_a_bit_worked_by_hand():
    """One in four zeros: a one takes the upper three quarters, and the shortest number there is 0.1."""
    encoder = RangeEncoder()
    encoder.bit(1, BitModel(1000, 3000))
    assert encoder.finish().tolist() == [1]
    encoder.bit(1, BitModel(3000, 1000))  # then the upper quarter of these: 0.8125 to 1 holds 0.111
    assert encoder.finish().tolist() == [1, 1, 1]


def test_a_model_counts_and_forgets():
    model = BitModel.expecting(250, 4)
    assert (model.zeros, model.ones, model.share_of_zeros) == (3000, 1000, 49152)
    for _ in range(116):
        model.learn(1)
    assert (model.zeros, model.ones) == (3000, 117000)
    model.learn(1)  # 121 symbols: half of each is forgotten
    assert (model.zeros, model.ones) == (1500, 59000)


def test_no_probability_is_nought_or_one():
    assert BitModel(1, 10**9).share_of_zeros == 32
    assert BitModel(10**9, 1).share_of_zeros == 65536 - 32


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), SCRIPTS)
def test_hostile_bits_give_symbols_within_their_bounds(data, script):
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    for (kind, *rest), (_, *got) in zip(script, read(bits, script), strict=True):
        assert 0 <= got[-1] < (rest[0] if kind is None else 2)
