# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that end a block's work: kept for whoever asks, and one line of the log for whoever does not."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from ..errors import ResividError


class CanFail:
    """A block whose work an error of its thread can end; the flowgraph then ends as a failed one.

    Attributes:
        error: what ended it; None while all is well.
        logs_error: whether the log says so at once. False where the owner raises `error` itself, so that it is said once.
    """

    logger: Any
    error: Exception | None = None
    logs_error = True

    def fail(self, error: Exception) -> None:
        """Keep an error, and log it."""
        self.error = error
        if self.logs_error:
            self.logger.error(as_line(error))


def as_line(error: Exception) -> str:
    """An error in one line; one that is not this package's own with its type and where it was raised.

    A tokenizer of the user's may raise anything: `boom` alone does not say what to look at.
    """
    text = " ".join(str(error).split())
    if isinstance(error, ResividError):
        return text
    line = f"ended by {type(error).__name__}: {text}"
    raised = traceback.extract_tb(error.__traceback__)[-1:]
    return line + "".join(f" ({Path(at.filename).name}, line {at.lineno})" for at in raised)
