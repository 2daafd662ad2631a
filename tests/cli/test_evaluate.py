# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate` and `resivid bench pipeline`: documents, pages, sheets, refusals."""

import json

import pytest
from clips import write_clip
from conftest import ROOT
from gnuradio.resivid.cli import bench_pipeline, evaluate_interpolator, evaluate_memory, evaluate_tokenizer
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.evaluate.pages import check_page
from gnuradio.resivid.evaluate.sample_sheet import GAP, HEADING

TOY = ["--tokenizer", "toy:tokenizer"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips")
    for number, name in enumerate(("one", "two")):
        write_clip(path / f"{name}.mp4", 13, seed=number)
    return path


@pytest.fixture(autouse=True)
def without_lpips(monkeypatch):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_tokenizer(folder, tmp_path, capsys):
    files = {name: tmp_path / name for name in ("t.json", "s.png", "page.md")}
    files["page.md"].write_text("Before\n<!-- evaluate tokenizer -->\n<!-- end -->\nAfter\n")
    options = ["--json", files["t.json"], "--sheet", files["s.png"], "--page", files["page.md"]]
    assert run("evaluate", "tokenizer", folder, *TOY, *options) == 0
    document = json.loads(files["t.json"].read_text())
    assert [row["tokens"] for row in document["rows"]] == [16, 41, 82, 128]
    rising = [row["psnr_db"] for row in document["rows"]]
    assert rising == sorted(rising) and all(row["lpips"] is None for row in document["rows"])
    assert set(document["changed_share"]) == {"4", "8", "12"} and document["clips"] == 2
    assert 0 <= document["changed_share_still"] <= 0.01 < document["changed_share"]["4"] <= 1
    import cv2

    assert cv2.imread(str(files["s.png"])).shape[:2] == (HEADING + 2 * (256 + GAP), 5 * (256 + GAP))
    page = files["page.md"].read_text()
    assert page.startswith("Before\n") and page.endswith("After\n") and "| toy" in page
    assert str(folder) not in page
    capsys.readouterr()
    compared = ["--compare", files["t.json"], "--tokens", "7"]
    assert run("evaluate", "tokenizer", folder, *TOY, "--clips", 1, *compared) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("|")[2].strip() for line in shown[2:7]] == ["7", "16", "41", "82", "128"]


def test_interpolator(folder, tmp_path, capsys):
    chosen = ["--codec", "resi_vidtok", "--methods", "hold,flow,rife", "--strides", "4,12", "--gaps", 1]
    assert run("evaluate", "interpolator", folder, *TOY, *chosen, "--json", "-") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    keys = ("method", "stride", "input", "psnr_db", "lpips", "ms_per_frame")
    assert all(key in row for row in rows for key in keys)
    whole = [(r["method"], r["stride"], r["input"]) for r in rows if "missing" not in r]
    assert len(whole) == len(set(whole)) == 2 * 2 * 2
    by_key = {(r["method"], r["stride"], r["input"]): r["psnr_db"] for r in rows}
    assert by_key["hold", 4, "clean"] > by_key["hold", 4, "decoded"]
    assert [row["method"] for row in rows if "missing" in row] == ["rife"]


def test_memory(folder, capsys):
    options = ["--tokenizer", "loop:tokenizer", "--clips", 1, "--stride", 12, "--losses", "0,0.5"]
    assert run("evaluate", "memory", folder, *options, "--delays", "1,2", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    rows = [(row["memory"], row["loss"], row["feedback_delay"]) for row in document["rows"]]
    assert rows == [
        *((memory, loss, None) for memory in ("gop", "refresh") for loss in (0, 0.5)),
        *(("feedback", 0, 1), ("feedback", 0.5, 1), ("feedback", 0.5, 2)),
    ]
    assert all(row["blocks_lost"] == (1 if row["loss"] else 0) for row in document["rows"])
    still = {row["memory"]: row for row in document["still"]}
    assert still["feedback"]["last_psnr_db"] > still["feedback"]["first_psnr_db"]


def test_pipeline(tmp_path, capsys):
    options = ["--stride", 4, "--frames", 24, "--threads", 1, "--json", tmp_path / "p.json"]
    assert run("bench", "pipeline", *TOY, *options) == 0
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["frames"] == 24 and document["key_frames"] == 6 and document["torch_threads"] == 1
    assert document["fps"] == pytest.approx(24 / document["seconds"])
    assert document["real_time_ratio"] == pytest.approx(document["fps"] / 30)
    stages = {
        "tokenizer.encode",
        "packer",
        "coding",
        "decoding",
        "unpacker",
        "tokenizer.decode",
        "interpolation",
    }
    assert set(document["stage_ms"]) == stages == set(document["stage_ms_per_frame"])
    assert "frame/s at S=4" in capsys.readouterr().out


@pytest.mark.parametrize(
    "module", [evaluate_tokenizer, evaluate_interpolator, evaluate_memory, bench_pipeline]
)
def test_the_documentation_has_a_page_with_the_section_of_each_command(module):
    check_page(ROOT / "docs" / "models" / f"{module.SECTION.split()[1]}.md", module.SECTION)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["evaluate", "tokenizer", "/absent"], "is no folder"),
        (["evaluate", "tokenizer", "FOLDER", "--tokens", "a"], "--tokens: expected"),
        (["evaluate", "tokenizer", "FOLDER", *TOY, "--tokens", "129"], "expected 0 to 128"),
        (["evaluate", "tokenizer", "FOLDER", "--sheet", "s.jpg"], "expected a file *.png"),
        (["evaluate", "tokenizer", "FOLDER", "--compare", "FOLDER"], "is no result"),
        (["evaluate", "tokenizer", "FOLDER", "--json", "/absent/t.json"], "does not exist"),
        (["evaluate", "interpolator", "FOLDER", "--strides", "1", *TOY], "from stride 2 on"),
        (["evaluate", "interpolator", "FOLDER", "--codec", "none", *TOY], "codec: expected one of"),
        (["evaluate", "memory", "FOLDER", "--losses", "2"], "--losses: expected shares"),
        (["evaluate", "memory", "FOLDER", *TOY], "needs a tokenizer with codebooks"),
        (["bench", "pipeline", "/absent.mp4", *TOY], "no such file"),
    ],
)
def test_refusals(folder, capsys, arguments, words):
    assert run(*(folder if word == "FOLDER" else word for word in arguments)) in (1, 2)
    message = capsys.readouterr().err
    assert words in message and message.count("\n") == 1


def test_ctrl_c_says_how_to_go_on(folder, tmp_path, capsys, monkeypatch):
    from gnuradio.resivid.evaluate import link_evaluation

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(link_evaluation, "evaluate_videos", interrupted)
    assert run("evaluate", folder, "-o", tmp_path, "--workers", 0, "--quiet") == 1
    assert capsys.readouterr().err == (
        "resivid: interrupted; what is finished is kept, and the same command goes on from there\n"
    )
