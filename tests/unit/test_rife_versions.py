# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts of Practical-RIFE 4.6 to 4.26: state dicts of their names and shapes, and weights made by hand."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gnuradio.resivid.cli.main import main  # noqa: E402
from gnuradio.resivid.errors import WeightsError  # noqa: E402
from gnuradio.resivid.models.interpolation import rife  # noqa: E402
from gnuradio.resivid.models.registry import load_interpolator  # noqa: E402


@dataclass(frozen=True)
class Published:
    """A released checkpoint: block widths, channels out, features, scales, parameters and MACs at 256x256."""

    widths: tuple
    last: int
    features: int
    scales: tuple
    parameters: float
    macs: float

    @property
    def carried(self):
        return 8 if self.last == 13 else 0


PUBLISHED = {
    "4.6": Published((192, 128, 96, 64), 6, 0, (8, 4, 2, 1), 5.31e6, 2.75e9),
    "4.15 lite to 4.17 lite": Published((128, 96, 64, 48), 6, 4, (8, 4, 2, 1), 2.62e6, 1.72e9),
    "4.22 lite": Published((192, 128, 64, 32), 13, 4, (8, 4, 2, 1), 4.87e6, 1.66e9),
    "4.25, 4.26": Published((192, 128, 96, 64, 32), 13, 4, (16, 8, 4, 2, 1), 5.66e6, 1.46e9),
    "4.25 lite": Published((192, 128, 96, 64, 24), 13, 4, (32, 16, 8, 4, 1), 5.62e6, 0.70e9),
}
every_version = pytest.mark.parametrize("name", PUBLISHED)


def shapes_of(published):
    """Names and shapes as released, written out from the table."""
    shapes = {}

    def convolution(name, *shape, bias):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, (bias,)

    for i, width in enumerate(published.widths):
        block, half = f"module.block{i}", width // 2
        seen = 7 + 2 * published.features + (5 + published.carried if i else 0)
        convolution(f"{block}.conv0.0.0", half, seen, 3, 3, bias=half)
        convolution(f"{block}.conv0.1.0", width, half, 3, 3, bias=width)
        for j in range(8):
            shapes[f"{block}.convblock.{j}.beta"] = (1, width, 1, 1)
            convolution(f"{block}.convblock.{j}.conv", width, width, 3, 3, bias=width)
        convolution(f"{block}.lastconv.0", width, 4 * published.last, 4, 4, bias=4 * published.last)
    if published.features:
        convolution("module.encode.cnn0", 16, 3, 3, 3, bias=16)
        convolution("module.encode.cnn1", 16, 16, 3, 3, bias=16)
        convolution("module.encode.cnn2", 16, 16, 3, 3, bias=16)
        convolution("module.encode.cnn3", 16, published.features, 4, 4, bias=published.features)
    return shapes


def random_state(name, seed=5):
    """Values small enough for flows of few pixels."""
    generator = torch.Generator().manual_seed(seed)
    return {k: torch.randn(s, generator=generator) * 0.03 for k, s in shapes_of(PUBLISHED[name]).items()}


def zero_state(name):
    return {key: torch.zeros(shape) for key, shape in shapes_of(PUBLISHED[name]).items()}


def interpolator(state, tmp_path):
    torch.save(state, tmp_path / "flownet.pkl")
    return load_interpolator("rife", tmp_path / "flownet.pkl")


def photograph(x, y, height=128, width=128):
    return pytest.importorskip("skimage.data").astronaut()[y : y + height, x : x + width]


@every_version
def test_a_checkpoint_is_recognised_and_every_tensor_used(name, tmp_path):
    state = random_state(name)
    network = interpolator(state, tmp_path).network
    assert network.version.name == name
    loaded = network.state_dict()
    assert {f"module.{key}" for key in loaded} == set(state)
    assert all(torch.equal(loaded[key.removeprefix("module.")], value) for key, value in state.items())


@every_version
def test_parameters_and_operations_are_those_published(name):
    counter = pytest.importorskip("torch.utils.flop_counter")
    published, size = PUBLISHED[name], (1, 3, 256, 256)
    assert round(sum(map(math.prod, shapes_of(published).values())), -4) == published.parameters
    version = next(v for v in rife.VERSIONS if v.name == name)
    assert version.scales == published.scales
    with torch.device("meta"):
        network, picture, time = rife.IFNet(version), torch.empty(size), torch.empty(1, 1, 256, 256)
        with counter.FlopCounterMode(display=False) as counted:
            network(network.described(picture), network.described(picture), time)
    assert round(counted.get_total_flops() / 2, -7) == published.macs


def test_no_two_versions_have_the_same_layout():
    layouts = {tuple(sorted(rife.shapes(version).items())) for version in rife.VERSIONS}
    assert len(layouts) == len(rife.VERSIONS)


def test_every_version_recognises_its_own_layout():
    for version in rife.VERSIONS:
        with torch.device("meta"):
            state = {key: torch.empty(shape) for key, shape in rife.shapes(version).items()}
        assert rife.recognise(state) is version


@every_version
def test_an_import_gives_the_same_frames(name, tmp_path, capsys):
    method, target = interpolator(random_state(name), tmp_path), tmp_path / "own.safetensors"
    assert main(["models", "import", str(tmp_path / "flownet.pkl"), str(target)]) == 0
    assert "--interpolator rife" in capsys.readouterr().out
    first, last = photograph(100, 60), photograph(104, 62)
    wanted = method.between(first, last, [0.4])
    assert np.array_equal(load_interpolator("rife", target).between(first, last, [0.4]), wanted)
    mean = (first.astype(float) + last) / 2
    assert np.abs(wanted[0] - mean).max() > 2  # the weights do something


@every_version
def test_without_flow_both_pictures_are_blended_by_half(name, tmp_path):
    state = random_state(name)
    state |= {key: torch.zeros_like(value) for key, value in state.items() if ".lastconv." in key}
    method = interpolator(state, tmp_path)
    first, last = photograph(100, 60, 70, 101), photograph(230, 40, 70, 101)  # sides are padded and cut back
    shown = method.between(first, last, [0.5])
    assert shown.shape == (1, 70, 101, 3)
    assert np.abs(shown[0] - (first.astype(float) + last) / 2).max() <= 0.51


def time_to_flow(state, name, block, motion):
    """Weights that carry the time channel through one block: flows -t * motion and (1 - t) * motion."""
    published = PUBLISHED[name]
    key, scale = f"module.block{block}", published.scales[block]
    state[f"{key}.conv0.0.0.weight"][0, 6 + 2 * published.features, 1, 1] = 1  # behind pictures and features
    state[f"{key}.conv0.1.0.weight"][0, 0, 1, 1] = 1
    weight, bias = state[f"{key}.lastconv.0.weight"], state[f"{key}.lastconv.0.bias"]
    for i, step in enumerate((*motion, *motion)):  # pixel shuffle makes one channel of four
        weight[0, 4 * i : 4 * i + 4, 1:3, 1:3] = -step / scale
        bias[4 * i : 4 * i + 4] = step / scale if i >= 2 else 0


@every_version
def test_a_moving_window_is_where_the_time_says(name, tmp_path):
    state, motion = zero_state(name), (8, -4)
    time_to_flow(state, name, 0, (4, -4))
    time_to_flow(state, name, len(PUBLISHED[name].widths) - 1, (4, 0))  # blocks add up
    times = [0.25, 0.5, 0.75]
    window = [photograph(100 - round(t * motion[0]), 60 - round(t * motion[1])) for t in (0, *times, 1)]
    shown = interpolator(state, tmp_path).between(window[0], window[-1], times)
    for have, wanted in zip(shown, window[1:-1], strict=True):
        inside = (slice(8, -8), slice(8, -8))  # beyond its edge a picture repeats
        assert np.abs(have[inside].astype(int) - wanted[inside]).max() <= 1


@every_version
def test_masks_add_up_in_4_6_and_replace_each_other_later(name, tmp_path):
    state, last_block = zero_state(name), len(PUBLISHED[name].widths) - 1
    state["module.block0.lastconv.0.bias"][16:20] = 2.0  # channel 4 before the pixel shuffle
    state[f"module.block{last_block}.lastconv.0.bias"][16:20] = -0.5
    white, black = np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64, 3), np.uint8)
    logit = 1.5 if name == "4.6" else -0.5
    shown = interpolator(state, tmp_path).between(white, black, [0.5])
    assert np.abs(shown - 255 / (1 + math.exp(-logit))).max() <= 0.51


def test_what_a_block_hands_on_is_read_by_the_next(tmp_path):
    """State channel 2 of block 0 becomes a motion of block 1, behind pictures, features, time and mask."""
    name, state = "4.25, 4.26", zero_state("4.25, 4.26")
    state["module.block0.lastconv.0.bias"][4 * 7 : 4 * 8] = 6.0
    state["module.block1.conv0.0.0.weight"][0, 6 + 2 * 4 + 1 + 1 + 2, 1, 1] = 1
    state["module.block1.conv0.1.0.weight"][0, 0, 1, 1] = 1
    scale = PUBLISHED[name].scales[1]
    state["module.block1.lastconv.0.weight"][0, [0, 1, 2, 3, 8, 9, 10, 11], 1:3, 1:3] = 1 / scale
    shown = interpolator(state, tmp_path).between(photograph(100, 60), photograph(100, 60), [0.5])
    assert np.abs(shown[0, :, :-8].astype(int) - photograph(106, 60)[:, :-8]).max() <= 1


def test_features_are_warped_with_the_pictures(tmp_path):
    """A feature of the second picture, moved by block 0, weighs the pictures in the last block."""
    state = zero_state("4.25, 4.26")
    state["module.block0.lastconv.0.bias"][8:12] = 8 / 16  # second flow, x, 8 pixels at scale 16
    state["module.encode.cnn0.weight"][0, :, 1, 1] = 1  # every other pixel
    for layer in ("cnn1", "cnn2"):
        state[f"module.encode.{layer}.weight"][0, 0, 1, 1] = 1
    state["module.encode.cnn3.weight"][0, 1, 1:3, 1:3] = 1
    state["module.block4.conv0.0.0.weight"][0, 6 + 4 + 1, 1, 1] = 1  # second picture's feature 1
    state["module.block4.conv0.1.0.weight"][0, 0, 1, 1] = 1
    state["module.block4.lastconv.0.weight"][0, 16:20, 1:3, 1:3] = 10
    first, last = np.zeros((64, 128, 3), np.uint8), np.zeros((64, 128, 3), np.uint8)
    first[..., 0], last[:, 64:] = 200, (0, 255, 255)
    shown = interpolator(state, tmp_path).between(first, last, [0.5])[0]
    # To the right of 56 the feature says: first picture. To the left no feature: half of each.
    assert np.abs(shown[:, 60:].astype(int) - (200, 0, 0)).max() <= 1
    assert np.abs(shown[:, :52].astype(int) - (100, 0, 0)).max() <= 1


def test_parts_of_the_training_are_left_out(tmp_path):
    state = random_state("4.25 lite")
    state["module.teacher.conv0.0.0.weight"] = state["module.caltime.0.bias"] = torch.ones(2)
    assert interpolator(state, tmp_path).network.version.name == "4.25 lite"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module.block4.lastconv.0.bias": None}, r"block4\.lastconv\.0\.bias is missing"),
        ({"module.block5.lastconv.0.bias": torch.ones(2)}, r"block5\.lastconv\.0\.bias is not part of it"),
        ({"module.encode.cnn3.bias": torch.ones(5)}, r"cnn3\.bias has shape \(5,\), expected \(4,\)"),
        ({"module.block0.convblock.0.beta": torch.tensor(float("nan"))}, "no finite numbers"),
    ],
)
def test_another_layout_is_one_line(change, message, tmp_path):
    state = {key: value for key, value in (zero_state("4.25, 4.26") | change).items() if value is not None}
    with pytest.raises(WeightsError, match=message):
        interpolator(state, tmp_path)
    with pytest.raises(WeightsError, match=message):
        rife.convert(tmp_path / "flownet.pkl", tmp_path / "own.safetensors")
    assert not (tmp_path / "own.safetensors").exists()


class Command:
    """Pickled, it would run a command when it is read."""

    def __reduce__(self):
        return print, ("code ran",)


def test_a_pickle_with_code_is_refused(tmp_path, capsys):
    with pytest.raises(WeightsError, match="plain weights"):
        interpolator(random_state("4.6") | {"module.extra": Command()}, tmp_path)
    assert capsys.readouterr().out == ""
