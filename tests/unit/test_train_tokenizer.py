# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of training: k-means against scipy, codebook use, prefixes, crops, losses, films of the closed loop."""

import numpy as np
import pytest
import torch
from gnuradio.resivid.codec.closed_loop import ClosedLoopSettings
from gnuradio.resivid.codec.closed_loop.planner import Planner
from gnuradio.resivid.models.tokenizers.base import ZERO_FLAG
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS, PictureState
from gnuradio.resivid.models.tokenizers.pyramid import Pyramid
from gnuradio.resivid.train import loop_states, refit, states
from gnuradio.resivid.train.codebooks import CodebookUse, fit_codebooks, kmeans, nearest
from gnuradio.resivid.train.discriminator import PatchDiscriminator, hinge
from gnuradio.resivid.train.films import Films, reduced
from gnuradio.resivid.train.loop_states import make_states
from gnuradio.resivid.train.losses import PictureLoss
from gnuradio.resivid.train.refit import coded_residuals
from gnuradio.resivid.train.settings import LossWeights
from loop import cosine_codes, ends, smooth_clip
from train_files import picture


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


def test_stale_states_mix_the_new_prefix_with_old_tokens():
    now, before = torch.ones(200, 405, dtype=torch.int64), torch.zeros(200, 405, dtype=torch.int64)
    mixed = states.stale_states(now, before, 0.5, np.random.default_rng(3))
    assert bool((mixed[:, :-1] >= mixed[:, 1:]).all())  # new ones first, never an old one among them
    assert 40 < int((mixed[:, -1] == 0).sum()) < 130
    assert torch.equal(states.stale_states(now, before, 0.0, np.random.default_rng(3)), now)


def test_use_of_codes_is_share_and_perplexity():
    use = CodebookUse([8, 4])
    use.add(0, torch.tensor([[0, 1, 2, 3], [0, 1, 2, ZERO_FLAG]]))
    use.add(0, torch.tensor([3]))
    assert use.report(["coarse", "fine"]) == {
        "coarse": {"tokens": 8, "share_in_use": 0.5, "perplexity": 4.0}  # four codes, equally often
    }
    use.reset()
    assert use.report(["coarse", "fine"]) == {}


def test_dead_codes_move_to_what_is_badly_coded():
    g = torch.Generator().manual_seed(0)
    crowd, far = torch.zeros(600, 4), 9 + torch.randn(20, 4, generator=g)
    patches = torch.cat([crowd, far])
    codes = kmeans(patches, 16, 8, torch.Generator().manual_seed(1))
    index, distance = nearest(patches, codes)
    assert len(index[600:].unique()) >= 10  # nearly all codes start in the crowd
    assert distance[:600].max() < 1e-6


def test_hinge_loss_by_hand():
    real, made = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.5])
    assert float(hinge(real, made)) == pytest.approx(0.5 * (0.25 + 0.75))
    scores = PatchDiscriminator()(torch.rand(2, 3, 128, 128))
    assert scores.shape == (2, 1, 16, 16)


def test_pixel_losses_by_hand_and_terms_without_weight_need_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("RESIVID_WEIGHTS", str(tmp_path))
    loss = PictureLoss(LossWeights(l1=2, l2=3, vgg=0, lpips=0))
    terms = loss(torch.full((1, 3, 4, 4), 0.75), torch.full((1, 3, 4, 4), 0.5))
    assert {k: float(v) for k, v in terms.items()} == pytest.approx(
        {"loss": 0.6875, "l1": 0.25, "l2": 0.0625}
    )


def test_perceptual_losses_are_zero_for_equal_pictures(shared_weights):
    loss = PictureLoss(LossWeights())
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert float(loss(x, x)["loss"]) == pytest.approx(0, abs=1e-6)
    terms = loss(x.flip(3), x)
    assert set(terms) == {"loss", "l1", "vgg", "lpips_squeeze"}
    wanted = 4 * terms["l1"] + 0.3 * terms["vgg"] + 1.2 * terms["lpips_squeeze"]
    assert float(terms["loss"]) == pytest.approx(float(wanted), rel=1e-5)


def films() -> Films:
    return Films([smooth_clip(4)], [picture(i) for i in range(3)], [7])


def test_films_do_not_depend_on_the_number_of_processes():
    codebooks = [cosine_codes() for _ in GRIDS]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the processes: another number sums in another order
    alone, together = (make_states(films(), codebooks, 8, workers) for workers in (0, 2))
    torch.set_num_threads(threads)
    for a, b in zip(alone.tensors().values(), together.tensors().values(), strict=True):
        assert torch.equal(a, b)


def test_states_are_those_of_the_codec():
    """A film without losses, coded by the encoder that a link runs."""
    number = next(n for n in range(20) if films().job(n).source.ndim == 3)
    rows, codes = loop_states.walk([cosine_codes() for _ in GRIDS], films().job(number))
    job = films().job(number)
    frames = job.key_frames()
    budget = int(job.rng.choice(loop_states.BUDGETS))
    encoder, _ = ends(ClosedLoopSettings(stride=1))
    count = 0
    for frame in frames:
        unit = encoder.analyse(frame)
        encoder.pack(unit, budget)
        state = encoder.state.ycc.half().numpy()
        count += any(np.array_equal(state, row[0]) for row in rows)
    assert count == len(rows) >= 2
    assert sum(map(len, codes)) > 20


def test_residuals_are_what_the_tokens_stand_for():
    """Each gathered patch is coded by the code that its token names."""
    books = [cosine_codes() for _ in GRIDS]
    _, target = reduced(picture(2))
    update = Planner(books).plan(PictureState(), target, 2000).update
    patches = coded_residuals(PictureState(), target, update, books)
    assert update.num_tokens == sum(map(len, patches)) > 50
    for level, found, book in zip(update.levels, patches, books, strict=True):
        if len(found):
            assert torch.equal(nearest(found, book)[0], torch.from_numpy(level.values))


def test_refit_lowers_the_error_and_keeps_poor_levels(monkeypatch):
    monkeypatch.setattr(refit, "NUM_CODES", 12)
    books = [cosine_codes() for _ in GRIDS]
    rows = [refit.gather(books, films().job(n)) for n in range(2)]
    fitted = refit.refit(books, rows, seed=0)
    for number, (old, new) in enumerate(zip(books, fitted, strict=True)):
        patches = torch.from_numpy(np.concatenate([row[number] for row in rows])).float()
        if len(patches) < 48:
            assert new is old
        else:
            few = kmeans(patches, 12, 1, torch.Generator().manual_seed(0))
            assert nearest(patches, new)[1].mean() < nearest(patches, few)[1].mean()
    assert fitted[0] is books[0] and fitted[3] is not books[3]
