# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench`: rows, files, resumption and refusals."""

import csv
import json

import pytest
import yaml
from gnuradio.resivid.cli.main import main

pytest.importorskip("gnuradio.resivid.phy", reason="the C++ part is not built")
KEYS = ["mcs", "info_bits", "snr_db", "blocks", "errors", "bler", "ci_low", "ci_high"]
QUICK = ["--max-blocks", "100", "--info-bits", "64"]


def bler(*arguments):
    return main(["bench", "bler", "-q", *map(str, arguments)])


def test_rows_of_table_one_at_their_thresholds(tmp_path):
    files = {name: tmp_path / f"b.{name}" for name in ("json", "csv", "png")}
    assert (
        bler("--table1", *QUICK, "--json", files["json"], "--csv", files["csv"], "--plot", files["png"]) == 0
    )
    rows = json.loads(files["json"].read_text())
    assert [row["snr_db"] for row in rows] == [-2, 0, 2, 4, 6, 8, 10]
    for row in rows:
        assert set(KEYS) <= set(row) and row["info_bits"] == 64 and row["blocks"] == 100
        assert row["ci_low"] <= row["bler"] == row["errors"] / row["blocks"] <= row["ci_high"]
    table = list(csv.DictReader(files["csv"].open()))
    assert [row["mcs"] for row in table] == [row["mcs"] for row in rows]
    assert files["png"].read_bytes().startswith(b"\x89PNG")


def test_chosen_rows_sizes_and_snrs(capsys):
    arguments = ("4", "QPSK 251/1024", "--info-bits", 64, "--info-bits", 128, "--max-blocks", 20)
    assert bler(*arguments, "--snr", "-20:-19:0.5", "--json", "-") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 * 2 * 3 and {row["mcs"] for row in rows} == {"16QAM 434/1024", "QPSK 251/1024"}
    assert all(row["errors"] == row["blocks"] for row in rows)  # nothing comes through at -20 dB
    assert bler("4", "--symbols", 629, "--max-blocks", 20, "--snr", 30, "--json", "-") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["info_bits"], row["symbols"], row["errors"]) == (1066, 629, 0)


def test_above_the_bound(capsys):
    assert bler("4", *QUICK, "--above-bound", "0", "--json", "-") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["bound"] == pytest.approx(0.002, rel=0.01)


def test_a_finished_point_never_runs_twice(tmp_path, capsys):
    results = tmp_path / "counts.jsonl"
    arguments = ("4", *QUICK, "--results", results, "--json", "-")
    assert bler(*arguments) == 0
    first, lines = capsys.readouterr().out, results.read_text()
    assert bler(*arguments) == 0
    assert capsys.readouterr().out == first and results.read_text() == lines


def test_the_table_for_people_says_on_which_side_of_the_target(capsys):
    assert main(["bench", "bler", "0", "--snr", "-20,30", "--info-bits", "64", "--max-blocks", "5000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("above 0.002") and lines[2].endswith("below 0.002")


@pytest.mark.parametrize(
    "arguments, match",
    [
        (("--snr", "x"), "--snr"),
        (("--snr", "0:1:0"), "--snr"),
        (("--snr", "nan"), "--snr"),
        (("--snr", "0:100:0.001"), "at most 1000"),
        (("--snr", "1", "--above-bound", "1"), "one of them"),
        (("--symbols", "629", "--info-bits", "64"), "one of them"),
        (("--table1", "--mcs-table", "air"), "one of them"),
        (("--symbols", "1"), "too few"),
        (("9",), "no row"),
        (("--info-bits", "20"), "info-bits"),
        (("--info-bits", "9000"), "info-bits"),
        (("--kernel", "none", *QUICK), "kernel"),
        (("--plot", "b.txt"), "--plot"),
        (("--json", "b", "--csv", "b"), "same file"),
        (("--scheduler", "nonsense://x", *QUICK), "--scheduler"),
        (("--mcs-table", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_wrong_use_is_one_line(arguments, match, capsys):
    assert bler(*arguments) in (1, 2)
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and match in err


def test_calibrates_a_table_and_chooses_rows_for_the_air(tmp_path):
    rows = [
        {
            "label": "a",
            "modulation": "QPSK",
            "bits_per_symbol": 2,
            "rate_1024": 308,
            "thresholds_db": {64: 0},
        },
        {
            "label": "b",
            "modulation": "16QAM",
            "bits_per_symbol": 4,
            "rate_1024": 434,
            "thresholds_db": {64: 0},
        },
    ]
    source, output, air = (tmp_path / f"{name}.yaml" for name in ("rows", "new", "air"))
    source.write_text(yaml.safe_dump({"name": "rows", "target_bler": 0.05, "rows": rows}))
    arguments = [
        "bench",
        "calibrate",
        "-q",
        "--mcs-table",
        source,
        "-o",
        output,
        "--air",
        air,
        "--target",
        "0.05",
    ]
    assert main([str(a) for a in arguments] + ["--deviation-db", "0.2", "--symbols", "120"]) == 0
    new = yaml.safe_load(output.read_text())
    low, high = (row["thresholds_db"][64] for row in new["rows"])
    assert new["target_bler"] == 0.05
    # bounds of k = 64 at BLER 0.05 are -1.9 and 4.9 dB; codes of this length are up to 2 dB from them
    assert -2 < low < 1 and 4.8 < high < 7.5
    chosen = yaml.safe_load(air.read_text())
    assert [row["preamble"] for row in chosen["rows"]] == [0, 1]
    assert (
        main(["bench", "tables", str(output), str(air), "--symbols", "120", "--snr", "8", "--json", "-"]) == 0
    )


def test_tables_side_by_side(tmp_path, capsys):
    plot = tmp_path / "t.svg"
    assert main(["bench", "tables", "table1", "--snr", "-2:10:4", "--plot", str(plot)]) == 0
    assert "16QAM 658/1024" in capsys.readouterr().out and "<svg" in plot.read_text()
    assert main(["bench", "tables", "table1", "--snr", "6", "--json", "-"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["table1"]["bits"] == 1050


def test_refuses_a_table_that_is_no_yaml_file(capsys):
    assert main(["bench", "calibrate", "-o", "new.txt", "--mcs-table", "table1"]) == 2
    assert "yaml" in capsys.readouterr().err


def test_modem_rows_and_what_noise_is_taken_for(tmp_path, capsys):
    files = {name: tmp_path / f"m.{name}" for name in ("json", "csv", "png")}
    arguments = ["bench", "modem", "-q", "--symbols", "130"]
    assert (
        main(
            [*arguments, "4", "--impair", "all", "--impair", "perfect", "--above=-3,4", "--frames", "20"]
            + ["--json", str(files["json"]), "--csv", str(files["csv"]), "--plot", str(files["png"])]
        )
        == 0
    )
    rows = json.loads(files["json"].read_text())
    assert [(row["impairment"], row["frames_sent"]) for row in rows] == [
        ("all", 20),
        ("all", 20),
        ("perfect", 20),
        ("perfect", 20),
    ]
    for row in rows:
        assert row["frames_false"] == 0
        assert row["frame_loss"] == pytest.approx(1 - row["frames_received"] / 20)
    assert rows[0]["frame_loss"] > 0.5 and rows[3]["frame_loss"] == 0
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--noise", "2", "--json", "-"]) == 0
    noise = json.loads(capsys.readouterr().out)
    assert [(row["signal"], row["frames_false"]) for row in noise] == [("noise", 0), ("qpsk", 0)]
    assert main([*arguments, "--cpu", "20000", "--json", "-"]) == 0
    idle, locked = json.loads(capsys.readouterr().out)
    frames = idle["seconds"] * 2703.75 / 206  # of 72 + 130 + 4 symbols
    assert idle["bursts"] == 0 and frames - 6 <= locked["bursts"] <= frames
    assert 0 < idle["cpu_share"] and 0 < locked["cpu_share"]
    assert main([*arguments, "--impair", "rain"]) == 2
    assert "no 'rain'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["bler", "snr", "adaptation", "phy", "modem"])
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_folder_that_is_not_there_is_refused_before_the_run(command, option, tmp_path, capsys):
    assert main(["bench", command, option, str(tmp_path / "none" / "rows")]) == 1
    captured = capsys.readouterr()
    assert "does not exist or cannot be written" in captured.err and captured.err.count("\n") == 1
