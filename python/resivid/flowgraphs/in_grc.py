# SPDX-License-Identifier: GPL-3.0-or-later
"""What GNU Radio Companion and the programs that it writes call: one line instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..blocks.failure import CanFail
from ..errors import ResividError

REFUSED = (ResividError, ValueError, TypeError)


def or_exit(make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What `make` makes; an error of the user's ends the program with one line and exit code 1.

    Raises:
        SystemExit: a file, device, setting or package is not as it must be.
    """
    try:
        return make(*arguments, **options)
    except (ResividError, ValueError) as error:
        raise SystemExit(f"resivid: {error}") from None


def exit_if_failed(*blocks: CanFail) -> None:
    """After the end of a flowgraph: nothing, or exit code 1 where one of the blocks failed, as its line of the log says.

    Args:
        blocks: Token Source or Live Source, Token Packer, Token Unpacker, Video Sink.
    Raises:
        SystemExit: one of them has an error.
    """
    if any(block.error is not None for block in blocks):
        raise SystemExit(1)


def or_default(default: Any, make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What `make` makes, or `default` where it refuses these: the value of a variable in the editor.

    A variable without a value would be an error of every block that reads from it; so it is one of the variable alone,
    whose asserts name it. The program that the editor writes calls `or_exit`.
    """
    try:
        return make(*arguments, **options)
    except REFUSED:
        return default
