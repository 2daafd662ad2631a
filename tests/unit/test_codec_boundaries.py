# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame by frame equals all at once: nothing depends on when the codec's methods are called."""

import numpy as np
import pytest
from gnuradio.resivid.codec.closed_loop import ClosedLoopSettings
from gnuradio.resivid.codec.resi_vidtok import ResiVidTokSettings, make_codec
from loop import ends, smooth_clip
from toy import ToyInterpolator, ToyTokenizer, moving_picture

SIZE = 32


def codec(stride, gop):
    return make_codec(ToyTokenizer(SIZE), ToyInterpolator(), ResiVidTokSettings(stride, gop))


def all_at_once(frames, both_ends, budget):
    encoder, decoder = both_ends
    units = [unit for frame in frames if (unit := encoder.analyse(frame)) is not None]
    payloads = [encoder.pack(unit, budget) for unit in units]
    shown = [decoder.unpack(payload) for payload in payloads]
    return payloads, [frame for unit in [*shown, encoder.flush()] for frame in decoder.render(unit)]


def frame_by_frame(frames, both_ends, budget):
    encoder, decoder = both_ends
    payloads, out = [], []
    for frame in frames:
        unit = encoder.analyse(frame)
        if unit is not None:
            payloads.append(encoder.pack(unit, budget))
            out += decoder.render(decoder.unpack(payloads[-1]))
    return payloads, [*out, *decoder.render(encoder.flush())]


@pytest.mark.parametrize("stride, gop", [(1, 4), (4, 16), (8, 32), (12, 32)])
@pytest.mark.parametrize("num_frames", [1, 12, 33, 50])
def test_frame_by_frame_equals_all_at_once(stride, gop, num_frames):
    frames = moving_picture(num_frames, SIZE)
    check_both_ways(frames, lambda: codec(stride, gop))


@pytest.mark.parametrize("memory", ["gop", "refresh", "feedback"])
@pytest.mark.parametrize("num_frames", [1, 8, 23])
def test_the_closed_loop_too(memory, num_frames):
    check_both_ways(smooth_clip(num_frames), lambda: ends(ClosedLoopSettings(4, 8, memory)))


def check_both_ways(frames, make_ends):
    sent, shown = all_at_once(frames, make_ends(), 700)
    sent_later, shown_later = frame_by_frame(frames, make_ends(), 700)
    assert all(np.array_equal(a.bits, b.bits) for a, b in zip(sent, sent_later, strict=True))
    assert len(shown) == len(frames)
    assert all(np.array_equal(a, b) for a, b in zip(shown, shown_later, strict=True))


def test_frames_of_a_prefix_of_the_video_are_the_same():
    """What is shown up to a key frame does not depend on what follows."""
    frames = moving_picture(40, SIZE)
    _, whole = all_at_once(frames, codec(8, 32), 700)
    _, short = all_at_once(frames[:25], codec(8, 32), 700)
    assert all(np.array_equal(a, b) for a, b in zip(whole[:25], short, strict=True))
