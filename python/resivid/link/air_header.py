# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key frame of `--phy framed` says of itself, in front of its payload and under its CRC (docs/air-interface.md).

Live streams have a header of their own (payload_head.py); the version and the digest of both are here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import FormatError
from .bits import BitWriter, from_bits

WIRE_VERSION = 1
VERSION_BITS = 2
COUNTER_BITS = 9
RATE_BITS = 4
DIGEST_BITS = 12
FRAME_BITS = VERSION_BITS + 1 + COUNTER_BITS  # in every key frame
STREAM_BITS = RATE_BITS + DIGEST_BITS  # in those that start a GOP as well
COUNTER_SIZE = 1 << COUNTER_BITS
MOST_MISSING = 64  # key frames that are accounted for when the counter jumps; beyond, another stream

# Frame rates by their code; 0 stands for any other.
RATES = (
    Fraction(0),
    *map(Fraction, (5, 10, 12, 15, 20, 24, 25, 30, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60)),
)


@dataclass(frozen=True)
class AirHeader:
    """The header of one key frame.

    Attributes:
        counter: number of the key frame modulo COUNTER_SIZE.
        gop_start: it starts a GOP.
        rate: with `gop_start`, frame rate of the video; 0 when it is none of RATES.
        digest: with `gop_start`, `settings_digest` of the transmitter.
    """

    counter: int
    gop_start: bool = False
    rate: Fraction = Fraction(0)
    digest: int = 0


def header_bits(gop_start: bool) -> int:
    """Bits of the header: 12, or 28 at the start of a GOP."""
    return FRAME_BITS + (STREAM_BITS if gop_start else 0)


def settings_digest(text: str) -> int:
    """DIGEST_BITS of what both ends must have alike, as a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> (32 - DIGEST_BITS)


def write_header(header: AirHeader) -> np.ndarray:
    """Bits, uint8 (header_bits(gop_start),)."""
    writer = BitWriter(header_bits(header.gop_start))
    writer.write(WIRE_VERSION, VERSION_BITS)
    writer.write(int(header.gop_start), 1)
    writer.write(header.counter % COUNTER_SIZE, COUNTER_BITS)
    if header.gop_start:
        writer.write(RATES.index(header.rate) if header.rate in RATES else 0, RATE_BITS)
        writer.write(header.digest, DIGEST_BITS)
    return writer.bits


def read_header(bits: np.ndarray) -> AirHeader:
    """Inverse of `write_header`, from the front of a payload.

    Raises:
        FormatError: another wire version, or fewer bits than a header has.
    """
    if len(bits) < FRAME_BITS:
        raise FormatError(f"payload of {len(bits)} bits has no room for a header")
    version = int(from_bits(bits[:VERSION_BITS], VERSION_BITS)[0])
    if version != WIRE_VERSION:
        raise FormatError(f"wire version {version} on the air; this program reads {WIRE_VERSION}")
    gop_start = bool(bits[VERSION_BITS])
    counter = int(from_bits(bits[VERSION_BITS + 1 : FRAME_BITS], COUNTER_BITS)[0])
    if not gop_start:
        return AirHeader(counter)
    if len(bits) < FRAME_BITS + STREAM_BITS:
        raise FormatError(f"payload of {len(bits)} bits has no room for a header")
    rate = int(from_bits(bits[FRAME_BITS : FRAME_BITS + RATE_BITS], RATE_BITS)[0])
    digest = int(from_bits(bits[FRAME_BITS + RATE_BITS : FRAME_BITS + STREAM_BITS], DIGEST_BITS)[0])
    return AirHeader(counter, True, RATES[rate] if rate < len(RATES) else Fraction(0), digest)


class FrameNumbers:
    """Numbers of the key frames that arrive, failed ones included, from counters and positions.

    Numbers rise, and what lies between two is missing. A counter that jumps back, or ahead by more than
    MOST_MISSING, is another stream: the numbers go on behind the last one.

    Args:
        frame_samples: from frame to frame, the unit of positions being samples.
        first: number of the first key frame, where it is known; None: the first good one's counter.
    """

    def __init__(self, frame_samples: float, first: int | None = None):
        self._frame_samples = frame_samples
        self._next = first
        self._offset = 0  # number less counter of the stream
        self._last_position: float | None = None

    def good(self, counter: int, position: float | None) -> tuple[range, int]:
        """Numbers of the key frames that are missing before this one, and its own."""
        if self._next is None:
            self._next = counter
        ahead = (counter + self._offset - self._next) % COUNTER_SIZE
        if ahead > MOST_MISSING:
            self._offset = self._next - counter
            ahead = 0
        missing = range(self._next, self._next + ahead)
        number = self._next + ahead
        self._advance(number, position)
        return missing, number

    def failed(self, position: float | None) -> tuple[range, int] | None:
        """The same for a frame that cannot be read; None when no number can be given to it."""
        if self._next is None:
            return None
        ahead = 0
        if position is not None and self._last_position is not None:
            slots = round((position - self._last_position) / self._frame_samples)
            if not 1 <= slots <= MOST_MISSING:
                return None
            ahead = slots - 1
        missing = range(self._next, self._next + ahead)
        number = self._next + ahead
        self._advance(number, position)
        return missing, number

    def _advance(self, number: int, position: float | None) -> None:
        self._next = number + 1
        if position is not None:
            self._last_position = position
        elif self._last_position is not None:
            self._last_position += self._frame_samples
