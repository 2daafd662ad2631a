# SPDX-License-Identifier: GPL-3.0-or-later
"""MCS selector block: equation (8) by message, and exactly one answer for each message."""

import numpy as np
import pmt
import pytest
from gnuradio import gr, resivid
from packet_run import Collector, post, to_pdu

THRESHOLDS_DB = [-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def answers(messages, *args, **kwargs):
    """Rows that the selector sends for these messages, and the block."""
    selector, collector = resivid.mcs_selector(THRESHOLDS_DB, *args, **kwargs), Collector()
    top = gr.top_block()
    top.msg_connect(selector, "mcs", collector, "in")
    top.start()
    for message in messages:
        post(selector, "snr", message)
    rows = [pmt.to_python(row) for row in collector.wait_for(len(messages))]
    top.stop()
    top.wait()
    return rows, selector


def payload(snr_db, **metadata):
    """The decoder's PDU."""
    return to_pdu(np.zeros(4, np.uint8), {"snr_db": snr_db, "crc_ok": True, **metadata})


@pytest.mark.parametrize(
    "snr_db, row",
    [(-20.0, 0), (-2.0, 0), (1.0, 1), (1.89, 1), (1.91, 2), (5.89, 3), (5.91, 4), (6.0, 4), (40.0, 6)],
)
def test_up_when_at_most_a_tenth_of_a_db_is_missing(snr_db, row):
    assert answers([pmt.from_double(snr_db)])[0] == [row]


def test_down_only_below_the_hysteresis():
    # window 1: each estimate is the mean. Row 4 needs 6 dB and stays to 5.5 dB
    estimates = [6.0, 5.6, 5.51, 5.4, 5.6, 5.95]
    rows, _ = answers([pmt.from_double(e) for e in estimates], window=1)
    assert rows == [4, 4, 4, 3, 3, 4]


def test_mean_of_the_window_decides():
    # means of the last two: 0, 5, 10, 5 dB: the last is more than 0.5 dB below row 6's 10 dB
    rows, _ = answers([pmt.from_double(e) for e in (0.0, 10.0, 10.0, 0.0)], window=2)
    assert rows == [1, 3, 6, 3]


def test_takes_numbers_and_the_pdu_of_the_decoder():
    rows, selector = answers([pmt.from_long(4), payload(8.0), payload(8, frame=8)], window=1)
    assert rows == [3, 5, 5]
    assert selector.dropped() == 0
    assert selector.row() == 5


def test_every_message_is_answered_also_without_an_estimate():
    no_estimate = [
        payload(float("nan")),
        payload("six"),
        to_pdu(np.zeros(0, np.uint8), {"end": True, "frames": 300}),
        pmt.cons(pmt.PMT_NIL, pmt.make_u8vector(1, 0)),
        pmt.from_double(float("nan")),
    ]
    rows, selector = answers([pmt.from_double(6.0), *no_estimate])
    assert rows == [4] * 6
    assert selector.dropped() == 0


def test_garbage_is_counted_and_answered_with_the_row_in_force():
    garbage = [pmt.intern("6 dB"), pmt.PMT_NIL, pmt.make_u8vector(100000, 7), pmt.cons(pmt.PMT_T, pmt.PMT_F)]
    rows, selector = answers([pmt.from_double(6.0), *garbage, pmt.from_double(6.0)])
    assert rows == [4] * 6
    assert selector.dropped() == len(garbage)


def test_before_the_first_estimate_the_start_row():
    assert answers([payload(float("nan"))], start_row=2)[0] == [2]
    assert resivid.mcs_selector(THRESHOLDS_DB, start_row=2).row() == 2


def test_outer_loop_follows_the_fate_of_the_blocks():
    # Target 1/5, step 0.5 dB: by hand as in the C++ test
    failures = [payload(6.0, crc_ok=False, mcs=4)] * 2
    rows, selector = answers([payload(6.0, mcs=0), *failures], window=1, target_bler=0.2, outer_step_db=0.5)
    assert rows == [4, 4, 3]
    assert selector.offset_db() == pytest.approx(0.125 - 1.0)


def test_lost_packets_say_nothing_of_the_snr():
    lost = payload(-30.0, crc_ok=False, mcs=4, lost=True)
    rows, selector = answers([payload(6.0, mcs=0), lost, lost], window=1, target_bler=0.2)
    assert rows == [4, 4, 4] and selector.offset_db() > 0


def test_a_bias_shifts_the_estimates():
    assert answers([pmt.from_double(6.0)], snr_bias_db=-1.5)[0] == [3]


@pytest.mark.parametrize(
    "row", [pmt.from_long(-1), pmt.from_long(2**62), pmt.intern("4"), pmt.from_double(4.0)]
)
def test_unknown_rows_teach_the_outer_loop_nothing(row):
    message = pmt.cons(pmt.dict_add(pmt.car(payload(6.0, crc_ok=False)), pmt.intern("mcs"), row), pmt.PMT_NIL)
    rows, selector = answers([message], target_bler=0.2)
    assert rows == [4] and selector.offset_db() == 0


@pytest.mark.parametrize(
    "metadata",
    [
        pmt.cons(pmt.PMT_T, pmt.PMT_F),  # no dictionary, though made of pairs
        pmt.cons(pmt.cons(pmt.PMT_T, pmt.PMT_T), pmt.PMT_F),
        pmt.cons(pmt.PMT_NIL, pmt.PMT_NIL),
    ],
)
def test_metadata_that_only_look_like_a_dictionary_are_answered(metadata):
    assert answers([pmt.cons(metadata, pmt.PMT_NIL), pmt.from_double(6.0)])[0] == [0, 4]


@pytest.mark.parametrize("row", [0, 5])
def test_fixed_row_answers_every_estimate(row):
    rows, selector = answers([payload(20.0), payload(-20.0), pmt.intern("?")], fixed_row=row)
    assert rows == [row] * 3
    assert selector.row() == row


@pytest.mark.parametrize(
    "thresholds_db, settings, match",
    [
        ([], {}, "threshold|start_row"),
        ([0.0, 0.0], {}, "rising"),
        (THRESHOLDS_DB, {"hysteresis_db": -0.1}, "hysteresis_db"),
        (THRESHOLDS_DB, {"snr_bias_db": 100.0}, "snr_bias_db must be within 40"),
        (THRESHOLDS_DB, {"target_bler": 1.0}, "target_bler: expected a number between 0 and 1"),
        (THRESHOLDS_DB, {"target_bler": 0.1, "outer_step_db": 0.0}, "outer_step_db: expected above 0 to 10"),
        (THRESHOLDS_DB, {"window": 0}, "window: expected at least 1, got 0"),
        (THRESHOLDS_DB, {"start_row": 7}, "start_row: expected a row below 7, got 7"),
        (THRESHOLDS_DB, {"fixed_row": 7}, "fixed_row: expected a row below 7, got 7"),
        (THRESHOLDS_DB, {"fixed_row": -2}, "fixed_row"),
    ],
)
def test_refuses_settings_that_cannot_work(thresholds_db, settings, match):
    with pytest.raises(ValueError, match=match):
        resivid.mcs_selector(thresholds_db, **settings)
