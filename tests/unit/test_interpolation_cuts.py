# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene cuts at the receiver: told apart from motion, and no picture that mixes two scenes."""

import numpy as np
import pytest
from gnuradio.resivid.codec.registry import load_codec
from gnuradio.resivid.codec.screen import Screen
from gnuradio.resivid.models.interpolation.cuts import SIDE, THRESHOLD, cut_score, is_cut
from gnuradio.resivid.models.registry import load_interpolator, load_tokenizer
from toy import ToyInterpolator

STRIDE = 4


def noise(seed: int, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def test_score_is_the_mean_of_both_distances():
    """The earth mover's distance is SciPy's; the pictures have the size that they are compared at."""
    wasserstein = pytest.importorskip("scipy.stats").wasserstein_distance
    first, last = noise(1), (noise(2) * 0.4 + 70).astype(np.uint8)
    place = np.abs(first.astype(float) - last).mean()
    value = np.mean([wasserstein(first[..., c].ravel(), last[..., c].ravel()) for c in range(3)])
    assert cut_score(first, last) == pytest.approx(np.sqrt(place * value), rel=1e-5)


def test_pixels_that_only_change_places_are_no_cut():
    first = noise(3)
    last = np.random.default_rng(4).permutation(first.reshape(-1, 3)).reshape(first.shape)
    assert np.abs(first.astype(int) - last).mean() > 2 * THRESHOLD
    assert cut_score(first, last) == 0


def test_black_and_white_is_the_greatest_cut():
    black = np.zeros((100, 90, 3), np.uint8)
    assert cut_score(black, 255 - black) == pytest.approx(255)
    assert not is_cut(black, black) and is_cut(black, 255 - black)


def shown_between(first: np.ndarray, last: np.ndarray) -> list[np.ndarray]:
    """What a screen shows between two key frames."""
    screen = Screen(lambda state: (first, last)[state[0]], ToyInterpolator(), STRIDE, np.array([0]))
    list(screen.show(0, np.array([0])))
    return list(screen.show(STRIDE, np.array([1])))[:-1]


def test_across_a_cut_the_nearer_key_frame_is_held():
    dark, bright = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 200, np.uint8)
    assert [int(frame[0, 0, 0]) for frame in shown_between(dark, bright)] == [0, 200, 200]


def test_within_a_scene_frames_are_made():
    first = noise(5, 8).repeat(32, 0).repeat(32, 1)
    last = np.roll(first, 20, 1)
    between = shown_between(first, last)
    assert len(between) == STRIDE - 1
    assert not any(np.array_equal(frame, end) for frame in between for end in (first, last))


@pytest.mark.parametrize("codec", ["closed_loop", "resi_vidtok"])
def test_no_ghosts_between_decoded_key_frames(codec):
    """With the default weights at 4 kbit/s: the first key frames of a scene still hold much of the one before."""
    data = pytest.importorskip("skimage.data")
    photographs = (
        data.astronaut()[::2, ::2],
        data.coffee()[:384:1, 100:484][::3, ::3].repeat(2, 0).repeat(2, 1),
    )
    video = [np.roll(photographs[n > 8], 2 * n, 1) for n in range(13)]  # key frames 0, 4, 8 | 12
    module = load_codec(codec)
    settings, tokenizer = module.make_settings(stride=STRIDE, gop=64), load_tokenizer()
    encoder = module.make_encoder(tokenizer, settings)
    decoder = module.make_decoder(tokenizer, load_interpolator("blend"), settings)
    shown = []
    for frame in video:
        unit = encoder.analyse(frame)
        if unit is not None:
            shown += decoder.render(decoder.unpack(encoder.pack(unit, 533)))
    assert len(shown) == len(video)
    for time, key in ((9, 8), (10, 12), (11, 12)):
        assert np.array_equal(shown[time], shown[key])
    for time in (5, 6, 7):
        assert not any(np.array_equal(shown[time], shown[key]) for key in (4, 8))
