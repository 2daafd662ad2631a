# SPDX-License-Identifier: GPL-3.0-or-later
"""Files within a page, as many as it can bear."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from ..errors import ResividError


class DataUrls:
    """Reads files as data URLs until their bytes are spent; a third longer in the page.

    Args:
        most: bytes of all files together.
    """

    def __init__(self, most: int):
        self._left = most

    def room_for(self, paths: Sequence[Path]) -> bool:
        """Whether all of these fit.

        Raises:
            ResividError: one cannot be read.
        """
        return sum(_size(path) for path in paths) <= self._left

    def take(self, path: Path, kind: str) -> str:
        """A file as a data URL, fit or not.

        Args:
            kind: such as "image/png".
        Raises:
            ResividError: it cannot be read.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ResividError(f"{path}: cannot be read ({error.strerror})") from error
        self._left -= len(content)
        return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise ResividError(f"{path}: cannot be read ({error.strerror})") from error
