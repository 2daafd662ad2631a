# SPDX-License-Identifier: GPL-3.0-or-later
"""What every tokenizer offers: f_tok and f_dec of section III-C1."""

from __future__ import annotations

from typing import Protocol

import numpy as np

VALUE_BITS = 12  # bits of one token value, section IV-A b
ZERO_FLAG = (1 << VALUE_BITS) - 1  # reserved code z_zero: "this token is missing", never sent as a value


class Tokenizer(Protocol):
    """Pictures to importance-ordered 12-bit tokens and back, from any prefix.

    Attributes:
        name: its name in the registry.
        num_tokens: L, tokens of one picture.
        size: side of the square picture in pixels.
        zero_flag: the reserved code of a missing token.
        weights_sha256: file name to SHA-256 of the weights in use.
    """

    name: str
    num_tokens: int
    size: int
    zero_flag: int
    weights_sha256: dict[str, str]

    def encode(self, frames: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
        """Tokens of each frame, most important first, (5).

        Args:
            frames: uint8 (n, size, size, 3) RGB.
            reference: uint16 (n, L); a token of it is kept where it describes the frame nearly as well as
                the best one, so that noise does not change tokens. None: always the best.
        Returns:
            uint16 (n, L), none of them the zero flag.
        Raises:
            ValueError: wrong shape or dtype.
        """
        ...

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Pictures from token prefixes, (6).

        Args:
            tokens: uint16 (n, l), 0 <= l <= L; the zero flag marks a missing token.
        Returns:
            uint8 (n, size, size, 3) RGB.
        Raises:
            ValueError: wrong shape or dtype.
        """
        ...
