# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting of classical streams over the link, worked by hand."""

import pytest
from gnuradio.resivid.evaluate.classical.byte_link import Block, Radio, cut_to_budget, delay_s, deliver
from gnuradio.resivid.evaluate.classical.encoder import AccessUnit
from gnuradio.resivid.evaluate.classical.receiver import survivors
from gnuradio.resivid.evaluate.classical_point import budget_of, num_blocks
from gnuradio.resivid.evaluate.points import PAPER_X265, Evaluation, Point
from gnuradio.resivid.evaluate.prepared_clips import PreparedClip
from gnuradio.resivid.link.channel_settings import ChannelSettings
from gnuradio.resivid.link.mcs_table import load_mcs_table


def unit(frame, bits, key=False, disposable=False):
    return AccessUnit(frame, b"", bits, key, disposable)


def blocks(*arrived, bits=100):
    return [Block(bits, bool(each), 4, 6.0) for each in arrived]


def test_budget_worked_by_hand():
    """30 frames at CBR 4e-4: key frames 0, 8, 16, 24 of ours, each floor(4e-4 x 196,608 x 8) = 629 symbols.

    16QAM 434/1024: 629 x 4 x 434 / 1024 = 1,066 bits, 16 of them CRC: 1,050. A classical stream may use four such
    blocks, 2,516 symbols and 4,200 bits. At -2 dB the row is QPSK 251/1024: 308 bits, 292 of payload.
    """
    clip = PreparedClip("a", None, "0", 30, "30")
    fixed = Point(PAPER_X265, "4e-4", mcs="16QAM 434/1024")
    link = fixed.link(Evaluation())
    assert link.symbols == 629 and num_blocks(clip) == 4
    assert budget_of(fixed, Evaluation(), clip, 0) == 4 * 1050
    assert budget_of(Point(PAPER_X265, "4e-4", snr_db=-2), Evaluation(), clip, 0) == 4 * 292


def test_a_unit_arrives_when_all_its_blocks_do():
    units = [unit(0, 150), unit(1, 50), unit(2, 100), unit(3, 60), unit(4, 40)]
    # bits 0-149 in blocks 0, 1; 150-199 in 1; 200-299 in 2; 300-359 and 360-399 in 3
    assert deliver(units, blocks(1, 1, 1, 1)) == [True] * 5
    assert deliver(units, blocks(0, 1, 1, 1)) == [False, True, True, True, True]
    assert deliver(units, blocks(1, 0, 1, 1)) == [False, False, True, True, True]
    assert deliver(units, blocks(1, 1, 1, 0)) == [True, True, True, False, False]
    assert deliver(units, blocks(1, 1, 1)) == [True, True, True, False, False]
    assert deliver(units, []) == [False] * 5


def test_what_does_not_fit_is_cut_in_each_stretch_between_key_frames():
    units = [unit(0, 60, True), unit(1, 30), unit(2, 30), unit(4, 90, True), unit(5, 30), unit(6, 30)]
    # 200 bits: 150 for the key frames, 25 for the rest of either stretch, then 50 for that of the second
    assert [u.frame for u in cut_to_budget(units, 200)] == [0, 4, 5]
    assert [u.frame for u in cut_to_budget(units, 149)] == [
        0,
        1,
        2,
    ]  # not both key frames: 89 bits are left for the first
    assert [u.frame for u in cut_to_budget(units, 89)] == [0]
    assert cut_to_budget(units, 59) == []
    assert [u.frame for u in cut_to_budget(units[3:] + units[:3], 70)] == [0]  # the first one is too large
    assert cut_to_budget(units, 10_000) == units
    four = [unit(8 * i, 50, True) for i in range(4)]
    assert [u.frame for u in cut_to_budget(four, 150)] == [0, 16]  # evenly, not the first three


def test_delay_worked_by_hand():
    """10 frame/s and 10 frames, so 1 s; 1,000 bits in all, 1,000 bit/s."""
    in_order = [unit(0, 300, True), unit(1, 100), unit(2, 100)]
    # unit 0 is there at 0.3 s, unit 1 (captured at 0.1 s) at 0.4 s, unit 2 (0.2 s) at 0.5 s: 0.3 s late each
    assert delay_s(in_order, 1000, 10, 10.0, 1) == pytest.approx(0.3)
    # frame 2 is sent before frame 1: nothing can be sent of either before 0.2 s
    reordered = [unit(0, 100, True), unit(2, 100), unit(1, 100)]
    assert delay_s(reordered, 1000, 10, 10.0, 1) == pytest.approx(0.3)  # frame 1 of 0.1 s is there at 0.4 s
    # with every second frame coded the frame before a coded one waits for it
    assert delay_s([unit(0, 100, True), unit(2, 100)], 1000, 10, 10.0, 2) == pytest.approx(0.2)


def test_survivors_wait_for_a_key_frame_after_a_loss():
    units = [
        unit(0, 1, True),
        unit(2, 1),
        unit(1, 1, disposable=True),
        unit(3, 1),
        unit(4, 1, True),
        unit(5, 1),
    ]
    arrived = [True, True, False, True, True, True]  # nobody needs frame 1
    assert [u.frame for u in survivors(units, arrived, "hold")] == [0, 2, 3, 4, 5]
    arrived = [True, False, True, True, True, True]
    assert [u.frame for u in survivors(units, arrived, "hold")] == [0, 4, 5]
    assert [u.frame for u in survivors(units, arrived, "decoder")] == [0, 1, 3, 4, 5]


@pytest.mark.parametrize("loss_rate, bounds", [(0.0, (0, 0)), (0.5, (2, 34)), (1.0, (36, 36))])
def test_blocks_are_lost_as_the_channel_says(loss_rate, bounds):
    """36 blocks; within five deviations, sqrt(36 / 4) = 3, of the mean, 18, and one more."""
    table = load_mcs_table("table1", 629)
    radio = Radio(table, 629, 8.0, ChannelSettings(loss_rate=loss_rate), seed=3, row=4)
    found = radio.run(36)
    assert bounds[0] <= sum(not block.arrived for block in found) <= bounds[1]
    assert {block.bits for block in found} == {1050} and radio.run(36) == found


def test_rows_follow_a_fading_channel_and_are_given_over_noise():
    table = load_mcs_table("table1", 629)
    assert {block.row for block in Radio(table, 629, 8.1).run(5)} == {5}
    fading = Radio(table, 629, 8.1, ChannelSettings(fading="rayleigh"), seed=1)
    assert len({block.row for block in fading.run(30)}) > 1
