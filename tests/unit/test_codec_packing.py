# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits against a slow reader and writer that work on strings, and against hostile bits."""

import numpy as np
import pytest
from gnuradio.resivid.codec.resi_vidtok import packing
from gnuradio.resivid.errors import SettingsError
from hypothesis import given, settings
from hypothesis import strategies as st

ZERO = 4095


def slow_pack(tokens, mask, budget):
    """docs/air-interface.md, "largest prefix", as a string of 0 and 1."""
    header, values, cost = "", "", 0
    for token, changed in zip(tokens, mask, strict=True):
        step = 13 if changed else 1
        if cost + step > budget:
            header += "1" if cost < budget else ""
            break
        cost += step
        header += "1" if changed else "0"
        values += format(token, "012b") if changed else ""
    return len(header), len(values), (header + values).ljust(budget, "0")


def slow_parse(text, num_tokens):
    """docs/air-interface.md, the parse rule: list of 0 / 1 and list of values."""
    cost, place, mask = 0, 0, []
    while len(mask) < num_tokens and cost < len(text):
        bit = int(text[place])
        place += 1
        if cost + (13 if bit else 1) > len(text):
            break
        cost += 13 if bit else 1
        mask.append(bit)
    values = [int(text[place + 12 * i : place + 12 * i + 12], 2) for i in range(sum(mask))]
    return mask, values


def as_text(bits):
    return "".join(map(str, bits))


def as_bits(text):
    return np.array([int(bit) for bit in text], np.uint8)


@st.composite
def key_frames(draw):
    size = draw(st.integers(1, 200))
    seed, share = draw(st.integers(0, 2**32)), draw(st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]))
    rng = np.random.default_rng(seed)
    return rng.integers(0, ZERO, size).astype(np.uint16), rng.random(size) < share


@settings(deadline=None)
@given(key_frame=key_frames(), budget=st.integers(13, 2700))
def test_pack_equals_the_slow_writer_and_parse_gives_it_back(key_frame, budget):
    tokens, mask = key_frame
    block = packing.pack(tokens, mask, budget)
    header, body, text = slow_pack(tokens, mask, budget)
    assert (block.header_bits, block.body_bits, as_text(block.bits)) == (header, body, text)
    update = packing.parse(block.bits, tokens.size)
    assert update.mask.tolist() == mask[: block.prefix].tolist()
    assert update.values.tolist() == tokens[: block.prefix][mask[: block.prefix]].tolist()
    assert block.updates == update.values.size


@settings(deadline=None)
@given(key_frame=key_frames(), budget=st.integers(22, 2700), prefix=st.integers(0, 200))
def test_gop_prefix_comes_back_too(key_frame, budget, prefix):
    tokens, mask = key_frame
    prefix = min(prefix, tokens.size)
    block = packing.pack_prefix(tokens, mask, prefix, budget)
    room = [k for k in range(prefix + 1) if 9 + k + 12 * mask[:k].sum() <= budget]
    assert block.prefix == max(room)
    text = format(block.prefix, "09b") + as_text(mask[: block.prefix].astype(int))
    assert block.header_bits == len(text)
    text += "".join(format(t, "012b") for t in tokens[: block.prefix][mask[: block.prefix]])
    assert as_text(block.bits) == text.ljust(budget, "0")
    update = packing.parse_prefix(block.bits, tokens.size)
    assert update.mask.tolist() == mask[: block.prefix].tolist()
    assert update.values.tolist() == tokens[: block.prefix][mask[: block.prefix]].tolist()


@settings(deadline=None)
@given(data=st.binary(max_size=400), drop=st.integers(0, 7), num_tokens=st.integers(1, 511))
def test_any_bits_parse_to_at_most_all_tokens(data, drop, num_tokens):
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    bits = bits[: max(bits.size - drop, 0)]
    update = packing.parse(bits, num_tokens)
    mask, values = slow_parse(as_text(bits), num_tokens)
    assert (update.mask.astype(int).tolist(), update.values.tolist()) == (mask, values)
    update = packing.parse_prefix(bits, num_tokens)
    assert update.mask.size <= num_tokens
    assert update.values.size == update.mask.sum()


def test_operating_point():
    tokens = np.arange(128, dtype=np.uint16)
    block = packing.pack(tokens, np.ones(128, bool), 1050)
    assert (block.prefix, block.header_bits, block.body_bits, block.bits.size) == (80, 81, 960, 1050)


@pytest.mark.parametrize("budget", [13, 14, 25, 26, 27, 38, 39, 40])
def test_the_end_of_the_mask_at_every_number_of_bits_left(budget):
    tokens, mask = np.array([1, 2, 3, 4], np.uint16), np.ones(4, bool)
    block = packing.pack(tokens, mask, budget)
    assert block.prefix == budget // 13
    assert block.header_bits == block.prefix + (budget % 13 > 0)
    assert packing.parse(block.bits, 4).values.tolist() == tokens[: block.prefix].tolist()


def test_short_body_is_filled_with_the_zero_flag():
    bits = as_bits(format(3, "09b") + "111" + format(5, "012b") + "1" * 11)
    update = packing.parse_prefix(bits, 128)
    assert update.values.tolist() == [5, ZERO, ZERO]
    assert packing.parse_prefix(as_bits(format(300, "09b") + "10"), 128).mask.tolist() == [True, False]
    assert packing.parse_prefix(as_bits("11111111"), 128).mask.size == 0


def test_prefix_field_beyond_all_tokens_means_all():
    assert packing.parse_prefix(as_bits("1" * 9 + "0" * 511), 100).mask.size == 100


@pytest.mark.parametrize(
    "pack, least", [(packing.pack, 13), (lambda t, m, a: packing.pack_prefix(t, m, 4, a), 22)]
)
def test_refuses_a_block_below_one_token(pack, least):
    tokens, mask = np.array([1, 2, 3, 4], np.uint16), np.zeros(4, bool)
    pack(tokens, mask, least)
    for budget in (least - 1, 0, -5):
        with pytest.raises(SettingsError, match="cannot carry one token"):
            pack(tokens, mask, budget)


@pytest.mark.parametrize("value", [4095, 4096])
def test_the_zero_flag_is_never_sent(value):
    with pytest.raises(ValueError, match="zero flag"):
        packing.pack(np.array([value], np.uint16), np.ones(1, bool), 100)
