# SPDX-License-Identifier: GPL-3.0-or-later
"""One line instead of a traceback for programs that GNU Radio Companion writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ResividError


def or_exit(make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What `make` makes; an error of the user's ends the program with one line and exit code 1.

    Raises:
        SystemExit: a file, device, setting or package is not as it must be.
    """
    try:
        return make(*arguments, **options)
    except (ResividError, ValueError) as error:
        raise SystemExit(f"resivid: {error}") from None
