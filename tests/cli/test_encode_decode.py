# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid encode`, `decode` and `info`: what they write, that both ends agree, and one line for each mistake."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import read_frames, write_clip
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.codec.base import Payload
from gnuradio.resivid.codec.resi_vidtok import ResiVidTokSettings, make_codec
from gnuradio.resivid.codec.rvt import RvtHeader, RvtReader, RvtWriter
from gnuradio.resivid.link.statistics import document_keys
from gnuradio.resivid.video.reader import VideoReader
from toy import ToyInterpolator, ToyTokenizer

TOY = ("--tokenizer", "toy:tokenizer")
TOY_BOTH = (*TOY, "--interpolator", "toy:interpolator")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 37)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def records(path):
    with RvtReader(path) as reader:
        return list(reader)


def one_line(capsys):
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("resivid: ")
    assert "Traceback" not in captured.err
    return captured.err


def test_encode_writes_what_the_codec_packs(clip, tmp_path, capsys):
    assert run("encode", clip, tmp_path / "a.rvt", "--cbr", "4e-4", *TOY, "--json", tmp_path / "a.json") == 0
    encoder, _ = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings(8, 32))
    with VideoReader(clip) as reader:
        expected = [encoder.pack(unit, 1050) for frame in reader if (unit := encoder.analyse(frame))]
    got = records(tmp_path / "a.rvt")
    assert [p.first_frame for p, _ in got] == [0, 8, 16, 24, 32]
    assert [p.gop_start for p, _ in got] == [True, False, False, False, True]
    assert [row for _, row in got] == [4] * 5  # 6 dB by default
    assert all(np.array_equal(p.bits, e.bits) for (p, _), e in zip(got, expected, strict=True))
    document = json.loads((tmp_path / "a.json").read_text())
    assert list(document) == document_keys()
    assert (document["frames"], document["key_frames"], document["blocks"], document["bler"]) == (
        37,
        5,
        0,
        None,
    )
    assert document["bits_source"] == sum(e.bits_header + e.bits_body for e in expected)
    assert document["mcs"] == {"16QAM 434/1024": 5}
    assert document["symbols_mean"] == 629
    assert any("without a radio" in note for note in document["notes"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "extra", [(), ("--gop-prefix",), ("--reference", "previous"), ("--stride", 1), ("--stride", 90)]
)
def test_decode_gives_the_frames_of_the_codec(clip, tmp_path, extra):
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, *extra) == 0
    assert run("decode", tmp_path / "a.rvt", "-o", tmp_path / "a.mp4", *TOY_BOTH) == 0
    with RvtReader(tmp_path / "a.rvt") as reader:
        header = reader.header
        config = ResiVidTokSettings(header.stride, header.gop, **header.options)
        encoder, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), config)
        expected = [frame for payload, _ in reader for frame in decoder.render(decoder.unpack(payload))]
    with VideoReader(clip) as source:
        for frame in source:
            encoder.analyse(frame)
        rate = source.rate
    expected += decoder.render(encoder.flush())
    assert len(expected) == 37
    with VideoReader(tmp_path / "a.mp4") as result:
        assert result.rate == rate
        frames = np.stack(list(result))
    assert len(frames) == 37
    assert np.abs(frames.astype(int) - np.stack(expected)).mean() < 4  # the file encoder's loss
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "a.rvt"]


def test_one_snr_for_each_key_frame(clip, tmp_path):
    (tmp_path / "snr.txt").write_text("# dB\n-3 6.0, 10\n0\n")
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, "--snr", tmp_path / "snr.txt") == 0
    got = records(tmp_path / "a.rvt")
    assert [row for _, row in got] == [0, 4, 6, 1, 1]  # the last value holds
    assert [p.bits.size for p, _ in got] == [292, 1050, 1600, 362, 362]


@pytest.mark.parametrize("row", ["0", "QPSK 251/1024"])
def test_a_fixed_row_by_number_or_label(clip, tmp_path, row):
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, "--mcs", row) == 0
    assert {number for _, number in records(tmp_path / "a.rvt")} == {0}


def test_info_tells_what_the_file_holds(clip, tmp_path, capsys):
    run("encode", clip, tmp_path / "a.rvt", *TOY)
    assert run("info", tmp_path / "a.rvt", "--json", "-") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["frames"], facts["key_frames"], facts["gops"], facts["stride"]) == (37, 5, 2, 8)
    assert (facts["payload_bits"], facts["symbols"], facts["mcs_rows"]) == (5 * 1050, 629, {"4": 5})
    assert facts["seconds"] == pytest.approx(37 / 30)
    assert run("info", tmp_path / "a.rvt", "--json", tmp_path / "info.json") == 0
    assert json.loads((tmp_path / "info.json").read_text()) == facts
    assert "key_frames    5" in capsys.readouterr().out


# mistakes: arguments after encode, the exit code, a word of the line


@pytest.mark.parametrize(
    "extra, code, words",
    [
        (("--cbr", "1e-6"), 2, "too small"),
        (("--cbr", "0"), 2, "cbr"),
        (("--cbr", "much"), 2, "cbr"),
        (("--snr", "loud"), 2, "--snr"),
        (("--snr", "nan"), 2, "--snr"),
        (("--snr", "6", "--mcs", "4"), 2, "one of them"),
        (("--mcs", "9"), 2, "no row"),
        (("--stride", "0"), 2, "stride"),
        (("--gop", "0"), 2, "gop"),
        (("--size", "128"), 2, "--size"),
        (("--mcs-table", "table9"), 1, "table9"),
        (("--reference", "other"), 2, "--reference"),
        (("--codec", "h265"), 2, "codec: expected one of"),
        (("--codec", "closed_loop", "--memory", "none"), 2, "--memory"),
        (("--codec", "closed_loop", "--cbr", "1e-5"), 2, "too small"),
        (("--tokenizer", "nobody"), 2, "nobody"),
        (("--weights", "none.safetensors", "--tokenizer", "multiscale"), 1, "none.safetensors"),
    ],
)
def test_wrong_options_are_one_line(clip, tmp_path, capsys, extra, code, words):
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, *extra) == code
    assert words in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "values, words", [("", "no numbers"), ("6\nx", "line 2"), ("6 inf", "line 1"), ("\x00", "line 1")]
)
def test_wrong_snr_files_are_one_line(clip, tmp_path, capsys, values, words):
    (tmp_path / "snr.txt").write_text(values)
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, "--snr", tmp_path / "snr.txt") == 2
    assert words in one_line(capsys)


def test_wrong_inputs_and_outputs_of_encode(clip, tmp_path, capsys):
    (tmp_path / "empty.mp4").touch()
    for source, target, words in (
        (tmp_path / "none.mp4", tmp_path / "a.rvt", "no such file"),
        (tmp_path / "empty.mp4", tmp_path / "a.rvt", "is empty"),
        (clip, tmp_path / "none" / "a.rvt", "cannot be written"),
        (clip, tmp_path, "is a folder"),
    ):
        assert run("encode", source, target, *TOY) == 1
        assert words in one_line(capsys)
    assert [p.name for p in tmp_path.iterdir()] == ["empty.mp4"]


def test_wrong_inputs_and_outputs_of_decode(clip, tmp_path, capsys):
    run("encode", clip, tmp_path / "a.rvt", *TOY)
    data = (tmp_path / "a.rvt").read_bytes()
    (tmp_path / "short.rvt").write_bytes(data[:-100])
    (tmp_path / "bad.rvt").write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
    capsys.readouterr()
    for source, target, words in (
        (tmp_path / "none.rvt", tmp_path / "a.mp4", "cannot be read"),
        (clip, tmp_path / "a.mp4", "no token file"),
        (tmp_path / "short.rvt", tmp_path / "a.mp4", "truncated"),
        (tmp_path / "bad.rvt", tmp_path / "a.mp4", "corrupt"),
        (tmp_path / "a.rvt", tmp_path / "none" / "a.mp4", "does not exist"),
        (tmp_path / "a.rvt", tmp_path / "a.txt", "must end in"),
    ):
        assert run("decode", source, "-o", target, *TOY_BOTH) == 1
        assert words in one_line(capsys)
    assert run("info", tmp_path / "short.rvt") == 1
    assert "truncated" in one_line(capsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.rvt", "bad.rvt", "short.rvt"]


def test_a_file_cannot_name_code_to_import(clip, tmp_path, capsys):
    run("encode", clip, tmp_path / "a.rvt", *TOY)
    capsys.readouterr()
    assert run("decode", tmp_path / "a.rvt", "-o", tmp_path / "a.mp4") == 1
    assert "not in the registry" in one_line(capsys)


def test_other_weights_than_the_encoders_are_refused(clip, tmp_path, capsys, monkeypatch):
    run("encode", clip, tmp_path / "a.rvt", *TOY)
    before = ToyTokenizer.__init__

    def other_weights(self, size=256):
        before(self, size)
        self.weights_sha256 = {"toy.safetensors": "00"}

    monkeypatch.setattr(ToyTokenizer, "__init__", other_weights)
    capsys.readouterr()
    assert run("decode", tmp_path / "a.rvt", "-o", tmp_path / "a.mp4", *TOY_BOTH) == 1
    assert "other weights" in one_line(capsys)


LOOP = ("--codec", "closed_loop", "--tokenizer", "loop:tokenizer")


def test_the_file_says_which_codec_made_it_and_how(clip, tmp_path, capsys):
    assert run("encode", clip, tmp_path / "a.rvt", *LOOP, "--memory", "refresh", "--no-motion") == 0
    assert run("info", tmp_path / "a.rvt", "--json", "-") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["codec"], facts["options"]) == ("closed_loop", {"memory": "refresh", "motion": False})
    assert run("encode", clip, tmp_path / "b.rvt", *TOY, "--gop-prefix") == 0
    assert run("info", tmp_path / "b.rvt", "--json", "-") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["codec"], facts["options"]) == (
        "resi_vidtok",
        {"gop_prefix": True, "reference": "state"},
    )


@pytest.mark.parametrize(
    "codec, options, words",
    [
        ("os.path", {}, "names codec 'os.path'"),
        ("closed_loop", {"memory": "elephant"}, "memory must be one of"),
        ("closed_loop", {"gop_prefix": True}, "options of codec closed_loop"),
        ("resi_vidtok", {"stride": True}, "options of codec resi_vidtok"),
    ],
)
def test_a_hostile_header_is_one_line(tmp_path, capsys, codec, options, words):
    header = RvtHeader(256, Fraction(30), 8, 32, 128, 629, codec, "loop:tokenizer", options)
    with RvtWriter(tmp_path / "a.rvt", header) as writer:
        writer.write(Payload(np.ones(50, np.uint8), 0, True), 0)
        writer.close(1)
    arguments = ("-o", tmp_path / "a.mp4", *LOOP[2:], "--interpolator", "toy:interpolator")
    assert run("decode", tmp_path / "a.rvt", *arguments) == 1
    assert words in one_line(capsys)
    assert [p.name for p in tmp_path.iterdir()] == ["a.rvt"]


def test_the_closed_loop_refuses_a_tokenizer_without_codebooks(clip, tmp_path, capsys):
    assert run("encode", clip, tmp_path / "a.rvt", "--codec", "closed_loop", *TOY) == 2
    assert "needs a tokenizer with codebooks" in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize("command", ["encode", "decode"])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_termination_finish_the_file_and_exit_1(tmp_path, command, kind):
    clip = write_clip(tmp_path / "long.mp4", 500)
    if command == "decode":
        assert run("encode", clip, tmp_path / "a.rvt", *TOY, "--stride", 2) == 0
        arguments, result = ["decode", "a.rvt", "-o", "out.mp4", *TOY_BOTH], tmp_path / "out.mp4"
    else:
        arguments, result = ["encode", "long.mp4", "out.rvt", *TOY, "--stride", "1"], tmp_path / "out.rvt"
    code = "import sys; from gnuradio.resivid.cli.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not unfinished(tmp_path):
        time.sleep(0.01)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors.count("\n")) == (1, 1), errors
    assert "interrupted" in errors
    assert not unfinished(tmp_path)
    if command == "decode":
        assert 0 < len(read_frames(result)) < 500
    else:
        with RvtReader(result) as reader:
            assert len(list(reader)) == reader.header.num_frames < 500
            assert reader.header.rate == Fraction(30)


def unfinished(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if ".part" in p.name]


@pytest.mark.parametrize("command", ["encode", "decode", "info"])
def test_help_names_the_command_and_its_options(command, capsys):
    assert run(command, "--help") == 0
    text = capsys.readouterr().out
    assert f"resivid {command}" in text
    assert "--json" in text or command == "decode"


def test_help_knows_the_options_of_the_air_interface(capsys):
    document = Path(__file__).parents[2] / "docs" / "air-interface.md"
    options = set(re.findall(r"`(--[a-z-]+)[^`]*`", document.read_text(encoding="utf-8"))) - {"--phy"}
    assert {"--cbr", "--stride", "--gop", "--gop-prefix", "--reference"} <= options
    for command in ("encode", "tx"):
        run(command, "--help")
    text = capsys.readouterr().out
    assert {option for option in options if f"{option} " not in text} == set()


def test_no_file_is_written_over_another_that_the_command_uses(clip, tmp_path, capsys):
    whole = clip.read_bytes()
    tokens = tmp_path / "a.rvt"
    assert run("encode", clip, tokens, *TOY) == 0
    capsys.readouterr()
    kept = tokens.read_bytes()
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    for arguments in (
        ["encode", clip, clip, *TOY],
        ["encode", clip, link, *TOY],
        ["encode", clip, tmp_path / "b.rvt", *TOY, "--json", clip],
        ["encode", clip, tmp_path / "b.rvt", *TOY, "--json", tmp_path / "b.rvt"],
        ["decode", tokens, "-o", tokens, *TOY_BOTH],
        ["info", tokens, "--json", tokens],
    ):
        assert run(*arguments) == 2
        assert "are the same file" in one_line(capsys)
    assert clip.read_bytes() == whole and tokens.read_bytes() == kept
    assert not (tmp_path / "b.rvt").exists()
