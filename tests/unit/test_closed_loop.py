# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of the closed loop hold the same state, whatever is lost and however late its report."""

from __future__ import annotations

import itertools
from collections import deque
from functools import cache

import numpy as np
import pytest
import torch
from gnuradio.resivid.codec.base import Payload
from gnuradio.resivid.codec.closed_loop import ClosedLoopDecoder, ClosedLoopEncoder, ClosedLoopSettings
from gnuradio.resivid.codec.closed_loop.memory import leak_before
from gnuradio.resivid.codec.closed_loop.mirror import MOST_PENDING, Mirror
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.models.tokenizers.moving_state import PictureState
from hypothesis import example, given, settings
from hypothesis import strategies as st
from loop import LoopTokenizer, ends, exchange, same, smooth_clip
from toy import ToyInterpolator, ToyTokenizer

BUDGET = 300
CLIP = smooth_clip(16)


@cache
def encode(memory, motion=True, num_frames=16):
    """Payloads of the clip, GOPs of eight key frames, and the encoder after them."""
    encoder = ClosedLoopEncoder(LoopTokenizer(), ClosedLoopSettings(1, 8, memory, motion))
    return encoder, [encoder.pack(encoder.analyse(frame), BUDGET) for frame in CLIP[:num_frames]]


def decoder_for(encoder):
    return ClosedLoopDecoder(encoder.tokenizer, ToyInterpolator(), encoder.settings)


# Mirror with states that are tuples of what arrived: the receiver's is known by definition


def follow(state, unit_id, update):
    return (*(state if isinstance(state, tuple) else ()), update)


def what_arrived(sent, lost):
    """Updates that the receiver holds, from the last start that it received."""
    held = ()
    for (_, update, start), is_lost in zip(sent, lost, strict=True):
        if not is_lost:
            held = (update,) if start else (*held, update)
    return held


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30), st.integers(1, 6))
@example([(True, 0)] * 3, 4)
def test_the_mirror_is_the_receiver_that_lost_these_blocks(blocks, delay):
    mirror, sent, reports = Mirror(follow, track=True), [], deque()
    lost = [is_lost for is_lost, _ in blocks]
    for number, (is_lost, start) in enumerate(blocks):
        if len(reports) == delay:
            mirror.report(*reports.popleft())
        sent.append((8 * number, f"update {number}", start == 0))
        mirror.send(*sent[-1])
        reports.append((8 * number, not is_lost))
        known = number + 1 - len(reports)
        supposed = lost[:known] + [False] * len(reports)  # without a report, a block counts as arrived
        assert (mirror.state if isinstance(mirror.state, tuple) else ()) == what_arrived(sent, supposed)
    for report in reports:
        mirror.report(*report)
    assert (mirror.state if isinstance(mirror.state, tuple) else ()) == what_arrived(sent, lost)


def test_a_report_that_never_came_counts_as_arrival_and_unknown_ones_as_nothing():
    mirror = Mirror(follow, track=True)
    for number in range(4):
        mirror.send(8 * number, number, number == 0)
    for unit_id in (-8, 3, 99, 8, 0, 8):  # 8 is known and arrived; then 0 and 8 are known no more
        mirror.report(unit_id, unit_id == 8)
    assert mirror.state == (0, 1, 2, 3)


def test_the_mirror_keeps_no_more_than_it_should():
    mirror = Mirror(follow, track=True)
    for number in range(MOST_PENDING + 5):
        mirror.send(number, number, number == 0)
    mirror.report(0, False)  # forgotten: can no longer be taken back
    mirror.report(5, False)
    assert mirror.state == tuple(n for n in range(MOST_PENDING + 5) if n != 5)


# Encoder and decoder


@pytest.mark.parametrize("delay, motion", [(1, True), (2, True), (3, False), (4, False)])
def test_with_feedback_both_ends_hold_the_same_state(delay, motion):
    lost = np.random.default_rng(delay).random(8) < 0.4
    encoder, decoder = ends(ClosedLoopSettings(stride=1, memory="feedback", motion=motion))
    list(exchange(encoder, decoder, CLIP[:8], lost, delay, BUDGET))
    assert same(encoder.state, decoder.state)


@pytest.mark.parametrize("lost", list(itertools.product([False, True], repeat=3)), ids=str)
def test_every_loss_of_the_first_blocks(lost):
    encoder, decoder = ends(ClosedLoopSettings(stride=1, memory="feedback", motion=False))
    list(exchange(encoder, decoder, CLIP[:3], lost, 1, 100))
    assert same(encoder.state, decoder.state)


@pytest.mark.parametrize("delay", [1, 3])
def test_one_request_starts_the_state_anew_once(delay):
    """The first block is lost, so each report asks for a start until one arrives."""
    encoder, decoder = ends(ClosedLoopSettings(stride=1, memory="feedback", motion=False))
    lost = [True] + [False] * 6
    starts = list(exchange(encoder, decoder, CLIP[:7], lost, delay, 100))
    assert [n for n, start in enumerate(starts) if start] == [0, delay]
    assert not decoder.wants_restart


def test_a_start_that_is_lost_is_asked_for_again():
    encoder, decoder = ends(ClosedLoopSettings(stride=1, memory="feedback", motion=False))
    starts = list(exchange(encoder, decoder, CLIP[:6], [True, True, True, False, False, False], 1, 100))
    assert starts == [True, True, True, True, False, False]
    assert same(encoder.state, decoder.state)


def test_a_late_receiver_asks_for_a_start_and_holds_the_same_state_from_then_on():
    encoder, old = ends(ClosedLoopSettings(stride=1, memory="feedback"))
    late = decoder_for(encoder)
    for number, frame in enumerate(CLIP[:6]):
        payload = encoder.pack(encoder.analyse(frame), BUDGET)
        old.unpack(payload)
        if number >= 3:
            late.unpack(payload)
        assert payload.gop_start == (number in (0, 4))
        assert same(late.state, old.state) == (number >= 4)
        encoder.report(payload.first_frame, True, number >= 3 and late.wants_restart)
    assert not late.wants_restart and same(encoder.state, late.state)


def test_without_feedback_nobody_asks_for_a_start():
    for memory in ("gop", "refresh"):
        encoder, decoder = ends(ClosedLoopSettings(memory=memory))
        assert not encoder.wants_reports and not decoder.wants_restart
    encoder, decoder = ends(ClosedLoopSettings(memory="feedback"))
    assert encoder.wants_reports and decoder.wants_restart


def test_memory_gop_starts_from_nothing_each_gop():
    encoder, payloads = encode("gop", num_frames=10)
    assert [p.gop_start for p in payloads] == [n % 8 == 0 for n in range(10)]
    late, old = decoder_for(encoder), decoder_for(encoder)
    for number, payload in enumerate(payloads):
        old.unpack(payload)
        late.unpack(payload if number >= 5 else None)
        assert same(late.state, old.state) == (number >= 8)
    assert same(old.state, encoder.state)


@pytest.mark.parametrize("stride, gop", [(1, 1), (1, 3), (8, 32), (8, 20), (2, 16), (1, 300)])
def test_refresh_drops_the_coarse_part_once_a_gop_and_fades_the_rest(stride, gop):
    config = ClosedLoopSettings(stride, gop, "refresh")
    leaks = [leak_before(frame, config) for frame in range(0, 20 * gop, stride)]
    assert all(leak is not None and 0.8 < leak.fine < 1 for leak in leaks)
    dropped = [
        frame // gop for frame, leak in zip(range(0, 20 * gop, stride), leaks, strict=True) if not leak.coarse
    ]
    assert dropped == list(range(20))
    assert {leak.coarse for leak in leaks} <= {0.0, 1.0}
    for memory in ("gop", "feedback"):
        assert leak_before(0, ClosedLoopSettings(stride, gop, memory)) is None


def distance(a: PictureState, b: PictureState) -> float:
    return float((a.ycc - b.ycc).square().mean().sqrt())


@pytest.mark.parametrize("motion", [False, True])
def test_with_refresh_a_late_receiver_comes_near_with_the_next_gop_and_nearer_with_each_after(motion):
    encoder, payloads = encode("refresh", motion)
    assert [p.gop_start for p in payloads] == [True] + [False] * 15
    late, old, apart = decoder_for(encoder), decoder_for(encoder), []
    for number, payload in enumerate(payloads):
        old.unpack(payload)
        late.unpack(payload if number >= 3 else None)
        apart.append(distance(late.state, old.state))
    assert same(old.state, encoder.state)
    assert apart[8] < 0.5 * apart[7]  # the second GOP begins: coarse parts are alike
    assert 0 < apart[15] < 0.95 * apart[8]


def test_with_refresh_losses_heal():
    encoder, payloads = encode("refresh")
    lossy, clean, apart = decoder_for(encoder), decoder_for(encoder), []
    for number, payload in enumerate(payloads):
        clean.unpack(payload)
        lossy.unpack(None if number in (2, 3) else payload)
        apart.append(distance(lossy.state, clean.state))
    assert apart[1] == 0 < apart[3]
    assert apart[8] < apart[7] and apart[15] < 0.75 * max(apart)


def test_a_failed_block_leaves_the_state_and_counts_the_frame():
    encoder, payloads = encode("gop", num_frames=10)
    decoder = decoder_for(encoder)
    first = decoder.unpack(payloads[0])
    held = decoder.state
    unit = decoder.unpack(None)
    assert decoder.state is held and np.array_equal(unit.data, first.data)
    assert (first.first_frame, unit.first_frame) == (0, 1)


def test_reset_forgets_everything():
    encoder, decoder = ends(ClosedLoopSettings(stride=1))
    payloads = [encoder.pack(encoder.analyse(frame), BUDGET) for frame in CLIP[:4]]
    before = [decoder.unpack(p).data for p in payloads]
    decoder.reset()
    encoder.reset()
    again = [encoder.pack(encoder.analyse(frame), BUDGET) for frame in CLIP[:4]]
    assert all(np.array_equal(a.bits, b.bits) for a, b in zip(payloads, again, strict=True))
    assert decoder.wants_restart and same(decoder.state, PictureState())
    assert all(np.array_equal(decoder.unpack(p).data, data) for p, data in zip(again, before, strict=True))


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200), st.booleans(), st.integers(-(2**40), 2**40))
def test_hostile_payloads_give_a_picture(data, start, frame):
    decoder = DECODERS["feedback" if start else "refresh"]
    unit = decoder.unpack(Payload(np.unpackbits(np.frombuffer(data, np.uint8)), frame, start))
    assert torch.isfinite(decoder.state.ycc).all()
    assert decoder.state.freshness.min() >= 0 and decoder.state.freshness.max() <= 1
    assert unit.first_frame == frame and unit.data.size == 2 * 3 * 128 * 128 + 6 * 32 * 32


DECODERS = {memory: ends(ClosedLoopSettings(memory=memory))[1] for memory in ("feedback", "refresh")}


@pytest.mark.parametrize("budget_bits", [1, 2, 39, 40, 41])
def test_any_budget_is_filled_and_both_ends_agree(budget_bits):
    encoder, decoder = ends(ClosedLoopSettings(stride=1))
    payload = encoder.pack(encoder.analyse(CLIP[0]), budget_bits)
    assert payload.bits.size == budget_bits and payload.bits.dtype == np.uint8
    decoder.unpack(payload)
    assert same(encoder.state, decoder.state)


def test_bits_are_accounted_for():
    _, payloads = encode("refresh")
    for payload in payloads:
        assert payload.bits.size == BUDGET
        used = int(np.flatnonzero(payload.bits)[-1]) + 1
        assert payload.bits_header + payload.bits_body == used
        assert payload.updates == payload.prefix > 0


@pytest.mark.parametrize("budget_bits", [0, -5])
def test_no_bits_at_all_are_refused(budget_bits):
    encoder, _ = ends(ClosedLoopSettings())
    with pytest.raises(SettingsError, match="at least 1 bit"):
        encoder.pack(encoder.analyse(CLIP[0]), budget_bits)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"stride": 0}, "stride must be"),
        ({"gop": 1 << 31}, "gop must be"),
        ({"memory": "elephant"}, "memory must be one of gop, refresh, feedback, got 'elephant'"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(SettingsError, match=message):
        ClosedLoopSettings(**options)


def test_a_tokenizer_without_codebooks_is_refused():
    for make in (
        lambda: ClosedLoopEncoder(ToyTokenizer(), ClosedLoopSettings()),
        lambda: ClosedLoopDecoder(ToyTokenizer(), ToyInterpolator(), ClosedLoopSettings()),
    ):
        with pytest.raises(SettingsError, match="needs a tokenizer with codebooks .multiscale., got toy"):
            make()


@pytest.mark.parametrize("lost", [(), (3,)], ids=str)
def test_a_new_scene_starts_from_nothing_until_it_arrives(lost):
    """Dark before, bright after key frame 3; a start that was lost is sent again once the report has come."""
    dark, bright = (smooth_clip(1, seed)[0] // 3 for seed in (1, 2))
    bright = bright + np.uint8(150)
    encoder, decoder = ends(ClosedLoopSettings(stride=1, memory="feedback"))
    starts, reports = [], []
    for number, frame in enumerate([dark] * 3 + [bright] * 4):
        if reports:
            encoder.report(*reports.pop(0))
        unit = encoder.analyse(frame)
        payload = encoder.pack(unit, 500)
        starts.append(payload.gop_start)
        decoder.unpack(None if number in lost else payload)
        reports.append((unit.first_frame, number not in lost, decoder.wants_restart))
    assert starts == [True, False, False, True, bool(lost), False, False]
    assert same(encoder.state, decoder.state)
