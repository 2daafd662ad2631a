# SPDX-License-Identifier: GPL-3.0-or-later
"""Key frames and GOPs against the definition of section III-B, counted with the paper's 1-based indices."""

import pytest
from gnuradio.resivid.video import sampler


def gops_of_key_frames(num_frames, stride, gop):
    """Paper: K = {1, 1 + S, ...}; GOP g is (g - 1) N + 1 .. g N. Returns the key indices of each GOP."""
    keys = range(1, num_frames + 1, stride)
    return [
        [t for t in keys if (g - 1) * gop + 1 <= t <= g * gop] for g in range(1, -(-num_frames // gop) + 1)
    ]


def test_stride_12_gop_32_gives_3_3_2():
    assert [sampler.key_frames_in_gop(g, 12, 32) for g in range(6)] == [3, 3, 2, 3, 3, 2]


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 12, 31, 32, 33, 100])
@pytest.mark.parametrize("gop", [1, 2, 7, 32, 33])
@pytest.mark.parametrize("num_frames", [1, 2, 31, 32, 33, 97, 300])
def test_equals_the_definition(stride, gop, num_frames):
    gops = gops_of_key_frames(num_frames, stride, gop)
    keys = [t - 1 for t in sum(gops, [])]
    assert [t for t in range(num_frames) if sampler.is_key_frame(t, stride)] == keys
    assert sampler.num_key_frames(num_frames, stride) == len(keys)
    starts = [gop_keys[0] - 1 for gop_keys in gops if gop_keys]
    assert [t for t in keys if sampler.starts_gop(t, stride, gop)] == starts
    counts = [sampler.key_frames_in_gop(g, stride, gop, num_frames) for g in range(len(gops))]
    assert counts == [len(gop_keys) for gop_keys in gops]
    assert max(counts) <= sampler.most_key_frames_in_gop(stride, gop)


def test_stride_1_is_the_identity():
    assert all(sampler.is_key_frame(t, 1) for t in range(10))
