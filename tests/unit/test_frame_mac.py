# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed frames: vectors of docs/air-interface.md (the first made with OpenSSL), and what a receiver takes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from documents import table_after
from gnuradio.resivid.errors import ResividError, SettingsError
from gnuradio.resivid.link.frame_mac import FrameVerifier, Verdict, frame_mac, read_key
from gnuradio.resivid.link.payload_head import NUM_NUMBERS, PayloadHead, write_head

KEY = b"0123456789abcdef"
START = 123_456_789


@pytest.mark.parametrize("row", table_after("<!-- mac vectors -->"))
def test_vectors(row):
    key, start, number, bits, mac = (cell.strip("`") for cell in row)
    made = frame_mac(key.encode(), int(start), int(number), np.array(list(map(int, bits)), np.uint8))
    assert "".join(map(str, made)) == f"{int(mac, 16):032b}"


def frame(count, start=START, key=KEY, body=b"\1\0\1"):
    """Head and signed bits of the key frame `count` of a stream."""
    head = PayloadHead(start & 15, False, count % NUM_NUMBERS, 0, True)
    bits = write_head(np.frombuffer(body, np.uint8), head)
    return head, np.concatenate([bits, frame_mac(key, start, count, bits)])


def judge(verifier, count, start=START, heard=START, **options):
    head, signed = frame(count, start, **options)
    return verifier.verify(head, heard, signed)


def joined(count=10):
    verifier = FrameVerifier(KEY)
    assert judge(verifier, count) is Verdict.JOINING
    assert judge(verifier, count + 1) is Verdict.GOOD
    return verifier


def test_a_stream_is_joined_with_two_frames_that_fit():
    verifier = FrameVerifier(KEY)
    assert judge(verifier, 9, heard=None) is Verdict.JOINING  # its start is not yet known
    assert judge(verifier, 10) is Verdict.JOINING
    assert judge(verifier, 12) is Verdict.GOOD  # 11 was lost
    assert judge(verifier, 13) is Verdict.GOOD


@pytest.mark.parametrize("count", [NUM_NUMBERS - 2, 5 * NUM_NUMBERS - 1])
def test_numbers_begin_again_and_counts_do_not(count):
    verifier = joined(count)
    assert [judge(verifier, count + step) for step in (2, 3, 4)] == [Verdict.GOOD] * 3
    assert judge(verifier, count + 3 - NUM_NUMBERS) is Verdict.REPLAYED  # of the round before


def test_what_was_sent_once_is_not_taken_again():
    verifier = joined()
    assert [judge(verifier, count) for count in (11, 10, 3)] == [Verdict.REPLAYED] * 3
    assert judge(verifier, 12) is Verdict.GOOD


def test_a_later_stream_is_followed_and_an_earlier_one_is_not():
    verifier, later = joined(), START + 60_000
    assert judge(verifier, 0, later, later) is Verdict.JOINING
    assert judge(verifier, 12) is Verdict.GOOD  # the old one is still followed
    assert judge(verifier, 1, later, later) is Verdict.GOOD
    assert judge(verifier, 13, START, START) is Verdict.REPLAYED
    assert judge(verifier, 14, START, START) is Verdict.REPLAYED
    assert judge(verifier, 2, later, START) is Verdict.GOOD


def test_forged_frames():
    verifier = joined()
    head, signed = frame(12)
    for bit in range(signed.size):
        wrong = signed.copy()
        wrong[bit] ^= 1
        assert verifier.verify(head, START, wrong) is Verdict.FORGED
    assert judge(verifier, 12, key=b"another key, 16+") is Verdict.FORGED
    unsigned = PayloadHead(START & 15, False, 12, 0)
    assert verifier.verify(unsigned, START, write_head(np.ones(40, np.uint8), unsigned)) is Verdict.FORGED
    assert verifier.verify(head, START, signed) is Verdict.GOOD


def test_blocks_sign_and_check():
    from gnuradio.resivid.blocks import pdus
    from gnuradio.resivid.blocks.payload_heads import payload_head_reader, payload_head_writer
    from gnuradio.resivid.link.live_sequence import LiveSequence
    from gnuradio.resivid.link.payload_head import StreamParameters

    writer = payload_head_writer(8, StreamParameters(77, START), KEY)
    readers = {
        name: payload_head_reader(LiveSequence(8, 4, 100), 77, key=key)
        for name, key in (("right", KEY), ("none", None), ("wrong", b"x" * 16))
    }
    sent, shown = [], {name: [] for name in readers}
    writer.message_port_pub = lambda port, pdu: sent.append(pdus.to_parts(pdu)[1])
    for name, reader in readers.items():
        reader.message_port_pub = lambda port, pdu, name=name: shown[name].append(pdus.to_parts(pdu)[1])
    rng = np.random.default_rng(0)
    payloads = [rng.integers(0, 2, 50, np.uint8) for _ in range(8)]
    for number, payload in enumerate(payloads):
        writer.on_payload(pdus.from_parts({"frame": 8 * number, "gop_start": number == 0}, payload))
        for reader in readers.values():
            metadata = {"crc_ok": True, "snr_db": 6.0, "mcs": 0}
            reader.on_payload(pdus.from_parts(metadata, sent[-1]))
    assert [bits.size for bits in sent] == [32 + 50 + 32] * 8
    assert np.array_equal(shown["none"], payloads)  # no secrecy: the MAC comes off unseen
    # the start is known with the fourth frame, which fits; the fifth is the first one shown
    assert np.array_equal(shown["right"], payloads[4:])
    assert shown["wrong"] == [] and readers["wrong"].verdicts[Verdict.FORGED] == 5
    assert "not signed" in readers["wrong"].problem


def test_a_restart_with_the_same_session_is_not_called_forged():
    """The four bits of the session agree in one of 16 restarts."""
    from gnuradio.resivid.blocks import pdus
    from gnuradio.resivid.blocks.payload_heads import payload_head_reader, payload_head_writer
    from gnuradio.resivid.link.live_sequence import LiveSequence
    from gnuradio.resivid.link.payload_head import StreamParameters

    reader = payload_head_reader(LiveSequence(8, 4, 100), 77, key=KEY)
    shown = []
    reader.message_port_pub = lambda port, pdu: shown.append(pdu)
    for start in (START, START + 16 * 4096):
        writer = payload_head_writer(8, StreamParameters(77, start), KEY)
        writer.message_port_pub = lambda port, pdu: reader.on_payload(
            pdus.from_parts({"crc_ok": True, "snr_db": 6.0, "mcs": 0}, pdus.to_parts(pdu)[1])
        )
        for number in range(12):
            bits = np.ones(50, np.uint8)
            writer.on_payload(pdus.from_parts({"frame": 8 * number, "gop_start": number == 0}, bits))
    assert reader.verdicts[Verdict.FORGED] == 0 and reader.problem == ""
    assert reader.sequence.restarts == 1 and len(shown) >= 12


def test_keys_are_files_of_16_to_4096_bytes(tmp_path):
    path = tmp_path / "link.key"
    path.write_bytes(KEY)
    assert read_key(path) == KEY
    for size in (15, 4097):
        path.write_bytes(b"k" * size)
        with pytest.raises(SettingsError, match="expected 16 to 4096 bytes"):
            read_key(path)
    with pytest.raises(ResividError, match=re.escape(f"--key {tmp_path}: cannot be read")):
        read_key(tmp_path)
