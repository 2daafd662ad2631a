# SPDX-License-Identifier: GPL-3.0-or-later
"""Head of a live payload, the receiver's time line, and SigMF files that somebody else wrote."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from documents import table_after
from gnuradio.resivid.errors import FormatError, ResividError, SettingsError
from gnuradio.resivid.link.call_sign import call_sign_of, check_call_sign
from gnuradio.resivid.link.live_sequence import LiveSequence
from gnuradio.resivid.link.payload_head import (
    HEAD_BITS,
    ParameterCollector,
    PayloadHead,
    StreamParameters,
    digest_of,
    read_head,
    write_head,
)

HEAD = PayloadHead(session=5, gop_start=True, number=0xABC, parameters=0x123)


def test_a_head_worked_by_hand():
    # 01 0101 1 0 | 1010 1011 1100 | 0001 0010 0011, then the payload
    bits = write_head(np.array([1, 1], np.uint8), HEAD)
    assert "".join(map(str, bits)) == "01010110" + "101010111100" + "000100100011" + "11"
    head, payload = read_head(bits)
    assert head == HEAD and payload.tolist() == [1, 1]


@pytest.mark.parametrize(("place", "value"), [(0, 1), (1, 0)])
def test_other_versions_are_refused(place, value):
    bits = write_head(np.zeros(4, np.uint8), HEAD)
    bits[place] = value
    with pytest.raises(FormatError, match="air version"):
        read_head(bits)
    with pytest.raises(FormatError, match="expected at least 32"):
        read_head(bits[: HEAD_BITS - 1])


def test_parameters_come_in_four_slices():
    parameters = StreamParameters(digest=0xFED, start_ms=0x123456789)
    collector = ParameterCollector()
    for number in range(1, 4):
        collector.add(PayloadHead(parameters.session, False, number, parameters.slice(number)))
    assert collector.start_ms == 0x123456789 and collector.digest is None
    collector.add(PayloadHead(parameters.session, False, 4, parameters.slice(0)))
    assert collector.digest == 0xFED
    collector.add(PayloadHead(parameters.session ^ 1, False, 5, 0))  # another run
    assert collector.digest is None and collector.start_ms is None


@pytest.mark.parametrize("missed", range(7))
def test_parameters_of_a_run_that_got_the_session_of_the_last(missed):
    first, second = StreamParameters(0xFED, 0x123456785), StreamParameters(0xFED, 0x123460005)
    collector = ParameterCollector()
    for number in range(30):
        collector.add(PayloadHead(first.session, False, number, first.slice(number)))
    assert collector.start_ms == first.start_ms
    for number in range(missed, missed + 8):
        collector.add(PayloadHead(second.session, False, number, second.slice(number)))
        assert collector.start_ms in (None, second.start_ms)  # never half of each
    assert collector.start_ms == second.start_ms


def test_other_slices_are_another_run_though_its_numbers_rise():
    collector = ParameterCollector()
    for number in range(4):
        collector.add(PayloadHead(5, False, number, 7))
    collector.add(PayloadHead(5, False, 4, 8))
    assert (collector.digest, collector.start_ms) == (8, None)


@pytest.mark.parametrize("row", table_after("<!-- call-sign vectors -->"), ids=lambda row: row[0])
def test_the_call_sign_is_in_eight_of_64_heads(row):
    call_sign = "" if row[0] == "none" else row[0].strip("`")
    parameters = StreamParameters(0xFED, 0x123456789, call_sign)
    slices = [parameters.slice(64 * 5 + number) for number in range(56, 64)]
    assert " ".join(f"{part:03x}" for part in slices) == row[1]
    collector = ParameterCollector()
    for number in (59, 60, 61, 62, 63, 64, 65, 66, 67, 56 + 64, 57 + 64, 58 + 64):  # heard from the middle on
        assert collector.call_sign == ""
        collector.add(PayloadHead(parameters.session, False, number, parameters.slice(number)))
    assert (collector.digest, collector.start_ms) == (0xFED, 0x123456789)
    assert collector.call_sign == call_sign
    collector.add(PayloadHead(parameters.session ^ 1, False, 0, 0))
    assert collector.call_sign == ""


def test_blocks_carry_the_call_sign():
    pytest.importorskip("gnuradio.gr")
    from gnuradio.resivid.blocks import pdus
    from gnuradio.resivid.blocks.payload_heads import payload_head_reader, payload_head_writer

    writer = payload_head_writer(8, StreamParameters(77, 5, "DL1ABC"))
    reader = payload_head_reader(LiveSequence(8, 4, 100), 77)
    shown = []
    reader.message_port_pub = lambda port, pdu: shown.append(pdus.to_parts(pdu)[1].tolist())
    metadata = {"crc_ok": True, "snr_db": 6.0, "mcs": 0}
    writer.message_port_pub = lambda port, pdu: reader.on_payload(
        pdus.from_parts(metadata, pdus.to_parts(pdu)[1])
    )
    for number in range(64):
        assert reader.collector.call_sign == ""
        writer.on_payload(pdus.from_parts({"frame": 8 * number, "gop_start": False}, np.ones(3, np.uint8)))
    assert reader.collector.call_sign == "DL1ABC" and (reader.foreign, reader.problem) == (0, "")
    assert shown == 64 * [[1, 1, 1]]


def test_a_problem_is_told_once_and_is_over_when_eight_blocks_are_good():
    pytest.importorskip("gnuradio.gr")
    from gnuradio.resivid.blocks import pdus
    from gnuradio.resivid.blocks.payload_heads import payload_head_reader

    told = []
    reader = payload_head_reader(LiveSequence(8, 4, 100), 77)
    reader.on_problem = told.append
    reader.message_port_pub = lambda port, pdu: None

    def receive(number, digest=77, snr_db=6.0, crc_ok=True):
        parameters = StreamParameters(digest, 0)
        head = PayloadHead(parameters.session, False, number, parameters.slice(number))
        metadata = {"crc_ok": crc_ok, "snr_db": snr_db, "mcs": 3 if crc_ok else 0}
        reader.on_payload(pdus.from_parts(metadata, write_head(np.ones(3, np.uint8), head)))

    for number in range(4):
        receive(number, digest=78)
    assert reader.foreign == 4 and len(told) == 1 and "--gop" in told[0] and reader.problem == told[0]
    for number in range(4, 12):
        assert reader.problem == told[0]
        receive(number)
    assert (reader.problem, reader.received, reader.right, len(told)) == ("", 8, 12, 1)
    # noise that was taken for a block says nothing of the signal; three in a row are one that cannot be read
    for number, expected in ((12, (6.0, 3)), (13, (6.0, 3)), (14, (-4.0, 0))):
        receive(number, snr_db=-4.0, crc_ok=False)
        assert (reader.last_snr_db, reader.last_mcs) == expected


def test_whatever_comes_as_a_call_sign_is_printable():
    assert call_sign_of([0xFFF, 0] * 4) == "__  __  __  __"
    assert all(chr(code).isprintable() for code in range(32, 96))


@pytest.mark.parametrize("text", ["", "  ", "DL1ABC" * 3, "DL1 ABC", "DL1\u00c4BC", "DL1ABC\n\x1b[2J"])
def test_other_call_signs_are_one_line(text):
    with pytest.raises(SettingsError, match="--call-sign: expected 1 to 16 letters"):
        check_call_sign(text)
    assert check_call_sign(" dl1abc/p ") == "DL1ABC/P"


def test_the_digest_tells_settings_apart():
    settings = {"stride": 8, "codec": "closed_loop"}
    assert digest_of(settings) == digest_of(dict(reversed(settings.items()))) < 1 << 12
    assert digest_of(settings) != digest_of({**settings, "stride": 4})


def places(sequence, numbers, session=1):
    return [sequence.place(PayloadHead(session, False, number % 4096, 0)) for number in numbers]


def test_a_late_join_begins_within_the_first_period():
    assert places(LiveSequence(8, 4, 100), [1002, 1003, 1005]) == [16, 24, 40]  # 1002 mod 4 is 2


def test_numbers_wrap():
    assert places(LiveSequence(8, 4, 100), [4095, 4096, 4097]) == [24, 32, 40]


def test_repeats_are_refused():
    sequence = LiveSequence(8, 4, 100)
    assert places(sequence, [4, 5, 5, 4, 6]) == [0, 8, None, None, 16]
    assert sequence.repeated == 2


def test_a_new_session_goes_on_behind_the_old_one_in_step_with_its_period():
    sequence = LiveSequence(8, 4, 100)
    places(sequence, [0, 1, 2])
    assert places(sequence, [0, 1], session=2) == [32, 40]  # key frame 4 of the line, 0 of its period
    assert sequence.restarts == 1


def test_a_new_run_with_the_same_session():
    sequence = LiveSequence(8, 4, 100)
    places(sequence, range(20, 30))  # the last is at 9 + 0 of its period
    assert places(sequence, [3, 4, 5, 6]) == [None, None, 13 * 8, 14 * 8]  # 5 mod 4 is 1
    assert sequence.place(PayloadHead(1, True, 0, 0)) == 16 * 8
    assert sequence.restarts == 2


def test_a_gap_longer_than_is_shown_closes():
    sequence = LiveSequence(8, 4, 100)
    assert places(sequence, [0, 101]) == [0, 8]  # 101 mod 4 is 1
    assert sequence.missing == 100
    assert places(LiveSequence(8, 4, 100), [0, 100]) == [0, 800]


@pytest.fixture
def recording(tmp_path):
    """ci16 samples and their metadata, as another program writes them."""
    samples = np.array([[0, 1], [-32768, 16384], [100, -100]], "<i2")
    (tmp_path / "a.sigmf-data").write_bytes(samples.tobytes())
    meta = {
        "global": {"core:datatype": "ci16_le", "core:sample_rate": 48000, "core:version": "1.0.0"},
        "captures": [{"core:sample_start": 0, "core:frequency": 434e6}],
        "annotations": [],
    }
    (tmp_path / "a.sigmf-meta").write_text(json.dumps(meta))
    return tmp_path / "a.sigmf-meta", meta


def test_integers_become_parts_of_full_scale(recording):
    from gnuradio.resivid.radio.sigmf_files import read_recording

    found = read_recording(recording[0])
    assert (found.sample_rate, found.frequency_hz, found.num_samples) == (48000.0, 434e6, 3)
    read = found.open()
    np.testing.assert_allclose(read(2), [1j / 32768, -1 + 0.5j])
    np.testing.assert_allclose(read(9), [(100 - 100j) / 32768])
    assert len(read(9)) == 0
    bytes_ = replace(found, datatype="cu8", num_samples=6)
    assert bytes_.open()(1)[0] == pytest.approx((0 - 127.5 - 127.5j) / 128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta: "{", "is no JSON"),
        (lambda meta: "[" * 100000, "is no JSON"),
        (lambda meta: "[]", "expected an object"),
        (lambda meta: "{}", "`global` is missing"),
        (lambda meta: _with(meta, "core:datatype", "rf64_le"), "samples of 'rf64_le'"),
        (lambda meta: _with(meta, "core:datatype", ["cf32_le"]), "samples of"),
        (lambda meta: _with(meta, "core:sample_rate", "fast"), "core:sample_rate must be"),
        (lambda meta: _with(meta, "core:sample_rate", 1e300), "core:sample_rate must be"),
        (lambda meta: _with(meta, "core:num_channels", 2), "expected one channel"),
    ],
)
def test_malformed_metadata_are_one_line(recording, change, message):
    from gnuradio.resivid.radio.sigmf_files import read_recording

    path, meta = recording
    path.write_text(change(meta))
    with pytest.raises(FormatError, match=message) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)


def test_missing_empty_and_truncated_data(recording, caplog):
    from gnuradio.resivid.radio.sigmf_files import read_recording

    path, meta = recording
    data = path.with_name("a.sigmf-data")
    data.write_bytes(data.read_bytes()[:-1])
    assert read_recording(path).num_samples == 2 and "truncated" in caplog.text
    caplog.clear()
    data.write_bytes(bytes(8))
    meta["annotations"] = [{"core:sample_start": 0, "core:sample_count": 5}, 7]
    path.write_text(json.dumps(meta))
    assert read_recording(path).num_samples == 2 and "truncated" in caplog.text
    data.write_bytes(b"")
    with pytest.raises(FormatError, match="is empty"):
        read_recording(path)
    data.unlink()
    with pytest.raises(FormatError, match="no such file"):
        read_recording(path)
    with pytest.raises(ResividError, match="expected the name of a recording"):
        read_recording(".sigmf-meta")


def _with(meta, key, value):
    return json.dumps({**meta, "global": {**meta["global"], key: value}})


@pytest.mark.parametrize("sizes", [[8], [3, 5, 1, 7, 8], [1] * 24, [20, 3]])
def test_a_pipe_in_pieces(sizes):
    pytest.importorskip("gnuradio")
    from gnuradio.resivid.radio.sample_source import pipe_reader

    class Pieces:
        """A pipe whose reads return what it likes, and never more than was asked for."""

        def __init__(self, data):
            self.data, self.sizes = data, list(sizes)

        def read1(self, most):
            count = min(most, self.sizes.pop(0) if self.sizes else 1)
            piece, self.data = self.data[:count], self.data[count:]
            return piece

    samples = np.arange(3).astype("<c8")
    read = pipe_reader(Pieces(samples.tobytes() + b"half"))
    received = []
    while len(part := read(2)):
        assert len(part) <= 2
        received.append(part)
    np.testing.assert_array_equal(np.concatenate(received), samples)
