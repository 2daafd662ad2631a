# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the return link: who may say what, and how they travel."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading

import pytest
from gnuradio.resivid.errors import ResividError, SettingsError
from gnuradio.resivid.link.feedback import ArrivalLog, ArrivalReader, FeedbackReader, Report, write_report
from gnuradio.resivid.link.payload_head import NUM_NUMBERS, PayloadHead
from gnuradio.resivid.radio.feedback_link import KINDS, OPTION, ReportListener, ReportSender
from gnuradio.resivid.radio.network import parse_address
from hypothesis import given, settings
from hypothesis import strategies as st

KEY, START = b"0123456789abcdef", 0x123456789


def test_a_report_worked_by_hand():
    report = Report(row=7, last=0x123, used=0x8000000000000005, restart=True)
    body = b"RVFB" + bytes([2, 7, 0, 0, 0, 0, 0, 0, 1, 2]) + bytes([0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89])
    body += bytes([0x81, 0x23]) + bytes([0x80, 0, 0, 0, 0, 0, 0, 5])
    mac = hmac.new(KEY, b"gr-resivid feedback 2" + body, hashlib.sha256).digest()[:8]
    assert write_report(report, 0x102, START, KEY) == body + mac
    assert FeedbackReader(START, 16, KEY).read(body + mac) == report


@pytest.mark.parametrize("key", [KEY, None])
def test_strangers_are_refused_and_counted(key):
    def write(row, number, start_ms, key, last=9):
        return write_report(Report(row, last), number, start_ms, key)

    reader = FeedbackReader(START, 16, key)
    assert reader.read(write(3, 5, START, key)) == Report(3, 9)
    good = write(4, 6, START, key)
    refused = [
        write(4, 5, START, key),  # again
        write(16, 6, START, key),  # no such row
        write(4, 6, START, key, last=4096),  # no such key frame
        write(4, 6, START + 1, key),  # another stream
        write(4, 6, START, b"another key, 16+"),
        good[:-1],
        good + b"x",
        b"",
        *(good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :] for n in range(len(good))),
    ]
    assert [reader.read(report) for report in refused] == [None] * len(refused)
    assert reader.read(good) == Report(4, 9)
    assert (reader.reports, reader.strangers) == (2, len(refused))


def head(number, gop_start=False, session=1):
    return PayloadHead(session, gop_start, number % NUM_NUMBERS, 0)


def report_of(log):
    return Report(0, log.last, log.used, log.restart)


@pytest.mark.parametrize("first", [0, 4090])
def test_the_transmitter_hears_the_fate_of_each_key_frame_once(first):
    """Key frames 3, 4 and 7 are lost, 6 cannot be read; the reports of 2 and 5 are lost too."""
    log, reader, fates = ArrivalLog(), ArrivalReader(), []
    reader.fates(Report(0, (first - 1) % NUM_NUMBERS), first - 1)  # all before was told
    for number in (0, 1, 2, 5, 6, 8):
        log.add(head(first + number, gop_start=number == 0), used=number != 6)
        if number not in (2, 5):
            fates += reader.fates(report_of(log), first + 9)
            assert reader.fates(report_of(log), first + 9) == []  # the same again says nothing
    lost = (3, 4, 6, 7)
    assert fates == [(first + number, number not in lost, False) for number in range(9)]


def test_a_receiver_asks_for_a_start_until_it_used_one():
    log = ArrivalLog()
    asks = []
    for event in (
        (head(7), True),  # it joins late
        (head(8, gop_start=True), False),  # the start cannot be read
        (head(9, gop_start=True), True),
        (head(72), True),  # 62 are missing, and the log knows it
        (head(136), True),  # 63 are missing: 73 is beyond the log
        (head(137, gop_start=True), True),
        (head(5, session=2), True),  # another stream
        (head(6, gop_start=True, session=2), True),
    ):
        log.add(*event)
        asks.append(log.restart)
    assert asks == [True, True, False, False, True, False, True, False]
    assert log.used == 0b11


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 2**64 - 1), st.booleans(), st.integers(0, 9000)))
)
def test_fates_rise_whatever_is_reported(reports):
    reader, told, sent = ArrivalReader(), -1, -1
    for last, used, restart, more in reports:
        sent += more
        for count, _, _ in reader.fates(Report(0, last, used, restart), sent):
            assert told < count <= sent
            told = count


@pytest.mark.parametrize("kind", ["udp", "zmq"])
def test_reports_travel(kind):
    if kind == "zmq":
        pytest.importorskip("zmq")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as some:
        some.bind(("127.0.0.1", 0))
        address = f"{kind}://127.0.0.1:{some.getsockname()[1]}"
    heard, came = [], threading.Event()

    def take(report):
        heard.append(report)
        came.set()

    listener, sender = ReportListener(address, take), ReportSender(address)
    try:
        for _ in range(300):
            sender.send(b"hello")
            if came.wait(0.1):
                break
        with pytest.raises(ResividError, match="cannot listen there"):
            ReportListener(address, take)
    finally:
        sender.close()
        listener.close()
    assert set(heard) == {b"hello"}


@pytest.mark.parametrize(
    "text", ["udp://a", "udp://:5", "tcp://a:5", "udp://a:0", "zmq://a:65536", "a:5", ""]
)
def test_other_addresses_are_one_line(text):
    with pytest.raises(SettingsError, match="--feedback: expected udp://HOST:PORT"):
        parse_address(text, KINDS, OPTION)
