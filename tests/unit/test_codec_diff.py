# SPDX-License-Identifier: GPL-3.0-or-later
"""Change mask (7) against the definition, value by value."""

import numpy as np
import pytest
from gnuradio.resivid.codec.resi_vidtok.diff import change_mask


def test_equals_the_definition():
    rng = np.random.default_rng(7)
    tokens, reference = rng.integers(0, 3, (2, 200)).astype(np.uint16)
    expected = [1 if z != before else 0 for z, before in zip(tokens, reference, strict=True)]
    mask = change_mask(tokens, reference)
    assert mask.dtype == np.bool_
    assert mask.astype(int).tolist() == expected


def test_first_key_frame_of_a_gop_is_all_ones():
    assert change_mask(np.zeros(5, np.uint16), None).tolist() == [True] * 5


def test_refuses_other_lengths():
    with pytest.raises(ValueError, match="one shape"):
        change_mask(np.zeros(5, np.uint16), np.zeros(1, np.uint16))
