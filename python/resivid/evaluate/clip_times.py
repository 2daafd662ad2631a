# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of the clips that results name: their rate is a fraction in text, such as "30000/1001"."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any


def fps(clip: Mapping[str, Any]) -> float:
    """Frame rate in frame/s."""
    return float(Fraction(clip["rate"]))


def frame_s(clip: Mapping[str, Any]) -> float:
    """Seconds from one frame to the next."""
    return 1 / fps(clip)


def last_frame_s(clip: Mapping[str, Any]) -> float:
    """When the last frame begins, in s."""
    return float((clip["num_frames"] - 1) / Fraction(clip["rate"]))
