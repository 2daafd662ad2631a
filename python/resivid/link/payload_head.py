# SPDX-License-Identifier: GPL-3.0-or-later
"""The first bits of every payload of a live stream: version, session, frame number, and what both ends must share.

The header of a simulated burst link is in air_header.py, which also holds what both have in common. They differ since their
receivers do: a simulated one starts with its transmitter and is asked for every key frame, so 12 bits are enough, while a live
one joins when it wants to, tells runs of a transmitter apart and measures how old a picture is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FormatError
from .air_header import DIGEST_BITS, VERSION_BITS, WIRE_VERSION, settings_digest
from .bits import BitReader, BitWriter
from .call_sign import SLICES as CALL_SIGN_SLICES
from .call_sign import call_sign_of, call_sign_slice

HEAD_BITS = 32
NUM_NUMBERS = 1 << 12  # key frames until the number begins again
NUM_SLICES = 4  # of the parameters: head n carries slice n mod 4,
IDENTITY_PERIOD = 64  # but the last CALL_SIGN_SLICES of so many heads the call sign
SLICE_BITS = DIGEST_BITS
TIME_BITS = 3 * SLICE_BITS


@dataclass(frozen=True)
class StreamParameters:
    """What a transmitter says of itself, spread over the heads.

    Attributes:
        digest: of the settings that both ends share, SLICE_BITS bits.
        start_ms: when the stream began, in ms of Unix time modulo 2^36.
        call_sign: of the station, as `check_call_sign` gives it; empty: none.
    """

    digest: int
    start_ms: int
    call_sign: str = ""

    def slice(self, number: int) -> int:
        """The SLICE_BITS bits in the head of key frame `number`: digest, time (three, most significant first), and so
        on, or a part of the call sign."""
        part = call_sign_part(number)
        if part is not None:
            return call_sign_slice(self.call_sign, part)
        index = number % NUM_SLICES
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
        parameters: as `StreamParameters.slice` has it for this number.
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
        (WIRE_VERSION, VERSION_BITS),
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
        int(reader.read(1, width)[0]) for width in (VERSION_BITS, 4, 1, 1, 12, SLICE_BITS)
    )
    if version != WIRE_VERSION:
        raise FormatError(f"payload of air version {version}, expected {WIRE_VERSION}: update the older end")
    return PayloadHead(session, bool(gop_start), number, parameters, bool(signed)), bits[HEAD_BITS:]


def digest_of(settings: Mapping[str, Any]) -> int:
    """SLICE_BITS bits of the SHA-256 of settings, in any order."""
    return settings_digest(json.dumps(settings, sort_keys=True, default=str))


def call_sign_part(number: int) -> int | None:
    """Which part of the call sign the head of key frame `number` carries; None: the parameters."""
    part = number % IDENTITY_PERIOD - (IDENTITY_PERIOD - CALL_SIGN_SLICES)
    return part if part >= 0 else None


class ParameterCollector:
    """Puts the slices of a stream's parameters together, and starts anew with each run of the transmitter.

    One run in 16 has the session of the one before: its numbers are behind, or its slices say something else.
    """

    def __init__(self) -> None:
        self._session, self._number = -1, 0  # of the last head
        self._slices: dict[int, int] = {}
        self._call_sign: dict[int, int] = {}

    def add(self, head: PayloadHead) -> None:
        """Take the slice of a head that arrived."""
        part, index = call_sign_part(head.number), head.number % NUM_SLICES
        known = self._slices.get(index) if part is None else self._call_sign.get(part)
        behind = (self._number - head.number) % NUM_NUMBERS in range(1, NUM_NUMBERS // 2)
        if head.session != self._session or behind or known not in (None, head.parameters):
            self._slices, self._call_sign = {}, {}
        self._session, self._number = head.session, head.number
        if part is None:
            self._slices[index] = head.parameters
        else:
            self._call_sign[part] = head.parameters

    @property
    def call_sign(self) -> str:
        """Empty until all of it came, or when there is none."""
        parts = self._call_sign  # a new session may come meanwhile
        return (
            call_sign_of([parts[i] for i in range(CALL_SIGN_SLICES)])
            if len(parts) == CALL_SIGN_SLICES
            else ""
        )

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
