# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the interpolator: windows that keep pictures, flows and times together, runs in parts, mistakes."""

import numpy as np
import pytest
import torch
from clips import write_clip
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import FormatError, ResividError, SettingsError
from gnuradio.resivid.models.interpolation.fusion import load
from gnuradio.resivid.models.interpolation.fusion_net import FusionConfig, FusionNet
from gnuradio.resivid.train import gaps as gap_module
from gnuradio.resivid.train.config import from_mapping
from gnuradio.resivid.train.interpolator import train
from gnuradio.resivid.train.interpolator_run import window
from gnuradio.resivid.train.settings import InterpolatorTraining, LossWeights
from train_files import picture_folder, start_weights

SMALL = FusionConfig(widths=(8, 8), blocks=(1, 1))
LOSSES = LossWeights(vgg=0, lpips=0)


def settings(folder, **more) -> InterpolatorTraining:
    """A short run on one clip, without losses that need networks."""
    if not (folder / "data").exists():
        (folder / "data").mkdir()
        write_clip(folder / "data" / "a.mp4", 14)
    common = dict(batch=2, crop=64, precision="fp32", device="cpu", network=SMALL, losses=LOSSES, gaps=2)
    common |= dict(tokenizer=start_weights(folder / "tokenizer.safetensors"), most_stride=4, check_steps=1000)
    return InterpolatorTraining(**{"data": folder / "data", **common, **more})


def checkpoint(folder) -> dict:
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def test_a_run_in_parts_equals_one_in_a_piece_to_the_bit(tmp_path):
    whole = train(settings(tmp_path, steps=3), tmp_path / "whole")
    for limit in (1, None):
        train(settings(tmp_path, steps=3), tmp_path / "parts", step_limit=limit)
    a, b = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts")
    assert a["step"] == b["step"] == whole.step == 3 and a["generators"] == b["generators"]
    for part in ("network", "average"):
        assert all(torch.equal(a[part][name], b[part][name]) for name in a[part])
    assert a["network"]["head.weight"].abs().max() > 0  # it starts from zero
    assert load(tmp_path / "parts" / "fusion.safetensors").network.config == SMALL
    assert (tmp_path / "parts" / "checks.csv").read_text().splitlines()[0].split(",")[2] == "input"
    assert len(list((tmp_path / "parts" / "sheets").glob("*.png"))) == 1
    with pytest.raises(SettingsError, match="its network has other widths"):
        train(settings(tmp_path, network=FusionConfig((8, 16), (1, 1))), tmp_path / "whole")
    (tmp_path / "parts" / "checkpoint.pt").write_bytes(b"PK broken")
    with pytest.raises(FormatError, match="no readable checkpoint"):
        train(settings(tmp_path), tmp_path / "parts")


def ramp_gaps(stride: int = 4) -> gap_module.Gaps:
    """One gap of a slope of grey that moves 8 pixels to the right and 4 down, with its exact flow."""
    y, x = np.mgrid[:64, :64].astype(np.float32)

    def frame(time: float) -> np.ndarray:
        grey = 100 + 1.5 * (x - 8 * time) + 0.5 * (y - 4 * time)
        return np.repeat(np.rint(grey).astype(np.uint8)[None], 3, 0)

    ends = np.stack([frame(0), frame(1)])
    flow = np.broadcast_to(np.float16([8, 4, -8, -4])[:, None, None], (4, 64, 64))
    inside = np.arange(1, stride)
    row = (
        np.stack([ends, ends]),
        np.ones((2, 2, 64, 64), np.float16),
        np.stack([flow, flow]),
        np.stack([frame(t / stride) for t in inside]),
        (inside / stride).astype(np.float32),
    )
    return gap_module.Gaps.of([row])


@pytest.mark.parametrize("turns", [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
def test_however_a_window_is_turned_the_exact_flow_gives_the_real_frame(turns):
    """A network that starts from nothing blends the two warped pictures: here they are the frame itself."""
    *inputs, target = window(ramp_gaps(), 0, 1, 0, np.array([16, 24]), np.array(turns, bool), 16)
    made = FusionNet(SMALL)(*(part[None] for part in inputs))[0]
    assert float((made - target).detach().abs().max()) < 1.5 / 255


def test_windows_of_a_batch_have_one_shape_and_start_as_the_clip(tmp_path):
    gaps = next(gap_module.rows_of(np.zeros((9, 256, 256, 3), np.uint8), *loop(tmp_path)))
    assert [part.shape for part in gaps] == [
        (2, 2, 3, 256, 256),
        (2, 2, 256, 256),
        (2, 4, 256, 256),
        (3, 3, 256, 256),
        (3,),
    ]
    assert not gaps[0][1].any() and 0 < gaps[4].min() <= gaps[4].max() < 1


def loop(folder):
    from gnuradio.resivid.models.tokenizers.multiscale import load as load_tokenizer

    tokenizer = load_tokenizer(start_weights(folder / "tokenizer.safetensors"))
    return tokenizer, settings(folder), np.random.default_rng(0)


def test_a_clip_too_short_for_a_gap_gives_none(tmp_path):
    assert not list(gap_module.rows_of(np.zeros((2, 256, 256, 3), np.uint8), *loop(tmp_path)))


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(SettingsError, match="most_stride: expected at least least_stride"):
        from_mapping(InterpolatorTraining, {"least_stride": 8, "most_stride": 4}, "run.yaml")
    with pytest.raises(SettingsError, match="widths from 1 to 1024"):
        from_mapping(InterpolatorTraining, {"network": {"widths": [0, 4]}}, "run.yaml")
    pictures = picture_folder(tmp_path / "pictures", 2)
    with pytest.raises(ResividError, match="no readable video"):
        train(settings(tmp_path, data=pictures), tmp_path / "run")


def test_the_command_line_takes_a_file_and_options(tmp_path):
    settings(tmp_path)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"data: {tmp_path / 'data'}\ntokenizer: {tmp_path / 'tokenizer.safetensors'}\nsteps: 50\nbatch: 2\n"
        "crop: 64\ngaps: 1\nmost_stride: 4\nlosses: {vgg: 0, lpips: 0}\nnetwork: {widths: [8, 8]}\n"
    )
    arguments = ["train", "interpolator", "--config", str(config), "-o", str(tmp_path / "run")]
    assert main([*arguments, "--steps", "1", "--device", "cpu"]) == 0
    assert checkpoint(tmp_path / "run")["step"] == 1
