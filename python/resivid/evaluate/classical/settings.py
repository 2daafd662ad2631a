# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to code a video classically, and the grid of ways that the search looks through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import SettingsError

X265, SVT_AV1 = "x265", "svtav1"
SHARES = (1.0, 0.75, 0.5, 0.375, 0.25)  # of the side of the shown pictures: what is coded, in even pixels
EVERY = (1, 2, 4, 8, 12, 16, 24)  # frames per coded frame: 30, 15, 7.5, 3.75, 2.5, 1.875 and 1.25 frame/s
LONG = 0  # key distance: only where the encoder wants one


@dataclass(frozen=True)
class Encoder:
    """What differs between encoders.

    Attributes:
        name: in FFmpeg.
        decoder: in FFmpeg.
        pixels: FFmpeg's pixel format; 10 bits cost nothing and gain a little at low rates.
        best, worst, step: range and grain of the constant rate factor, the lower the better.
        doubling: how much lower it is about at twice the bits.
    """

    name: str
    decoder: str
    pixels: str
    best: float
    worst: float
    step: float
    doubling: float = 6.0


ENCODERS = {
    X265: Encoder("libx265", "hevc", "yuv420p", 8, 51, 0.5),
    SVT_AV1: Encoder("libsvtav1", "libdav1d", "yuv420p10le", 10, 70, 0.5, 7.0),
}


@dataclass(frozen=True)
class ClassicalSetting:
    """Everything but the quality.

    Attributes:
        codec: X265 or SVT_AV1.
        preset: the encoder's own word for effort.
        size: side of the coded pictures in pixels; the receiver enlarges them (Lanczos).
        every: every n-th frame is coded; the receiver interpolates the others.
        key_distance: frames of the video from key frame to key frame, or LONG.
    """

    codec: str = X265
    preset: str = "medium"
    size: int = 256
    every: int = 1
    key_distance: int = 32

    def __post_init__(self) -> None:
        if self.codec not in ENCODERS:
            raise SettingsError(f"codec: expected one of {', '.join(ENCODERS)}, got {self.codec!r}")
        if min(self.size, self.every) < 1 or self.size % 2 or self.key_distance < 0:
            raise SettingsError("size must be even, every at least 1, key_distance at least 0")

    @property
    def encoder(self) -> Encoder:
        """Which library does it."""
        return ENCODERS[self.codec]

    @property
    def name(self) -> str:
        """For files and tables."""
        key = "long" if self.key_distance == LONG else f"n{self.key_distance}"
        return f"{self.codec}-{self.preset}-{self.size}px-every{self.every}-{key}"

    def options(self, quality: float) -> dict[str, str]:
        """FFmpeg options of the encoder; one thread, so that equal input gives equal bits.

        Args:
            quality: constant rate factor.
        """
        distance = max(1, self.key_distance // self.every)
        if self.codec == SVT_AV1:
            # FFmpeg's own option g takes no "never": below 0 it leaves the encoder's default, 161 pictures
            often = distance if self.key_distance else -1
            return {"preset": self.preset, "svtav1-params": f"rc=0:crf={quality:g}:keyint={often}:lp=1"}
        key = f"keyint={distance}:min-keyint={distance}:scenecut=0" if self.key_distance else "keyint=-1"
        return {
            "preset": self.preset,
            "crf": f"{quality:g}",
            "x265-params": f"{key}:open-gop=0:info=0:pools=none:frame-threads=1:log-level=none",
        }


def paper(size: int, gop: int) -> ClassicalSetting:
    """H.265 as in the paper, IV-B: x265 as it comes, every frame, a key frame each GOP."""
    return ClassicalSetting(X265, "medium", size, 1, gop)


def grid(
    presets: Sequence[tuple[str, str]], sizes: Sequence[int], every: Sequence[int], distances: Sequence[int]
) -> tuple[ClassicalSetting, ...]:
    """All combinations."""
    return tuple(
        ClassicalSetting(codec, preset, size, step, distance)
        for codec, preset in presets
        for distance in distances
        for step in every
        for size in sizes
    )


def is_likely(setting: ClassicalSetting) -> bool:
    """Whether it is one of those that win most often at a few kilobits a second; the search tries them first."""
    return setting.codec == SVT_AV1 and setting.size >= 192 and setting.every in (8, 12, 16)


SLOW = ((SVT_AV1, "2"), (X265, "veryslow"))
SEARCHES: dict[str, dict[str, Any]] = {
    "full": {"presets": SLOW, "shares": SHARES, "every": EVERY},
    "quick": {
        "presets": ((SVT_AV1, "4"),),
        "shares": (1.0, 0.75),
        "every": (8, 12, 16),
    },  # most winners of the full one
}


def candidates(search: str, distances: Sequence[int], size: int = 256) -> tuple[ClassicalSetting, ...]:
    """The settings that a search tries.

    Args:
        search: name in SEARCHES.
        distances: key distances to try.
        size: side of the shown pictures in pixels.
    Raises:
        SettingsError: no such search.
    """
    if search not in SEARCHES:
        raise SettingsError(f"--search: expected one of {', '.join(SEARCHES)}, got {search!r}")
    chosen = SEARCHES[search]
    sizes = list(dict.fromkeys(2 * max(1, round(size * share / 2)) for share in chosen["shares"]))
    return grid(chosen["presets"], sizes, chosen["every"], distances)
