# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the network, and ZeroMQ where it is installed."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ResividError, SettingsError
from .libraries import library

ADDRESS = re.compile(r"(?P<kind>\w+)://(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")
ZMQ_PREFIX = "zmq://"


def parse_address(text: str, kinds: tuple[str, ...], option: str) -> tuple[str, str, int]:
    """Kind, host and port of KIND://HOST:PORT.

    Args:
        kinds: that are known, such as udp.
        option: for the message.
    Raises:
        SettingsError: it is something else.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or match["kind"] not in kinds or not 1 <= int(match["port"]) <= 65535:
        known = " or ".join(f"{kind}://HOST:PORT" for kind in kinds)
        raise SettingsError(f"{option}: expected {known} with a port of 1 to 65535, got {text!r}")
    return match["kind"], match["host"].strip("[]"), int(match["port"])


def zmq_socket(kind: str, address: str, most_bytes: int, most_waiting: int) -> Any:
    """A socket that never waits at its end and refuses messages above `most_bytes`.

    Args:
        kind: PUSH, PULL, PUB, ...
        address: that it will bind or connect to.
        most_waiting: messages, each way.
    """
    zmq = library("zmq")
    made = zmq.Context.instance().socket(getattr(zmq, kind))
    made.setsockopt(zmq.LINGER, 0)
    made.setsockopt(zmq.MAXMSGSIZE, most_bytes)
    made.set_hwm(most_waiting)
    if "[" in address:
        made.setsockopt(zmq.IPV6, 1)
    return made


def tcp(address: str) -> str:
    """zmq://HOST:PORT as ZeroMQ itself writes it."""
    return address.replace(ZMQ_PREFIX, "tcp://", 1)


def bind_zmq(made: Any, address: str, option: str) -> None:
    """Bind to zmq://HOST:PORT.

    Raises:
        ResividError: somebody else listens there, or it is no address of this machine; the socket is closed.
    """
    zmq = library("zmq")
    try:
        made.bind(tcp(address))
    except zmq.ZMQError as error:
        made.close()
        raise ResividError(f"{option} {address}: cannot listen there ({error.strerror})") from error
