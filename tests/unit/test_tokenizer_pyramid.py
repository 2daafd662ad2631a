# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual pyramid against references written out by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gnuradio.resivid.models.tokenizers.base import ZERO_FLAG  # noqa: E402
from gnuradio.resivid.models.tokenizers.pyramid import (  # noqa: E402
    Pyramid,
    centre_out,
    from_patches,
    pad_tokens,
    resize,
    to_patches,
    to_rgb,
    to_ycc,
)

GRIDS = [1, 2, 4]


@pytest.fixture()
def pyramid():
    g = torch.Generator().manual_seed(3)
    scale = [0.3, 0.1, 0.05]
    return Pyramid(GRIDS, [s * torch.randn(40, 48, generator=g) for s in scale], 16)


@pytest.fixture()
def pictures():
    return 0.2 * torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(5))


def nearest_by_loop(patch, codes):
    return min(range(len(codes)), key=lambda i: float(((patch - codes[i]) ** 2).sum()))


def test_colour_of_grey_is_zero_and_the_way_back_is_exact():
    rgb = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(to_rgb(to_ycc(rgb)), rgb, atol=1e-5)
    assert torch.allclose(to_ycc(torch.full((1, 3, 4, 4), 0.5)), torch.zeros(1, 3, 4, 4), atol=1e-6)
    # luma of pure green is 0.587 (BT.601)
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    assert float(to_ycc(green)[0, 0, 0, 0]) == pytest.approx(0.587 - 0.5, abs=1e-6)


def test_patches_are_the_picture_cut_by_hand():
    picture = torch.arange(3 * 8 * 8).float().view(1, 3, 8, 8)
    patches = to_patches(picture)
    assert torch.equal(patches[0, 1], picture[0, :, 0:4, 4:8].reshape(-1))
    assert torch.equal(patches[0, 2], picture[0, :, 4:8, 0:4].reshape(-1))
    assert torch.equal(from_patches(patches, 2), picture)


def test_centre_out_starts_in_the_middle_and_visits_each_place_once():
    order = centre_out(8)
    assert sorted(order) == list(range(64))
    assert set(order[:4]) == {27, 28, 35, 36}
    assert set(order[-4:]) == {0, 7, 56, 63}


def test_tokens_equal_the_greedy_search_written_out(pyramid, pictures):
    tokens = pyramid.encode(pictures)
    assert tokens.shape == (3, 21)
    for n in range(3):
        residual, got = pictures[n : n + 1], []
        for level in pyramid.levels:
            side = 4 * level.grid
            small = resize(residual, side)[0]
            drawn = torch.zeros(3, side, side)
            index = np.zeros(level.num_tokens, int)
            for place in range(level.num_tokens):
                y, x = 4 * (place // level.grid), 4 * (place % level.grid)
                patch = small[:, y : y + 4, x : x + 4].reshape(-1)
                index[place] = nearest_by_loop(patch, level.codes)
                drawn[:, y : y + 4, x : x + 4] = level.codes[index[place]].view(3, 4, 4)
            got.extend(index[centre_out(level.grid)])
            residual = residual - resize(drawn[None], 16)
        assert tokens[n].tolist() == got


def test_missing_tokens_say_nothing(pyramid, pictures):
    tokens = pyramid.encode(pictures)
    levels, masks = pyramid.gather(pad_tokens(tokens[:, :5], 21))
    assert [float(m.mean()) for m in masks] == [1.0, 1.0, 0.0]
    assert float(levels[2].abs().max()) == 0.0
    nothing, _ = pyramid.gather(torch.full((1, 21), ZERO_FLAG))
    assert float(pyramid.picture(nothing).abs().max()) == 0.0


def test_hysteresis_keeps_nearly_as_good_codes_and_zero_margin_keeps_none(pyramid, pictures):
    tokens = pyramid.encode(pictures)
    noisy = pictures + 0.01 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(9))
    plain = pyramid.encode(noisy)
    kept = pyramid.encode(noisy, tokens, margin=0.25)
    assert torch.equal(pyramid.encode(noisy, tokens, margin=0.0), plain)
    assert (kept != tokens).sum() <= (plain != tokens).sum()
    assert torch.equal(pyramid.encode(noisy, tokens, margin=1e9), tokens)


def test_the_zero_flag_is_never_kept(pyramid, pictures):
    missing = torch.full((3, 21), ZERO_FLAG)
    assert torch.equal(pyramid.encode(pictures, missing, margin=1e9), pyramid.encode(pictures))
