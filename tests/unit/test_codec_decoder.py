# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver against a hand-written model of (17) to (21), for every position of a loss and for bursts."""

from dataclasses import replace

import numpy as np
import pytest
from gnuradio.resivid.codec import screen
from gnuradio.resivid.codec.base import Payload, Unit
from gnuradio.resivid.codec.resi_vidtok import ResiVidTokSettings, make_codec
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import GREY, ToyInterpolator, ToyTokenizer, moving_picture

SIZE, L, ZERO = 32, 128, 4095
BUDGET = 900  # 69 fresh tokens: prefixes end inside the picture


@pytest.fixture(scope="module", autouse=True)
def no_cuts():
    """(21) between all key frames: patches of the toy that appear out of grey are a cut to the receiver."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen, "is_cut", lambda first, last: False)
        yield


def payloads_of(frames, config, budget=BUDGET):
    """All payloads of a video and the end unit."""
    encoder, _ = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), config)
    units = [unit for frame in frames if (unit := encoder.analyse(frame)) is not None]
    sent = []
    for i, unit in enumerate(units):
        if config.gop_prefix and unit.gop_start:
            rest = [u for u in units[i + 1 :]]
            stop = next((n for n, u in enumerate(rest) if u.gop_start), len(rest))
            encoder.plan([unit, *rest[:stop]], budget)
        sent.append(encoder.pack(unit, budget))
    return sent, encoder.flush()


def receive(sent, end, config, lost=(), tokenizer=None, interpolator=None):
    """Frames of the decoder under test."""
    _, decoder = make_codec(tokenizer or ToyTokenizer(SIZE), interpolator or ToyInterpolator(), config)
    frames = []
    for number, payload in enumerate(sent):
        unit = decoder.unpack(None if number in lost else payload)
        assert unit.first_frame == payload.first_frame
        frames += decoder.render(unit)
        assert len(frames) == payload.first_frame + 1  # all frames up to this key frame are out: delay S - 1
    return [*frames, *decoder.render(end)]


def model(sent, num_frames, stride, lost, gop_prefix):
    """What the screen shows, written from the paper with lists; shares no code with the product."""
    tokens, picture, pictures = [ZERO] * L, None, []
    for number, payload in enumerate(sent):
        if number not in lost:
            if payload.gop_start:
                tokens = [ZERO] * L
            text = "".join(map(str, payload.bits))
            place, mask, cost = 0, [], 0
            if gop_prefix:
                mask = [int(bit) for bit in text[9 : 9 + int(text[:9], 2)]]
                place = 9 + len(mask)
            while not gop_prefix and len(mask) < L and cost < len(text):
                bit = int(text[place])
                place += 1
                if cost + (13 if bit else 1) > len(text):
                    break
                cost += 13 if bit else 1
                mask.append(bit)
            for i, bit in enumerate(mask):
                if bit:
                    tokens[i] = int(text[place : place + 12], 2)
                    place += 12
            picture = ToyTokenizer(SIZE).decode(np.array([tokens], np.uint16))[0]
        if picture is None:
            pictures.append(np.full((SIZE, SIZE, 3), GREY, np.uint8))
        else:
            pictures.append(picture)
    shown = []
    for t in range(num_frames):
        before, after = t // stride, -(-t // stride)
        if after >= len(pictures):
            shown.append(pictures[-1])
        elif before == after:
            shown.append(pictures[before])
        else:
            alpha = (t - before * stride) / stride
            mix = (1 - alpha) * pictures[before].astype(float) + alpha * pictures[after].astype(float)
            shown.append(np.round(mix).astype(np.uint8))
    return shown


def check(sent, end, config, lost, frames):
    expected = model(sent, end.num_frames, config.stride, lost, config.gop_prefix)
    assert len(frames) == end.num_frames == len(expected)
    for got, wanted in zip(frames, expected, strict=True):
        assert np.abs(got.astype(int) - wanted.astype(int)).max() <= 1  # rounding of the cross-fade


STREAMS = {
    (reference, gop_prefix): ResiVidTokSettings(4, 16, gop_prefix, reference)
    for reference in ("state", "previous")
    for gop_prefix in (False, True)
}
PICTURES = moving_picture(47, SIZE)  # 12 key frames in 3 GOPs, the last frames after the last key frame
SENT = {key: payloads_of(PICTURES, config) for key, config in STREAMS.items()}


@pytest.mark.parametrize("key", STREAMS, ids=str)
@pytest.mark.parametrize("lost", [()] + [(n,) for n in range(12)], ids=str)
def test_every_position_of_one_loss(key, lost):
    sent, end = SENT[key]
    check(sent, end, STREAMS[key], lost, receive(sent, end, STREAMS[key], lost))


@pytest.mark.parametrize("key", STREAMS, ids=str)
@pytest.mark.parametrize("first", range(12))
@pytest.mark.parametrize("length", [2, 3, 4, 5, 8, 12])
def test_bursts(key, first, length):
    sent, end = SENT[key]
    lost = tuple(range(first, min(first + length, 12)))
    check(sent, end, STREAMS[key], lost, receive(sent, end, STREAMS[key], lost))


@settings(deadline=None, max_examples=60)
@given(key=st.sampled_from(list(STREAMS)), lost=st.sets(st.integers(0, 11)))
def test_any_losses(key, lost):
    sent, end = SENT[key]
    check(sent, end, STREAMS[key], lost, receive(sent, end, STREAMS[key], lost))


def test_a_lost_gop_start_keeps_the_picture_and_the_next_gop_heals():
    config = STREAMS["state", False]
    sent, end = SENT["state", False]
    whole, broken = (receive(sent, end, config, lost) for lost in ((), (4,)))
    assert np.array_equal(broken[16], broken[12])  # held, not grey
    assert not np.array_equal(broken[20], broken[16])  # the next update applies
    assert all(np.array_equal(a, b) for a, b in zip(whole[32:], broken[32:], strict=True))


def test_network_runs_once_for_each_received_key_frame():
    tokenizer = ToyTokenizer(SIZE)
    sent, end = SENT["state", False]
    receive(sent, end, STREAMS["state", False], lost=(0, 5, 6), tokenizer=tokenizer)
    assert tokenizer.num_decoded == 9 + 1  # and once the grey picture before anything came


def test_blocks_that_never_come_look_like_failed_ones():
    config = STREAMS["state", False]
    sent, end = SENT["state", False]
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), config)
    frames = []
    for number, payload in enumerate(sent):
        if number not in (0, 1, 5, 6, 7, 11):
            frames += decoder.render(decoder.unpack(payload))
    frames += decoder.render(end)
    expected = receive(sent, end, config, lost=(0, 1, 5, 6, 7, 11))
    assert len(frames) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))


def test_a_block_that_comes_twice_shows_nothing_twice():
    sent, end = SENT["state", False]
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), STREAMS["state", False])
    assert len(list(decoder.render(decoder.unpack(sent[0])))) == 1
    assert list(decoder.render(decoder.unpack(sent[0]))) == []
    assert len(list(decoder.render(decoder.unpack(sent[1])))) == 4


def test_stride_1_shows_each_key_frame_and_never_interpolates():
    config, interpolator = ResiVidTokSettings(1, 8), ToyInterpolator()
    sent, end = payloads_of(PICTURES[:11], config)
    assert [p.gop_start for p in sent] == [n % 8 == 0 for n in range(11)]
    check(sent, end, config, (), receive(sent, end, config, interpolator=interpolator))
    assert interpolator.num_calls == 0


@pytest.mark.parametrize("num_frames", [1, 2, 4, 5, 16, 17])
@pytest.mark.parametrize("stride, gop", [(4, 16), (30, 16), (3, 2), (8, 32)])
def test_short_videos_and_strides_beyond_gop_and_video(num_frames, stride, gop):
    config = ResiVidTokSettings(stride, gop)
    sent, end = payloads_of(PICTURES[:num_frames], config)
    assert len(sent) == -(-num_frames // stride)
    assert sent[0].gop_start
    for lost in ((), (0,)):
        check(sent, end, config, lost, receive(sent, end, config, lost))


def test_interpolation_runs_across_gop_borders():
    config, interpolator = ResiVidTokSettings(12, 32), ToyInterpolator()
    sent, end = payloads_of(moving_picture(96, SIZE), config)
    receive(sent, end, config, interpolator=interpolator)
    assert interpolator.num_calls == 7  # between all 8 key frames


@settings(deadline=None, max_examples=30)
@given(data=st.binary(min_size=1, max_size=200), gop_start=st.booleans(), gop_prefix=st.booleans())
def test_hostile_bits_never_raise(data, gop_start, gop_prefix):
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), ResiVidTokSettings(4, 16, gop_prefix))
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    unit = decoder.unpack(Payload(bits, 0, gop_start))
    assert unit.data.shape == (L,)
    assert len(list(decoder.render(unit))) == 1


def test_a_received_zero_flag_is_a_missing_token():
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), ResiVidTokSettings(4, 16))
    unit = decoder.unpack(Payload(np.ones(13 * L, np.uint8), 0, True))
    assert set(unit.data) == {ZERO}
    assert np.all(next(iter(decoder.render(unit))) == GREY)


def test_reset_is_as_new():
    sent, end = SENT["state", False]
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), STREAMS["state", False])
    list(decoder.render(decoder.unpack(sent[0])))
    decoder.reset()
    unit = decoder.unpack(None)
    assert unit.first_frame == 0
    assert np.all(next(iter(decoder.render(unit))) == GREY)


def test_only_bits_frame_and_gop_start_of_a_payload_are_read():
    sent, end = SENT["state", False]
    bare = [Payload(p.bits, p.first_frame, p.gop_start) for p in sent]
    config = STREAMS["state", False]
    for a, b in zip(receive(sent, end, config), receive(bare, replace(end), config), strict=True):
        assert np.array_equal(a, b)


def test_a_video_whose_every_block_is_lost_has_its_full_length():
    config = STREAMS["state", False]
    frames = receive(*SENT["state", False], config, lost=range(12))
    assert len(frames) == 47
    assert all(np.all(frame == GREY) for frame in frames)


def test_end_without_any_unit():
    _, decoder = make_codec(ToyTokenizer(SIZE), ToyInterpolator(), STREAMS["state", False])
    assert len(list(decoder.render(Unit(3, 3, end=True)))) == 3
