# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the return link: who may say what, and how they travel."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading

import pytest
from gnuradio.resivid.errors import ResividError, SettingsError
from gnuradio.resivid.link.feedback import FeedbackReader, write_report
from gnuradio.resivid.radio.feedback_link import KINDS, OPTION, ReportListener, ReportSender
from gnuradio.resivid.radio.network import parse_address

KEY, START = b"0123456789abcdef", 0x123456789


def test_a_report_worked_by_hand():
    body = b"RVFB" + bytes([1, 7]) + bytes([0, 0, 1, 2]) + bytes([0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89])
    mac = hmac.new(KEY, b"gr-resivid feedback 1" + body, hashlib.sha256).digest()[:8]
    assert write_report(7, 0x102, START, KEY) == body + mac


@pytest.mark.parametrize("key", [KEY, None])
def test_strangers_are_refused_and_counted(key):
    reader = FeedbackReader(START, 16, key)
    assert reader.read(write_report(3, 5, START, key)) == 3
    good = write_report(4, 6, START, key)
    refused = [
        write_report(4, 5, START, key),  # again
        write_report(16, 6, START, key),  # no such row
        write_report(4, 6, START + 1, key),  # another stream
        write_report(4, 6, START, b"another key, 16+"),
        good[:-1],
        good + b"x",
        b"",
        *(good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :] for n in range(len(good))),
    ]
    assert [reader.read(report) for report in refused] == [None] * len(refused)
    assert reader.read(good) == 4
    assert (reader.reports, reader.strangers) == (2, len(refused))


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
