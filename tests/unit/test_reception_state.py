# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver says of its signal; situations worked by hand, a block each 0.25 s."""

from __future__ import annotations

import pytest
from gnuradio.resivid.link.reception_state import LOCKED, LOSING, SEARCHING, ReceptionState


def words(blocks, tracked=True, frame_s=0.25):
    """The state after each block: "r" right, "f" failed, "-" none."""
    state = ReceptionState(frame_s)
    return [
        state.word(frame_s * (n + 1), tracked, blocks[: n + 1].count("r"), blocks[: n + 1].count("f"))
        for n in range(len(blocks))
    ]


def test_noise_that_looks_like_a_frame_is_no_lock():
    assert set(words("----f---------------f-----")) == {SEARCHING}
    assert set(words("rrrr", tracked=False)) == {SEARCHING}


def test_a_signal_is_locked_from_its_second_look_on_and_loses_frames_for_three_seconds():
    assert words("-rrrr")[1:] == [LOCKED] * 4
    said = words("rr" + "f" + 20 * "r")
    assert said[1:2] == [LOCKED] and said[2:13] == [LOSING] * 11 and said[14:] == [LOCKED] * 9


def test_a_lock_that_is_lost_for_a_moment_is_no_search():
    state = ReceptionState(0.25)
    seen = [
        (0.0, True, 0),
        (1.0, True, 4),
        (1.5, False, 5),
        (2.0, True, 6),
        (3.0, False, 9),
        (5.9, False, 9),
        (6.1, False, 9),
    ]
    said = [state.word(now, tracked, right, 0) for now, tracked, right in seen]
    assert said == [SEARCHING, LOCKED, LOCKED, LOCKED, LOCKED, LOCKED, SEARCHING]


def test_a_signal_of_which_no_block_can_be_read_is_lost_frames():
    assert words("-ffffff") == [SEARCHING] * 3 + [LOSING] * 4


def test_a_lock_without_any_block_loses_frames():
    assert words("-rr" + 14 * "-")[-1] == LOSING


@pytest.mark.parametrize("frame_s", [0.1, 2.0])
def test_long_frames_have_a_longer_while(frame_s):
    state = ReceptionState(frame_s)
    state.word(0.0, True, 0, 0)
    assert state.word(frame_s, True, 1, 0) == LOCKED
    late = frame_s + max(3.0, 4 * frame_s)
    assert state.word(late - 0.01, True, 1, 0) == LOCKED
    assert state.word(late + 0.01, True, 1, 0) == LOSING
