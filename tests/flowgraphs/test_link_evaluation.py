# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate` on two clips of a second: every figure, resumed after a kill, equal to `resivid simulate`."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import read_frames
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import MissingPackageError, ResividError, SettingsError, VideoError
from gnuradio.resivid.evaluate import job_models, link_evaluation, link_verdicts, points
from gnuradio.resivid.evaluate.classical import ladder, settings
from gnuradio.resivid.evaluate.classical.encoder import require_encoder
from gnuradio.resivid.evaluate.link_evaluation import Folders, evaluate_videos, find_videos
from gnuradio.resivid.evaluate.link_output import write_all
from gnuradio.resivid.evaluate.link_tables import means, rows_of
from gnuradio.resivid.evaluate.link_verdicts import claim, winners
from gnuradio.resivid.evaluate.points import Evaluation
from gnuradio.resivid.evaluate.prepared_clips import prepare_clip
from gnuradio.resivid.evaluate.sweep import ThisProcess
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.video.writer import VideoWriter
from loop import smooth_clip

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT.parent / "shared/weights"
SIZE = 64
FIGURES = {"figure3", "figure4", "losses", "join", "over_time", "tokens", "rate_split", "runtime"}
FIGURES |= {"figure5_one", "figure5_two"}


@pytest.fixture(autouse=True)
def without_lpips(monkeypatch, tmp_path):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    forget_lpips()
    yield
    forget_lpips()


def forget_lpips():
    """What this process knows of the networks that measure."""
    for known in (job_models.measuring, job_models.lpips_weights, job_models.judge):
        known.cache_clear()


@pytest.fixture
def lpips_rows(monkeypatch):
    """Rows of figure 5 that need LPIPS: 1 where its weights are, else 0."""
    monkeypatch.setenv("RESIVID_WEIGHTS", str(WEIGHTS))
    return 0 if job_models.lpips_weights()[1] else 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two clips of a second at 25 and 30 frame/s, of different size, and two files that are no video."""
    path = tmp_path_factory.mktemp("videos")
    for seed, (name, rate, step) in enumerate((("one", 25, 2), ("two", 30, 1))):
        with VideoWriter(path / f"{name}.mp4", Fraction(rate), 256 // step, 256 // step, crf=1) as writer:
            for frame in smooth_clip(rate, seed)[:, ::step, ::step]:
                writer.write(np.ascontiguousarray(frame))
    (path / "empty.mp4").touch()
    (path / "text.mkv").write_text("no video")
    return path


@pytest.fixture
def evaluation(monkeypatch):
    """A small tokenizer, small pictures and few points; CBR is as high as pictures are small."""
    tiny = {"presets": ((settings.X265, "ultrafast"),), "shares": (1.0, 0.5), "every": (4,)}
    monkeypatch.setitem(settings.SEARCHES, "tiny", tiny)
    return Evaluation(
        link=LinkSettings(size=SIZE, tokenizer="small:tokenizer"),
        strides=(4, 8),
        cbrs=("8e-3", "2.4e-2"),
        snr_cbrs=("8e-3",),
        snr_classical_cbrs=("2.4e-2",),
        snrs_db=(0, 8),
        sheet_cbr="8e-3",
        sheet_classical_cbr="2.4e-2",
        losses=(0.5,),
        fading_snrs_db=(12,),
        repeats=1,
        search="tiny",
    )


def folders(path):
    return Folders(path / "out", path / "cache")


def run(folder, evaluation, path):
    (path / "out").mkdir(exist_ok=True)
    return evaluate_videos(find_videos(folder), evaluation, folders(path), ThisProcess())


def without_times(row):
    return {k: v for k, v in row.items() if k not in ("stage_ms", "stage_ms_per_frame")}


def test_every_figure(folder, evaluation, tmp_path, lpips_rows):
    for setting in (evaluation.paper, *evaluation.candidates((0,))):
        try:
            require_encoder(setting)
        except MissingPackageError as error:
            pytest.skip(str(error))
    document = run(folder, evaluation, tmp_path)
    assert document["missing"] == []
    assert sum(note.startswith("left out:") for note in document["notes"]) == 2
    assert any(note.startswith("frame rates differ (25, 30") for note in document["notes"])
    text = write_all(document, folders(tmp_path))
    assert "Table I" in text and "The claim, by SNR" in text
    output = tmp_path / "out"
    for suffix in ("png", "pdf"):
        assert {path.stem for path in (output / "figures").glob(f"*.{suffix}")} == FIGURES
    assert json.loads((output / "results.json").read_text())["rows"] == document["rows"]
    lines = (output / "results.csv").read_text().splitlines()
    columns = ["video", "method", "setting", "cbr", "snr_db", "psnr_db", "ssim", "lpips", "clip", "bler"]
    assert lines[0].split(",")[:10] == columns and len(lines) == 1 + len(document["rows"])
    assert all(list(row)[:10] == columns for row in document["rows"])
    report = (output / "report.html").read_text()
    assert (
        report.count("<video") == 2 * (3 + lpips_rows)
        and str(tmp_path) not in report.partition("<script>")[0]
    )
    assert set(re.findall(r'(?:src|href)="([a-z]+:|#)', report)) == {"data:", "#"}  # nothing from elsewhere
    check_rows(document, lpips_rows)
    check_accounting(document, lpips_rows)
    # again: nothing is run, and all is equal; then only what the viewer saw of one point is made anew
    method = points.BEST_LPIPS if lpips_rows else points.PAPER_X265
    lost = next(row for row in document["rows"] if row["video_file"] and row["method"] == method)
    for count in (0, 1):
        runner = CountingRunner()
        again = evaluate_videos(find_videos(folder), evaluation, folders(tmp_path), runner)
        assert again["rows"] == document["rows"] and len(runner.jobs) == count
        (output / "videos" / lost["video_file"]).unlink()


class CountingRunner(ThisProcess):
    def __init__(self):
        self.jobs = []

    def run(self, jobs):
        self.jobs += jobs
        return super().run(jobs)


def check_rows(document, lpips_rows):
    for row in document["rows"]:
        if row["measures"] == "video":
            assert row["psnr_db"] > 5 and 0 < row["ssim"] <= 1 and row["clip"] is None
            assert row["lpips"] > 0 if lpips_rows else row["lpips"] is None
            assert row["frames"] == {"one": 25, "two": 30}[row["video"]]
    points_of_figure3 = means(rows_of(document, "cbr"))
    assert all(point["videos"] == 2 and len(point["psnr_db_ci"]) == 2 for point in points_of_figure3)
    assert {row["cbr"] for row in winners(rows_of(document, "cbr"), "cbr")} == {8e-3, 2.4e-2}
    assert {line["snr_db"] for line in claim(document)} == {0, 8}
    lossy = [row for row in rows_of(document, "loss") if row["loss_rate"]]
    assert any(row["bler"] > 0 for row in lossy)
    series = [document["series"][row["key"]] for row in rows_of(document, "sheet")]
    assert all(len(each["series"]["psnr_db"]) in (25, 30) for each in series)
    assert sum("series" in each for each in document["series"].values()) == len(
        series
    )  # others would fill the file


def check_accounting(document, lpips_rows):
    """CBR 8e-3 of 64x64 pictures, 25 frames: at S = 8 key frames 0, 8, 16, 24 of floor(8e-3 x 12,288 x 8) = 786
    symbols, at S = 4 seven of 393; a classical stream has the same symbols as ours at S = 8, four blocks of
    16QAM 434/1024: 786 x 4 x 434 / 1024 = 1,332 bits, 16 of them CRC."""
    rows = [row for row in rows_of(document, "cbr") if row["video"] == "one" and row["cbr"] == 8e-3]
    symbols = {(row["method"], row["stride"]): row["symbols"] for row in rows}
    assert symbols[points.OURS, 8] == 4 * 786 and symbols[points.OURS, 4] == 7 * 393
    for method in (points.PAPER_X265, points.BEST_PSNR) + (points.BEST_LPIPS,) * lpips_rows:
        assert symbols[method, None] == 4 * 786
    for row in rows:
        if row["method"] in points.PICKS:
            assert row["bits_body"] <= row["bits_capacity"] == 4 * 1316
        if row["method"] == points.OURS:
            assert row["bits_header"] + row["bits_body"] <= row["bits_capacity"]
        assert row["cbr_sent"] == pytest.approx(8e-3, rel=2e-3) and row["cbr_sent"] <= 8e-3


def test_equal_to_simulate_and_to_the_last_digit(folder, evaluation, tmp_path):
    evaluation = replace(
        evaluation, figures=("snr",), methods=(points.OURS,), snrs_db=(8,), snr_cbrs=("8e-3",), seed=5
    )
    first = run(folder, evaluation, tmp_path / "a") if (tmp_path / "a").mkdir() is None else None
    second = run(folder, evaluation, tmp_path / "b") if (tmp_path / "b").mkdir() is None else None
    assert [*map(without_times, first["rows"])] == [*map(without_times, second["rows"])]
    row = first["rows"][1]
    options = [
        "--tokenizer",
        "small:tokenizer",
        "--size",
        SIZE,
        "--cbr",
        "8e-3",
        "--snr",
        8,
        "--seed",
        6,
        "--quiet",
    ]
    files = ["-o", tmp_path / "s.mp4", "--json", tmp_path / "s.json"]
    assert main([str(word) for word in ("simulate", folder / "two.mp4", *files, *options)]) == 0
    statistics = json.loads((tmp_path / "s.json").read_text())
    assert row["video"] == "two" and row["seed"] == 6
    for name in ("psnr_db", "ssim", "bler", "k_mean", "bits_header", "bits_body", "mcs"):
        assert row[name] == statistics[name]


def test_without_lpips_there_is_no_pick_by_it(folder, evaluation, tmp_path):
    """The pick by PSNR would be a weaker baseline under its name."""
    evaluation = replace(evaluation, figures=("sheet",), methods=(points.OURS, points.BEST_LPIPS))
    document = run(folder, evaluation, tmp_path)
    assert [(row["method"], row["lpips"]) for row in document["rows"]] == [(points.OURS, None)] * 2
    assert any(note.startswith("classical by LPIPS: not run, ") for note in document["notes"])


def test_a_failed_search_makes_no_weaker_baseline(folder, evaluation, tmp_path, monkeypatch, lpips_rows):
    """With one of the settings not searched, the best one is not known; the next run finds it."""
    try:
        require_encoder(evaluation.paper)
    except MissingPackageError as error:
        pytest.skip(str(error))
    if not lpips_rows:
        pytest.skip(job_models.lpips_weights()[1])
    evaluation = replace(evaluation, figures=("sheet",), methods=(points.BEST_LPIPS, points.PAPER_X265))
    whole = run(folder, evaluation, tmp_path)
    chosen = {row["setting"].split(",")[0] for row in whole["rows"] if row["method"] == points.BEST_LPIPS}
    (tmp_path / "b").mkdir()
    with monkeypatch.context() as patch:
        found = ladder.Ladder.choice

        def full_disk(self, quality):
            if self.setting.name in chosen:
                raise ResividError("no space left")
            return found(self, quality)

        patch.setattr(ladder.Ladder, "choice", full_disk)
        broken = run(folder, evaluation, tmp_path / "b")
    assert {row["method"] for row in broken["rows"]} == {points.PAPER_X265}
    assert sum("search failed for x265-ultrafast" in line for line in broken["missing"]) == 2
    again = run(folder, evaluation, tmp_path / "b")
    assert again["missing"] == [] and again["rows"] == whole["rows"]


def test_prepared_clips_are_lossless(folder, tmp_path):
    clip = prepare_clip(folder / "two.mp4", tmp_path, SIZE, seconds=0.5)
    assert clip.num_frames == 15 and clip.fps == 30
    assert np.array_equal(read_frames(clip.path, SIZE), read_frames(folder / "two.mp4", SIZE)[:15])
    assert prepare_clip(folder / "two.mp4", tmp_path, SIZE, seconds=0.5) == clip


def test_a_full_disk_leaves_no_half_clip(folder, tmp_path):
    """A limit on the size of files stands for the disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(ResividError, match="cannot be written"):
            prepare_clip(folder / "two.mp4", tmp_path / "clips", SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "clips").iterdir()) == []


def test_a_killed_run_goes_on(folder, tmp_path):
    """SIGKILL when the first point is kept; the next run has the same results as an undisturbed one of the command on Dask."""
    options = ["--size", SIZE, "--tokenizer", "small:tokenizer", "--figures", "cbr", "--methods", "ours"]
    options += ["--strides", "4,8", "--cbrs", "8e-3", "--quiet"]
    command = ["evaluate", folder, "-o", tmp_path / "killed", *options, "--workers", 0]
    starter = [sys.executable, str(ROOT / "apps/resivid")]
    paths = os.pathsep.join([str(ROOT / "tests"), *sys.path])
    environment = os.environ | {"PYTHONPATH": paths}
    process = subprocess.Popen([*starter, *map(str, command)], env=environment, stderr=subprocess.DEVNULL)
    kept = tmp_path / "killed" / "points"
    deadline = time.monotonic() + 300
    while not (kept.is_dir() and any(kept.glob("[!.]*.json"))):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in kept.glob("[!.]*.json")}
    assert main([str(word) for word in command]) == 0
    assert all((kept / name).stat().st_mtime_ns == when for name, when in before.items())
    words = ["evaluate", folder, "-o", tmp_path / "whole", *options, "--workers", 1]
    done = subprocess.run([*starter, *map(str, words)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "left out" not in line] == []
    a, b = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("killed", "whole"))
    assert [*map(without_times, a["rows"])] == [*map(without_times, b["rows"])] and len(a["rows"]) == 4


def test_compare(folder, evaluation, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(link_verdicts, "FEWEST_VIDEOS", 2)
    evaluation = replace(evaluation, figures=("cbr",), methods=(points.OURS,), strides=(8,), cbrs=("8e-3",))
    (tmp_path / "a").mkdir()
    document = run(folder, evaluation, tmp_path / "a")
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    files[0].write_text(json.dumps(document))
    for row in document["rows"]:
        row["psnr_db"] += 1.5
        row["ssim"] -= 0.1 if row["video"] == "one" else -0.1
    files[1].write_text(json.dumps(document))
    assert main(["evaluate", "--compare", *map(str, files)]) == 0
    lines = {
        line.split("|")[5].strip(): line for line in capsys.readouterr().out.splitlines() if "ours" in line
    }
    assert "1.50 (1.50 to 1.50)" in lines["PSNR, dB"] and " better " in lines["PSNR, dB"]
    assert " open " in lines["SSIM"]
    document["clips"][0]["digest"] = "0"  # another cut of the first
    document["settings"]["search"] = "full"
    files[1].write_text(json.dumps(document))
    assert main(["evaluate", "--compare", *map(str, files)]) == 0
    shown = capsys.readouterr().out
    assert "The runs differ: --search tiny and full\n" in shown
    assert "Left out, other pictures under one name: one\n" in shown
    assert {line.split("|")[10].strip() for line in shown.splitlines() if "| ours" in line} == {"1"}
    document["clips"][1]["digest"] = "1"
    files[1].write_text(json.dumps(document))
    assert main(["evaluate", "--compare", *map(str, files)]) == 1
    message = capsys.readouterr().err
    assert "no point and video in common (other pictures under one name: one, two" in message
    assert message.count("\n") == 1


def test_points_of_a_renamed_video_have_its_new_name(folder, evaluation, tmp_path):
    evaluation = replace(evaluation, figures=("cbr",), methods=(points.OURS,), strides=(8,), cbrs=("8e-3",))
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "before.mp4").write_bytes((folder / "two.mp4").read_bytes())
    run(videos, evaluation, tmp_path)
    (videos / "before.mp4").rename(videos / "after.mp4")
    runner = CountingRunner()
    document = evaluate_videos(find_videos(videos), evaluation, folders(tmp_path), runner)
    assert runner.jobs == [] and [row["video"] for row in document["rows"]] == ["after"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["evaluate", "/absent", "-o", "OUT"], "is no folder"),
        (["evaluate", "EMPTY", "-o", "OUT"], "holds no video"),
        (["evaluate", "FOLDER"], "needs FOLDER and --output"),
        (["evaluate", "FOLDER", "-o", "OUT", "--figures", "none"], "--figures: expected"),
        (["evaluate", "FOLDER", "-o", "OUT", "--methods", "none"], "--methods: expected"),
        (["evaluate", "FOLDER", "-o", "OUT", "--search", "none"], "--search: expected"),
        (["evaluate", "FOLDER", "-o", "FOLDER/empty.mp4"], "is no folder that can be made"),
        (["evaluate", "--compare", "/absent.json", "/absent.json"], "cannot be read"),
        (["evaluate", "--compare", "FOLDER/text.mkv", "FOLDER/text.mkv"], "is no results.json"),
    ],
)
def test_refusals(folder, tmp_path, capsys, arguments, words):
    (tmp_path / "none").mkdir()
    places = {"FOLDER": str(folder), "EMPTY": str(tmp_path / "none"), "OUT": str(tmp_path / "out")}
    line = [re.sub("FOLDER|EMPTY|OUT", lambda found: places[found[0]], word) for word in arguments]
    assert main(line) in (1, 2)
    message = capsys.readouterr().err
    assert words in message and message.count("\n") == 1


def test_bad_videos_and_settings(tmp_path, folder):
    with pytest.raises(VideoError, match="no video frame|is no video|is empty"):
        link_evaluation.prepare_all([folder / "empty.mp4"], tmp_path, SIZE, None)
    with VideoWriter(tmp_path / "tiny.mp4", Fraction(30), 32, 32) as writer:
        for frame in smooth_clip(2)[:, ::8, ::8]:
            writer.write(np.ascontiguousarray(frame))
    with pytest.raises(VideoError, match="32 pixels are too few"):
        prepare_clip(tmp_path / "tiny.mp4", tmp_path)
    with pytest.raises(SettingsError, match="--repeats"):
        Evaluation(repeats=0)
