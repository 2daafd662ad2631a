# SPDX-License-Identifier: GPL-3.0-or-later
"""Message authentication of key frames (docs/air-interface.md): whose pictures they are, for anyone to see."""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from pathlib import Path

import numpy as np

from ..errors import ResividError, SettingsError
from .bits import BitWriter
from .payload_head import NUM_NUMBERS, TIME_BITS, PayloadHead

MAC_BITS = 32
CONTEXT = b"gr-resivid frame 1"
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 4096
MOST_ROUNDS = 256  # of the number, that a receiver who joins late tries: three days at 30 frame/s and S = 8


class Verdict(Enum):
    """What a receiver makes of a frame."""

    GOOD = "good"
    FORGED = "forged"
    REPLAYED = "replayed"
    JOINING = "joining"  # not enough of the stream was heard yet


def read_key(path: Path) -> bytes:
    """The key that both ends have: the bytes of a file.

    Raises:
        ResividError: it cannot be read.
        SettingsError: it is too short to be a secret, or too long to be a key.
    """
    try:
        with path.open("rb") as file:
            key = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise ResividError(f"--key {path}: cannot be read ({error.strerror})") from error
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise SettingsError(f"--key {path}: expected {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")
    return key


def frame_mac(key: bytes, start_ms: int, count: int, bits: np.ndarray) -> np.ndarray:
    """The first 32 bits of HMAC-SHA-256 (RFC 2104) over a key frame and its place in its stream.

    Args:
        key: the shared secret.
        start_ms: of the stream, as in `StreamParameters`.
        count: number of the key frame in the stream, without end.
        bits: uint8 (n,), head and codec's payload, one bit each.
    Returns:
        uint8 (MAC_BITS,).
    """
    place = start_ms.to_bytes(8, "big") + count.to_bytes(8, "big") + int(bits.size).to_bytes(4, "big")
    digest = hmac.new(key, CONTEXT + place + np.packbits(bits).tobytes(), hashlib.sha256).digest()
    writer = BitWriter(MAC_BITS)
    writer.write(int.from_bytes(digest[:4], "big"), MAC_BITS)
    return writer.bits


class FrameVerifier:
    """Checks the frames of one stream after the other.

    A stream is joined when a frame fits some round of its 12-bit number and the next one fits the same round. From then
    on counts must rise, and a later stream must have begun later: what was sent once is not taken again.

    Args:
        key: the shared secret.
    """

    def __init__(self, key: bytes):
        self._key = key
        self._start_ms: int | None = None  # of the stream that is followed
        self._count = -1  # of the last good frame
        self._candidate: tuple[int, int] | None = (
            None  # start and count of a frame that fits, to be confirmed
        )

    def verify(self, head: PayloadHead, start_ms: int | None, signed: np.ndarray) -> Verdict:
        """Judge one frame.

        Args:
            head: its head.
            start_ms: of the stream as far as it says so itself; None: not yet known.
            signed: uint8 (n + MAC_BITS,), head, payload and MAC.
        """
        if not head.signed or signed.size < MAC_BITS:
            return Verdict.FORGED
        bits, mac = signed[:-MAC_BITS], signed[-MAC_BITS:]
        if self._start_ms is not None:
            verdict = self._of_the_stream(head, bits, mac)
            if verdict is not None:
                return verdict
        if start_ms is None:
            return Verdict.JOINING
        return self._join(head, start_ms, bits, mac)

    def _fits(self, start_ms: int, count: int, bits: np.ndarray, mac: np.ndarray) -> bool:
        return bool(np.array_equal(frame_mac(self._key, start_ms, count, bits), mac))

    def _of_the_stream(self, head: PayloadHead, bits: np.ndarray, mac: np.ndarray) -> Verdict | None:
        assert self._start_ms is not None
        behind = (self._count - head.number) % NUM_NUMBERS
        earlier = self._count - behind
        later = earlier + NUM_NUMBERS
        if self._fits(self._start_ms, later, bits, mac):
            self._count = later
            return Verdict.GOOD
        if earlier >= 0 and self._fits(self._start_ms, earlier, bits, mac):
            return Verdict.REPLAYED
        return None

    def _join(self, head: PayloadHead, start_ms: int, bits: np.ndarray, mac: np.ndarray) -> Verdict:
        if self._candidate is not None and self._candidate[0] == start_ms:
            count = self._candidate[1] + (head.number - self._candidate[1]) % NUM_NUMBERS
            if count > self._candidate[1] and self._fits(start_ms, count, bits, mac):
                return self._follow(start_ms, count)
        for round_ in range(MOST_ROUNDS):
            count = head.number + NUM_NUMBERS * round_
            if self._fits(start_ms, count, bits, mac):
                self._candidate = (start_ms, count)
                return Verdict.JOINING if self._is_newer(start_ms, count) else Verdict.REPLAYED
        return Verdict.FORGED

    def _follow(self, start_ms: int, count: int) -> Verdict:
        if not self._is_newer(start_ms, count):
            return Verdict.REPLAYED
        self._start_ms, self._count, self._candidate = start_ms, count, None
        return Verdict.GOOD

    def _is_newer(self, start_ms: int, count: int) -> bool:
        if self._start_ms is None:
            return True
        later = (start_ms - self._start_ms) % (1 << TIME_BITS)
        return count > self._count if later == 0 else later < 1 << TIME_BITS - 1
