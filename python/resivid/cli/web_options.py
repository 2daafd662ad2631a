# SPDX-License-Identifier: GPL-3.0-or-later
"""`--web [HOST:PORT]`: the option of every command that has a live page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from ..web.monitor import Monitor
    from ..web.server import WebServer

OPTION = "--web"
DEFAULT_ADDRESS = "127.0.0.1:8080"
TOKEN_VARIABLE = "RESIVID_WEB_TOKEN"

WebOption = Annotated[
    Optional[str],
    typer.Option(
        OPTION,
        metavar="[HOST:PORT]",
        help=f"Show a live page at this address, {DEFAULT_ADDRESS} unless given. Beyond this machine it has a token, "
        f"random or from {TOKEN_VARIABLE}.",
    ),
]


class WebCommand(TyperCommand):
    """A command whose `--web` may stand alone, which typer does not know."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does, after each bare `--web` got its default address."""
        return super().parse_args(ctx, with_address(args))


def with_address(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the default address after each `--web` that none follows.

    What follows is an address when it has a port or is no option and no file or output could be meant: digits, or
    anything with a colon and digits at its end.
    """
    from ..web.access import ADDRESS

    result: list[str] = []
    for number, argument in enumerate(arguments):
        result.append(argument)
        following = arguments[number + 1] if number + 1 < len(arguments) else ""
        if argument == OPTION and not ADDRESS.fullmatch(following):
            result.append(DEFAULT_ADDRESS)
    return result


@contextmanager
def live_page(address: str, monitor: Monitor) -> Iterator[WebServer]:
    """Serve the monitor while the block runs; the address is printed, and an error that leaves it is shown.

    Raises:
        SettingsError: no address, or a token that is easy to guess.
        ResividError: the address cannot be bound.
    """
    from ..web.access import check_token, parse_address
    from ..web.server import WebServer

    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None:
        check_token(token, TOKEN_VARIABLE)
    with WebServer(monitor, *parse_address(address), token) as server:
        print(f"resivid: live page at {server.url}", file=sys.stderr, flush=True)
        try:
            yield server
        except BaseException as error:
            monitor.end(error)
            raise
        monitor.end()
