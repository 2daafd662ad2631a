# SPDX-License-Identifier: GPL-3.0-or-later
"""Change mask of a key frame's tokens: section III-C2, (7)."""

from __future__ import annotations

import numpy as np


def change_mask(tokens: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
    """m_t of (7): which tokens differ from the reference.

    Args:
        tokens: uint16 (L,), tokens of this key frame.
        reference: uint16 (L,), tokens to compare with; None for the first key frame of a GOP.
    Returns:
        bool (L,); all True without a reference.
    Raises:
        ValueError: shapes differ.
    """
    if reference is None:
        return np.ones(tokens.shape, dtype=np.bool_)
    if tokens.shape != reference.shape:
        raise ValueError(
            f"tokens and reference must have one shape, got {tokens.shape} and {reference.shape}"
        )
    return tokens != reference
