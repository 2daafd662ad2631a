# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel, selector and recording options of `resivid simulate`, and the two benches of this floor."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clips import write_clip
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.flowgraphs.iq_recording import recording_files

QUICK = ("--tokenizer", "toy:tokenizer", "--interpolator", "toy:interpolator", "--no-metrics")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 97)  # 13 key frames


def run(*arguments):
    return main([str(argument) for argument in arguments])


def simulate(clip, folder, *options):
    """The statistics document of a run that works."""
    arguments = ("simulate", clip, "-o", folder / "out.mp4", *QUICK, "--json", folder / "out.json", *options)
    assert run(*arguments) == 0
    return json.loads((folder / "out.json").read_text())


def test_the_document_says_what_ran(clip, tmp_path):
    options = ("--loss", 0.1, "--codec", "resi_vidtok", "--reference", "previous", "--snr", 7)
    settings = simulate(clip, tmp_path, *options)["settings"]
    wanted = {"codec": "resi_vidtok", "reference": "previous", "tokenizer": "toy:tokenizer", "cbr": "4e-4"}
    assert wanted.items() <= settings.items()
    assert settings["channel"]["loss_rate"] == 0.1 and settings["snr_db"] == [7.0]


def test_lost_key_frames_are_counted_and_leave_the_row(clip, tmp_path):
    document = simulate(clip, tmp_path, "--snr", 20, "--loss", 0.4, "--burst-length", 2, "--seed", 1)
    assert 0 < document["blocks_failed"] < 13
    assert any(f"{document['blocks_failed']} of them were lost" in note for note in document["notes"])
    assert document["mcs"]["16QAM 658/1024"] >= 13 - document["blocks_failed"] - 1
    assert simulate(clip, tmp_path, "--loss", 1)["blocks_failed"] == 13


def test_fading_with_known_gains_carries_and_without_does_not(clip, tmp_path, capsys):
    fading = ("--channel", "rician", "--rician-k", 20, "--snr", 12, "--mcs", 0, "-q")
    assert simulate(clip, tmp_path, *fading)["blocks_failed"] == 0
    assert simulate(clip, tmp_path, *fading, "--doppler", 2)["blocks_failed"] == 0
    assert "warning" not in capsys.readouterr().err
    assert simulate(clip, tmp_path, *fading, "--csi", "none")["blocks_failed"] > 8
    warning = capsys.readouterr().err
    assert warning.startswith("resivid: warning: --csi none") and warning.count("\n") == 1


def test_a_frequency_offset_warns_in_one_line_and_fails(clip, tmp_path, capsys):
    document = simulate(clip, tmp_path, "--impair", "frequency-offset=5", "--mcs", 0, "-q")
    assert document["blocks_failed"] == 13
    assert capsys.readouterr().err.startswith("resivid: warning: frequency-offset: no synchroniser")


def test_mild_impairments_carry(clip, tmp_path):
    options = [x for text in ("bits=8", "clipping=3", "iq-gain=0.2", "dc=0.01") for x in ("--impair", text)]
    assert simulate(clip, tmp_path, *options, "--snr", 9, "--mcs", 4)["blocks_failed"] == 0


def test_traces_and_bias_move_the_rows(clip, tmp_path):
    (tmp_path / "t.csv").write_text("key_frame,snr_db\n0,20\n6,0\n")
    document = simulate(clip, tmp_path, "--snr-trace", tmp_path / "t.csv")
    assert document["mcs"]["16QAM 658/1024"] == 6 and document["snr_set_db"] is None
    biased = simulate(clip, tmp_path, "--snr", 6, "--snr-bias", -3, "--outer-loop")
    assert set(biased["mcs"]) == {"QPSK 251/1024", "QPSK 526/1024"}
    assert simulate(clip, tmp_path, "--snr-trace", "step", "--snr", 5)["snr_set_db"] is None


def test_recordings_are_valid_sigmf_and_hold_what_was_sent(clip, tmp_path):
    import sigmf

    options = ("--save-iq", tmp_path / "rx", "--save-sent-iq", tmp_path / "tx.sigmf-data", "--snr", 10)
    assert simulate(clip, tmp_path, *options)["blocks"] == 13
    received, sent = (sigmf.sigmffile.fromfile(str(tmp_path / f"{name}.sigmf-meta")) for name in ("rx", "tx"))
    for recording in (received, sent):
        recording.validate()  # against the schema of SigMF
        assert recording.calculate_hash() == recording.get_global_field("core:sha512")
        assert recording.get_global_field("core:datatype") == "cf32_le"
        assert recording.get_global_field("core:sample_rate") == pytest.approx(629 * 30 / 8)
        assert recording.sample_count == 13 * 629
    annotations = received.get_annotations()
    assert [a["core:label"] for a in annotations] == [f"frame {8 * n}" for n in range(13)]
    assert [a["core:sample_start"] for a in annotations] == [629 * n for n in range(13)]
    assert annotations[0]["core:comment"] == "QPSK 251/1024, good"
    noise = received.read_samples() - sent.read_samples()
    assert -10 * np.log10(np.mean(np.abs(noise) ** 2)) == pytest.approx(10, abs=0.25)
    assert not list(tmp_path.glob(".*"))


def test_an_end_in_error_leaves_no_recording(clip, tmp_path, capsys):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from toy import ToyTokenizer\n\ndef load(w, d):\n    t = ToyTokenizer()\n    t.decode = None\n    return t\n"
    )
    arguments = ("--tokenizer", "bad:load", *QUICK[2:], "--save-iq", tmp_path / "rx", "-q")
    import sys

    sys.path.insert(0, str(tmp_path))
    try:
        assert run("simulate", clip, "-o", tmp_path / "out.mp4", *arguments) == 1
    finally:
        sys.path.remove(str(tmp_path))
    assert not list(tmp_path.glob("*sigmf*")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["a", "a.sigmf", "a.sigmf-data", "a.sigmf-meta"])
def test_names_of_recordings(tmp_path, name):
    assert recording_files(tmp_path / name) == (tmp_path / "a.sigmf-data", tmp_path / "a.sigmf-meta")


@pytest.mark.parametrize(
    "options, code, words",
    [
        (("--channel", "fog"), 2, "--channel"),
        (("--doppler", "3"), 2, "--doppler needs a channel that fades"),
        (("--channel", "rayleigh", "--doppler", "1e6"), 2, "doppler_hz: expected 0"),
        (("--codec", "resi_vidtok", "--memory", "gop"), 2, "--memory means nothing to the codec resi_vidtok"),
        (("--loss", "2"), 2, "loss_rate: expected 0 to 1"),
        (("--loss", "0.9", "--burst-length", "2"), 2, "loss_rate: expected at most"),
        (("--impair", "fog=1"), 2, "--impair: expected NAME=VALUE"),
        (("--impair", "bits=99"), 2, "quantiser_bits: expected 1 to 24"),
        (("--impair", "clock-offset=3"), 2, "clock-offset changes the number of symbols"),
        (("--impair", "phase-noise=nan"), 2, "phase_noise: expected"),
        (("--snr-bias", "1000"), 2, "--snr-bias must be within 40"),
        (("--snr-trace", "nowhere.csv"), 1, "nowhere.csv: cannot be read"),
        (("--save-iq", "nowhere/a"), 1, "folder nowhere does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_options_are_one_line(clip, tmp_path, capsys, options, code, words):
    assert run("simulate", clip, "-o", tmp_path / "out.mp4", *QUICK, "-q", *options) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert len(lines) == 1 and lines[0].startswith("resivid: ") and words in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_bench_snr_writes_rows(tmp_path, capsys):
    arguments = ("QPSK", "--symbols", 100, "--snr", "0,6", "--blocks", 5, "--json", tmp_path / "a.json")
    assert run("bench", "snr", *arguments, "--csv", tmp_path / "a.csv", "--plot", tmp_path / "a.png") == 0
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [(row["modulation"], row["symbols"], row["snr_db"]) for row in rows] == [
        ("QPSK", 100, 0),
        ("QPSK", 100, 6),
    ]
    assert "QPSK" in capsys.readouterr().out
    assert run("bench", "snr", "BPSK") == 2
    assert run("bench", "snr", "QPSK", "--plot", tmp_path / "a.gif") == 2


def test_bench_adaptation_compares_with_the_outer_loop(tmp_path):
    arguments = ("--blocks", 40, "--symbols", 314, "--snr-bias", 1.5, "--feedback-delay", 2)
    out = ("--json", tmp_path / "a.json", "--plot", tmp_path / "a.png", "-q")
    assert run("bench", "adaptation", *arguments, *out) == 0
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["variant"] for row in rows] == ["estimates alone", "with outer loop"]
    assert all(row["blocks"] == 40 and row["feedback_delay"] == 2 for row in rows)
    assert run("bench", "adaptation", "--snr-trace", "stairs") == 1
