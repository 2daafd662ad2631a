# SPDX-License-Identifier: GPL-3.0-or-later
"""A link whose networks run on one host and whose radio on another, through ZeroMQ over TCP. The radio's host listens."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import FormatError, ResividError
from ..link.split_messages import SplitFormat, SplitPayload, SplitStatus
from .libraries import library
from .network import bind_zmq, parse_address, tcp, zmq_socket

MOST_WAITING = 64
MOST_ON_THEIR_WAY = 4  # payloads between the network and the framer; a sender that counts has two
POLL_MS = 20
STATUS_EVERY_S = 0.2
PATIENCE_S = 10.0  # until the radio's host answers at the start
SILENCE_S = 3.0  # without a status: the radio's host is gone


class _Peer:
    """A socket, one thread that receives, and who it talks to.

    Attributes:
        strangers: messages that were refused. problem: why, the last time.
    """

    def __init__(self, format_: SplitFormat, made: Any):
        self._format, self._socket, self._lock = format_, made, threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="split link", daemon=True)
        self.strangers, self.problem = 0, ""

    def close(self) -> None:
        """End the thread and give the socket back."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            self._socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                parts = self._socket.recv_multipart() if self._socket.poll(0) else None
            if parts is None:
                self._stopping.wait(POLL_MS / 1e3)  # without the lock: a sender would never get it
            else:
                message = self._read(parts[-1])
                if message is None:
                    self._refuse(parts)
                else:
                    self._take(message, parts)
            self._turn()

    def _read(self, data: bytes) -> SplitPayload | SplitStatus | None:
        try:
            return self._format.read(data)
        except FormatError as error:
            self.strangers += 1
            if str(error) != self.problem:
                self.problem = str(error)
                logging.getLogger("resivid").warning("%s", self.problem)
            return None

    def _send(self, parts: list[bytes]) -> bool:
        """Without waiting; False when there is no way."""
        zmq = library("zmq")
        try:
            with self._lock:
                self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def _take(self, message: SplitPayload | SplitStatus, parts: list[bytes]) -> None:
        """A message came."""

    def _refuse(self, parts: list[bytes]) -> None:
        """What came is no message for this link."""

    def _turn(self) -> None:
        """Called some dozen times a second, in the thread."""


class PayloadServer(_Peer):
    """The radio's host, transmitting: takes payloads of whoever connects, and tells what became of them.

    Args:
        address: zmq://HOST:PORT to listen at.
        format_: of the link.
        take: called with each payload, in the thread.
        taken: how many of them left so far.
        status: as it is now, but for `taken`.
    """

    def __init__(
        self,
        address: str,
        format_: SplitFormat,
        take: Callable[[SplitPayload], None],
        taken: Callable[[], int],
        status: Callable[[], SplitStatus],
    ):
        parse_address(address, ("zmq",), "IN")
        made = zmq_socket("ROUTER", address, format_.largest_bytes, MOST_WAITING)
        bind_zmq(made, address, "IN")
        super().__init__(format_, made)
        self._take_payload, self._count_taken, self._status = take, taken, status
        self._peer: bytes | None = None
        self._taken = -1  # number of the peer's last payload that left
        self._on_their_way: deque[tuple[bytes, int]] = deque()
        self._left = 0
        self.dropped = 0
        self._next = 0.0

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def _take(self, message: SplitPayload | SplitStatus, parts: list[bytes]) -> None:
        if parts[0] != self._peer:
            self._peer, self._taken = parts[0], -1
        if isinstance(message, SplitStatus):
            self._next = 0.0  # it asks
        elif len(self._on_their_way) >= MOST_ON_THEIR_WAY:
            self.dropped += 1
        else:
            if not message.end:
                self._on_their_way.append((parts[0], message.number))
            self._take_payload(message)

    def _refuse(self, parts: list[bytes]) -> None:
        self._send([parts[0], self._format.write(self._status())])  # which tells the other end what is wrong

    def _turn(self) -> None:
        taken = self._count_taken()
        while self._left < taken and self._on_their_way:
            self._left += 1
            peer, number = self._on_their_way.popleft()
            if peer == self._peer:
                self._taken, self._next = number, 0.0
        if self._peer is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + STATUS_EVERY_S
            status = replace(self._status(), taken=self._taken)
            self._send([self._peer, self._format.write(status)])


class PayloadClient(_Peer):
    """The networks' host, transmitting.

    Attributes:
        status: what the radio's host said last.

    Args:
        address: zmq://HOST:PORT of the radio's host.
        format_: of the link.
    Raises:
        ResividError: it does not answer, or is for another link.
    """

    def __init__(self, address: str, format_: SplitFormat):
        parse_address(address, ("zmq",), "--device")
        zmq = library("zmq")
        made = zmq_socket("DEALER", address, format_.largest_bytes, MOST_WAITING)
        made.setsockopt(zmq.IMMEDIATE, 1)  # nothing waits for a host that is away, to be sent hours later
        super().__init__(format_, made)
        made.connect(tcp(address))
        self.status, self.heard = SplitStatus(), 0.0
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while not self.heard and time.monotonic() < deadline:
            self._send([format_.write(SplitStatus())])  # asks for one
            time.sleep(0.1)
        if not self.heard:
            self.close()
            why = self.problem or "no answer; `resivid tx zmq://...` must run there"
            raise ResividError(f"--device {address}: {why}")

    def send(self, payload: SplitPayload) -> bool:
        """Send a payload without waiting; False when the radio's host is away."""
        return self._send([self._format.write(payload)])

    def _take(self, message: SplitPayload | SplitStatus, parts: list[bytes]) -> None:
        if isinstance(message, SplitStatus):
            self.status, self.heard = message, time.monotonic()


class PayloadPublisher(_Peer):
    """The radio's host, receiving: payloads and states to all that are connected; those who are slow lose some.

    Args:
        address: zmq://HOST:PORT to listen at.
        format_: of the link.
        status: as it is now.
    """

    def __init__(self, address: str, format_: SplitFormat, status: Callable[[], SplitStatus]):
        parse_address(address, ("zmq",), "--output")
        made = zmq_socket("PUB", address, format_.largest_bytes, MOST_WAITING)
        bind_zmq(made, address, "--output")
        super().__init__(format_, made)
        self._status = status

    def send(self, message: SplitPayload) -> None:
        """Tell all; from any thread."""
        self._send([self._format.write(message)])

    def send_status(self) -> None:
        """Tell all how it is."""
        self._send([self._format.write(self._status())])


class PayloadSubscriber(_Peer):
    """The networks' host, receiving.

    Attributes:
        status: what the radio's host said last; heard: when, in seconds of the monotonic clock, 0: never.

    Args:
        address: zmq://HOST:PORT of the radio's host.
        format_: of the link.
        take: called with each payload, in the thread.
    """

    def __init__(self, address: str, format_: SplitFormat, take: Callable[[SplitPayload], None]):
        parse_address(address, ("zmq",), "--device")
        made = zmq_socket("SUB", address, format_.largest_bytes, MOST_WAITING)
        made.setsockopt(library("zmq").SUBSCRIBE, b"")
        super().__init__(format_, made)
        made.connect(tcp(address))
        self._take_payload = take
        self.status, self.heard = SplitStatus(present=False), 0.0

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    @property
    def silent(self) -> bool:
        """The radio's host says nothing."""
        return not self.heard or time.monotonic() > self.heard + SILENCE_S

    def _take(self, message: SplitPayload | SplitStatus, parts: list[bytes]) -> None:
        if isinstance(message, SplitStatus):
            self.status, self.heard = message, time.monotonic()
        else:
            self._take_payload(message)
