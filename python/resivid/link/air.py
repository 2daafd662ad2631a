# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a burst link agree on: frame length, symbol rate, preambles and profiles (docs/air-interface.md)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..errors import SettingsError
from .mcs_table import McsTable, require_air

PREAMBLE_SYMBOLS = 72
PILOT_SYMBOLS = 4  # of a group
MAX_PILOT_SPACING = 105  # payload symbols between known ones
MIN_PAYLOAD_SYMBOLS = 64
MAX_PAYLOAD_SYMBOLS = 65536
SAMPLES_PER_SYMBOL = 4
ROLL_OFF = 0.1


@dataclass(frozen=True)
class Profile:
    """A channel that a link fits into.

    Attributes:
        bandwidth_hz: of the channel; the signal is (1 + ROLL_OFF) symbol rates wide.
        cbr: channel symbols per source value that fill it at 30 frame/s, 256x256 and stride 8.
    """

    name: str
    bandwidth_hz: float
    cbr: str


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("voice", 3_000.0, "4e-4"),
        Profile("narrow", 12_500.0, "1.7e-3"),
        Profile("wide", 100_000.0, "1.39e-2"),
    )
}


def frame_symbols(payload_symbols: int) -> int:
    """F: symbols of a frame with preamble and pilots, 721 for a payload of 629.

    Raises:
        SettingsError: the payload is too short or too long for a burst.
    """
    if not MIN_PAYLOAD_SYMBOLS <= payload_symbols <= MAX_PAYLOAD_SYMBOLS:
        raise SettingsError(
            f"a burst carries {MIN_PAYLOAD_SYMBOLS} to {MAX_PAYLOAD_SYMBOLS} symbols, got {payload_symbols}; "
            "change --cbr or --stride"
        )
    groups = -(-payload_symbols // MAX_PILOT_SPACING) - 1
    return PREAMBLE_SYMBOLS + payload_symbols + PILOT_SYMBOLS * groups


def symbol_rate(payload_symbols: int, rate: Fraction | float, stride: int) -> float:
    """Symbols a second of back-to-back frames, one for every `stride` frames of a video of `rate` frame/s."""
    return float(frame_symbols(payload_symbols) * Fraction(rate) / stride)


def preambles(table: McsTable) -> list[int]:
    """Number of the preamble of each row, as `burst_framer` takes them.

    Raises:
        SettingsError: the table's rows have none.
    """
    require_air(table)
    return [int(row.preamble or 0) for row in table.rows]


def synchroniser_rows(table: McsTable) -> list[tuple[int, int]]:
    """(preamble, bits per symbol) of each row, as `burst_synchroniser` takes them; raises as `preambles`."""
    return list(zip(preambles(table), [row.bits_per_symbol for row in table.rows], strict=True))
