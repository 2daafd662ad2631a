# SPDX-License-Identifier: GPL-3.0-or-later
"""The token file: every field comes back, every broken file is one clear FormatError."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.codec.base import Payload
from gnuradio.resivid.codec.rvt import MAGIC, RvtHeader, RvtReader, RvtWriter
from gnuradio.resivid.errors import FormatError, ResividError

HEADER = RvtHeader(
    size=256,
    rate=Fraction(30000, 1001),
    stride=8,
    gop=32,
    num_tokens=128,
    symbols=629,
    codec="resi_vidtok",
    options={"gop_prefix": True, "reference": "previous"},
    tokenizer="toy",
    weights={"toy.safetensors": "ab" * 32},
)


def payloads():
    rng = np.random.default_rng(9)
    sizes = (1050, 1, 8, 13)
    return [Payload(rng.integers(0, 2, n).astype(np.uint8), 8 * i, i == 0) for i, n in enumerate(sizes)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.rvt"
    with RvtWriter(path, HEADER) as writer:
        for row, payload in enumerate(payloads()):
            writer.write(payload, row)
        writer.close(30)
    return path


def read(path):
    with RvtReader(path) as reader:
        return reader.header, list(reader)


def test_everything_comes_back(path):
    header, records = read(path)
    assert (header.num_frames, header.num_key_frames) == (30, 4)
    for name in (
        "size",
        "rate",
        "stride",
        "gop",
        "num_tokens",
        "symbols",
        "codec",
        "options",
        "tokenizer",
    ):
        assert getattr(header, name) == getattr(HEADER, name)
    assert header.weights == HEADER.weights
    for (payload, row), (number, sent) in zip(records, enumerate(payloads()), strict=True):
        assert row == number
        assert (payload.first_frame, payload.gop_start) == (sent.first_frame, sent.gop_start)
        assert np.array_equal(payload.bits, sent.bits)


def test_layout_is_as_documented(path):
    data = path.read_bytes()
    assert data.startswith(bytes.fromhex("89525654 0d0a1a0a") + struct.pack("<H", 2))
    assert struct.unpack_from("<HHIIIIIII", data, 10) == (256, 128, 30000, 1001, 8, 32, 629, 30, 4)
    texts = b"resi_vidtok", b'{"gop_prefix": true, "reference": "previous"}', b"toy", b"table1"
    names = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    assert data[42 : 42 + len(names)] == names
    record = struct.pack("<IBBI", 24, 0, 3, 13) + np.packbits(payloads()[3].bits).tobytes()
    assert data.endswith(record + struct.pack("<I", zlib.crc32(record)))


def test_every_truncation_is_refused(path, tmp_path):
    data = path.read_bytes()
    short = tmp_path / "short.rvt"
    for length in range(len(data)):
        short.write_bytes(data[:length])
        with pytest.raises(FormatError, match="short.rvt: .*(truncated|no token file)"):
            read(short)


def test_every_flipped_bit_is_refused(path, tmp_path):
    data = path.read_bytes()
    broken = tmp_path / "broken.rvt"
    for place in range(len(data)):
        for bit in (0, 7):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            broken.write_bytes(changed)
            with pytest.raises(FormatError, match="broken.rvt: "):
                read(broken)


def test_refuses_more_than_it_should_hold(path):
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FormatError, match="more data"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"x", MAGIC, b"\0" * 1000])
def test_refuses_what_is_no_token_file(tmp_path, content):
    (tmp_path / "a.rvt").write_bytes(content)
    with pytest.raises(FormatError, match="no token file"):
        read(tmp_path / "a.rvt")


def test_refuses_another_version(path):
    data = bytearray(path.read_bytes())
    data[8] = 1
    path.write_bytes(data)
    with pytest.raises(FormatError, match="version 1"):
        read(path)


def test_refuses_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "none.rvt", tmp_path):
        with pytest.raises(FormatError, match="cannot be read"):
            read(path)


def end_of_texts(data):
    """Behind the two JSON texts, options and weights, of which the latter stands last."""
    return data.index(b"}", data.index(b"}") + 1) + 1


def sealed(data, place, value):
    """The header with one field changed and its CRC made right again."""
    head_end = end_of_texts(data)
    head = bytearray(data[:head_end])
    head[place : place + len(value)] = value
    return bytes(head) + struct.pack("<I", zlib.crc32(head)) + data[head_end + 4 :]


@pytest.mark.parametrize(
    "place, value, match",
    [
        (10, b"\0\0", "must not be 0"),
        (22, struct.pack("<I", 0), "must not be 0"),
        (18, struct.pack("<I", 0), "must not be 0"),
        (22, struct.pack("<I", 0xFFFFFFFF), "out of bounds"),
        (34, struct.pack("<I", 0xFFFFFFFF), "frames"),
        (38, struct.pack("<I", 31), "31 key frames in 30 frames"),
        (42, struct.pack("<I", 0xFFFFFFFF), "codec of 4294967295 bytes"),
        (46, b"\xff\xfe\xfd", "header: "),
        (57, struct.pack("<I", 0xFFFFFFFF), "options of 4294967295 bytes"),
        (61, b"[", "header: "),
        (76, b"null", "header: options: expected names and values"),
    ],
)
def test_hostile_headers_with_a_right_crc(path, place, value, match):
    path.write_bytes(sealed(path.read_bytes(), place, value))
    with pytest.raises(FormatError, match=match):
        read(path)


@pytest.mark.parametrize("frames", [(0, 0), (8, 0), (30,)])
def test_frames_out_of_order_are_refused(tmp_path, frames):
    with RvtWriter(tmp_path / "a.rvt", HEADER) as writer:
        for frame in frames:
            writer.write(Payload(np.ones(5, np.uint8), frame), 0)
        writer.close(30)
    with pytest.raises(FormatError, match="out of order"):
        read(tmp_path / "a.rvt")


def test_a_huge_length_is_refused_before_it_is_read(path):
    data = path.read_bytes()
    place = end_of_texts(data) + 4 + 6
    path.write_bytes(data[:place] + struct.pack("<I", 0xFFFFFFFF) + data[place + 4 :])
    with pytest.raises(FormatError, match="4294967295 payload bits"):
        read(path)


def test_an_error_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), RvtWriter(tmp_path / "a.rvt", HEADER) as writer:
        writer.write(payloads()[0], 0)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ResividError, match="cannot be written"):
        RvtWriter(tmp_path / "none" / "a.rvt", HEADER)
    with pytest.raises(ResividError, match="is a folder"):
        RvtWriter(tmp_path, HEADER)
