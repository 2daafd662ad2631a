# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to a radio since it was opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RadioCounters:
    """Attributes: samples moved; overflows and underflows; times the device was lost and came back; whether it is
    there now."""

    samples: int = 0
    overflows: int = 0
    underflows: int = 0
    losses: int = 0
    returns: int = 0
    present: bool = True

    def lost(self) -> None:
        """The device went away."""
        self.losses += 1
        self.present = False

    def returned(self) -> None:
        """The device was opened again."""
        self.returns += 1
        self.present = True
