# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture state: moved as written out pixel by pixel, refined by sums, and the search for motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from gnuradio.resivid.models.motion import MotionSearch, block_errors
from gnuradio.resivid.models.tokenizers.moving_state import (
    AGE_SIDE,
    BLOCK,
    BLOCKS,
    FADE,
    GRIDS,
    REACH,
    SIDE,
    Leak,
    LevelUpdate,
    PictureState,
    StateUpdate,
    apply,
    enlarge_level,
    move,
    predict,
    recall,
    reduce_level,
)
from loop import smooth_clip

CODEBOOKS = [0.1 * torch.randn(9, 48, generator=torch.Generator().manual_seed(g)) for g in GRIDS]


def random_state(seed=0):
    g = torch.Generator().manual_seed(seed)
    return PictureState(
        torch.randn(3, SIDE, SIDE, generator=g), torch.rand(6, AGE_SIDE, AGE_SIDE, generator=g)
    )


def update_of(rng, moves=False, share=0.2):
    levels = []
    for grid in GRIDS:
        mask = rng.random((grid, grid)) < share
        levels.append(LevelUpdate(mask, rng.integers(0, 9, int(mask.sum()))))
    field = rng.integers(-REACH, REACH + 1, (BLOCKS, BLOCKS, 2)) if moves else None
    return StateUpdate(field, levels)


def moved_pixel(picture, vectors, x, y):
    """One pixel of the overlapped block motion compensation, by its definition."""

    def taken(row, column):
        dx, dy = vectors[row, column]
        return picture[:, min(max(y + dy, 0), SIDE - 1), min(max(x + dx, 0), SIDE - 1)]

    def place(coordinate):
        """Own block, the nearest neighbour (itself at the border), and its weight at this pixel."""
        own, inside = divmod(coordinate, BLOCK)
        step = -1 if inside < BLOCK / 2 else 1
        depth = min(inside, BLOCK - 1 - inside) + 0.5
        return own, min(max(own + step, 0), BLOCKS - 1), max(0.5 * (1 - depth / 4), 0)

    (column, beside, across), (row, above, down) = place(x), place(y)
    if across + down > 0.75:
        across, down = 0.75 * across / (across + down), 0.75 * down / (across + down)
    own = (1 - across - down) * taken(row, column)
    return own + across * taken(row, beside) + down * taken(above, column)


def test_move_is_that_of_the_definition_pixel_by_pixel():
    rng = np.random.default_rng(3)
    picture = rng.standard_normal((2, SIDE, SIDE))
    vectors = rng.integers(-REACH, REACH + 1, (BLOCKS, BLOCKS, 2))
    got = move(torch.from_numpy(picture), vectors).numpy()
    coordinates = [0, 1, 7, 8, 15, 16, 17, 20, 31, 100, 111, 112, 126, 127]
    for y in coordinates:
        for x in coordinates:
            assert np.allclose(got[:, y, x], moved_pixel(picture, vectors, x, y), atol=1e-6)


def test_without_motion_the_picture_stays():
    state = random_state()
    field = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
    assert torch.allclose(move(state.ycc, field), state.ycc, atol=1e-6)
    assert torch.equal(move(state.freshness, field), state.freshness)


@pytest.mark.parametrize("x, y", [(1, 0), (0, -3), (-7, 22), (22, -22)])
def test_one_vector_for_all_blocks_shifts_the_picture_and_repeats_its_border(x, y):
    picture = random_state().ycc
    rows, columns = (np.arange(SIDE)[None] + [[y], [x]]).clip(0, SIDE - 1)
    shifted = picture[:, rows][:, :, columns]
    assert torch.allclose(move(picture, np.full((BLOCKS, BLOCKS, 2), (x, y))), shifted, atol=1e-6)


@pytest.mark.parametrize("x, places", [(2, 0), (3, 1), (6, 2), (-6, -2), (10, 2), (22, 6)])
def test_freshness_moves_by_quarters_of_the_shift(x, places):
    """Its maps have a quarter of the side; halves are rounded to the even place (22 / 4 to 6, 10 / 4 to 2)."""
    maps = random_state().freshness
    columns = (np.arange(AGE_SIDE) + places).clip(0, AGE_SIDE - 1)
    assert torch.equal(move(maps, np.full((BLOCKS, BLOCKS, 2), (x, 0))), maps[:, :, columns])


@pytest.mark.parametrize("level", range(len(GRIDS)))
def test_one_token_adds_its_patch_enlarged(level):
    grid, rng = GRIDS[level], np.random.default_rng(level)
    row, column = rng.integers(0, grid, 2)
    levels = [LevelUpdate(np.zeros((g, g), bool), np.zeros(0, np.int64)) for g in GRIDS]
    levels[level].mask[row, column] = True
    levels[level] = LevelUpdate(levels[level].mask, np.array([7]))
    state = random_state()
    after = apply(state, StateUpdate(None, levels), CODEBOOKS)
    small = np.zeros((3, 4 * grid, 4 * grid), np.float32)
    small[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = CODEBOOKS[level][7].view(3, 4, 4)
    import cv2  # its bilinear enlargement also has half-pixel centres and repeats the border

    big = cv2.resize(small.transpose(1, 2, 0), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).transpose(
        2, 0, 1
    )
    assert np.allclose((after.ycc - state.ycc).numpy(), big, atol=1e-5)
    fresh = torch.zeros(AGE_SIDE, AGE_SIDE, dtype=torch.bool)
    side = AGE_SIDE // grid
    fresh[side * row : side * (row + 1), side * column : side * (column + 1)] = True
    assert torch.equal(after.freshness[level] == 1, fresh)
    faded = state.freshness * FADE
    assert torch.equal(after.freshness[level][~fresh], faded[level][~fresh])
    others = [n for n in range(len(GRIDS)) if n != level]
    assert torch.equal(after.freshness[others], faded[others])


@pytest.mark.parametrize("moves", [False, True])
def test_what_tokens_add_does_not_depend_on_the_state(moves):
    update = update_of(np.random.default_rng(5), moves)
    a, b = random_state(1), random_state(2)
    sums = PictureState(a.ycc + 2 * b.ycc, a.freshness)
    nothing = PictureState()
    tokens = apply(nothing, update, CODEBOOKS).ycc
    of_a, of_b, of_sum = (apply(s, update, CODEBOOKS).ycc - tokens for s in (a, b, sums))
    assert torch.allclose(of_a + 2 * of_b, of_sum, atol=1e-4)


def test_the_state_before_stays_as_it_is():
    state = random_state()
    copy = PictureState(state.ycc.clone(), state.freshness.clone())
    apply(state, update_of(np.random.default_rng(1), True), CODEBOOKS, Leak(coarse=0.0, fine=0.5))
    assert torch.equal(state.ycc, copy.ycc) and torch.equal(state.freshness, copy.freshness)


def test_a_leak_takes_its_share_of_the_coarse_and_of_the_fine_part():
    state = random_state()
    cells = state.ycc.numpy().reshape(3, 8, 16, 8, 16).mean((2, 4))
    coarse = np.stack([cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for plane in cells])
    after = predict(state, None, None, Leak(coarse=0.25, fine=0.75))
    expected = 0.75 * state.ycc.numpy() - 0.5 * coarse
    assert np.allclose(after.ycc.numpy(), expected, atol=1e-5)
    assert torch.equal(after.freshness, FADE * state.freshness)


def test_what_was_flat_is_gone_when_the_coarse_part_leaks():
    flat = PictureState(torch.full((3, SIDE, SIDE), 0.4))
    assert predict(flat, None, None, Leak(coarse=0.0, fine=0.9)).ycc.abs().max() < 1e-6
    assert torch.allclose(predict(flat, None, None, Leak(coarse=1.0, fine=0.9)).ycc, flat.ycc)


def test_recalled_blocks_are_the_background_and_mixed_at_their_edges():
    state = random_state()
    state.background = random_state(1).ycc
    recalled = np.zeros((BLOCKS, BLOCKS), bool)
    recalled[2, 3] = True
    after = recall(state, recalled)
    # as if the background were a place that vectors can point to: its share is what `move` mixes of an indicator
    shown = torch.zeros(1, SIDE, SIDE)
    shown[:, 32:48, 48:64] = 1
    share = (after.ycc - state.ycc) / (state.background - state.ycc)
    inner = (slice(36, 44), slice(52, 60))
    assert torch.allclose(share[:, *inner], torch.ones(3, 8, 8), atol=1e-3)
    assert torch.allclose(
        share[:, 28:32, 54].mean(0), torch.tensor([0.0625, 0.1875, 0.3125, 0.4375]), atol=1e-3
    )
    assert torch.allclose(
        share[:, 32:36, 54].mean(0), torch.tensor([0.5625, 0.6875, 0.8125, 0.9375]), atol=1e-3
    )
    outside = torch.ones(SIDE, SIDE, dtype=torch.bool)
    outside[28:52, 44:68] = False
    assert torch.equal(after.ycc[:, outside], state.ycc[:, outside])
    assert not after.freshness[:, 8:12, 12:16].any()
    kept = torch.ones(AGE_SIDE, AGE_SIDE, dtype=torch.bool)
    kept[8:12, 12:16] = False
    assert torch.equal(after.freshness[:, kept], state.freshness[:, kept])


def empty_levels():
    return [LevelUpdate(np.zeros((g, g), bool), np.zeros(0, np.int64)) for g in GRIDS]


def test_the_background_takes_blocks_that_have_been_calm():
    def one_token(grid, row, column):
        levels = empty_levels()
        levels[GRIDS.index(grid)].mask[row, column] = True
        levels[GRIDS.index(grid)] = LevelUpdate(levels[GRIDS.index(grid)].mask, np.array([1]))
        return levels

    moved = np.zeros((BLOCKS, BLOCKS, 2), np.int64)
    moved[0, 0] = 3, 1
    recalled = np.zeros((BLOCKS, BLOCKS), bool)
    recalled[7, 7] = True
    state = random_state()
    for update in (
        StateUpdate(moved, empty_levels(), recalled),
        StateUpdate(None, one_token(4, 1, 0)),  # two blocks by two
        StateUpdate(None, one_token(32, 31, 31)),  # refines, and changes nothing
    ):
        state = apply(state, update, CODEBOOKS)
    calm = np.full((BLOCKS, BLOCKS), 3)
    calm[0, 0] = calm[7, 7] = 2
    calm[2:4, :2] = 1
    assert np.array_equal(state.calm, calm)
    taken = torch.from_numpy(calm >= 2).repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    assert torch.equal(state.background[:, taken], state.ycc[:, taken])
    assert not state.background[:, ~taken].any()


def test_values_beyond_a_codebook_add_nothing():
    update = update_of(np.random.default_rng(2))
    beyond = StateUpdate(None, [LevelUpdate(u.mask, u.values + 9) for u in update.levels])
    assert torch.equal(apply(random_state(), beyond, CODEBOOKS).ycc, random_state().ycc)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_level_reduces_to_means(grid):
    picture = random_state().ycc
    side = SIDE // (4 * grid)
    means = picture.view(3, 4 * grid, side, 4 * grid, side).mean((2, 4))
    patches = reduce_level(picture, grid)
    assert torch.allclose(patches[-1].view(3, 4, 4), means[:, -4:, -4:], atol=1e-5)
    assert patches.shape == (grid * grid, 48)
    flat = enlarge_level(torch.full((grid * grid, 48), 0.5), grid)
    assert torch.allclose(flat, torch.full((3, SIDE, SIDE), 0.5))


def test_bytes_hold_the_state_to_half_precision():
    state = random_state()
    back = PictureState.from_bytes(state.to_bytes())
    assert torch.equal(back.ycc, state.ycc.half().float())
    assert (back.freshness - state.freshness).abs().max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(back.to_bytes(), state.to_bytes())


def test_block_errors_are_those_of_the_blocks_taken_by_hand():
    state, target = random_state(1).ycc, random_state(2).ycc
    shifts = np.array([[0, 0], [3, -5], [-REACH, REACH]])
    errors = block_errors(state, target, shifts)
    for number, (x, y) in enumerate(shifts):
        moved = move(state, np.full((BLOCKS, BLOCKS, 2), (x, y)))
        for row, column in ((0, 0), (3, 5), (7, 7)):
            part = np.s_[:, BLOCK * row : BLOCK * (row + 1), BLOCK * column : BLOCK * (column + 1)]
            assert errors[number, row, column] == pytest.approx(
                float((moved[part] - target[part]).square().sum()), rel=1e-4
            )


@pytest.mark.parametrize("x, y", [(0, 0), (6, 0), (-4, 10), (20, -16)])
def test_the_search_proposes_the_shift_that_was_made(x, y):
    before = smooth_clip(1)[0][::2, ::2]
    now = np.roll(before, (-y, -x), (0, 1))  # now(p) = before(p + shift)
    shifts = MotionSearch().candidates(now, before)
    assert shifts[0].tolist() == [0, 0]
    assert np.abs(shifts).max() <= REACH
    assert len(np.unique(shifts, axis=0)) == len(shifts)
    assert [x, y] in shifts.tolist()
