# SPDX-License-Identifier: GPL-3.0-or-later
"""Bit packing against Python's own binary notation."""

import numpy as np
import pytest
from gnuradio.resivid.link.bits import BitReader, BitWriter, from_bits, to_bits
from hypothesis import given
from hypothesis import strategies as st


@given(width=st.integers(1, 32), data=st.data())
def test_equals_the_binary_notation(width, data):
    values = data.draw(st.lists(st.integers(0, 2**width - 1), max_size=20))
    expected = "".join(format(value, f"0{width}b") for value in values)
    bits = to_bits(np.array(values, np.int64), width)
    assert "".join(map(str, bits)) == expected
    assert from_bits(bits, width).tolist() == values


@pytest.mark.parametrize("value", [-1, 4096])
def test_refuses_values_that_do_not_fit(value):
    with pytest.raises(ValueError, match="0..4095"):
        to_bits(np.array([value]), 12)


def test_writer_fills_with_zeros_and_refuses_what_does_not_fit():
    writer = BitWriter(10)
    writer.write(5, 3)
    writer.write_bits(np.array([True, False]))
    assert (writer.bits.tolist(), writer.left) == ([1, 0, 1, 1, 0, 0, 0, 0, 0, 0], 5)
    with pytest.raises(ValueError, match="6 bits do not fit into the 5"):
        writer.write(0, 6)


def test_reader_gives_what_is_left_and_no_more():
    reader = BitReader(
        np.array([1, 0, 1, 1, 255, 254, 1], np.uint8)
    )  # only the lowest bit of each item counts
    assert reader.read(5, 3).tolist() == [0b101, 0b110]
    assert reader.left == 1
    assert reader.read(1, 3).size == 0
    assert reader.read_bits(9).tolist() == [1]
    assert reader.read_bits(9).size == 0
