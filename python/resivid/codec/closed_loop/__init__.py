# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed loop: the receiver's picture moves by block shifts and is refined where a bit gains the most."""

from __future__ import annotations

from .decoder import ClosedLoopDecoder
from .encoder import ClosedLoopEncoder
from .memory import leak_before
from .planner import Planner
from .settings import ClosedLoopSettings

__all__ = ["ClosedLoopDecoder", "ClosedLoopEncoder", "ClosedLoopSettings", "leak_before"]

# What `codec.registry` asks of a codec.
OPTIONS = ("memory", "motion")
make_settings = ClosedLoopSettings
make_encoder = ClosedLoopEncoder
make_decoder = ClosedLoopDecoder
make_planner = Planner  # training walks the loop without payloads, and with the leak of "refresh"


def least_bits(settings: ClosedLoopSettings) -> int:
    """Bits of flags and masks that refine nothing, and one token."""
    return 40
