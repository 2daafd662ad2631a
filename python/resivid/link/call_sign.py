# SPDX-License-Identifier: GPL-3.0-or-later
"""The station's call sign on the air, in SIXBIT characters that cost a picture nothing (docs/air-interface.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import SettingsError

MAX_CHARACTERS = 16
SLICES, CHARACTERS_A_SLICE = 8, 2
FIRST_CHARACTER = 32  # SIXBIT: ASCII 32 to 95, less 32; blanks fill the end
CHARACTER_BITS = 6


def check_call_sign(text: str) -> str:
    """A call sign in capitals.

    Raises:
        SettingsError: it is empty, too long, or has other characters than letters, digits, `/` and `-`.
    """
    call_sign = text.strip().upper()
    if not re.fullmatch(rf"[A-Z0-9/-]{{1,{MAX_CHARACTERS}}}", call_sign):
        raise SettingsError(
            f"--call-sign: expected 1 to {MAX_CHARACTERS} letters, digits, / or -, got {text!r}"
        )
    return call_sign


def call_sign_slice(call_sign: str, index: int) -> int:
    """Characters 2 index and 2 index + 1 as 12 bits, the earlier one first."""
    codes = [ord(character) - FIRST_CHARACTER for character in call_sign.ljust(MAX_CHARACTERS)]
    return codes[CHARACTERS_A_SLICE * index] << CHARACTER_BITS | codes[CHARACTERS_A_SLICE * index + 1]


def call_sign_of(slices: Sequence[int]) -> str:
    """Inverse, from all SLICES of 12 bits in order; whatever came, it is printable."""
    mask = (1 << CHARACTER_BITS) - 1
    values = [value for both in slices for value in (both >> CHARACTER_BITS & mask, both & mask)]
    return "".join(chr(FIRST_CHARACTER + value) for value in values).rstrip()
