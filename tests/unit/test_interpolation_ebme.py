# SPDX-License-Identifier: GPL-3.0-or-later
"""EBME's flow with its published weights: known motion; splat and correlation against their definitions."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gnuradio.resivid.errors import WeightsError  # noqa: E402
from gnuradio.resivid.models.interpolation import ebme  # noqa: E402


def window(share, motion=(16, -8)):
    picture = pytest.importorskip("skimage.data").astronaut()
    x, y = round(100 + share * motion[0]), round(100 + share * motion[1])
    return picture[y : y + 250, x : x + 250]  # padded to 256


def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-3))


def test_flow_and_frames_of_a_moving_window(shared):
    """The record of the weights has (-15.79, 7.82, 15.83, -7.84) for this motion on another picture."""
    model = ebme.load(shared("weights/ebme_biflow.safetensors"))
    first, last = (
        torch.from_numpy(np.pad(window(share), ((0, 6), (0, 6), (0, 0)), mode="edge")).permute(2, 0, 1)[None]
        / 255
        for share in (0, 1)
    )
    with torch.inference_mode():
        flow = model.network(first, last)[0].flatten(1).median(1).values
    assert np.allclose(flow, (-16, 8, 16, -8), atol=0.4)
    shown = model.between(window(0), window(1), [0.25, 0.5, 0.75])
    for frame, share in zip(shown, (0.25, 0.5, 0.75), strict=True):
        assert psnr(frame[24:-24, 24:-24], window(share)[24:-24, 24:-24]) > 30
    assert np.array_equal(shown[1], model.between(window(0), window(1), [0.5])[0])


def test_splat_pixel_by_pixel():
    rng = np.random.default_rng(5)
    picture, flow = rng.random((2, 7, 9)), rng.uniform(-4, 4, (2, 7, 9))
    total, weights = np.zeros((2, 7, 9)), np.zeros((7, 9))
    for y in range(7):
        for x in range(9):
            to_x, to_y = x + flow[0, y, x], y + flow[1, y, x]
            for row in range(7):
                for column in range(9):
                    near = max(0, 1 - abs(to_x - column)) * max(0, 1 - abs(to_y - row))
                    total[:, row, column] += near * picture[:, y, x]
                    weights[row, column] += near
    have, arrived = ebme.splat(torch.from_numpy(picture)[None], torch.from_numpy(flow)[None])
    assert np.allclose(arrived[0, 0], weights, atol=1e-12)
    reached = weights > 1e-6
    assert np.allclose(have[0].numpy()[:, reached], (total / np.maximum(weights, 1e-6))[:, reached])
    assert (weights == 0).any() and np.all(have[0].numpy()[:, weights == 0] == 0)


def test_correlation_by_its_definition():
    first, last = torch.randn(2, 1, 3, 12, 11, dtype=torch.float64).unbind(0)
    have = ebme.correlation(first, last)
    assert have.shape == (1, 81, 12, 11)
    for dy, dx in ((-4, -4), (0, 0), (2, -3), (4, 1)):
        wanted = (first[0, :, 5, 5] * last[0, :, 5 + dy, 5 + dx]).mean()
        assert torch.isclose(have[0, (dy + 4) * 9 + dx + 4, 5, 5], wanted)
    assert have[0, 0, 0, 0] == 0  # beyond the border


def test_other_weights_are_refused_in_one_line(shared):
    with pytest.raises(WeightsError, match="another architecture"):
        ebme.load(shared("weights/rife_v4_0_flow.safetensors"))
