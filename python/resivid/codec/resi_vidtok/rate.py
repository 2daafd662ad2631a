# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefix length from the bit budget: section III-D, (12) to (15)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...models.tokenizers.base import VALUE_BITS


def largest_prefix(mask: np.ndarray, budget_bits: int, value_bits: int = VALUE_BITS) -> int:
    """Largest K whose header and changed values fit the budget: equation (14).

    The first K tokens cost K + value_bits * (changes among them) bits: (12), (13).

    Args:
        mask: bool (L,), True where token i changed, most important token first.
        budget_bits: B_t of (9) less the CRC, in bits; may be negative.
        value_bits: bits of one token value.
    Returns:
        K in 0..L; 0 when not even the first token fits.
    Raises:
        ValueError: mask is not bool of shape (L,).
    """
    if mask.ndim != 1 or mask.dtype != np.bool_:
        raise ValueError(f"mask must be bool (L,), got {mask.dtype} {mask.shape}")
    cost = np.arange(1, mask.size + 1) + value_bits * np.cumsum(mask)  # n(1)..n(L), rising
    return int(np.searchsorted(cost, budget_bits, side="right"))


def gop_prefix(masks: Sequence[np.ndarray], budget_bits: int, value_bits: int = VALUE_BITS) -> int:
    """One K for all key frames of a GOP, the smallest of their largest: equation (15).

    Args:
        masks: one bool (L,) a key frame.
        budget_bits: bits that each of its blocks has for header and body.
        value_bits: bits of one token value.
    Returns:
        K in 0..L.
    Raises:
        ValueError: no mask, or not bool of shape (L,).
    """
    if not masks:
        raise ValueError("masks must hold at least one key frame, got none")
    return min(largest_prefix(mask, budget_bits, value_bits) for mask in masks)
