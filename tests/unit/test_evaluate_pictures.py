# SPDX-License-Identifier: GPL-3.0-or-later
"""MS-SSIM against pytorch-msssim; flow-warp error by hand; CLIP and VMAF: null with the reason, and with stand-in tools."""

import hashlib
import json
import os
import pickle
import resource
import sys
import types

import numpy as np
import pytest
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate import clip_score, vmaf
from gnuradio.resivid.evaluate.known_originals import KnownOriginals
from gnuradio.resivid.evaluate.structure import ms_ssim, ssim, ssim_and_ms_ssim
from gnuradio.resivid.evaluate.temporal import FlowWarpError
from gnuradio.resivid.evaluate.video_quality import METRICS, VideoQuality
from loop import smooth_clip


@pytest.mark.parametrize("shape", [(176, 208, 3), (256, 256, 3)])
def test_ms_ssim_is_that_of_pytorch_msssim(shape):
    library = pytest.importorskip("pytorch_msssim")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    a = rng.integers(0, 256, shape).astype(np.uint8)
    b = np.clip(a + rng.normal(0, 60, shape), 0, 255).astype(np.uint8)
    wanted = library.ms_ssim(*(torch.from_numpy(x).permute(2, 0, 1)[None].double() for x in (a, b)))
    assert ms_ssim(a, b) == pytest.approx(float(wanted), abs=1e-6)
    assert ms_ssim(a, a) == pytest.approx(1)
    assert ssim_and_ms_ssim(a, b) == (ssim(a, b), ms_ssim(a, b))


def test_ms_ssim_refuses_small_pictures():
    with pytest.raises(ValueError, match="at least 176"):
        ms_ssim(np.zeros((175, 200, 3), np.uint8), np.zeros((175, 200, 3), np.uint8))


def test_flow_warp_error_counts_flicker_and_not_motion():
    """A texture that moves by whole pixels; the received video is brighter by 20 in every other frame."""
    moving = np.clip(smooth_clip(4, drift=(2, 1)).astype(int) // 2 + 40, 0, 255).astype(np.uint8)
    still, steady, flickering = FlowWarpError(), FlowWarpError(), FlowWarpError()
    for number, frame in enumerate(moving):
        still.add(frame, moving[0])
        steady.add(frame, frame)
        flickering.add(frame, frame + np.uint8(20 * (number % 2)))
    assert len(steady.per_frame) == 3
    assert steady.mean() < 1e-5 < still.mean()
    assert flickering.mean() == pytest.approx((20 / 255) ** 2, rel=0.02)


def test_flow_warp_error_says_nothing_across_a_cut():
    error = FlowWarpError()
    assert error.mean() is None
    error.add(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8))
    assert error.mean() is None


@pytest.mark.parametrize("most_bytes", [0, 700_000, 1 << 30])
def test_what_is_known_of_the_originals_changes_no_digit(most_bytes, monkeypatch):
    """Nothing, the flow of the first frames, or all of it is kept; the second video finds it."""
    pytest.importorskip("torch")
    monkeypatch.setattr(vmaf, "find_ffmpeg", lambda: ("", "not wanted here"))
    originals, known = smooth_clip(4, drift=(2, 1)), KnownOriginals(most_bytes)

    def measured(level, known=None):
        quality = VideoQuality(known=known)
        for original in originals:
            quality.add(original, original // 2 + np.uint8(level))
        return quality.result()

    first, second = measured(3, known), measured(9, known)
    assert second == measured(9) != first == measured(3)


def test_known_originals_are_found_once_while_there_is_room():
    known, calls = KnownOriginals(10), []

    def find(size):
        calls.append(size)
        return [np.full(size, len(calls), np.uint8)]

    for name, size, wanted in (("a", 6, 1), ("b", 5, 2), ("b", 5, 3), ("a", 6, 1), ("c", 4, 4), ("c", 4, 4)):
        assert known.get(name, lambda size=size: find(size))[0][0] == wanted
    assert calls == [6, 5, 5, 4]


def test_missing_metrics_are_null_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(vmaf, "find_ffmpeg", lambda: ("", "there is no ffmpeg on the path"))
    quality = VideoQuality()
    for frame in smooth_clip(2)[:, :64, :64]:
        quality.add(frame, frame)
    found = quality.result()
    assert set(found) == {*METRICS, "notes"}
    for name in ("ms_ssim", "lpips", "clip", "vmaf"):
        assert found[name] is None and any(
            note.startswith(f"{name}: not computed") for note in found["notes"]
        )
    assert found["psnr_db"] == 100 and found["ssim"] == pytest.approx(1)


@pytest.fixture
def clip_weights(monkeypatch, tmp_path):
    """A stand-in for open_clip: a square activation stands for QuickGELU, so that the network's name tells. Folder of weights."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("PIL")
    pytest.importorskip("safetensors")

    class Model(torch.nn.Module):
        def __init__(self, name):
            super().__init__()
            self.colours = torch.nn.Linear(3, 3, bias=False)
            self.power = 2 if name == "ViT-B-32-quickgelu" else 1

        def encode_image(self, batch):
            return self.colours(batch.mean((2, 3))) ** self.power

    def prepare(picture):
        return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float()

    def create(name, pretrained):
        assert (
            name in ("ViT-B-32", "ViT-B-32-quickgelu") and pretrained is None
        )  # it would unpickle and stretch
        return Model(name), None, prepare

    fake = types.SimpleNamespace(create_model_and_transforms=create)
    monkeypatch.setitem(sys.modules, "open_clip", fake)
    monkeypatch.setenv("RESIVID_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    clip_score._load.cache_clear()
    yield tmp_path / "weights"
    clip_score._load.cache_clear()


def save_weights(path, size=3):
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"colours.weight": np.eye(size, dtype=np.float32)}, path)


def score_two():
    """Red against a colour at cosine 90 / 150, and red against itself."""
    score = clip_score.ClipScore()
    red, mixed = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0], mixed[..., 0], mixed[..., 1] = 200, 90, 120
    score.add(red, mixed)
    score.add(red, red)
    return score, *score.result()


@pytest.mark.parametrize(
    "place, name, cosine",
    [
        ("weights/ViT-B-32.safetensors", "ViT-B-32.safetensors", 0.6),
        ("weights/open_clip/ViT-B-32.safetensors", "ViT-B-32.safetensors", 0.6),
        # squares of 90 and 120: 81 / sqrt(81^2 + 144^2)
        ("weights/ViT-B-32-quickgelu.safetensors", "ViT-B-32-quickgelu.safetensors", 81 / 27297**0.5),
        ("timm--vit_base_patch32_clip_224.openai", "timm/vit_base_patch32_clip_224.openai", 81 / 27297**0.5),
        ("laion--CLIP-ViT-B-32-laion2B-s34B-b79K", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", 0.6),
    ],
)
def test_clip_score_is_the_cosine_of_both_embeddings_of_the_network_of_the_file(
    clip_weights, tmp_path, place, name, cosine
):
    path = tmp_path / place
    if "--" in place:
        path = tmp_path / f".cache/huggingface/hub/models--{place}/snapshots/1/open_clip_model.safetensors"
        name += "/open_clip_model.safetensors"
    save_weights(path)
    score, value, problem = score_two()
    assert value == pytest.approx((cosine + 1) / 2, rel=1e-5) and problem == ""
    assert score.weights_sha256 == {name: hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    "place",
    [
        ".cache/clip/ViT-B-32.pt",  # of OpenAI: a program
        "weights/ViT-B-32.pt",
        ".cache/huggingface/hub/models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K/snapshots/1/open_clip_pytorch_model.bin",
        ".cache/huggingface/hub/models--laion--CLIP-ViT-B-32-256x256-DataComp-s34B-b86K/snapshots/1/open_clip_model.safetensors",
    ],
)
def test_clip_weights_of_unknown_networks_and_pickles_are_not_looked_for(clip_weights, tmp_path, place):
    save_weights(tmp_path / place)
    _, value, problem = score_two()
    assert value is None and problem.startswith("no weights: ViT-B-32-quickgelu.safetensors")


def test_bad_clip_weights_are_null_with_the_reason(clip_weights, monkeypatch):
    path = clip_weights / "ViT-B-32.safetensors"
    path.write_bytes(pickle.dumps({"colours.weight": [1]}))
    assert "SafetensorError" in score_two()[2]
    clip_score._load.cache_clear()
    save_weights(path, size=2)  # another network's
    score, value, problem = score_two()
    assert value is None and "size mismatch" in problem and problem.count("\n") == 0
    assert score.weights_sha256 == {}
    clip_score._load.cache_clear()
    save_weights(path)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    assert "open_clip cannot be imported" in score_two()[2]


def test_vmaf_is_what_ffmpeg_writes(monkeypatch, tmp_path):
    """With a stand-in for ffmpeg that knows libvmaf and finds two videos."""
    log = json.dumps({"pooled_metrics": {"vmaf": {"mean": 71.5}}})
    script = f"""#!{sys.executable}
import pathlib, re, sys
line = " ".join(sys.argv)
if "-filters" in line:
    print(" ... libvmaf VV->V")
else:
    assert all(pathlib.Path(name).stat().st_size for name in re.findall(r"-i (\\S+)", line))
    pathlib.Path(re.search(r"log_path=(\\S+)", line)[1]).write_text('{log}')
"""
    (tmp_path / "ffmpeg").write_text(script)
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    vmaf.find_ffmpeg.cache_clear()
    measured = vmaf.Vmaf(30)
    for frame in smooth_clip(3)[:, :64, :64]:
        measured.add(frame, frame)
    assert measured.result() == (71.5, "")
    assert measured.result()[0] is None
    vmaf.find_ffmpeg.cache_clear()


def test_a_full_disk_is_no_reason_to_do_without_vmaf(monkeypatch):
    """It fails the point, which is run again; a limit on the size of files stands for the disk."""
    monkeypatch.setattr(vmaf, "find_ffmpeg", lambda: ("ffmpeg", ""))
    frame = np.zeros((64, 64, 3), np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        measured = vmaf.Vmaf(30)
        with pytest.raises(ResividError, match="vmaf: .*cannot be written"):
            for _ in range(10):
                measured.add(frame, frame)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_vmaf_of_a_real_ffmpeg(monkeypatch, tmp_path):
    """VMAF 0.6.1 gives equal pictures about its maximum of 100, and it knows the original: blurring is worse than sharpening."""
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing there: the package's program is taken
    vmaf.find_ffmpeg.cache_clear()
    noise = np.random.default_rng(3).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 1)
    sharp = [np.roll(texture, 2 * number, 1) for number in range(4)]
    blurred = [cv2.GaussianBlur(frame, (0, 0), 2) for frame in sharp]

    def measure(originals, pictures):
        measured = vmaf.Vmaf(30)
        for pair in zip(originals, pictures, strict=True):
            measured.add(*pair)
        return measured.result()[0]

    assert measure(sharp, sharp) > 95
    monkeypatch.setattr(vmaf, "STRETCH", 3)
    assert 95 < measure(sharp + sharp[:1], sharp + sharp[:1]) < 100.5
    assert measure(sharp, blurred) < 40 < measure(blurred, sharp)
    vmaf.find_ffmpeg.cache_clear()


def test_without_an_ffmpeg_the_reason_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    vmaf.find_ffmpeg.cache_clear()
    program, reason = vmaf.find_ffmpeg()
    assert program == "" and "no ffmpeg on the path" in reason and "imageio-ffmpeg" in reason
    vmaf.find_ffmpeg.cache_clear()
