# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitter: which frames it sends, against which reference, and that it does not depend on batches."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from gnuradio.resivid.codec.offline import OfflinePacker
from gnuradio.resivid.codec.resi_vidtok import ResiVidTokEncoder, ResiVidTokSettings
from gnuradio.resivid.errors import SettingsError
from toy import ToyTokenizer, moving_picture

SIZE = 32
BUDGETS = [13, 50, 1050, 1664, 5000, 14, 300, 99]


def encoder_of(**settings):
    return ResiVidTokEncoder(ToyTokenizer(SIZE), ResiVidTokSettings(**settings))


def units_of(encoder, frames):
    return [unit for frame in frames if (unit := encoder.analyse(frame)) is not None]


def test_stride_12_gop_32():
    encoder = encoder_of(stride=12, gop=32, gop_prefix=True)
    units = units_of(encoder, moving_picture(96, SIZE))
    assert [u.first_frame for u in units] == [0, 12, 24, 36, 48, 60, 72, 84]
    assert [u.gop_start for u in units] == [True, False, False, True, False, False, True, False]
    assert encoder.units_to_plan == 3
    end = encoder.flush()
    assert (end.end, end.num_frames, end.data.size) == (True, 96, 0)


def test_tokens_are_kept_within_a_gop_and_chosen_afresh_at_its_start():
    tokenizer = ToyTokenizer(SIZE)
    encoder = ResiVidTokEncoder(tokenizer, ResiVidTokSettings(1, 4))
    frames = np.random.default_rng(3).integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.uint8).repeat(5, axis=0)
    frames[1:] = np.clip(frames[1:].astype(int) + 9, 0, 255)  # a little brighter: within the hysteresis
    fresh = tokenizer.encode(frames)
    assert not np.array_equal(fresh[0], fresh[1])
    units = units_of(encoder, frames)
    kept = tokenizer.encode(frames[1:2], reference=fresh[:1])[0]
    assert np.array_equal(units[1].data, kept)
    assert (kept == fresh[0]).sum() > (fresh[1] == fresh[0]).sum()
    assert np.array_equal(units[4].data, fresh[4])


def still(num_frames):
    """A still picture, every toy token of it another."""
    return moving_picture(1, SIZE).repeat(num_frames, axis=0)


def test_reference_state_goes_on_where_the_prefix_ended():
    encoder = encoder_of(stride=1, gop=8)
    payloads = [encoder.pack(unit, 416) for unit in units_of(encoder, still(8))]
    # 416 bits: 32 fresh tokens; then 32 zeros and 384 bits for 29 more; 61 zeros, 355 bits for 27; ...
    assert [p.prefix for p in payloads[:3]] == [32, 61, 88]
    assert [p.updates for p in payloads[:3]] == [32, 29, 27]
    assert payloads[-1].prefix == 128
    assert payloads[-1].updates == 0


def test_reference_previous_is_7_to_the_letter():
    encoder = encoder_of(stride=1, gop=8, reference="previous")
    payloads = [encoder.pack(unit, 416) for unit in units_of(encoder, still(8))]
    assert [(p.prefix, p.updates) for p in payloads] == [(32, 32)] + [(128, 0)] * 7


def test_payload_always_fills_the_budget():
    encoder = encoder_of(stride=1, gop=4)
    for unit, budget in zip(units_of(encoder, moving_picture(8, SIZE)), BUDGETS, strict=True):
        payload = encoder.pack(unit, budget)
        assert payload.bits.size == budget
        assert payload.bits_header + payload.bits_body <= budget
        assert (payload.first_frame, payload.gop_start) == (unit.first_frame, unit.gop_start)


@pytest.mark.parametrize("reference", ["state", "previous"])
def test_gop_prefix_is_one_for_all_and_the_smallest_of_the_largest(reference):
    encoder = encoder_of(stride=4, gop=16, gop_prefix=True, reference=reference)
    units = units_of(encoder, moving_picture(32, SIZE))
    packer = OfflinePacker(encoder, lambda number: 0, [700])
    payloads = [p for unit in [*units, encoder.flush()] for p, _ in packer.take(unit)]
    for gop in (0, 4):
        tokens = [unit.data for unit in units[gop : gop + 4]]
        masks = [np.ones(128, bool)] + [b != a for a, b in pairwise(tokens)]
        largest = [max(k for k in range(129) if 9 + k + 12 * mask[:k].sum() <= 700) for mask in masks]
        assert [p.prefix for p in payloads[gop : gop + 4]] == [min(largest)] * 4


def test_offline_packer_freezes_the_row_for_a_gop_and_loses_nothing():
    rows = [0, 1, 0, 0, 0, 1]
    for gop_prefix, expected in ((False, rows), (True, [0, 0, 0, 0, 0, 0])):
        encoder = encoder_of(stride=4, gop=12, gop_prefix=gop_prefix)
        packer = OfflinePacker(encoder, rows.__getitem__, [400, 800])
        done = []
        for frame in moving_picture(21, SIZE):
            unit = encoder.analyse(frame)
            done += packer.take(unit) if unit else []
        done += packer.take(encoder.flush())
        assert [payload.first_frame for payload, _ in done] == [0, 4, 8, 12, 16, 20]
        assert [row for _, row in done] == expected
        assert [payload.bits.size for payload, _ in done] == [(400, 800)[row] for row in expected]


def test_a_budget_below_one_token_is_refused():
    encoder = encoder_of()
    (unit,) = units_of(encoder, still(1))
    with pytest.raises(SettingsError, match="cannot carry one token"):
        encoder.pack(unit, 12)


def test_reset_is_as_new():
    frames = moving_picture(9, SIZE)
    encoder = encoder_of(stride=4, gop=16)
    first = [encoder.pack(unit, 500).bits for unit in units_of(encoder, frames)]
    encoder.reset()
    again = [encoder.pack(unit, 500).bits for unit in units_of(encoder, frames)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize(
    "settings", [{"stride": 0}, {"gop": 0}, {"stride": 2.0}, {"gop": -1}, {"reference": "none"}]
)
def test_refuses_settings_that_cannot_be(settings):
    with pytest.raises(SettingsError, match=next(iter(settings))):
        ResiVidTokSettings(**settings)


def test_refuses_more_tokens_than_the_prefix_field_counts():
    tokenizer = ToyTokenizer(SIZE)
    tokenizer.num_tokens = 512
    with pytest.raises(SettingsError, match="511"):
        ResiVidTokEncoder(tokenizer, ResiVidTokSettings())


def test_loads_without_torch_and_gnu_radio():
    code = (
        "import sys; import gnuradio.resivid.codec.resi_vidtok, gnuradio.resivid.codec.rvt, "
        "gnuradio.resivid.video.reader, gnuradio.resivid.link.statistics; "
        "print([name for name in ('torch', 'cv2', 'gnuradio.gr', 'pmt') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
