# SPDX-License-Identifier: GPL-3.0-or-later
"""PDUs: checked against what GNU Radio's own pmt reads from them, and refused when malformed."""

from __future__ import annotations

import numpy as np
import pmt
import pytest
from gnuradio.resivid.blocks import pdus
from gnuradio.resivid.codec.base import Payload, Unit


def metadata_of(pdu):
    return pmt.to_python(pmt.car(pdu))


def test_unit_as_gnu_radio_reads_it():
    unit = Unit(first_frame=16, num_frames=8, gop_start=True, data=np.array([1, 4095, 7], np.uint16))
    pdu = pdus.from_unit(unit)
    assert metadata_of(pdu) == {"frame": 16, "frames": 8, "gop_start": True, "end": False}
    assert pmt.u16vector_elements(pmt.cdr(pdu)) == [1, 4095, 7]
    back = pdus.to_unit(pdu)
    assert (back.first_frame, back.num_frames, back.gop_start, back.end) == (16, 8, True, False)
    assert back.data.dtype == np.uint16 and back.data.tolist() == [1, 4095, 7]


def test_bytes_of_another_codec_stay_bytes():
    assert pdus.to_unit(pdus.from_unit(Unit(0, data=np.array([255, 0], np.uint8)))).data.dtype == np.uint8


def test_payload_tells_the_receiver_no_more_than_it_may_know():
    payload = Payload(np.array([1, 0, 1], np.uint8), 8, True, bits_header=2, bits_body=1, prefix=2, updates=0)
    pdu = pdus.from_payload(payload, mcs=4)
    assert metadata_of(pdu) == {"frame": 8, "gop_start": True, "mcs": 4}
    assert pmt.u8vector_elements(pmt.cdr(pdu)) == [1, 0, 1]


def test_end_is_a_packet_of_one_item():
    pdu = pdus.from_end(70)
    assert metadata_of(pdu) == {"end": True, "frames": 70}
    assert pmt.length(pmt.cdr(pdu)) == 1
    end, _ = pdus.to_payload(pdu)
    assert isinstance(end, Unit) and end.end and end.num_frames == 70


def test_frame_keeps_its_shape():
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    back, index = pdus.to_frame(pdus.from_frame(picture, 5))
    assert index == 5 and np.array_equal(back, picture)


@pytest.mark.parametrize(
    "pdu",
    [
        pmt.PMT_NIL,
        pmt.intern("tokens"),
        pmt.from_long(3),
        pmt.cons(pmt.PMT_NIL, pmt.PMT_NIL),
        pmt.cons(pmt.make_dict(), pmt.init_f32vector(1, [0.0])),
        pmt.cons(pmt.to_pmt({"frame": 1.5}), pmt.init_u16vector(1, [0])),
        pmt.cons(pmt.to_pmt({"frame": True}), pmt.init_u16vector(1, [0])),
        pmt.cons(pmt.to_pmt({"frame": 1, "end": "yes"}), pmt.init_u16vector(1, [0])),
    ],
)
def test_malformed_units_are_refused(pdu):
    with pytest.raises(ValueError, match="expected|must be"):
        pdus.to_unit(pdu)


@pytest.mark.parametrize("value", [np.int64(3), b"3", None, [3]])
def test_metadata_are_plain_python(value):
    with pytest.raises(ValueError, match="'frame' must be int, float, bool or str"):
        pdus.from_parts({"frame": value}, np.zeros(1, np.uint8))


@pytest.mark.parametrize("data", [np.zeros(2), np.zeros((2, 2), np.uint8), np.zeros(2, np.int64)])
def test_data_are_uint8_or_uint16(data):
    with pytest.raises(ValueError, match="data must be uint8 or uint16"):
        pdus.from_parts({}, data)


@pytest.mark.parametrize("message", [pmt.from_double(2.0), pmt.intern("2"), pmt.PMT_T, pmt.PMT_NIL])
def test_integer_means_integer(message):
    with pytest.raises(ValueError, match="expected an integer"):
        pdus.to_integer(message)


def test_a_report_is_a_dictionary():
    message = pdus.from_report(16, True, False)
    assert pmt.to_python(message) == {"frame": 16, "crc_ok": True, "restart": False}
    assert pdus.to_report(message) == (16, True, False)
    short = pmt.to_pmt({"frame": 8, "crc_ok": False})  # a receiver that never asks for a start
    assert pdus.to_report(short) == (8, False, False)


@pytest.mark.parametrize(
    "message",
    [
        pmt.PMT_NIL,
        pmt.from_long(3),
        pmt.make_dict(),
        pmt.to_pmt({"frame": 8}),
        pmt.to_pmt({"frame": 8.5, "crc_ok": True}),
        pmt.to_pmt({"frame": 8, "crc_ok": 1}),
        pmt.to_pmt({"frame": 8, "crc_ok": True, "restart": "no"}),
        pmt.cons(pmt.make_dict(), pmt.init_u8vector(1, [1])),
    ],
)
def test_malformed_reports_are_refused(message):
    with pytest.raises(ValueError):
        pdus.to_report(message)
