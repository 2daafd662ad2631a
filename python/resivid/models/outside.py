# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokenizers and interpolators of other packages: looked at once when they are loaded, and at each of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import PluginError
from ..plugin_guard import Guarded, check_offers
from .tokenizers.base import ZERO_FLAG

TOKENIZER = ("name", "num_tokens", "size", "zero_flag", "weights_sha256", "encode", "decode")
INTERPOLATOR = ("name", "weights_sha256", "between")


def guard_tokenizer(whose: str, tokenizer: Any) -> Guarded:
    """A tokenizer of another package.

    Args:
        whose: for messages, such as "tokenizer 'mine:load'".
    Raises:
        PluginError: it lacks something, or has another zero flag.
    """
    check_offers(whose, tokenizer, TOKENIZER)
    if tokenizer.zero_flag != ZERO_FLAG:
        raise PluginError(f"{whose}: zero_flag must be {ZERO_FLAG}, got {tokenizer.zero_flag!r}")

    def check_tokens(tokens: Any, frames: np.ndarray, *_: Any) -> None:
        _check(tokens, np.uint16, (len(frames), tokenizer.num_tokens))
        if tokens.size and int(tokens.max()) >= ZERO_FLAG:
            raise ValueError(f"expected tokens from 0 to {ZERO_FLAG - 1}, got {int(tokens.max())}")

    def check_pictures(pictures: Any, tokens: np.ndarray) -> None:
        _check(pictures, np.uint8, (len(tokens), tokenizer.size, tokenizer.size, 3))

    return Guarded(whose, tokenizer, {"encode": check_tokens, "decode": check_pictures})


def guard_interpolator(whose: str, interpolator: Any) -> Guarded:
    """An interpolator of another package; see `guard_tokenizer`."""
    check_offers(whose, interpolator, INTERPOLATOR)

    def check_pictures(pictures: Any, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> None:
        _check(pictures, np.uint8, (len(times), *first.shape))

    return Guarded(whose, interpolator, {"between": check_pictures})


def _check(given: Any, dtype: type, shape: tuple[int, ...]) -> None:
    if not isinstance(given, np.ndarray) or given.dtype != dtype or given.shape != shape:
        found = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
        raise ValueError(f"expected {np.dtype(dtype)} {shape}, got {found}")


GUARDS = {"tokenizer": guard_tokenizer, "interpolator": guard_interpolator}
