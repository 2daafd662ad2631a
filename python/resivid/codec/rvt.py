# SPDX-License-Identifier: GPL-3.0-or-later
"""The token file `.rvt`: payloads without a radio. Written and read here alone; all integers little-endian.

magic 8 | version u16 | header: fixed fields, texts with their lengths | CRC32 of all before | records
record: frame u32 | flags u8 | MCS row u8 | payload bits u32 | the bits, first bit highest, last byte zero-filled
        | CRC32 of the record
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from ..errors import FormatError, ResividError
from ..part_files import part_path
from .base import Payload

MAGIC = b"\x89RVT\r\n\x1a\n"  # as PNG's: a transfer that changes line ends or drops bit 7 is found at once
VERSION = 2
MAX_PAYLOAD_BITS = 1 << 20
MAX_FRAMES = 1 << 24  # 6 days at 30 frame/s
MAX_TEXT = {"codec": 256, "options": 1 << 10, "tokenizer": 256, "mcs_table": 256, "weights": 1 << 16}  # bytes

_START = struct.Struct("<8sH")
# size, L, rate numerator and denominator, stride, gop, symbols, frames, key frames
_FIXED = struct.Struct("<HHIIIIIII")
_RECORD = struct.Struct("<IBBI")
_CRC = struct.Struct("<I")
_LENGTH = struct.Struct("<I")
_GOP_START = 1  # record flag


@dataclass(frozen=True)
class RvtHeader:
    """What a decoder must know.

    Attributes:
        size: side of the picture in pixels.
        rate: frame/s.
        stride: S in frames.
        gop: N in frames.
        num_tokens: L.
        symbols: k_t, channel symbols of one key frame.
        codec: name in the codec registry.
        options: what the codec's settings take beside stride and GOP.
        tokenizer: name in the registry.
        mcs_table: name of the table that the rows of the records count in.
        weights: file name to SHA-256 of the tokenizer's weights.
        num_frames: T; 0 until the file is finished.
        num_key_frames: records.
    """

    size: int
    rate: Fraction
    stride: int
    gop: int
    num_tokens: int
    symbols: int
    codec: str
    tokenizer: str
    options: dict[str, str | bool] = field(default_factory=dict)
    mcs_table: str = "table1"
    weights: dict[str, str] = field(default_factory=dict)
    num_frames: int = 0
    num_key_frames: int = 0


class RvtWriter:
    """Writes a token file under a temporary name; `close` completes and renames it.

    As a context manager it deletes the file unless `close` was called.

    Args:
        path: final name.
        header: its frame counts are filled in by `close`.
    Raises:
        ResividError: the folder cannot be written.
    """

    def __init__(self, path: str | Path, header: RvtHeader):
        self.path, self.header = Path(path), header
        self.num_key_frames = 0
        self._temporary = part_path(self.path)
        encoded = _encode_header(header)
        if self.path.is_dir():
            raise ResividError(f"{self.path}: is a folder")
        try:
            self._file: BinaryIO | None = open(self._temporary, "wb")
            self._file.write(encoded)
        except OSError as error:
            raise ResividError(f"{self.path}: cannot be written ({error.strerror})") from error

    def __enter__(self) -> RvtWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def write(self, payload: Payload, mcs: int) -> None:
        """Append the payload of one key frame, sent with row `mcs` of the MCS table."""
        record = _RECORD.pack(payload.first_frame, _GOP_START * payload.gop_start, mcs, payload.bits.size)
        record += np.packbits(payload.bits).tobytes()
        self._write(record + _CRC.pack(zlib.crc32(record)))
        self.num_key_frames += 1

    def close(self, num_frames: int) -> None:
        """Fill in the frame count and give the file its final name.

        Args:
            num_frames: T.
        Raises:
            ResividError: the disk is full or gone; the file is then deleted.
        """
        assert self._file is not None
        done = replace(self.header, num_frames=num_frames, num_key_frames=self.num_key_frames)
        try:
            self._file.seek(0)
            self._file.write(_encode_header(done))  # fixed fields only differ: the same length
            self._file.close()
            self._file = None
            os.replace(self._temporary, self.path)
        except OSError as error:
            self.abort()
            raise ResividError(f"{self.path}: cannot be written ({error.strerror})") from error

    def abort(self) -> None:
        """Delete an unfinished file; does nothing after `close`."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._temporary.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(data)
        except OSError as error:
            self.abort()
            raise ResividError(f"{self.path}: cannot be written ({error.strerror})") from error


class RvtReader:
    """Reads a token file: `header`, then iterates over (payload, MCS row).

    Args:
        path: of the file.
    Raises:
        FormatError: no such file, not a token file, another version, truncated or corrupt; also while iterating.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._file = open(self.path, "rb")
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be read ({error.strerror})") from error
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> RvtReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[tuple[Payload, int]]:
        last_frame = -1
        for number in range(self.header.num_key_frames):
            where = f"key frame {number}"
            head = self._read(_RECORD.size, where)
            frame, flags, mcs, num_bits = _RECORD.unpack(head)
            if num_bits > MAX_PAYLOAD_BITS:
                raise FormatError(
                    f"{self.path}: {where}: {num_bits} payload bits, more than {MAX_PAYLOAD_BITS}"
                )
            data = self._read(-(-num_bits // 8), where)
            self._check_crc(head + data, where)
            if not last_frame < frame < self.header.num_frames:
                raise FormatError(f"{self.path}: {where}: frame {frame} is out of order")
            last_frame = frame
            bits = np.unpackbits(np.frombuffer(data, np.uint8), count=num_bits)
            yield Payload(bits, frame, bool(flags & _GOP_START)), mcs
        if self._file.read(1):
            raise FormatError(f"{self.path}: more data than its {self.header.num_key_frames} key frames")

    def _read_header(self) -> RvtHeader:
        start = self._file.read(_START.size)
        if len(start) < _START.size or not start.startswith(MAGIC):
            raise FormatError(f"{self.path}: is no token file (.rvt)")
        version = _START.unpack(start)[1]
        if version != VERSION:
            raise FormatError(f"{self.path}: is of version {version}; this program reads version {VERSION}")
        data = start + self._read(_FIXED.size, "header")
        values = _FIXED.unpack(data[_START.size :])
        texts = {}
        for name, longest in MAX_TEXT.items():
            length = self._read(_LENGTH.size, "header")
            count = _LENGTH.unpack(length)[0]
            if count > longest:
                raise FormatError(f"{self.path}: header: {name} of {count} bytes, more than {longest}")
            text = self._read(count, "header")
            data += length + text
            texts[name] = text
        self._check_crc(data, "header")
        return self._header(values, texts)

    def _header(self, values: tuple[int, ...], texts: dict[str, bytes]) -> RvtHeader:
        size, num_tokens, above, below, stride, gop, symbols, frames, key_frames = values
        if not (size and num_tokens and above and below and stride and gop):
            raise FormatError(f"{self.path}: header: size, tokens, rate, stride and GOP must not be 0")
        if max(stride, gop) >= 1 << 31:
            raise FormatError(f"{self.path}: header: stride {stride} or GOP {gop} is out of bounds")
        if not 0 < key_frames <= frames <= MAX_FRAMES:
            raise FormatError(f"{self.path}: header: {key_frames} key frames in {frames} frames")
        try:
            weights = json.loads(texts["weights"])
            options = json.loads(texts["options"])
            names = {name: texts[name].decode() for name in ("codec", "tokenizer", "mcs_table")}
        except ValueError as error:  # JSON and UTF-8 alike
            raise FormatError(f"{self.path}: header: {error}") from error
        if not isinstance(weights, dict) or not all(isinstance(v, str) for v in weights.values()):
            raise FormatError(f"{self.path}: header: weights: expected file names and hashes")
        if not isinstance(options, dict) or not all(isinstance(v, str | bool) for v in options.values()):
            raise FormatError(f"{self.path}: header: options: expected names and values")
        return RvtHeader(
            size=size,
            rate=Fraction(above, below),
            stride=stride,
            gop=gop,
            num_tokens=num_tokens,
            symbols=symbols,
            options=options,
            weights=weights,
            num_frames=frames,
            num_key_frames=key_frames,
            **names,
        )

    def _read(self, count: int, where: str) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise FormatError(f"{self.path}: {where}: the file is truncated")
        return data

    def _check_crc(self, data: bytes, where: str) -> None:
        if _CRC.unpack(self._read(_CRC.size, where))[0] != zlib.crc32(data):
            raise FormatError(f"{self.path}: {where}: CRC does not match, the file is corrupt")


def _encode_header(header: RvtHeader) -> bytes:
    texts = {
        "codec": header.codec.encode(),
        "options": json.dumps(header.options, sort_keys=True).encode(),
        "tokenizer": header.tokenizer.encode(),
        "mcs_table": header.mcs_table.encode(),
        "weights": json.dumps(header.weights, sort_keys=True).encode(),
    }
    for name, longest in MAX_TEXT.items():
        if len(texts[name]) > longest:
            raise ValueError(f"{name} must be at most {longest} bytes, got {len(texts[name])}")
    rate = header.rate.limit_denominator(1 << 20)
    data = _START.pack(MAGIC, VERSION) + _FIXED.pack(
        header.size,
        header.num_tokens,
        rate.numerator,
        rate.denominator,
        header.stride,
        header.gop,
        header.symbols,
        header.num_frames,
        header.num_key_frames,
    )
    for name in MAX_TEXT:
        data += _LENGTH.pack(len(texts[name])) + texts[name]
    return data + _CRC.pack(zlib.crc32(data))
