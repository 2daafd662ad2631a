# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of the closed loop: within every budget, better with more bits, and the best choice where it is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from gnuradio.resivid.codec.closed_loop import syntax, vectors
from gnuradio.resivid.codec.closed_loop.block_choices import BlockChoices
from gnuradio.resivid.codec.closed_loop.planner import Planner
from gnuradio.resivid.codec.closed_loop.price import PriceSearch
from gnuradio.resivid.models.tokenizers.moving_state import (
    BLOCKS,
    GRIDS,
    REACH,
    SIDE,
    LevelUpdate,
    PictureState,
    StateUpdate,
    apply,
    move,
)
from gnuradio.resivid.models.tokenizers.pyramid import to_ycc
from gnuradio.resivid.models.visibility import visibility
from loop import cosine_codes, smooth_clip

CODEBOOKS = [cosine_codes() for _ in GRIDS]
NUM_CODES = [len(book) for book in CODEBOOKS]
FINE = len(GRIDS) - 1


def reduced(frame):
    """A picture of the clip at the state's side: uint8, and as target."""
    small = frame.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)).astype(np.uint8)
    return small, to_ycc(torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255)[0]


@pytest.fixture(scope="module")
def pictures():
    return [reduced(frame) for seed in (1, 2) for frame in smooth_clip(2, seed, (8, -4))]


def error(state, target):
    return float((state.ycc - target).square().sum())


@pytest.mark.parametrize("seed", range(12))
def test_never_exceeds_the_budget_and_says_what_the_receiver_reads(pictures, seed):
    rng = np.random.default_rng(seed)
    budget_bits = int(rng.integers(40, 2001))
    (before, start), (now, target) = pictures[:2] if seed % 2 else pictures[2:]
    state = PictureState() if seed % 3 == 0 else PictureState(ycc=start)
    plan = Planner(CODEBOOKS).plan(state, target, budget_bits, now, before)
    assert plan.written.bits.size <= budget_bits
    got = syntax.read(np.pad(plan.written.bits, (0, budget_bits - plan.written.bits.size)), NUM_CODES)
    wanted = apply(state, plan.update, CODEBOOKS)
    assert torch.equal(apply(state, got, CODEBOOKS).ycc, wanted.ycc)
    assert error(wanted, target) <= error(state, target)


def test_key_frame_after_key_frame_the_budget_is_used():
    planner, state, before, used = Planner(CODEBOOKS), PictureState(), None, []
    for number, frame in enumerate(smooth_clip(20, 3)):
        if number in (7, 8):  # two pictures of another scene, and back
            frame = frame[::-1, :, ::-1]
        now, target = reduced(frame)
        plan = planner.plan(state, target, 400 if number % 5 else 900, now, before)
        state, before = apply(state, plan.update, CODEBOOKS), now
        used.append(plan.written.bits.size / (400 if number % 5 else 900))
    assert min(used) > 0.75 and np.mean(used) > 0.96


@pytest.mark.parametrize("slope", [-0.3, -1.0, -2.5])
@pytest.mark.parametrize("start", [1e-5, 3e-3, 0.5])
def test_the_price_of_a_known_length_is_found(slope, start):
    search = PriceSearch(start, 1000)
    for _ in range(12):
        length = 1000 * (search.price / 0.01) ** slope
        if abs(length - 1000) < 15:
            return
        search.learn(round(length))
    raise AssertionError(f"price {search.price} instead of 0.01")


@pytest.mark.parametrize("jump", [0.002, 0.01, 0.3])
def test_a_length_that_jumps_over_the_budget_ends_the_search(jump):
    search = PriceSearch(3e-3, 1000)
    tried = 0
    while not search.settled:
        length = 1300 if search.price < jump else 700
        search.learn(length)
        tried += 1
    assert tried <= 12
    assert search.price == pytest.approx(jump, rel=0.02)


@pytest.mark.parametrize("budget_bits", [1, 2, 7, 20])
def test_a_budget_for_nothing_changes_nothing_wrongly(pictures, budget_bits):
    _, target = pictures[0]
    plan = Planner(CODEBOOKS).plan(PictureState(), target, budget_bits)
    assert plan.written.bits.size <= budget_bits
    assert error(apply(PictureState(), plan.update, CODEBOOKS), target) <= error(PictureState(), target)


def test_more_bits_leave_less_error_on_the_mean(pictures):
    budgets = (60, 150, 400, 1000, 2000)
    left = []
    for budget_bits in budgets:
        plans = [Planner(CODEBOOKS).plan(PictureState(), target, budget_bits) for _, target in pictures]
        states = [apply(PictureState(), plan.update, CODEBOOKS) for plan in plans]
        left.append(np.mean([error(s, target) for s, (_, target) in zip(states, pictures, strict=True)]))
    assert left == sorted(left, reverse=True)
    assert left[-1] < left[0] / 3


def fine_pattern(places, sizes):
    """A picture of the finest level alone: waves that vanish in every reduction to half the side."""
    wave = torch.cos(2 * (torch.arange(4.0) + 0.5) * np.pi / 4).expand(4, 4)
    picture = torch.zeros(3, SIDE, SIDE)
    for (row, column), size in zip(places, sizes, strict=True):
        picture[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = size * wave
    return picture


def test_what_a_few_tokens_say_is_said_by_just_these_tokens():
    places, sizes = [(0, 0), (9, 20), (10, 20), (31, 31)], [0.25, -0.25, 0.08, 0.25]
    target = fine_pattern(places, sizes)
    plan = Planner(CODEBOOKS).plan(PictureState(), target, 300)
    assert [level.values.size for level in plan.update.levels] == [0, 0, 0, 0, 0, 4]
    assert np.argwhere(plan.update.levels[FINE].mask).tolist() == [list(place) for place in places]
    assert error(apply(PictureState(), plan.update, CODEBOOKS), target) < 1e-9


@pytest.mark.parametrize("budget_bits", [100, 150, 250, 300])
def test_the_tokens_that_fit_are_those_of_most_gain(budget_bits):
    """Tokens of one level cost about the same, so the best set of n is that of the n largest gains."""
    rng = np.random.default_rng(budget_bits)
    places = [divmod(int(p), 32) for p in rng.choice(1024, 24, replace=False)]
    sizes = [0.26 * 0.97**n for n in range(24)]
    target = fine_pattern(places, sizes)
    counts = F.interpolate(visibility(target), size=32, mode="bilinear")[0, 0]
    gains = {place: size**2 * float(counts[place]) for place, size in zip(places, sizes, strict=True)}
    plan = Planner(CODEBOOKS).plan(PictureState(), target, budget_bits)
    chosen = {tuple(place) for place in np.argwhere(plan.update.levels[FINE].mask).tolist()}
    assert plan.update.num_tokens == len(chosen) > 0
    left = [gain for place, gain in gains.items() if place not in chosen]
    assert chosen <= gains.keys()
    assert min(gains[place] for place in chosen) > 0.95 * max(left)  # codes round the sizes


@pytest.mark.parametrize("seed", range(6))
def test_no_other_choice_of_tokens_gains_much_more(seed):
    """Against all choices of eight tokens of the finest level that the budget holds."""
    rng = np.random.default_rng(seed)
    places = [divmod(int(p), 32) for p in rng.choice(1024, 8, replace=False)]
    sizes = rng.permutation([0.3 * 0.9**n for n in range(8)])  # far apart: a price cannot part equal gains
    target, budget_bits = fine_pattern(places, sizes), int(rng.integers(100, 160))
    planned = Planner(CODEBOOKS).plan(PictureState(), target, budget_bits).update
    chosen = {tuple(place) for place in np.argwhere(planned.levels[FINE].mask).tolist()}
    assert planned.num_tokens == len(chosen) and chosen <= set(places)
    counts = F.interpolate(visibility(target), size=32, mode="bilinear")[0, 0]
    codes = np.array([0.08, 0.25])
    worth = (codes * (2 * sizes[:, None] - codes)).max(1)  # what the nearest code takes off the squared error
    gains = [gain * float(counts[place]) for place, gain in zip(places, worth, strict=True)]
    best = 0.0
    for take in itertools.product((False, True), repeat=8):
        mask = np.zeros((32, 32), bool)
        for place, taken in zip(places, take, strict=True):
            mask[place] = taken
        levels = [LevelUpdate(np.zeros((g, g), bool), np.zeros(0, np.int64)) for g in GRIDS]
        levels[FINE] = LevelUpdate(mask, np.zeros(sum(take), np.int64))
        if syntax.write(StateUpdate(None, levels), NUM_CODES).bits.size <= budget_bits:
            best = max(best, sum(gain for gain, taken in zip(gains, take, strict=True) if taken))
    have = sum(gain for gain, place in zip(gains, places, strict=True) if place in chosen)
    assert have >= 0.8 * best > 0


def test_errors_count_by_the_inverse_of_the_local_standard_deviation():
    """Noise of three strengths in thirds of a picture, far from their borders."""
    rng = np.random.default_rng(3)
    sizes = (0.06, 0.24, 0.96)
    target = torch.zeros(3, SIDE, SIDE)
    for number, size in enumerate(sizes):
        target[:, :, 40 * number : 40 * (number + 1)] = size * torch.from_numpy(
            rng.standard_normal((3, SIDE, 40))
        )
    got = visibility(target)[0, 0]
    assert got.shape == (16, 16) and float(got.mean()) == pytest.approx(1)
    inner = [float(got[:, 5 * n + 1 : 5 * n + 4].mean()) for n in range(3)]
    for weaker, stronger in ((0, 1), (1, 2)):
        assert inner[weaker] / inner[stronger] == pytest.approx(4, rel=0.15)
    assert torch.isfinite(visibility(torch.zeros(3, SIDE, SIDE))).all()


def test_shifts_are_the_best_of_all_by_error_and_bits():
    rng = np.random.default_rng(7)
    shifts = np.concatenate([[[0, 0]], rng.integers(-REACH, REACH + 1, (6, 2))])
    errors = rng.random((len(shifts), BLOCKS, BLOCKS)).astype(np.float32)
    behind = 0.3 * rng.random((BLOCKS, BLOCKS)).astype(np.float32)
    for price in (1e-4, 1e-3, 3e-3):
        field, recalled = BlockChoices(shifts, errors, behind).best(price)
        assert field is not None and recalled is not None and 5 < recalled.sum() < 60
        for row in range(BLOCKS):
            for column in range(BLOCKS):
                expected, _ = vectors.predict(field, row, column)
                costs = []
                for number, shift in enumerate(shifts.tolist()):
                    bits = 0.4
                    if tuple(shift) != expected:
                        sizes = [abs(a - b) for a, b in zip(shift, expected, strict=True)]
                        bits = 2 + sum(1 if n == 0 else 2 + 2 * np.log2(n + 1) for n in sizes)
                    costs.append(errors[number, row, column] + price * bits)
                best = shifts[int(np.argmin(costs))].tolist()
                returns = 1.5 * behind[row, column] + 12 * price < min(costs)
                assert (field[row, column].tolist(), recalled[row, column]) == (
                    [0, 0] if returns else best,
                    returns,
                )


def test_without_motion_to_find_no_vectors_are_sent():
    errors = np.ones((3, BLOCKS, BLOCKS), np.float32)
    assert BlockChoices(np.array([[0, 0], [5, 1], [-3, 2]]), errors, errors[0]).best(1e-3) == (None, None)


def test_what_was_hidden_comes_back_from_the_background():
    texture = smooth_clip(1, 5)[0].astype(np.int64) + np.random.default_rng(2).integers(
        -40, 41, (256, 256, 3)
    )
    still = np.clip(texture, 0, 255).astype(np.uint8)
    hidden = still.copy()
    hidden[64:192, 64:192] = 255 - hidden[64:192, 64:192]
    planner, state, before, recalled = Planner(CODEBOOKS), PictureState(), None, []
    errors = []
    for number in range(14):
        now, target = reduced(hidden if 9 <= number < 11 else still)
        plan = planner.plan(state, target, 600, now, before)
        state, before = apply(state, plan.update, CODEBOOKS), now
        recalled.append(
            np.zeros((BLOCKS, BLOCKS), bool) if plan.update.recalled is None else plan.update.recalled
        )
        errors.append(error(state, target))
    assert not np.any(recalled[:10]) and recalled[10].sum() <= 2  # what it hid looks otherwise
    assert recalled[11][2:6, 2:6].mean() > 0.5 and recalled[11].sum() == recalled[11][2:6, 2:6].sum()
    assert errors[11] < min(1.15 * errors[8], 0.6 * errors[9])


def test_a_picture_that_moves_is_moved(pictures):
    (before, _), (now, target) = pictures[:2]
    state = PictureState(ycc=reduced(smooth_clip(1, 1)[0])[1])
    still = Planner(CODEBOOKS, motion=False).plan(state, target, 200, now, before)
    moved = Planner(CODEBOOKS).plan(state, target, 200, now, before)
    assert still.update.field is None
    field = moved.update.field
    assert field is not None
    # The clip drifts by (8, -4) pixels of the picture: blocks come from (-4, 2) pixels of the state.
    assert np.median(field, (0, 1)).tolist() == [-4, 2]
    assert error(PictureState(move(state.ycc, field)), target) < 0.2 * error(state, target)
    results = [error(apply(state, plan.update, CODEBOOKS), target) for plan in (moved, still)]
    assert results[0] < 0.5 * results[1]
