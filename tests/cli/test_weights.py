# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight files of the user's on the command line: whose `--weights` is, and a TiTok checkpoint through every command."""

from pathlib import Path

import numpy as np
import pytest
from clips import read_frames, write_clip
from gnuradio.resivid.cli.common import assign_weights
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import SettingsError
from titok_files import random_state, small_shapes

torch = pytest.importorskip("torch")

A, B, C = Path("a"), Path("b"), Path("c")
SIZE = ("--size", "64", "--cbr", "1e-2")  # the small network's picture


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 9)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "titok.bin"
    torch.save(random_state(small_shapes()), path)
    return path


# weights, tokenizer and its file, interpolator and its file, expected files
@pytest.mark.parametrize(
    ("weights", "tokenizer", "interpolator", "expected"),
    [
        (None, ("multiscale", A), ("rife", B), (A, B)),
        (A, ("multiscale", None), ("rife", None), (None, A)),  # rife asks, multiscale brings its own
        (A, ("titok", None), ("flow", None), (A, None)),
        (A, ("titok", None), ("rife", B), (A, B)),
        (A, ("titok", B), ("rife", None), (B, A)),
        (A, ("multiscale", None), ("flow", None), (A, None)),
        (A, ("mine:load", None), ("hold", None), (A, None)),
        (A, ("mine:load", None), ("rife", None), (None, A)),
        (A, ("multiscale", None), None, (A, None)),
    ],
)
def test_the_file_goes_to_the_model_that_asks_for_one(weights, tokenizer, interpolator, expected):
    assert assign_weights(weights, tokenizer, interpolator) == expected


@pytest.mark.parametrize(
    ("tokenizer", "interpolator", "message"),
    [
        (("titok", None), ("rife", None), "more than one.*--tokenizer-weights or --interpolator-weights"),
        (("titok", B), ("flow", None), "no chosen model takes another file"),
        (("titok", B), ("rife", C), "no chosen model takes another file"),
        (("titok", B), None, "use --tokenizer-weights"),
    ],
)
def test_a_file_that_could_be_anybodys_or_nobodys_is_refused(tokenizer, interpolator, message):
    with pytest.raises(SettingsError, match=message):
        assign_weights(A, tokenizer, interpolator)


def test_a_checkpoint_through_encode_decode_and_simulate(clip, checkpoint, tmp_path):
    titok = ("--tokenizer", "titok", "--weights", checkpoint)
    token_file, decoded, simulated = tmp_path / "a.rvt", tmp_path / "a.mp4", tmp_path / "b.mp4"
    assert run("encode", clip, token_file, *SIZE, *titok, "--mcs", "4") == 0
    assert run("decode", token_file, "-o", decoded, "--weights", checkpoint) == 0
    options = ("--mcs", "4", "--snr", "40", "--no-metrics", "-q")
    assert run("simulate", clip, "-o", simulated, *SIZE, *titok, *options) == 0
    assert np.array_equal(read_frames(decoded, 64), read_frames(simulated, 64))


def test_an_imported_checkpoint_decodes_to_the_same_video(clip, checkpoint, tmp_path, capsys):
    imported = tmp_path / "titok.safetensors"
    assert run("models", "import", checkpoint, imported) == 0
    videos = []
    for name, weights in (("bin", checkpoint), ("own", imported)):
        files = tmp_path / f"{name}.rvt", tmp_path / f"{name}.mp4"
        options = ("--tokenizer", "titok", "--tokenizer-weights", weights)
        assert run("encode", clip, files[0], *SIZE, *options) == 0
        assert run("decode", files[0], "-o", files[1], "--tokenizer-weights", weights) == 0
        videos.append(read_frames(files[1], 64))
    assert np.array_equal(*videos)
    assert run("decode", tmp_path / "bin.rvt", "-o", tmp_path / "x.mp4", "--weights", imported) == 1
    assert "was encoded with other weights" in capsys.readouterr().err


def test_titok_without_a_file_is_one_line(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)
    assert run("encode", clip, tmp_path / "a.rvt", *SIZE, "--tokenizer", "titok") == 1
    error = capsys.readouterr().err
    assert "titok.safetensors" in error and "--tokenizer-weights" in error and error.count("\n") == 1
