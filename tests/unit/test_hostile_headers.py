# SPDX-License-Identifier: GPL-3.0-or-later
"""Anything may come from the air with a good CRC: headers read every bit pattern, or refuse it as malformed."""

from __future__ import annotations

import numpy as np
from gnuradio.resivid.errors import FormatError
from gnuradio.resivid.link.air_header import FrameNumbers, read_header, write_header
from gnuradio.resivid.link.live_sequence import LiveSequence
from gnuradio.resivid.link.payload_head import HEAD_BITS, ParameterCollector, read_head, write_head
from hypothesis import given, settings
from hypothesis import strategies as st

bits = st.lists(st.integers(0, 1), max_size=80).map(lambda values: np.array(values, np.uint8))
positions = st.none() | st.floats(0, 1e12)


@settings(deadline=None)
@given(bits)
def test_a_head_of_a_live_payload_is_read_or_refused(payload):
    try:
        head, rest = read_head(payload)
    except FormatError:
        assert payload.size < HEAD_BITS or list(payload[:2]) != [0, 1]
        return
    np.testing.assert_array_equal(write_head(rest, head), payload)


@settings(deadline=None)
@given(bits)
def test_a_header_of_a_framed_payload_is_read_or_refused(payload):
    try:
        header = read_header(payload)
    except FormatError:
        assert payload.size < 28 or list(payload[:2]) != [0, 1]
        return
    written = write_header(header)
    assert header.gop_start == payload[2] and 0 <= header.counter < 512
    np.testing.assert_array_equal(written[:12], payload[:12])
    np.testing.assert_array_equal(written[16:], payload[16 : len(written)])  # not all rates are in use


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 4095), st.booleans()), max_size=40))
def test_the_time_line_only_rises(heads):
    """Whatever sessions and numbers follow each other, and no gap is longer than what it closes up over."""
    sequence, collector, last = LiveSequence(8, 4, 112), ParameterCollector(), -8
    for session, number, gop_start in heads:
        words = f"01{session:04b}{gop_start:b}0{number:012b}{number:012b}"
        head, _ = read_head(np.array([int(digit) for digit in words], np.uint8))
        collector.add(head)
        place = sequence.place(head)
        if place is not None:
            assert last < place <= last + 8 * (112 + 4) and place % 8 == 0
            last = place


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 511), positions, st.booleans()), max_size=40))
def test_numbers_of_framed_key_frames_only_rise(frames):
    numbers, last = FrameNumbers(2884.0, first=0), -1
    for counter, position, good in frames:
        result = numbers.good(counter, position) if good else numbers.failed(position)
        if result is not None:
            missing, number = result
            assert list(missing) == list(range(last + 1, number)) and len(missing) <= 512
            last = number
