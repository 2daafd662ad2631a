# SPDX-License-Identifier: GPL-3.0-or-later
"""What metrics find of a clip's originals alone, for the next run of the same clip."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar

MOST_BYTES = 1 << 30  # ten seconds of 256x256 pictures at 30 frame/s take 0.94 GB
SHARE = 4  # of a core's part of the machine's memory: one in so many


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=_Sized)


def room() -> int:
    """Bytes that each of as many processes as there are cores may keep."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MOST_BYTES, memory // (SHARE * (os.cpu_count() or 1)))


class KnownOriginals:
    """Features and motion of originals by name; where there is no more room, those of later frames are found each time.

    Args:
        most_bytes: that may be kept; 0 keeps nothing.
    """

    def __init__(self, most_bytes: int):
        self._left = most_bytes
        self._kept: dict[Hashable, Sequence[_Sized]] = {}

    def get(self, name: Hashable, find: Callable[[], Sequence[T]]) -> Sequence[T]:
        """Arrays or tensors that `find` returns, which is called where they are not kept.

        Args:
            name: of the metric and the frames; equal names stand for equal results.
        """
        if name in self._kept:
            return self._kept[name]  # type: ignore[return-value]
        found = find()
        size = sum(each.nbytes for each in found)
        if size <= self._left:
            self._left -= size
            self._kept[name] = found
        return found
