# SPDX-License-Identifier: GPL-3.0-or-later
"""`--mcs-table` everywhere: both ends and a token file count rows alike, whatever the number of symbols."""

import json

import pytest
from clips import write_clip
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.codec.rvt import RvtReader
from gnuradio.resivid.link.budget import payload_bits
from gnuradio.resivid.link.mcs_table import load_mcs_table

TOY = ("--tokenizer", "toy:tokenizer")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 37)


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("table", ["calibrated", "air"])
@pytest.mark.parametrize("stride, snr_db", [(1, 3), (4, -4), (8, 6), (12, 20)])
def test_a_token_file_names_rows_as_the_table_for_its_symbols_does(clip, tmp_path, table, stride, snr_db):
    path = tmp_path / "a.rvt"
    assert run("encode", clip, path, *TOY, "--mcs-table", table, "--stride", stride, f"--snr={snr_db}") == 0
    with RvtReader(path) as reader:
        rows = load_mcs_table(reader.header.mcs_table, reader.header.symbols).rows
        for payload, number in reader:
            assert payload.bits.size == payload_bits(reader.header.symbols, rows[number])
            assert rows[number].snr_db <= snr_db or number == 0


def test_a_simulation_uses_the_rows_of_the_table(clip, tmp_path):
    gr = pytest.importorskip("gnuradio.gr", reason="GNU Radio is not there")
    assert gr is not None
    document, used = tmp_path / "a.json", load_mcs_table("calibrated", 629)
    output = ("-o", tmp_path / "a.mp4", "--json", document, "-q", "--no-metrics")
    link = ("--snr", 9, "--mcs-start", 3, "--mcs-table", "calibrated")
    assert run("simulate", clip, *TOY, "--interpolator", "toy:interpolator", *output, *link) == 0
    result = json.loads(document.read_text())
    labels = [row.label for row in used.rows]
    assert set(result["mcs"]) <= set(labels) and labels[3] in result["mcs"]
    assert result["blocks_failed"] == 0 and len(result["mcs"]) > 1


def test_a_block_too_small_for_the_table_is_one_line(clip, tmp_path, capsys):
    assert run("encode", clip, tmp_path / "a.rvt", *TOY, "--mcs-table", "calibrated", "--cbr", "1e-5") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "calibrated has no row for key frames of 15 symbols" in error
