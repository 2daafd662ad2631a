# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that come in bursts leave at the video's rate; schedules worked by hand."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.video.live import PacedReader
from gnuradio.resivid.video.outputs import PacedOutput
from gnuradio.resivid.video.pacing import ANEW_S, SPARE_S, CaptureTimes, JitterBuffer


def show(buffer, arrivals, first=0):
    """When frames are shown that come at these times; None: never."""
    shown = [buffer.due(first + n, arrived) for n, arrived in enumerate(arrivals)]
    return [due if due >= arrived else None for due, arrived in zip(shown, arrivals, strict=True)]


def bursts(times, size=4):
    return [time for time in times for _ in range(size)]


def test_bursts_leave_evenly_and_a_late_one_moves_those_behind_it():
    shown = show(JitterBuffer(rate=10, burst=4), bursts([0.0, 0.4, 0.85, 1.2]))
    # the third burst is 0.05 s late, 0.03 s more than is spared
    expected = [SPARE_S + 0.1 * n for n in range(8)] + [0.85]
    assert shown[:9] == pytest.approx(expected)
    steps = np.diff(shown[8:])
    assert np.all(steps <= 0.11 + 1e-9) and np.all(steps >= 0.1 - 1e-9)  # at most a tenth slower
    assert shown[-1] == pytest.approx(0.05 + SPARE_S + 1.5)  # behind the latest frame again


def test_a_rare_hiccup_does_not_stay():
    late = [0.5 * (n == 20) / 10 for n in range(60)]
    shown = show(JitterBuffer(rate=10, burst=4), bursts([0.4 * n + late[n] for n in range(60)]))
    delay = np.array(shown) - 0.1 * np.arange(240)
    assert delay[:80] == pytest.approx(SPARE_S)
    # The first frame of burst 20 is shown when it comes. Those behind it wait SPARE_S less each: 5 ms faster, of 30 ms.
    assert delay[80:90] == pytest.approx(np.maximum(0.05 - 0.005 * np.arange(10), SPARE_S))
    assert delay[90:] == pytest.approx(SPARE_S)
    assert np.diff(shown).min() >= 0.095 - 1e-9  # at most a twentieth faster


def delays_by_place(late, period=25, rate=10):
    """Delay of each place of the period, once it has settled: 20 periods of frames that come one by one."""
    arrivals = np.arange(20 * period) / rate + np.tile(late, 20)
    shown = np.array(show(JitterBuffer(rate, burst=1), arrivals))
    delays = (shown - np.arange(20 * period) / rate).reshape(20, period)[10:]
    assert np.ptp(delays, axis=0).max() < 1e-9  # the same in each
    return delays[0]


def test_the_delay_is_the_quantile_of_what_frames_need():
    """Ten seconds hold 100 frames, of which 5 may be late: those that are late by 60 ms, 4 of 100, do not count."""
    late = np.zeros(25)
    late[3], late[[13, 18]] = 0.06, 0.02
    settled = np.full(25, 0.02 + SPARE_S)
    settled[3:7] = 0.06 - 0.005 * np.arange(4)  # shown when it comes; then a twentieth faster
    assert delays_by_place(late) == pytest.approx(settled)


def test_a_busy_machine_makes_frames_wait_and_not_late():
    late = np.zeros(25)
    late[[3, 13]] = 0.06  # 8 of 100
    assert delays_by_place(late) == pytest.approx(np.full(25, 0.06 + SPARE_S))


def test_what_fills_a_gap_that_is_over_is_never_shown():
    buffer = JitterBuffer(rate=10, burst=4)
    before = show(buffer, bursts([0.0, 0.4]))
    # key frames were lost: at 2.8 s all frames come that belong to 0.8 to 3.1 s
    after = show(buffer, [2.8] * 24, first=8)
    assert before[-1] == pytest.approx(0.7 + SPARE_S)
    assert after[:20] == [None] * 20
    assert after[-4:] == pytest.approx([SPARE_S + 2.8 + 0.1 * n for n in range(4)])


def test_a_stream_that_goes_on_later_is_followed():
    buffer = JitterBuffer(rate=10, burst=4)
    show(buffer, bursts([0.0, 0.4]))
    later = show(buffer, bursts([5.8 + 0.4 * n for n in range(8)]), first=8)  # 5 s late, for good
    assert later[:4] == [None] * 4
    first = next(n for n, due in enumerate(later) if due is not None)
    assert 0.1 * first == pytest.approx(ANEW_S, abs=0.4)
    assert later[-1] == pytest.approx(5.8 + 3.1 + SPARE_S)


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


class Reader:
    """A reader of 7 frames at 10 frame/s."""

    rate, num_frames_hint = Fraction(10), 7

    def __iter__(self):
        return iter(range(7))

    def close(self): ...


@pytest.mark.parametrize(
    "duration_s, loop, frames",
    [(None, False, 7), (0.5, False, 5), (0.51, False, 6), (2, False, 7), (2, True, 20)],
)
def test_a_source_ends_after_so_many_seconds_of_video(duration_s, loop, frames):
    shown = list(PacedReader(Reader, paced=False, loop=loop, duration_s=duration_s))
    assert shown == [n % 7 for n in range(frames)]
