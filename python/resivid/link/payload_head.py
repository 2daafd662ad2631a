# SPDX-License-Identifier: GPL-3.0-or-later
"""The first bits of every payload on the air: version, session, frame number, and what both ends must share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FormatError
from .bits import BitReader, BitWriter

AIR_VERSION = 1
HEAD_BITS = 32
NUM_NUMBERS = 1 << 12  # key frames until the number begins again
NUM_SLICES = 4  # of the parameters: head n carries slice n mod 4
SLICE_BITS = 12
TIME_BITS = 3 * SLICE_BITS


@dataclass(frozen=True)
class StreamParameters:
    """What a transmitter says of itself, spread over NUM_SLICES heads.

    Attributes:
        digest: of the settings that both ends share, SLICE_BITS bits.
        start_ms: when the stream began, in ms of Unix time modulo 2^36.
    """

    digest: int
    start_ms: int

    def slice(self, index: int) -> int:
        """Slice 0 is the digest, 1 to 3 the time, most significant first."""
        if index == 0:
            return self.digest
        return self.start_ms >> SLICE_BITS * (NUM_SLICES - 1 - index) & (1 << SLICE_BITS) - 1

    @property
    def session(self) -> int:
        """Four bits that tell a transmitter's runs apart."""
        return self.start_ms & 15


@dataclass(frozen=True)
class PayloadHead:
    """Fields of one head.

    Attributes:
        session: of the stream, 0 to 15.
        gop_start: as in `Unit`.
        number: of the key frame, modulo NUM_NUMBERS.
        parameters: slice number mod NUM_SLICES of the stream's parameters.
        signed: a MAC ends the payload (frame_mac.py).
    """

    session: int
    gop_start: bool
    number: int
    parameters: int
    signed: bool = False


def write_head(payload_bits: np.ndarray, head: PayloadHead) -> np.ndarray:
    """Head and payload, uint8 (HEAD_BITS + n,)."""
    writer = BitWriter(HEAD_BITS)
    for value, width in (
        (AIR_VERSION, 2),
        (head.session, 4),
        (head.gop_start, 1),
        (head.signed, 1),
        (head.number, 12),
        (head.parameters, SLICE_BITS),
    ):
        writer.write(int(value), width)
    return np.concatenate([writer.bits, payload_bits.astype(np.uint8)])


def read_head(bits: np.ndarray) -> tuple[PayloadHead, np.ndarray]:
    """Inverse of `write_head`.

    Raises:
        FormatError: too short, or another version.
    """
    if bits.size < HEAD_BITS:
        raise FormatError(f"payload of {bits.size} bits: expected at least {HEAD_BITS}")
    reader = BitReader(bits)
    version, session, gop_start, signed, number, parameters = (
        int(reader.read(1, width)[0]) for width in (2, 4, 1, 1, 12, SLICE_BITS)
    )
    if version != AIR_VERSION:
        raise FormatError(f"payload of air version {version}, expected {AIR_VERSION}: update the older end")
    return PayloadHead(session, bool(gop_start), number, parameters, bool(signed)), bits[HEAD_BITS:]


def digest_of(settings: Mapping[str, Any]) -> int:
    """SLICE_BITS bits of the SHA-256 of settings, in any order."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:2], "big") >> 16 - SLICE_BITS


class ParameterCollector:
    """Puts the slices of a stream's parameters together; a new session starts anew."""

    def __init__(self) -> None:
        self._session = -1
        self._slices: dict[int, int] = {}

    def add(self, head: PayloadHead) -> None:
        """Take the slice of a head that arrived."""
        if head.session != self._session:
            self._session, self._slices = head.session, {}
        self._slices[head.number % NUM_SLICES] = head.parameters

    @property
    def digest(self) -> int | None:
        """None until it came."""
        return self._slices.get(0)

    @property
    def start_ms(self) -> int | None:
        """None until all three slices came."""
        parts = [self._slices.get(index) for index in range(1, NUM_SLICES)]
        if any(part is None for part in parts):
            return None
        value = 0
        for part in parts:
            value = value << SLICE_BITS | int(part or 0)
        return value
