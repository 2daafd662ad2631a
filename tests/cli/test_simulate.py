# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid simulate`: what it writes, and one clear line for each mistake."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import urllib.request
import wave
from pathlib import Path

import numpy as np
import pytest
from clips import read_frames, write_clip
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.link.statistics import document_keys

TESTS = Path(__file__).resolve().parents[1]
TOY = ("--tokenizer", "toy:tokenizer", "--interpolator", "toy:interpolator")
QUICK = (*TOY, "--no-metrics")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 37)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def one_line(capsys):
    error = capsys.readouterr().err
    assert error.startswith("resivid: ") and error.count("\n") == 1 and "Traceback" not in error, error
    return error


def test_statistics_have_every_key_of_the_document(clip, tmp_path):
    assert run("simulate", clip, "-o", tmp_path / "out.mp4", *TOY, "--json", tmp_path / "out.json", "-q") == 0
    document = json.loads((tmp_path / "out.json").read_text())
    assert list(document) == document_keys()
    assert (document["frames"], document["key_frames"], document["stride"], document["gop"]) == (37, 5, 8, 32)
    assert document["fps"] == 30.0 and document["snr_set_db"] == 6.0 and document["seed"] == 0
    assert document["psnr_db"] > 0 and document["latency_ms"] is None
    assert len(read_frames(tmp_path / "out.mp4")) == 37


def test_json_on_standard_output_is_nothing_but_json(clip, tmp_path, capfd):
    assert run("simulate", clip, "-o", tmp_path / "out.mp4", *QUICK, "--json", "-") == 0
    captured = capfd.readouterr()
    start = captured.out.index("{")  # GNU Radio was loaded by other tests, with its log on standard output
    assert json.loads(captured.out[start:])["frames"] == 37
    assert "37 frames, 5 key frames, 629 symbols each" in captured.err


def test_a_program_of_its_own_logs_on_stderr_only(clip, tmp_path):
    done = command(tmp_path, "simulate", clip, "-o", tmp_path / "out.mp4", *QUICK, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 37


def process_of(folder, *arguments):
    """Words and environment of the command in a process, which finds modules in `folder` and beside the tests."""
    program = "import sys; from gnuradio.resivid.cli.main import main; sys.exit(main())"
    paths = [str(TESTS), str(folder), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return [sys.executable, "-c", program, *map(str, arguments)], environment


def command(folder, *arguments):
    words, environment = process_of(folder, *arguments)
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)


PATIENT = """
import time
from pathlib import Path
from toy import ToyTokenizer

class Patient(ToyTokenizer):
    def encode(self, frames, reference=None):
        while not Path(__file__).with_name("looked").exists():
            time.sleep(0.01)
        return super().encode(frames, reference)

def load(weights, device):
    return Patient()
"""


def test_a_live_page_is_there_while_it_runs_and_changes_nothing(clip, tmp_path):
    (tmp_path / "patient.py").write_text(PATIENT)  # it ends only once the page was looked at
    arguments = ["--web", "127.0.0.1:0", "--tokenizer", "patient:load", *QUICK[2:]]
    words, environment = process_of(tmp_path, "simulate", clip, "-o", tmp_path / "a.mp4", *arguments)
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        address = line.removeprefix("resivid: live page at ").strip()
        answers = [
            urllib.request.urlopen(address + name, timeout=60).read() for name in ("stats", "metrics", "")
        ]
        (tmp_path / "looked").touch()
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert (
        json.loads(answers[0])["frames"] == 0 and b"# TYPE" in answers[1] and b"<!doctype html>" in answers[2]
    )
    assert run("simulate", clip, "-o", tmp_path / "b.mp4", *QUICK, "--quiet") == 0
    assert np.array_equal(read_frames(tmp_path / "a.mp4"), read_frames(tmp_path / "b.mp4"))


LOOP = ("--codec", "closed_loop")
SAME = [
    *itertools.product([TOY, ()], [(), ("--gop-prefix",), ("--reference", "previous"), ("--stride", "1")]),
    *itertools.product([("--tokenizer", "loop:tokenizer", *TOY[2:])], [LOOP, (*LOOP, "--no-motion")]),
    *itertools.product([()], [(*LOOP, "--memory", "gop"), (*LOOP, "--memory", "refresh")]),
]


@pytest.mark.parametrize("models, options", SAME, ids=lambda words: " ".join(words) or "default")
def test_decoding_what_was_encoded_equals_simulating_at_40_db(clip, tmp_path, models, options):
    fixed = ("--mcs", "16QAM 434/1024", *models[:2], *options)
    assert run("encode", clip, tmp_path / "a.rvt", *fixed) == 0
    assert run("decode", tmp_path / "a.rvt", "-o", tmp_path / "decoded.mp4", *models) == 0
    arguments = ("--snr", 40, "--no-metrics", "--quiet", *models[2:])
    assert run("simulate", clip, "-o", tmp_path / "simulated.mp4", *fixed, *arguments) == 0
    simulated = read_frames(tmp_path / "simulated.mp4")
    assert len(simulated) == 37
    assert np.array_equal(read_frames(tmp_path / "decoded.mp4"), simulated)


def test_one_snr_for_each_key_frame(clip, tmp_path):
    (tmp_path / "snr.txt").write_text("20 -20 20 -20\n20  # the rest\n")
    arguments = ("--snr", tmp_path / "snr.txt", "--mcs", 0, "--json", tmp_path / "a.json")
    assert run("simulate", clip, "-o", tmp_path / "a.mp4", *QUICK, *arguments) == 0
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["blocks"], document["blocks_failed"], document["snr_set_db"]) == (5, 2, None)


def test_side_by_side_and_report(clip, tmp_path):
    arguments = ("--side-by-side", "--report", tmp_path / "a.html")
    assert run("simulate", clip, "-o", tmp_path / "a.mp4", *TOY, *arguments) == 0
    import av

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (512, 256)
    page = (tmp_path / "a.html").read_text()
    assert "16QAM 434/1024" in page and page.count("data:image/jpeg") >= 4


@pytest.mark.parametrize(
    "options",
    [
        ("--stride", "100"),  # larger than the video: one key frame, held
        ("--gop", "3000"),
        ("--gop", "1"),
        ("--gop-prefix",),
        ("--gop-prefix", "--stride", "12", "--feedback-delay", "2"),
        ("--reference", "previous"),
        ("--mcs-start", "3", "--hysteresis-db", "0"),
        ("--snr", "-6"),
        ("--cbr", "0.1"),
        ("--channel", "awgn", "--phy", "ideal", "--seed", "7"),
    ],
    ids=" ".join,
)
def test_options_that_work_keep_every_frame(clip, tmp_path, options):
    assert run("simulate", clip, "-o", tmp_path / "a.mp4", *QUICK, "-q", *options) == 0
    assert len(read_frames(tmp_path / "a.mp4")) == 37


@pytest.mark.parametrize(
    "options, code, words",
    [
        (("--snr", "loud"), 2, "--snr: expected a number of dB"),
        (("--snr", "nan"), 2, "--snr"),
        (("--cbr", "1e-6"), 2, "--cbr 1e-6 is too small"),
        (("--cbr", "many"), 2, "cbr must be a positive number"),
        (("--cbr", "-1"), 2, "cbr must be a positive number"),
        (("--stride", "0"), 2, "stride"),
        (("--gop", "0"), 2, "gop"),
        (("--size", "128"), 2, "--size"),
        (("--mcs", "9"), 2, "--mcs: no row '9'"),
        (("--mcs-start", "9"), 2, "--mcs-start: no row '9'"),
        (("--mcs-table", "nowhere.yaml"), 1, "nowhere.yaml"),
        (("--hysteresis-db", "-1"), 2, "--hysteresis-db"),
        (("--feedback-delay", "0"), 2, "--feedback-delay"),
        (("--feedback-delay", "10000000000"), 2, "--feedback-delay"),
        (("--cbr", "1e30"), 2, "more than 1048576 symbols"),
        (("--cbr", "1e-999999999"), 2, "cbr must be a positive number"),
        (("--stride", "2000000000"), 2, "more than 1048576 symbols"),
        (("--cbr", "2.6e-5", "--mcs", "1"), 2, "with QPSK 308/1024"),
        (("--seed", "-1"), 2, "--seed"),
        (("--seed", "18446744073709551616"), 2, "--seed"),
        (("--tokenizer", "unheard-of"), 2, "tokenizer"),
        (("--interpolator", "unheard-of"), 2, "interpolator"),
        (("--phy", "unheard-of"), 2, "--phy"),
        (("--json", "nowhere/a.json"), 1, "nowhere"),
        (("--report", "nowhere/a.html"), 1, "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_options_are_one_line(clip, tmp_path, capsys, options, code, words):
    assert run("simulate", clip, "-o", tmp_path / "out.mp4", *QUICK, *options) == code
    assert words in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


def bad_inputs(folder, clip):
    """Name to a file that is no video."""
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video at all\n" * 100)
    (folder / "cut.mp4").write_bytes(clip.read_bytes()[:200])
    (folder / "folder.mp4").mkdir()
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    import av

    with av.open(str(folder / "no_frames.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize(
    "name", ["missing.mp4", "empty.mp4", "text.mp4", "cut.mp4", "folder.mp4", "sound.wav", "no_frames.avi"]
)
def test_inputs_that_are_no_video_are_one_line(clip, tmp_path, capsys, name):
    bad_inputs(tmp_path, clip)
    before = sorted(tmp_path.iterdir())
    assert run("simulate", tmp_path / name, "-o", tmp_path / "out.mp4", *QUICK, "-q") == 1
    assert name in one_line(capsys)
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_breaks_off_gives_the_frames_before_the_break(tmp_path):
    source = write_clip(tmp_path / "cut.mkv", 60)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    assert run("simulate", source, "-o", tmp_path / "out.mp4", *QUICK) == 0
    assert 0 < len(read_frames(tmp_path / "out.mp4")) == len(read_frames(source)) < 60


def test_outputs_that_cannot_be_written_are_one_line(clip, tmp_path, capsys):
    assert run("simulate", clip, "-o", tmp_path / "nowhere" / "out.mp4", *QUICK) == 1
    assert "does not exist" in one_line(capsys)
    assert run("simulate", clip, "-o", tmp_path / "out.gif", *QUICK) == 1
    assert "must end in" in one_line(capsys)
    assert run("simulate", clip, "-o", clip, *QUICK) == 2
    assert "are the same file" in one_line(capsys)
    same = tmp_path / "out.mp4"
    for option in ("--json", "--report"):
        assert run("simulate", clip, "-o", same, option, same, *QUICK) == 2
        assert "are the same file" in one_line(capsys)
        assert run("simulate", clip, "-o", same, option, clip, *QUICK) == 2
        assert "are the same file" in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option, model", [("--tokenizer-weights", "multiscale"), ("--weights", "rife")])
@pytest.mark.parametrize("content", [b"", b"\x00" * 1000, None], ids=["empty", "corrupt", "missing"])
def test_wrong_weights_are_one_line(clip, tmp_path, capsys, option, model, content):
    weights = tmp_path / "wrong.safetensors"
    if content is not None:
        weights.write_bytes(content)
    name = ("--interpolator", "rife") if model == "rife" else ()
    tokenizer = ("--tokenizer", "toy:tokenizer") if model == "rife" else ()
    arguments = (*tokenizer, *name, option, weights, "--no-metrics")
    assert run("simulate", clip, "-o", tmp_path / "out.mp4", *arguments) == 1
    assert "wrong.safetensors" in one_line(capsys)
    assert not (tmp_path / "out.mp4").exists()


INTERRUPTING = """
import os, signal
from toy import ToyTokenizer, interpolator

class Tokenizer(ToyTokenizer):
    def decode(self, tokens):
        if self.num_decoded == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return super().decode(tokens)

def tokenizer(weights, device):
    return Tokenizer()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c_finishes_the_file_and_exits_1(tmp_path):
    source = write_clip(tmp_path / "in.mp4", 600)
    (tmp_path / "interrupting.py").write_text(INTERRUPTING)
    models = ("--tokenizer", "interrupting:tokenizer", "--interpolator", "toy:interpolator", "--no-metrics")
    done = command(tmp_path, "simulate", source, "-o", tmp_path / "out.mp4", *models)
    assert done.returncode == 1
    assert "interrupted" in done.stderr and "Traceback" not in done.stderr
    assert 1 <= len(read_frames(tmp_path / "out.mp4")) < 600
    assert not list(tmp_path.glob(".*"))


def test_help_names_every_option_with_its_default(capsys):
    assert run("simulate", "--help") == 0
    text = capsys.readouterr().out
    for option in (
        "--output --snr --cbr --stride --gop --size --tokenizer --interpolator --mcs-table --mcs --mcs-start "
        "--hysteresis-db --feedback-delay --gop-prefix --reference --channel --phy --seed --json --report "
        "--outer-loop --snr-bias --snr-trace --doppler --rician-k --csi --loss --burst-length --impair --save-iq "
        "--save-sent-iq --jump-db --side-by-side --no-metrics --quiet --weights --tokenizer-weights --interpolator-weights"
    ).split():
        assert option in text
    assert "[default: 4e-4]" in text
