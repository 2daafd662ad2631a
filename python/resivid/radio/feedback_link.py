# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports from receiver to transmitter through a network: UDP datagrams, or ZeroMQ over TCP."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from typing import Any

from ..errors import MissingPackageError, ResividError, SettingsError
from ..link.feedback import REPORT_BYTES

ADDRESS = re.compile(r"(?P<kind>udp|zmq)://(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")
WAIT_S = 0.1


def parse_feedback(text: str) -> tuple[str, str, int]:
    """Kind, host and port of udp://HOST:PORT or zmq://HOST:PORT.

    Raises:
        SettingsError: it is neither.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise SettingsError(
            f"--feedback: expected udp://HOST:PORT or zmq://HOST:PORT with a port of 1 to 65535, got {text!r}"
        )
    return match["kind"], match["host"].strip("[]"), int(match["port"])


class ReportSender:
    """The receiver's end; a report that finds no way is lost, and the next one may come through.

    Args:
        address: of the transmitter, as `parse_feedback` takes it.
    Raises:
        ResividError: no such host.
    """

    def __init__(self, address: str):
        kind, host, port = parse_feedback(address)
        self._refusal: type[Exception] = OSError
        if kind == "zmq":
            self._socket: Any = _zmq_socket("PUSH")
            self._socket.connect(f"tcp://{host}:{port}")
            self._flags, self._refusal = _zmq().NOBLOCK, _zmq().ZMQError
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
        kind, host, port = parse_feedback(address)
        self._take, self._stopping = take, threading.Event()
        self._is_zmq = kind == "zmq"
        try:
            if self._is_zmq:
                self._socket: Any = _zmq_socket("PULL")
                _bind_zmq(self._socket, f"tcp://{host}:{port}")
            else:
                family, place = _resolve(address, host, port)
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.bind(place)
                self._socket.settimeout(WAIT_S)
        except OSError as error:
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


def _zmq() -> Any:
    try:
        import zmq
    except ImportError as error:
        raise MissingPackageError("--feedback zmq://... needs pyzmq: pip install pyzmq") from error
    return zmq


def _zmq_socket(kind: str) -> Any:
    zmq = _zmq()
    made = zmq.Context.instance().socket(getattr(zmq, kind))
    made.setsockopt(zmq.LINGER, 0)
    made.setsockopt(zmq.MAXMSGSIZE, 4 * REPORT_BYTES)
    made.set_hwm(16)
    return made


def _bind_zmq(made: Any, place: str) -> None:
    try:
        made.bind(place)
    except _zmq().ZMQError as error:  # is no OSError
        made.close()
        raise OSError(error.errno, error.strerror) from error
