# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that come in bursts leave at the video's rate; schedules worked by hand."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.video.outputs import PacedOutput
from gnuradio.resivid.video.pacing import CaptureTimes, JitterBuffer


def test_bursts_leave_evenly_and_a_late_one_within_the_jitter_is_not_seen():
    buffer = JitterBuffer(rate=10, burst=4, jitter_s=0.2)
    arrivals = [0.0] * 4 + [0.55] * 4 + [0.8] * 4  # the second burst is 0.15 s late
    shown, now = [], 0.0
    for arrival in arrivals:
        now = max(now, arrival)
        now = buffer.due(now)
        shown.append(now)
    assert shown == pytest.approx([0.2 + 0.1 * n for n in range(12)])


def test_after_a_pause_the_buffer_fills_again():
    buffer = JitterBuffer(rate=10, burst=4, jitter_s=0.2)
    assert buffer.due(0.0) == pytest.approx(0.2)
    assert buffer.due(0.35) == pytest.approx(0.35)  # a little late: at once
    assert buffer.due(2.0) == pytest.approx(2.2)


@pytest.mark.parametrize(("waiting", "surplus"), [(0, 0), (10, 0), (11, 5), (100, 94)])
def test_what_a_gap_brings_at_once_is_thrown_away(waiting, surplus):
    # kept: a burst of 4 and the jitter's 2 frames; thrown away from another burst on
    assert JitterBuffer(rate=10, burst=4, jitter_s=0.2).surplus(waiting) == surplus


def test_the_age_of_a_picture():
    times = CaptureTimes(rate=30)
    assert times.age_s(0, 5.0) is None
    times.learn(16, 100.0)
    assert times.age_s(16, 100.7) == pytest.approx(0.7)
    assert times.age_s(10, 100.7) == pytest.approx(0.9)  # captured 0.2 s before frame 16


def test_an_output_writes_in_order_and_tells_what_is_shown():
    file, shown = io.BytesIO(), []
    frames = [np.full((2, 2, 3), n, np.uint8) for n in range(5)]
    output = PacedOutput(file, Fraction(240), burst=8)
    output.on_shown = lambda index, frame: shown.append(index)
    with output:
        for index, frame in enumerate(frames):
            output.show(index, frame)
    assert shown == [0, 1, 2, 3, 4] and output.dropped == 0
    assert file.getvalue() == b"".join(frame.tobytes() for frame in frames)
