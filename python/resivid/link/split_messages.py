# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels between the host of the networks and the host of the radio: payloads, and what the radio sees (docs/radio.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..errors import FormatError
from .mcs_table import McsTable

MAGIC, VERSION = b"RVSP", 1
CONTEXT = b"gr-resivid split 1"
HEADER = struct.Struct(">4sBB8s")  # magic, version, kind, digest of the link
PAYLOAD = struct.Struct(">IBBIfI")  # number, flags, row, bits, Es/N0 in dB, iterations of the decoder
KIND_PAYLOAD, KIND_STATUS = 0, 1
CRC_OK, END = 1, 2  # flags
MAC_BYTES = 8
MAX_STATUS_BYTES = 1024
COUNT_LIMIT = 1 << 53  # whole numbers that JSON readers agree on


@dataclass(frozen=True)
class SplitPayload:
    """A transport block's payload on its way to or from the radio.

    Attributes:
        bits: uint8 (A,), one bit each; empty where the CRC failed.
        row: of the MCS table.
        number: of the block on this connection, rising.
        end: the stream ended here; nothing else counts.
        crc_ok, snr_db, iterations: of the decoder, where the block was received.
    """

    bits: np.ndarray
    row: int = 0
    number: int = 0
    end: bool = False
    crc_ok: bool = False
    snr_db: float = 0.0
    iterations: int = 0


@dataclass(frozen=True)
class SplitStatus:
    """What the radio's host sees.

    Attributes:
        present, overflows, underflows, losses: as `RadioCounters` has them.
        taken: blocks of this connection up to this number were sent; -1: none.
        bursts, false_alarms, locked: of the synchroniser. shift_hz: of the wide search.
        ended: a recording or pipe is over.
    """

    present: bool = True
    overflows: int = 0
    underflows: int = 0
    losses: int = 0
    taken: int = -1
    bursts: int = 0
    false_alarms: int = 0
    locked: bool = False
    shift_hz: float = 0.0
    ended: bool = False


class SplitFormat:
    """Writes and reads the messages of one link.

    Args:
        symbols: k_t of a key frame.
        symbol_rate: symbols a second.
        table: of the link.
        key: signs the messages; None: their MAC is only a check sum.
        largest_bits: that a payload may have.
    """

    def __init__(
        self, symbols: int, symbol_rate: float, table: McsTable, key: bytes | None, largest_bits: int
    ):
        text = repr((symbols, round(symbol_rate, 6), table.as_tuples()))
        self._digest = hashlib.sha256(text.encode()).digest()[:8]
        self._key, self._rows, self._largest_bits = key or b"", len(table.rows), largest_bits

    @property
    def largest_bytes(self) -> int:
        """That a message can have."""
        return HEADER.size + max(PAYLOAD.size + -(-self._largest_bits // 8), MAX_STATUS_BYTES) + MAC_BYTES

    def write(self, message: SplitPayload | SplitStatus) -> bytes:
        """Bytes of one message."""
        if isinstance(message, SplitStatus):
            kind, body = KIND_STATUS, json.dumps(asdict(message)).encode()
        else:
            flags = CRC_OK * message.crc_ok | END * message.end
            count = 0 if message.end else message.bits.size
            body = PAYLOAD.pack(
                message.number & 0xFFFFFFFF, flags, message.row, count, message.snr_db, message.iterations
            )
            kind, body = KIND_PAYLOAD, body + np.packbits(message.bits[:count]).tobytes()
        whole = HEADER.pack(MAGIC, VERSION, kind, self._digest) + body
        return whole + self._mac(whole)

    def read(self, data: bytes) -> SplitPayload | SplitStatus:
        """Inverse of `write`.

        Raises:
            FormatError: no such message, of another link, or not signed with this key; the text says which.
        """
        if not HEADER.size + MAC_BYTES <= len(data) <= self.largest_bytes:
            raise FormatError(f"message of {len(data)} bytes")
        whole, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        magic, version, kind, digest = HEADER.unpack_from(whole)
        if (magic, version) != (MAGIC, VERSION):
            raise FormatError(f"message of another kind or version, expected version {VERSION}")
        if not hmac.compare_digest(mac, self._mac(whole)):
            raise FormatError("message that is not signed with this --key")
        if digest != self._digest:
            raise FormatError("the other host has another --cbr, --stride, --rate or --mcs-table")
        body = whole[HEADER.size :]
        return _status(body) if kind == KIND_STATUS else self._payload(body)

    def _mac(self, whole: bytes) -> bytes:
        return hmac.new(self._key, CONTEXT + whole, hashlib.sha256).digest()[:MAC_BYTES]

    def _payload(self, body: bytes) -> SplitPayload:
        if len(body) < PAYLOAD.size:
            raise FormatError(f"payload of {len(body)} bytes")
        number, flags, row, count, snr_db, iterations = PAYLOAD.unpack_from(body)
        packed = np.frombuffer(body[PAYLOAD.size :], np.uint8)
        if count > self._largest_bits or packed.size != -(-count // 8) or row >= self._rows:
            raise FormatError(f"payload of {count} bits in {packed.size} bytes, row {row}")
        bits = np.unpackbits(packed, count=count) if count else np.zeros(0, np.uint8)
        return SplitPayload(bits, row, number, bool(flags & END), bool(flags & CRC_OK), snr_db, iterations)


def _status(body: bytes) -> SplitStatus:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormatError("status that is no JSON") from error
    if not isinstance(found, dict):
        raise FormatError("status that is no object")
    values: dict[str, Any] = {}
    for field in fields(SplitStatus):
        value: Any = found.get(field.name)
        kinds = {bool: (bool,), int: (int,), float: (int, float)}[type(field.default)]
        if type(value) not in kinds or not abs(value) < COUNT_LIMIT:
            raise FormatError(f"status with {field.name} {str(value)[:40]!r}")
        values[field.name] = value
    return SplitStatus(**values)
