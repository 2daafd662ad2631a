# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality metrics: PSNR by hand, SSIM against scikit-image, LPIPS against its published figures."""

import math

import numpy as np
import pytest
from gnuradio.resivid.errors import WeightsError
from gnuradio.resivid.evaluate import metrics
from gnuradio.resivid.evaluate.metrics import MetricsAccumulator


def noisy_pairs(count, size=64):
    rng = np.random.default_rng(11)
    clean = rng.integers(0, 256, (count, size, size, 3))
    noise = rng.normal(0, 5 + 3 * np.arange(count).reshape(-1, 1, 1, 1), clean.shape)
    return clean.astype(np.uint8), np.clip(clean + noise, 0, 255).astype(np.uint8)


def test_psnr_worked_by_hand():
    black = np.zeros((4, 4, 3), np.uint8)
    assert metrics.psnr_db(black, black + np.uint8(255)) == 0
    one = black.copy()
    one[0, 0, 0] = 12  # mean squared error 144 / 48 = 3
    assert metrics.psnr_db(black, one) == pytest.approx(10 * math.log10(65025 / 3))
    assert metrics.psnr_db(one, one) == math.inf


@pytest.mark.parametrize("shape", [(11, 11, 3), (64, 48, 3), (256, 256, 3)])
@pytest.mark.parametrize(
    ("low", "high", "noise", "error"),
    [(0, 256, 40, 1e-6), (254, 256, 1, 1e-4), (0, 2, 1, 1e-4), (0, 1, 0, 0), (255, 256, 255, 1e-6)],
)
def test_ssim_is_that_of_scikit_image(shape, low, high, noise, error):
    """In single precision: flat pictures at the ends of the range are its worst case."""
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    rng = np.random.default_rng(5)
    a = rng.integers(low, high, shape).astype(np.uint8)
    b = np.clip(a + rng.normal(0, noise, shape), 0, 255).astype(np.uint8)
    wanted = structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, data_range=255
    )
    assert metrics.ssim(a, b) == pytest.approx(wanted, abs=error)
    assert metrics.ssim(a, a) == 1


@pytest.mark.parametrize(
    ("network", "figures"),
    [("alex", (0.722, 0.138)), ("squeeze", (0.711, 0.148)), ("vgg", (0.569, 0.422))],
)
def test_lpips_of_the_projects_reference_pictures(shared_weights, network, figures):
    """`alex`: what the LPIPS project prints for its example; a wrong kernel transpose gives 0.780, 0.091."""
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("torch")
    pictures = {
        n: cv2.imread(str(shared_weights / f"lpips/ex_{n}.png"))[..., ::-1] for n in ("ref", "p0", "p1")
    }
    pairs = np.stack([pictures["ref"]] * 2), np.stack([pictures["p0"], pictures["p1"]])
    found = metrics.lpips(metrics.load_lpips(network), *pairs)
    assert tuple(np.round(found.astype(float), 3)) == figures


def test_gradients_reach_the_pictures_and_not_the_weights(shared_weights):
    torch = pytest.importorskip("torch")
    network = metrics.load_lpips("squeeze")
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(picture, torch.zeros(1, 3, 64, 64)).sum().backward()
    assert picture.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in network.parameters())


def test_means_are_those_of_the_single_frames(shared_weights):
    """More frames than one LPIPS batch holds, and a rest."""
    originals, received = noisy_pairs(metrics.LPIPS_BATCH + 3)
    accumulator = MetricsAccumulator()
    for pair in zip(originals, received, strict=True):
        accumulator.add(*pair)
    result = accumulator.result()
    network = metrics.load_lpips()
    singles = [
        float(metrics.lpips(network, a[None], b[None])[0]) for a, b in zip(originals, received, strict=True)
    ]
    assert accumulator.lpips_per_frame == pytest.approx(singles, abs=1e-5)
    assert result["lpips"] == pytest.approx(np.mean(singles), abs=1e-5)
    for key, function in (("psnr_db", metrics.psnr_db), ("ssim", metrics.ssim)):
        assert result[key] == pytest.approx(
            np.mean([function(a, b) for a, b in zip(originals, received, strict=True)])
        )
    assert result["clip"] is None and any(note.startswith("clip:") for note in result["notes"])
    assert set(accumulator.weights_sha256) == {"alexnet_features.safetensors", "lin_v0.1_alex.safetensors"}
    assert accumulator.result() == result


def test_fewer_lpips_frames_are_said(shared_weights):
    originals, received = noisy_pairs(7)
    accumulator = MetricsAccumulator(stride_lpips=3)
    for pair in zip(originals, received, strict=True):
        accumulator.add(*pair)
    result = accumulator.result()
    assert len(accumulator.lpips_per_frame) == 3 and len(accumulator.psnr_per_frame) == 7
    assert "lpips: of one frame in 3 only" in result["notes"]


def test_missing_weights_give_none_and_the_reason(monkeypatch):
    def no_weights(network="alex"):
        raise WeightsError("weights x not found")

    monkeypatch.setattr(metrics, "load_lpips", no_weights)
    originals, received = noisy_pairs(2)
    accumulator = MetricsAccumulator()
    for pair in zip(originals, received, strict=True):
        accumulator.add(*pair)
    result = accumulator.result()
    assert result["lpips"] is None and result["psnr_db"] is not None
    assert "lpips: not computed, weights x not found" in result["notes"]


def test_equal_frames_are_capped_and_counted():
    original, received = (x[0] for x in noisy_pairs(1))
    accumulator = MetricsAccumulator()
    accumulator.add(original, original)
    accumulator.add(original, received)
    result = accumulator.result()
    assert result["psnr_db"] == pytest.approx((100 + metrics.psnr_db(original, received)) / 2)
    assert any("1 frames equal" in note for note in result["notes"])


def test_no_frames_give_no_figures():
    result = MetricsAccumulator().result()
    assert [result[key] for key in ("psnr_db", "ssim", "lpips", "clip")] == [None] * 4
    assert any("no frames" in note for note in result["notes"])


def test_wrong_arguments_are_refused():
    picture = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="expected uint8"):
        metrics.psnr_db(picture, picture.astype(float))
    with pytest.raises(ValueError, match="shape of the reference"):
        metrics.ssim(picture, picture[:8])
    with pytest.raises(ValueError, match="at least 11"):
        metrics.ssim(picture[:8], picture[:8])
    with pytest.raises(ValueError, match="stride_lpips must be at least 1"):
        MetricsAccumulator(0)
