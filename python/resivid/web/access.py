# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see the page: address to bind to, Host, Origin and token of a request. Pure functions.

A page of another site that is open in the same browser can send requests here. Host stops those that come through
a name it controls (DNS rebinding), Origin those that it sends directly; the token stops everybody else.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import SettingsError

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
MAX_PORT = 65535
MIN_TOKEN = 12  # characters
ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/]*):)?(?P<port>\d{1,5})")


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, :PORT or PORT; the host is localhost unless given.

    Args:
        text: such as `8080`, `0.0.0.0:8080` or `[::1]:8080`; port 0 takes a free one.
    Returns:
        Host without brackets, and port.
    Raises:
        SettingsError: something else.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > MAX_PORT:
        raise SettingsError(f"--web: expected HOST:PORT with a port of 0 to {MAX_PORT}, got {text!r}")
    return (match["host"] or DEFAULT_HOST).strip("[]"), int(match["port"])


def is_local(host: str) -> bool:
    """Only programs on this machine reach an address of that name."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_host(host: str) -> str:
    """What a URL calls the host: the machine's name where it listens on every address, brackets around IPv6."""
    if host in ("", "0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def machine_names(bound_host: str) -> frozenset[str]:
    """Names by which a browser may call this machine, in lower case, beside any IP address."""
    own = socket.gethostname().lower()
    return frozenset({"localhost", bound_host.lower(), own, f"{own}.local", socket.getfqdn().lower()})


def host_is_ours(header: str, bound_host: str, names: frozenset[str]) -> bool:
    """A Host header names this machine.

    Args:
        header: as it came, such as `localhost:8080`.
        bound_host: what the server is bound to; on a loopback address only loopback names are good.
        names: of `machine_names`.
    """
    try:
        host = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if is_local(bound_host):
        return is_local(host)
    try:
        ipaddress.ip_address(host)
        return True  # no site can rebind an address
    except ValueError:
        return host in names


def origin_is_ours(origin: str | None, host_header: str) -> bool:
    """A request comes from our own page, or from no page at all (no Origin header)."""
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host_header.lower()


def token_of(
    headers: Mapping[str, str], cookies: Mapping[str, str], query: Mapping[str, str], cookie: str
) -> str:
    """The token that a request brings: query, then `Authorization: Bearer`, then cookie; empty for none."""
    kind, _, bearer = headers.get("Authorization", "").partition(" ")
    return (
        query.get("token", "")
        or (bearer.strip() if kind.lower() == "bearer" else "")
        or cookies.get(cookie, "")
    )


def is_token(given: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())


def check_token(token: str, name: str = "the token") -> str:
    """Refuse a token that is easy to guess or that no URL carries as it is.

    Args:
        name: what the message calls it.

    Raises:
        SettingsError: shorter than MIN_TOKEN, or with other signs than letters, digits, - and _.
    """
    if not re.fullmatch(rf"[\w-]{{{MIN_TOKEN},128}}", token, re.ASCII):
        raise SettingsError(f"{name} must be {MIN_TOKEN} to 128 letters, digits, - or _")
    return token
