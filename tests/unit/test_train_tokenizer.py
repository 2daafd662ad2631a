# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: k-means against scipy, prefixes, crops, and resuming to the bit."""

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gnuradio.resivid.models.tokenizers.base import ZERO_FLAG  # noqa: E402
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS  # noqa: E402
from gnuradio.resivid.models.tokenizers.pyramid import Pyramid  # noqa: E402
from gnuradio.resivid.models.tokenizers.refiner import RefinerConfig  # noqa: E402
from gnuradio.resivid.train import states  # noqa: E402
from gnuradio.resivid.train import tokenizer as training  # noqa: E402
from gnuradio.resivid.train.codebooks import fit_codebooks, kmeans, nearest  # noqa: E402
from gnuradio.resivid.train.data import random_squares  # noqa: E402

SHARED_WEIGHTS = Path(os.environ.get("RESIVID_WEIGHTS", Path(__file__).parents[2].parent / "shared/weights"))
SMALL = RefinerConfig(widths=(16, 16, 8, 8), blocks=(1, 1, 1, 1))


def test_nearest_is_the_nearest_of_scipy():
    from scipy.spatial.distance import cdist

    g = torch.Generator().manual_seed(0)
    patches, codes = torch.randn(500, 48, generator=g), torch.randn(70, 48, generator=g)
    index, distance = nearest(patches, codes, chunk=64)
    full = cdist(patches.double().numpy(), codes.double().numpy(), "sqeuclidean")
    assert np.array_equal(index.numpy(), full.argmin(1))
    assert np.allclose(distance.numpy(), full.min(1), rtol=1e-4)


def test_kmeans_is_that_of_scipy_from_the_same_start():
    from scipy.cluster.vq import kmeans2

    patches = torch.randn(800, 6, generator=torch.Generator().manual_seed(4))
    codes = kmeans(patches, 16, 8, torch.Generator().manual_seed(7))
    start = patches[torch.randperm(800, generator=torch.Generator().manual_seed(7))[:16]]
    wanted, _ = kmeans2(patches.double().numpy(), start.double().numpy(), iter=8, minit="matrix")
    assert np.allclose(codes.numpy(), wanted, atol=1e-4)


def test_each_level_codes_what_the_coarser_ones_leave():
    pictures = [torch.randn(60, 3, 8, 8, generator=torch.Generator().manual_seed(2))]
    books = fit_codebooks([1, 2], lambda: [p.clone() for p in pictures], 8, iterations=5)
    pyramid = Pyramid([1, 2], books, 8)
    left = [p.square().mean() for p in pictures]
    for length in (1, 5):
        tokens = pyramid.encode(pictures[0])
        tokens[:, length:] = ZERO_FLAG
        shown = pyramid.picture(pyramid.gather(tokens)[0])
        left.append((pictures[0] - shown).square().mean())
    assert left[2] < left[1] <= left[0]
    assert left[2] < 1e-6  # 240 patches, up to 4,095 codes: each patch is its own code


def test_random_prefixes_keep_tokens_or_flag_them():
    tokens = torch.arange(64 * 405).view(64, 405) % 4095
    out = states.random_prefixes(tokens, np.random.default_rng(0))
    kept = out != ZERO_FLAG
    assert torch.equal(out[kept], tokens[kept])
    lengths = kept.sum(1)
    assert lengths.min() < 80 and lengths.max() > 300


def test_crops_of_state_maps_and_picture_show_the_same_place():
    y = torch.arange(256.0).view(1, 1, 256, 1).expand(4, 1, 256, 256).contiguous()
    state, maps = y[:, :, ::2, ::2], y[:, :, ::8, ::8]
    a, b, c = states.crop_states(state, maps, y, 128, np.random.default_rng(1))
    assert a.shape[-1] == 64 and b.shape[-1] == 16 and c.shape[-1] == 128
    assert torch.equal(a, c[:, :, ::2, ::2]) and torch.equal(b, c[:, :, ::8, ::8])
    assert all(
        torch.equal(*pair)
        for pair in zip(states.crop_states(state, maps, y, 256, None), (state, maps, y), strict=True)
    )


@pytest.mark.skipif(
    not (SHARED_WEIGHTS / "vgg").is_dir(), reason="the loss networks (shared/weights) are absent"
)
def test_resumed_training_equals_uninterrupted(tmp_path, monkeypatch):
    monkeypatch.setenv("RESIVID_WEIGHTS", str(SHARED_WEIGHTS))
    settings = training.TokenizerTraining(minutes=1, batch=2, crop=64, network=SMALL)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (260, 280, 3), dtype=np.uint8) for _ in range(4)]
    books = [0.1 * torch.randn(40, 48, generator=torch.Generator().manual_seed(1)) for _ in GRIDS]
    loss = training.PictureLoss()
    run = training.Run(settings, books)
    batches = [run.batch(pictures, rng) for _ in range(4)]
    for batch in batches[:2]:
        run.train_step(batch, loss)
    run.save_checkpoint(tmp_path / "c.pt")
    again = training.Run.resume(settings, tmp_path / "c.pt")
    for batch in batches[2:]:
        first, second = run.train_step(batch, loss), again.train_step(batch, loss)
        assert first == pytest.approx(second, rel=1e-4)
    assert again.step == 4
    for a, b in zip(run.network.parameters(), again.network.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_stale_states_mix_the_new_prefix_with_old_tokens():
    now, before = torch.ones(200, 405, dtype=torch.int64), torch.zeros(200, 405, dtype=torch.int64)
    mixed = states.stale_states(now, before, 0.5, np.random.default_rng(3))
    assert bool((mixed[:, :-1] >= mixed[:, 1:]).all())  # new ones first, never an old one among them
    assert 40 < int((mixed[:, -1] == 0).sum()) < 130
    assert torch.equal(states.stale_states(now, before, 0.0, np.random.default_rng(3)), now)


def test_windows_before_lie_near_and_inside():
    ramp = np.broadcast_to(np.arange(300, dtype=np.uint16)[:, None, None], (300, 300, 3)).astype(np.uint8)
    now, before = random_squares([ramp[:290]], 50, np.random.default_rng(0), side=200, shift_px=3.0)
    move = before[:, 0, 0, 0].astype(int) - now[:, 0, 0, 0]
    assert 1.0 < move.std() < 4.5
    still = random_squares([ramp[:290]], 5, np.random.default_rng(0), side=200)
    assert np.array_equal(*still)
