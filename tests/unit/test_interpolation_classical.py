# SPDX-License-Identifier: GPL-3.0-or-later
"""Classical interpolation: warp against scipy, known motion, known mixtures."""

import cv2
import numpy as np
import pytest
from gnuradio.resivid.models.interpolation.classical import (
    CONSISTENCY_SCALE,
    consistency,
    flows_at,
    motion_at,
    warp,
)
from gnuradio.resivid.models.registry import INTERPOLATORS, load_interpolator

CLASSICAL = ("flow", "blend", "hold")
SEVENTHS = [i / 8 for i in range(1, 8)]


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def window(share, motion=(16, -8)):
    """A window on a photograph, moved by a share of the motion in pixels."""
    picture = pytest.importorskip("skimage.data").astronaut()
    x, y = round(100 + share * motion[0]), round(100 + share * motion[1])
    return picture[y : y + 256, x : x + 256]


def test_warp_is_the_bilinear_sampling_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(3)
    picture = rng.random((20, 30, 3), np.float32) * 255
    flow = rng.uniform(-6, 6, (20, 30, 2)).astype(np.float32)
    flow = np.round(flow * 32) / 32  # OpenCV samples at multiples of 1/32 pixel
    y, x = np.mgrid[:20, :30]
    at = [y + flow[..., 1], x + flow[..., 0]]
    wanted = [ndimage.map_coordinates(picture[..., c], at, order=1, mode="nearest") for c in range(3)]
    assert np.allclose(warp(picture, flow), np.stack(wanted, -1), atol=0.01)


def test_flows_that_cancel_are_trusted_and_others_are_not():
    there = np.full((16, 16, 2), (3.0, -2.0), np.float32)
    assert np.allclose(consistency(there, -there), 1)
    gap = np.zeros((16, 16, 2), np.float32)
    gap[..., 0] = CONSISTENCY_SCALE
    assert np.allclose(consistency(there, gap - there), 0.02 + 0.98 / np.e, atol=1e-5)


@pytest.mark.parametrize("t", [0.25, 0.5, 0.8])
def test_motion_at_a_time_between_is_that_of_an_exact_wave(t):
    """What lies at x at time 0 has moved by a share t of d(x) at time t; d is known, places by finer interpolation."""
    x = np.linspace(-20, 148, 100_000)
    moved = 6 * np.sin(2 * np.pi * x / 48)

    def field(share: float) -> np.ndarray:  # d of what lies at each column at the time `share`
        row = np.interp(np.arange(128), x + share * moved, moved)
        return np.dstack([np.tile(row, (8, 1)), np.zeros((8, 128))]).astype(np.float32)

    forth, back, wanted = field(0), -field(1), field(t)
    found = motion_at(forth, back, t)
    error, error_before = (
        np.abs(m - wanted)[:, 8:-8].mean() for m in (found, (1 - t) * forth - t * back)
    )  # the border's flow goes on beyond it
    assert error < error_before / 4 and error < 0.02
    to_first, to_last = flows_at(forth, back, t)
    assert np.allclose(to_first, -t * found) and np.allclose(to_last, (1 - t) * found)


def test_blend_and_hold_by_hand():
    first, last = np.full((8, 8, 3), 10, np.uint8), np.full((8, 8, 3), 210, np.uint8)
    assert load_interpolator("blend").between(first, last, [0.25, 0.5])[:, 0, 0, 0].tolist() == [60, 110]
    assert load_interpolator("hold").between(first, last, [0.25, 0.5])[:, 0, 0, 0].tolist() == [10, 10]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_flow_follows_a_moving_window(share):
    first, middle, last = (window(s) for s in (0, share, 1))
    shown = load_interpolator("flow").between(first, last, [share])[0]
    faded = load_interpolator("blend").between(first, last, [share])[0]
    inside = np.s_[24:-24, 24:-24]  # what neither border hides
    assert psnr(shown[inside], middle[inside]) > 30
    assert psnr(shown[inside], middle[inside]) > psnr(faded[inside], middle[inside]) + 10


def test_a_still_picture_stays_as_it_is():
    picture = window(0)
    for name in CLASSICAL:
        shown = load_interpolator(name).between(picture, picture, SEVENTHS)
        assert np.abs(shown.astype(int) - picture).max() <= 1, name


def test_a_cut_gives_pictures_between_both_sides():
    first, last = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    shown = load_interpolator("flow").between(first, last, SEVENTHS)
    assert np.allclose(shown.mean((1, 2, 3)), 255 * np.array(SEVENTHS), atol=2)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_frame_depends_neither_on_the_others_nor_on_the_threads(name):
    first, last = window(0), window(1)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = np.concatenate([load_interpolator(name).between(first, last, [t]) for t in SEVENTHS])
        cv2.setNumThreads(4)
        shared_object = load_interpolator(name)
        shared_object.between(last, first, [0.5])
        together = shared_object.between(first, last, SEVENTHS)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("name", CLASSICAL)
def test_no_times_give_no_frames(name):
    picture = np.zeros((32, 48, 3), np.uint8)
    assert load_interpolator(name).between(picture, picture, []).shape == (0, 32, 48, 3)


@pytest.mark.parametrize("name", CLASSICAL)
def test_wrong_arguments_are_refused(name):
    picture, method = np.zeros((32, 32, 3), np.uint8), load_interpolator(name)
    for first, last, times, message in (
        (picture.astype(float), picture, [0.5], "first must be uint8"),
        (picture, picture[:, :, 0], [0.5], "last must be uint8"),
        (picture, picture[:16], [0.5], "shape of first"),
        (picture, picture, [1.0], "inside"),
        (picture, picture, [float("nan")], "inside"),
    ):
        with pytest.raises(ValueError, match=message):
            method.between(first, last, times)


def test_the_default_is_not_a_repeat():
    assert load_interpolator().name == "fusion"
    assert set(INTERPOLATORS) >= {"flow", "blend", "hold", "rife"}
