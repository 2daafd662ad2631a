# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the host of the networks and that of the radio: to the byte, hostile ones, and through sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import time
from dataclasses import replace

import numpy as np
import pytest
from gnuradio.resivid.errors import FormatError, ResividError, SettingsError
from gnuradio.resivid.link.mcs_table import load_mcs_table
from gnuradio.resivid.link.split_messages import SplitFormat, SplitPayload, SplitStatus
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = b"0123456789abcdef"
TABLE = load_mcs_table("air", 629)
BITS = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], np.uint8)


def format_of(symbols=629, key=KEY):
    return SplitFormat(symbols, 2703.75, TABLE, key, 1000)


def signed(whole):
    return whole + hmac.new(KEY, b"gr-resivid split 1" + whole, hashlib.sha256).digest()[:8]


def digest():
    return format_of().write(SplitStatus())[6:14]


def test_a_payload_worked_by_hand():
    message = SplitPayload(BITS, row=3, number=258, crc_ok=True, snr_db=6.5, iterations=4)
    body = (
        bytes([0, 0, 1, 2, 1, 3, 0, 0, 0, 9]) + struct.pack(">f", 6.5) + bytes([0, 0, 0, 4, 0b10110001, 0x80])
    )
    whole = signed(b"RVSP" + bytes([1, 0]) + digest() + body)
    assert format_of().write(message) == whole
    found = format_of().read(whole)
    assert np.array_equal(found.bits, BITS)
    assert replace(found, bits=None) == replace(message, bits=None)
    end = format_of().read(format_of().write(SplitPayload(BITS, end=True)))
    assert end.end and end.bits.size == 0


def test_a_status_comes_as_it_went():
    status = SplitStatus(True, 1, 2, 3, 4, 5, 6, True, -17360.5, True)
    assert format_of().read(format_of().write(status)) == status


def of_status(**changes):
    fields = {**json.loads(format_of().write(SplitStatus())[14:-8]), **changes}
    return signed(b"RVSP" + bytes([1, 1]) + digest() + json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "message of 0 bytes"),
        (bytes(5000), "message of 5000 bytes"),
        (format_of(key=None).write(SplitStatus()), "not signed with this --key"),
        (format_of(symbols=630).write(SplitStatus()), "another --cbr, --stride"),
        (signed(b"RVSP" + bytes([2, 0]) + digest()), "another kind or version"),
        (signed(b"RVSP" + bytes([1, 0]) + digest() + bytes(5)), "payload of 5 bytes"),
        (signed(b"RVSP" + bytes([1, 1]) + digest() + b"{"), "no JSON"),
        (signed(b"RVSP" + bytes([1, 1]) + digest() + b"[" * 900), "no JSON"),
        (signed(b"RVSP" + bytes([1, 1]) + digest() + b"7"), "no object"),
        (of_status(overflows="many"), "status with overflows"),
        (of_status(present=1), "status with present"),
        (of_status(shift_hz=float("inf")), "status with shift_hz"),
        (of_status(taken=1e5), "status with taken"),
        (format_of().write(SplitPayload(np.ones(1001, np.uint8))), "payload of 1001 bits"),
        (format_of().write(SplitPayload(BITS, row=200)), "row 200"),
    ],
)
def test_what_is_no_message_is_refused(data, message):
    with pytest.raises(FormatError, match=message):
        format_of().read(data)


@settings(deadline=None)
@given(st.binary(max_size=80), st.integers(0, 1))
def test_signed_noise_is_read_or_refused(body, kind):
    try:
        found = format_of().read(signed(b"RVSP" + bytes([1, kind]) + digest() + body))
    except FormatError:
        return
    assert isinstance(found, SplitPayload) and found.bits.size <= 1000 and found.row < len(TABLE.rows)


@pytest.fixture
def address():
    pytest.importorskip("zmq")
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return f"zmq://127.0.0.1:{some.getsockname()[1]}"


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_a_server_says_what_left_and_refuses_what_is_too_much(address):
    from gnuradio.resivid.radio.split_link import MOST_ON_THEIR_WAY, PayloadClient, PayloadServer

    came, left = [], 0
    server = PayloadServer(address, format_of(), came.append, lambda: left, lambda: SplitStatus(underflows=7))
    server.start()
    client = PayloadClient(address, format_of())
    try:
        with pytest.raises(ResividError, match="cannot listen there"):
            PayloadServer(address, format_of(), came.append, lambda: 0, SplitStatus)
        assert (client.status.taken, client.status.underflows) == (-1, 7)
        for number in range(MOST_ON_THEIR_WAY + 2):
            assert client.send(SplitPayload(BITS, number=number))
        until(lambda: server.dropped == 2)
        assert [payload.number for payload in came] == list(range(MOST_ON_THEIR_WAY))
        left = 3
        until(lambda: client.status.taken == 2)
        another = PayloadClient(address, format_of())  # a host that begins anew counts from 0
        assert another.status.taken == -1
        another.send(SplitPayload(BITS, number=0))
        until(lambda: len(came) == MOST_ON_THEIR_WAY + 1)
        left = 5
        until(lambda: another.status.taken == 0)
        another.close()
    finally:
        client.close()
        server.close()


def test_a_client_says_why_nobody_answers(address, monkeypatch):
    from gnuradio.resivid.radio import split_link

    server = split_link.PayloadServer(address, format_of(symbols=630), print, lambda: 0, SplitStatus)
    monkeypatch.setattr(split_link, "PATIENCE_S", 0.5)
    with pytest.raises(ResividError, match="no answer; `resivid tx zmq://"):
        split_link.PayloadClient(address, format_of())
    server.start()
    try:
        with pytest.raises(ResividError, match="has another --cbr"):
            split_link.PayloadClient(address, format_of())
        assert server.strangers and "another --cbr" in server.problem
    finally:
        server.close()
    with pytest.raises(SettingsError, match="--device: expected zmq://HOST:PORT"):
        split_link.PayloadClient("zmq://host", format_of())


def test_a_subscriber_hears_payloads_and_states(address):
    from gnuradio.resivid.radio.split_link import PayloadPublisher, PayloadSubscriber

    publisher, came = PayloadPublisher(address, format_of(), lambda: SplitStatus(bursts=9)), []
    subscriber = PayloadSubscriber(address, format_of(), came.append)
    assert subscriber.silent
    subscriber.start()
    try:

        def heard():
            publisher.send(SplitPayload(BITS, crc_ok=True))
            publisher.send_status()
            return came and not subscriber.silent

        until(heard)
        assert subscriber.status.bursts == 9 and np.array_equal(came[0].bits, BITS)
    finally:
        subscriber.close()
        publisher.close()
