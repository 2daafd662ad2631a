# SPDX-License-Identifier: GPL-3.0-or-later
"""Practical-RIFE 4.0 with its released weights: known motion, any time, every layout of the file."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gnuradio.resivid.errors import WeightsError  # noqa: E402
from gnuradio.resivid.models.interpolation import rife  # noqa: E402
from gnuradio.resivid.models.interpolation.warping import warp  # noqa: E402
from gnuradio.resivid.models.registry import load_interpolator  # noqa: E402


@pytest.fixture(scope="module")
def released(shared):
    return shared("weights/rife_v4_0_flow.safetensors")


@pytest.fixture(scope="module")
def network(released):
    return load_interpolator("rife", released)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def window(share, motion):
    picture = pytest.importorskip("skimage.data").astronaut()
    x, y = round(100 + share * motion[0]), round(100 + share * motion[1])
    return picture[y : y + 256, x : x + 256]


# The weights' own record has 38.62 and 25.89 dB on another picture; the means over photographs lie near that.
@pytest.mark.parametrize(("motion", "least_db"), [((16, -8), 35.0), ((48, -24), 22.5)])
def test_the_middle_of_a_moving_window(network, motion, least_db):
    shown = network.between(window(0, motion), window(1, motion), [0.5])[0]
    assert psnr(shown, window(0.5, motion)) > least_db


def test_other_times_are_other_places(network):
    motion = (16, -8)
    times = [0.25, 0.5, 0.75]
    shown = network.between(window(0, motion), window(1, motion), times)
    fits = [[psnr(frame, window(t, motion)) for t in times] for frame in shown]
    assert np.argmax(fits, axis=1).tolist() == [0, 1, 2]
    assert min(np.diag(fits)) > 30


def test_warp_is_the_bilinear_sampling_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(4)
    picture, flow = rng.random((1, 2, 15, 24)), rng.uniform(-5, 5, (1, 2, 15, 24))
    y, x = np.mgrid[:15, :24]
    at = [y + flow[0, 1], x + flow[0, 0]]
    wanted = [ndimage.map_coordinates(c, at, order=1, mode="nearest") for c in picture[0]]
    have = warp(torch.from_numpy(picture), torch.from_numpy(flow))[0]
    assert np.allclose(have.numpy(), wanted, atol=1e-9)


def test_any_size_is_padded_and_cut_back(network):
    motion = (6, -4)
    first, middle, last = (window(s, motion)[:70, :101] for s in (0, 0.5, 1))
    shown = network.between(first, last, [0.5])
    assert shown.shape == (1, 70, 101, 3)
    assert psnr(shown[0, 8:-8, 8:-8], middle[8:-8, 8:-8]) > 30


def test_a_released_checkpoint_and_its_import_give_the_same_frames(network, released, tmp_path):
    state = {f"module.{key}": value for key, value in rife.read_state(released).items()}
    state["module.contextnet.conv1.conv1.0.weight"] = torch.ones(3)  # parts that the fast mode leaves out
    state["module.block_tea.lastconv.bias"] = torch.ones(5)
    torch.save(state, tmp_path / "flownet.pkl")
    rife.convert(tmp_path / "flownet.pkl", tmp_path / "own.safetensors")
    first, last = window(0, (16, -8))[:64, :64], window(1, (16, -8))[:64, :64]
    wanted = network.between(first, last, [0.3])
    for name in ("flownet.pkl", "own.safetensors"):
        method = load_interpolator("rife", tmp_path / name)
        assert np.array_equal(method.between(first, last, [0.3]), wanted)
        assert list(method.weights_sha256) == [name]


def test_another_network_is_named_in_one_line(shared, tmp_path):
    other = shared("weights/rife_hdv3.safetensors")
    with pytest.raises(WeightsError, match=r"block0\.conv0\.0\.0\.weight has shape"):
        rife.load(other)
    with pytest.raises(WeightsError, match="another architecture"):
        rife.convert(other, tmp_path / "out.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_leaves_nothing(released, tmp_path):
    with pytest.raises(WeightsError, match="cannot be written"):
        rife.convert(released, tmp_path / "absent" / "out.safetensors")
