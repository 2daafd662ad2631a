# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a Resi-VidTok link agree on beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import SettingsError

REFERENCES = ("state", "previous")


@dataclass(frozen=True)
class ResiVidTokSettings:
    """Common configuration of encoder and decoder.

    Attributes:
        stride: S, frames per key frame.
        gop: N, frames of a GOP.
        gop_prefix: one K for all key frames of a GOP, (15), instead of the largest for each, (14).
        reference: what a token is compared with. "state": what the receiver holds if every block arrived, so
            that tokens beyond earlier prefixes are sent as soon as there is room. "previous": the tokens of
            the previous key frame, (7) to the letter.
    """

    stride: int = 8
    gop: int = 32
    gop_prefix: bool = False
    reference: Literal["state", "previous"] = "state"

    def __post_init__(self) -> None:
        for name in ("stride", "gop"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value < 1 << 31:
                raise SettingsError(f"{name} must be a whole number of frames, at least 1, got {value!r}")
        if self.reference not in REFERENCES:
            raise SettingsError(f"reference must be one of {', '.join(REFERENCES)}, got {self.reference!r}")
