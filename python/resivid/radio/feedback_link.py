# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports from receiver to transmitter through a network: UDP datagrams, or ZeroMQ over TCP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from ..errors import ResividError
from ..link.feedback import REPORT_BYTES
from .libraries import library
from .network import bind_zmq, parse_address, tcp, zmq_socket

KINDS, OPTION = ("udp", "zmq"), "--feedback"
WAIT_S = 0.1
MOST_WAITING = 16


class ReportSender:
    """The receiver's end; a report that finds no way is lost, and the next one may come through.

    Args:
        address: of the transmitter, udp://HOST:PORT or zmq://HOST:PORT.
    Raises:
        ResividError: no such host.
    """

    def __init__(self, address: str):
        kind, host, port = parse_address(address, KINDS, OPTION)
        self._refusal: type[Exception] = OSError
        if kind == "zmq":
            self._socket: Any = zmq_socket("PUSH", address, 4 * REPORT_BYTES, MOST_WAITING)
            self._socket.connect(tcp(address))
            self._flags, self._refusal = library("zmq").NOBLOCK, library("zmq").ZMQError
            return
        family, place = _resolve(address, host, port)
        self._socket, self._flags = socket.socket(family, socket.SOCK_DGRAM), socket.MSG_DONTWAIT
        self._socket.connect(place)

    def send(self, report: bytes) -> None:
        """Send without waiting."""
        try:
            self._socket.send(report, self._flags)
        except (OSError, self._refusal):  # nobody listens, or a queue is full
            pass

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class ReportListener:
    """The transmitter's end, in a thread.

    Args:
        address: where to listen.
        take: called with each report, at most REPORT_BYTES + 1 bytes of it.
    Raises:
        ResividError: the address cannot be taken.
    """

    def __init__(self, address: str, take: Callable[[bytes], None]):
        kind, host, port = parse_address(address, KINDS, OPTION)
        self._take, self._stopping = take, threading.Event()
        self._is_zmq = kind == "zmq"
        if self._is_zmq:
            self._socket: Any = zmq_socket("PULL", address, 4 * REPORT_BYTES, MOST_WAITING)
            bind_zmq(self._socket, address, OPTION)
        else:
            family, place = _resolve(address, host, port)
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.settimeout(WAIT_S)
            try:
                self._socket.bind(place)
            except OSError as error:
                self._socket.close()
                raise ResividError(f"--feedback {address}: cannot listen there ({error.strerror})") from error
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and give the socket back."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            report = self._receive()
            if report is not None:
                self._take(report[: REPORT_BYTES + 1])

    def _receive(self) -> bytes | None:
        if self._is_zmq:
            return self._socket.recv() if self._socket.poll(1e3 * WAIT_S) else None
        try:
            return self._socket.recv(REPORT_BYTES + 1)
        except OSError:  # nothing came
            return None


def _resolve(address: str, host: str, port: int) -> tuple[Any, Any]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise ResividError(f"--feedback {address}: no such host ({error.strerror})") from error
    return found[0], found[4]
