# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefix lengths (14), (15) against the definition."""

import numpy as np
import pytest
from gnuradio.resivid.codec.resi_vidtok.rate import gop_prefix, largest_prefix
from hypothesis import given, settings
from hypothesis import strategies as st


def cost_bits(mask, k, value_bits=12):
    """n(K) of (13) token by token: slow and obvious."""
    return sum(1 + (value_bits if mask[i] else 0) for i in range(k))


def test_operating_point_worked_by_hand():
    # 629 symbols, 16QAM 434/1024: 1,066 bits less a 16-bit CRC; all tokens new: 13 bits each
    assert largest_prefix(np.ones(128, bool), 1050) == 80


@pytest.mark.parametrize("share_changed", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("budget", [-1, 0, 1, 12, 13, 14, 533, 1664, 5000])
def test_is_the_largest_that_fits(share_changed, budget):
    mask = np.random.default_rng(14).random(128) < share_changed
    fits = [k for k in range(129) if k == 0 or cost_bits(mask, k) <= budget]
    assert largest_prefix(mask, budget) == max(fits)


@settings(deadline=None)
@given(mask=st.lists(st.booleans(), max_size=511), budget=st.integers(-5, 8000))
def test_any_mask_and_budget_against_trying_every_prefix(mask, budget):
    fits = [k for k in range(len(mask) + 1) if k == 0 or cost_bits(mask, k) <= budget]
    assert largest_prefix(np.array(mask, bool), budget) == max(fits)


@pytest.mark.parametrize("mask", [np.ones((1, 8), bool), np.ones(8, np.uint8)])
def test_refuses_what_is_no_mask(mask):
    with pytest.raises(ValueError, match=r"mask must be bool \(L,\)"):
        largest_prefix(mask, 100)


@pytest.mark.parametrize("budget", [0, 13, 200, 700, 5000])
def test_gop_prefix_is_the_largest_that_fits_every_key_frame(budget):
    rng = np.random.default_rng(15)
    masks = [np.ones(64, bool), *(rng.random(64) < share for share in (0.9, 0.2, 0.6))]
    fits = [k for k in range(65) if k == 0 or all(cost_bits(mask, k) <= budget for mask in masks)]
    assert gop_prefix(masks, budget) == max(fits)


def test_gop_prefix_needs_a_key_frame():
    with pytest.raises(ValueError, match="at least one"):
        gop_prefix([], 100)
