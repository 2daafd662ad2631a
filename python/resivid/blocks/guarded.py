# SPDX-License-Identifier: GPL-3.0-or-later
"""Message handlers that survive what they are sent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def guarded(handler: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Log an exception of a message handler and count it in the block's `dropped`.

    An exception that leaves a Python handler ends the block's thread in GNU Radio 3.10, and the
    flowgraph then waits for ever.
    """

    @functools.wraps(handler)  # set_msg_handler finds the method by its name
    def guard(block: Any, message: Any) -> None:
        try:
            handler(block, message)
        except Exception as error:
            block.dropped += 1
            block.logger.warn(f"{handler.__name__}: message dropped: {error}")

    return guard
