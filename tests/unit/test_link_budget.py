# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbols and bits of a key frame against worked numbers and a slow reading of TS 38.212."""

from fractions import Fraction

import pytest
from gnuradio.resivid.link import budget
from gnuradio.resivid.link.mcs_table import load_mcs_table

ROWS = load_mcs_table().rows


@pytest.mark.parametrize("stride, symbols", [(4, 314), (8, 629), (12, 943)])
@pytest.mark.parametrize("cbr", [4e-4, "4e-4", "0.0004", Fraction(1, 2500)])
def test_operating_points_of_the_paper(cbr, stride, symbols):
    assert budget.symbols_per_key_frame(cbr, stride, 256, 256) == symbols


def test_cbr_is_the_decimal_number_not_its_binary_approximation():
    # 1e-3 * 3 * 10 * 10 * 10 = 3 exactly; the float 1e-3 is above, 0.1 and 0.7 are off too
    assert budget.symbols_per_key_frame(1e-3, 10, 10, 10) == 3
    assert budget.symbols_per_key_frame(0.7, 1, 10, 1) == 21
    assert budget.symbols_per_key_frame(0.29, 1, 100, 1) == 87


@pytest.mark.parametrize(
    "cbr", [0, -1, "nan", float("nan"), "inf", "much", "", "1e999999999", "1e-999999999"]
)
def test_refuses_a_cbr_that_is_no_positive_number(cbr):
    with pytest.raises(ValueError, match="cbr"):
        budget.symbols_per_key_frame(cbr, 8, 256, 256)


@pytest.mark.parametrize("cbr, stride", [("1e30", 8), ("4e-4", 2 * 10**9), ("4e-4", 13340)])
def test_refuses_more_symbols_than_the_coding_takes(cbr, stride):
    assert budget.symbols_per_key_frame("4e-4", 13330, 256, 256) <= 1 << 20
    with pytest.raises(ValueError, match="more than 1048576 symbols a key frame"):
        budget.symbols_per_key_frame(cbr, stride, 256, 256)


@pytest.mark.parametrize(
    "arguments, named", [((0, 9, 9), "stride"), ((9, 0, 9), "width"), ((9, 9, -1), "height")]
)
def test_names_the_one_that_is_too_small(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must be at least 1, got {min(arguments)}$"):
        budget.symbols_per_key_frame("4e-4", *arguments)


def test_coded_bits_of_table_one_at_629_symbols():
    # phy.md, "What a key frame is"
    assert [budget.coded_bits(629, row) for row in ROWS] == [308, 378, 646, 834, 1066, 1358, 1616]


def test_payload_of_the_operating_point():
    assert budget.coded_bits(629, ROWS[4]) == 1066
    assert budget.payload_bits(629, ROWS[4]) == 1050
    assert budget.payload_bits(629, ROWS[4]) // 13 == 80


def total_bits(payload, rate_1024):
    """B' and C of TS 38.212 5.1, 5.2.2, 6.2.2, clause by clause."""
    crc = 24 if payload > 3824 else 16
    rate = Fraction(rate_1024, 1024)
    second = payload <= 292 or (payload <= 3824 and rate <= Fraction(67, 100)) or rate <= Fraction(1, 4)
    largest = 3840 if second else 8448
    if payload + crc <= largest:
        return payload + crc, 1
    blocks = 1
    while blocks * (largest - 24) < payload + crc:
        blocks += 1
    return payload + crc + 24 * blocks, blocks


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
@pytest.mark.parametrize("symbols", [1, 8, 9, 33, 314, 629, 943, 2250, 2300, 4000, 7900, 9001])
def test_payload_is_the_largest_that_fits(row, symbols):
    coded = budget.coded_bits(symbols, row)
    fits = [0]
    for payload in range(1, coded):
        total, blocks = total_bits(payload, row.rate_1024)
        if total <= coded and total % blocks == 0:
            fits.append(payload)
    assert budget.payload_bits(symbols, row) == max(fits)


@pytest.mark.parametrize("symbols", [40, 314, 629, 943, 2250, 9001])
def test_payload_equals_the_coding_chain(symbols):
    phy = pytest.importorskip("gnuradio.resivid.phy", reason="the C++ part is not built")
    for row in ROWS:
        assert phy.transport_block_size(symbols, row.rate_1024, row.bits_per_symbol) == budget.payload_bits(
            symbols, row
        )
