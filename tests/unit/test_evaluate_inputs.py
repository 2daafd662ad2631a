# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation takes as its videos, and what it refuses before anything is run."""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import MissingPackageError, SettingsError
from gnuradio.resivid.evaluate import link_checks, link_evaluation
from gnuradio.resivid.evaluate.link_evaluation import Folders, find_videos, prepare_all
from gnuradio.resivid.evaluate.points import OURS, PAPER_X265, Evaluation
from gnuradio.resivid.evaluate.prepared_clips import prepare_clip
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.video.writer import VideoWriter

SIZE = 64


def write(path, seed=0, count=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    with VideoWriter(path, Fraction(30), SIZE, SIZE, crf=1) as writer:
        for frame in noise:
            writer.write(frame)
    return path


def test_equal_file_names_are_different_clips(tmp_path):
    paths = [write(tmp_path / "videos" / folder / "x.mp4", seed) for seed, folder in enumerate("ab")]
    (first, second), notes = prepare_all(paths, tmp_path / "clips", SIZE, None)
    assert first.name == "x" and second.name == f"x-{second.digest[:8]}" and notes == []
    assert prepare_all(paths, tmp_path / "clips", SIZE, None)[0] == [first, second]
    also = write(tmp_path / "videos" / f"{second.name}.mp4", 2)  # somebody called a file so
    clips, _ = prepare_all([paths[0], also, paths[1]], tmp_path / "clips", SIZE, None)
    assert [clip.name for clip in clips] == ["x", second.name, f"x-{second.digest[:9]}"]


def test_what_an_evaluation_writes_is_no_input(tmp_path):
    videos = tmp_path / "videos"
    a, b, in_out, in_cache, in_videos = (
        write(videos / name)
        for name in ("a.mp4", "in/b.mp4", "out/videos/1.mp4", "kept/clips/2.mkv", "videos/3.mp4")
    )
    out, cache = videos / "out", videos / "kept"
    assert find_videos(videos, folders=Folders(out, cache)) == [a, b, in_videos]
    assert find_videos(videos, limit=2, folders=Folders(out, cache)) == [a, b]
    # into the folder of the videos itself: all but what is written there
    assert find_videos(videos, folders=Folders(videos, tmp_path / "cache")) == [a, b, in_cache, in_out]
    with pytest.raises(SettingsError, match="choose another --output"):
        find_videos(videos, folders=Folders(tmp_path, tmp_path / "cache"))


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"name": "x"}', "whole but for the rate"])
def test_a_damaged_note_beside_a_clip_is_written_anew(tmp_path, damage):
    path = write(tmp_path / "x.mp4")
    clip = prepare_clip(path, tmp_path / "clips", SIZE)
    note = clip.path.with_suffix(".json")
    about = json.loads(note.read_text())
    note.write_text(json.dumps(about | {"rate": "1/0"}) if damage.startswith("whole") else damage)
    assert prepare_clip(path, tmp_path / "clips", SIZE) == clip
    assert json.loads(note.read_text()) == about


def test_a_note_of_an_earlier_version_is_kept(tmp_path):
    path = write(tmp_path / "x.mp4")
    clip = prepare_clip(path, tmp_path / "clips", SIZE)
    note = clip.path.with_suffix(".json")
    about = json.loads(note.read_text())
    del about["problem"]
    note.write_text(json.dumps(about))
    assert prepare_clip(path, tmp_path / "clips", SIZE) == clip and json.loads(note.read_text()) == about


def test_a_video_that_breaks_off_is_noted_in_every_run(tmp_path):
    path = write(tmp_path / "x.mkv", count=30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for _ in range(2):
        (clip,), notes = prepare_all([path], tmp_path / "clips", SIZE, None)
        assert 2 <= clip.num_frames < 29
        (note,) = notes
        assert note.startswith("x: ") and f"{clip.num_frames} frames" in note and str(tmp_path) not in note
    assert prepare_all([path], tmp_path / "clips", SIZE, 0.2)[1] == []  # what is taken is whole


SMALL = Evaluation(
    link=LinkSettings(size=SIZE, tokenizer="small:tokenizer"), figures=("cbr",), cbrs=("8e-3",)
)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"cbrs": ("8e-3", "abc")}, "--cbrs: cbr must be a positive number, got 'abc'"),
        ({"cbrs": ("8e-3", "1e-5")}, "--figures cbr, ours: --cbr 1e-5 is too small"),
        ({"figures": ("snr",)}, "--figures snr, .*is too small"),  # CBRs of 256 pixels
        ({"strides": (0,)}, "stride must be at least 1"),
        ({"fixed_mcs": "none"}, "no row 'none'"),
        ({"link": LinkSettings(size=128, tokenizer="small:tokenizer")}, "--size must be 64"),
        ({"link": LinkSettings(size=63)}, "--size must be even"),
        ({"link": LinkSettings(gop=0), "methods": (PAPER_X265,)}, "--gop must be at least 1"),
    ],
)
def test_settings_are_refused_before_anything_is_run(changes, words):
    link_checks.check_evaluation(SMALL)
    with pytest.raises(SettingsError, match=words):
        link_checks.check_evaluation(replace(SMALL, **changes))


def test_only_ours_minds_the_size_of_its_tokenizer():
    link = LinkSettings(size=128, tokenizer="small:tokenizer")
    link_checks.check_evaluation(replace(SMALL, link=link, methods=(PAPER_X265,)))
    with pytest.raises(SettingsError, match="--size"):
        link_checks.check_evaluation(replace(SMALL, link=link, methods=(OURS,)))


def test_the_settings_of_the_paper_are_not_refused():
    link_checks.check_evaluation(Evaluation(link=LinkSettings(interpolator="hold")))


def test_packages_of_the_report_are_asked_for_first(monkeypatch):
    link_checks.check_packages()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingPackageError, match="pip install jinja2"):
        link_checks.check_packages()


@pytest.mark.parametrize("options", [["--cbrs", "abc"], ["--cbrs", "1e-5"], ["--size", "128"]])
def test_the_command_refuses_them_and_makes_nothing(tmp_path, capsys, options):
    write(tmp_path / "videos" / "x.mp4")
    words = ["evaluate", tmp_path / "videos", "-o", tmp_path / "out", "--tokenizer", "small:tokenizer"]
    words += ["--figures", "cbr", *(["--size", SIZE] if "--size" not in options else []), *options]
    assert main([str(word) for word in words]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_workers_are_sent_absolute_paths(tmp_path, monkeypatch):
    """A cluster's workers have other working directories."""
    sent = {}

    def capture(paths, evaluation, folders, *others):
        sent.update(paths=paths, link=evaluation.link, folders=folders)
        raise KeyboardInterrupt

    monkeypatch.setattr(link_evaluation, "evaluate_videos", capture)
    monkeypatch.setattr(link_checks, "check_evaluation", lambda evaluation: None)
    monkeypatch.chdir(tmp_path)
    write(Path("videos/x.mp4"))
    table = Path(link_evaluation.__file__).parents[1] / "link" / "mcs" / "table1.yaml"
    Path("t.yaml").write_text(table.read_text())
    options = "--workers 0 --quiet --cache c --tokenizer-weights t.pt --interpolator-weights i.pt".split()
    assert main(["evaluate", "videos", "-o", "out", *options, "--mcs-table", "t.yaml"]) == 1
    link, folders = sent["link"], sent["folders"]
    assert sent["paths"] == [tmp_path / "videos/x.mp4"]
    assert folders == Folders(tmp_path / "out", tmp_path / "c")
    found = [link.weights, link.interpolator_weights, link.mcs_table]
    assert [str(path) for path in found] == [str(tmp_path / name) for name in ("t.pt", "i.pt", "t.yaml")]
