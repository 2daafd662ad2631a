# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpolator `fusion`: flow and blend without learning are those of `flow`; files; odd sizes."""

import json

import cv2
import numpy as np
import pytest
import torch
from gnuradio.resivid.errors import WeightsError
from gnuradio.resivid.models.interpolation import fusion
from gnuradio.resivid.models.interpolation.classical import FlowInterpolator
from gnuradio.resivid.models.interpolation.fusion import FusionInterpolator, load
from gnuradio.resivid.models.interpolation.fusion_net import FusionConfig, FusionNet, save
from gnuradio.resivid.models.weight_files import write_tensors
from toy import moving_picture

SMALL = FusionConfig(widths=(8, 8), blocks=(1, 1))


def pair(size: int = 256):
    frames = moving_picture(5, size)
    return frames[0], frames[4]


@pytest.fixture
def coded(monkeypatch):
    """Whatever the pictures are, they count as decoded ones."""
    monkeypatch.setattr(fusion, "sharpness", lambda picture: 0.0)


def test_before_training_it_is_the_classical_flow(coded):
    first, last = pair()
    times = [0.25, 0.5, 0.9]
    have, wanted = (
        m.between(first, last, times) for m in (FusionInterpolator(FusionNet(SMALL)), FlowInterpolator())
    )
    # OpenCV samples at 32nds of a pixel
    assert np.abs(have.astype(int) - wanted).max() <= 8 and np.abs(have.astype(int) - wanted).mean() < 0.5


def test_the_network_fades_out_between_sharp_key_frames(monkeypatch):
    torch.manual_seed(0)
    network = FusionNet(SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.05)
    untrained, trained = FusionInterpolator(FusionNet(SMALL)), FusionInterpolator(network)
    distance = []
    for sharp in (fusion.CLEAN, (fusion.CLEAN + fusion.CODED) / 2, fusion.CODED):
        monkeypatch.setattr(fusion, "sharpness", lambda picture, sharp=sharp: sharp)
        frames = [model.between(*pair(64), [0.4])[0].astype(int) for model in (untrained, trained)]
        distance.append(np.abs(np.subtract(*frames)).mean())
    assert distance[0] == 0 and 0 < distance[1] < distance[2]


def test_sharpness_falls_where_fine_detail_is_lost():
    picture = pytest.importorskip("skimage.data").astronaut()[:256, :256]
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.5)
    assert fusion.sharpness(blurred) < fusion.CODED < fusion.sharpness(picture)
    assert fusion.sharpness(np.full((32, 32, 3), 7, np.uint8)) == 0


def test_a_frame_does_not_depend_on_what_else_is_asked_for(coded):
    torch.manual_seed(0)
    network = FusionNet(SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.02)
    model, (first, last) = FusionInterpolator(network), (frame[:100, :90] for frame in pair(112))
    together = model.between(first, last, [0.2, 0.7])
    assert together.shape == (2, 100, 90, 3)  # padded and cut
    assert np.array_equal(together[1], model.between(first, last, [0.7])[0])
    assert model.between(first, last, []).shape == (0, 100, 90, 3)
    with pytest.raises(ValueError, match="inside"):
        model.between(first, last, [1.0])


def test_weights_go_through_a_file(tmp_path):
    network = FusionNet(SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.02)
    save(tmp_path / "w.safetensors", network, {"steps": "3"})
    loaded = load(tmp_path / "w.safetensors")
    assert loaded.network.config == SMALL and list(loaded.weights_sha256) == ["w.safetensors"]
    have = loaded.network.head.weight
    assert torch.equal(have, network.head.weight.half().to(have.dtype))


@pytest.mark.parametrize("fast, kind", [(True, torch.bfloat16), (False, torch.float32)])
def test_bfloat16_only_where_the_processor_has_it(monkeypatch, fast, kind):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast, raising=False)
    model = FusionInterpolator(FusionNet(SMALL))
    assert model.network.head.weight.dtype == kind
    assert model.between(*pair(64), [0.5]).shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    "metadata, message",
    [
        ({}, "no weights of the interpolator fusion"),
        ({"format": "resivid-fusion-1"}, "configuration cannot be read"),
        (
            {"format": "resivid-fusion-1", "config": json.dumps({"widths": [8], "blocks": [1]})},
            "cannot be read",
        ),
        (
            {"format": "resivid-fusion-1", "config": json.dumps({"widths": [8, 10**6], "blocks": [1, 1]})},
            "out of bounds",
        ),
        (
            {"format": "resivid-fusion-1", "config": json.dumps({"widths": [8, 8], "blocks": [1, 1]})},
            "stem.weight is missing",
        ),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, metadata, message):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"x": torch.zeros(1)}, metadata)
    with pytest.raises(WeightsError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)
