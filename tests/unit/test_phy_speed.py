# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench phy`: what is measured is what it says; how fast it is no test decides."""

import json

import numpy as np
import pytest
from gnuradio.resivid.cli.main import main

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the C++ part is not built")
from gnuradio.resivid.evaluate import phy_peers, phy_speed  # noqa: E402


@pytest.mark.parametrize("code", phy_speed.CODES, ids=lambda code: code.name)
def test_decoder_input_is_the_code_that_its_name_says(code):
    llr, words, block, rows = phy_speed.decoder_input(code, 60.0, num_blocks=2)
    assert f"BG{block.base_graph} " in code.name
    assert block.payload_bits + block.crc_bits == code.info_bits and block.num_code_blocks == 1
    assert code.info_bits / code.coded_bits == pytest.approx(code.rate_1024 / 1024, rel=0.005)
    check, columns = phy.parity_check(block.base_graph, block.lifting_size)
    sums = np.zeros((2, check.max() + 1), int)
    for number in range(2):
        np.add.at(sums[number], check, words[number][columns])
    assert not (sums % 2).any()
    sent = llr != 0
    assert sent.sum(1)[0] >= code.coded_bits and ((llr < 0) == words)[sent].all()


def test_the_operating_point_is_near_the_target():
    code = phy_speed.COMPARED
    llr, words, block, rows = phy_speed.decoder_input(code, code.operating_snr_db - 0.5)
    bits, _, _ = phy.ldpc_decode(llr, block.base_graph, block.lifting_size, rows=rows)
    assert (bits[:, : block.systematic_bits] != words[:, : block.systematic_bits]).any()
    llr, words, block, rows = phy_speed.decoder_input(code, code.operating_snr_db + 0.5)
    bits, ok, _ = phy.ldpc_decode(llr, block.base_graph, block.lifting_size, rows=rows)
    assert ok.all() and (bits[:, : block.systematic_bits] == words[:, : block.systematic_bits]).all()


def test_every_stage_is_there_once():
    names = [name for name, seconds in phy.stage_seconds(629, 434, 4, 6.0, 0.001) if seconds > 0]
    assert len(names) == len(set(names)) == 11
    assert {"LDPC encoder", "rate matcher", "scrambler", "mapper", "demapper, exact"} <= set(names)


@pytest.mark.parametrize(
    "arguments, match",
    [
        ((0, 434, 4, 6.0), "symbols"),
        ((100_000, 434, 4, 6.0), "code block"),
        ((629, 1024, 4, 6.0), "rate_1024"),
        ((629, 434, 3, 6.0), "bits_per_symbol"),
        ((629, 434, 4, float("nan")), "snr_db"),
        ((629, 434, 4, 6.0, 0.0), "seconds"),
        ((629, 434, 4, 6.0, 1e9), "seconds"),
    ],
)
def test_stage_times_refuse_what_cannot_be(arguments, match):
    with pytest.raises(ValueError, match=match):
        phy.stage_seconds(*arguments)


def test_a_library_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(phy_peers.importlib.util, "find_spec", lambda name: None)
    missing = {peer.implementation: peer.reason for peer in phy_peers.measure_peers()}
    assert {name: missing[name] for name in ("gr-fec", "pyldpc", "py3gpp")} == dict.fromkeys(
        ("gr-fec", "pyldpc", "py3gpp"), "not installed"
    )


def test_rows_and_ratios_of_the_command(monkeypatch, tmp_path, capsys):
    own = phy_speed.Speed("decoder", phy_speed.COMPARED.name, 1024, 0.5, 10, "resivid", 30.0, "x", 1, "fixed")
    stage = phy_speed.Speed("mapper", "c", 1024, 0.5, 0, "resivid", 900.0)
    peer = phy_speed.Speed("decoder", "n=1800", 902, 0.5, None, "gr-fec", 0.3, "", 1, "fixed", -10.0)
    monkeypatch.setattr(phy_speed, "measure_all", lambda brief=False: [own, stage])
    monkeypatch.setattr(
        phy_peers, "measure_peers", lambda: [peer, phy_peers.Missing("pyldpc", "not installed")]
    )
    path = tmp_path / "phy.json"
    assert main(["bench", "phy", "--one-core", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())
    keys = ["stage", "code", "info_bits", "rate", "iterations", "implementation", "mbps_per_core"]
    assert [[row[key] for key in keys] for row in rows][0] == [
        "decoder", phy_speed.COMPARED.name, 1024, 0.5, 10, "resivid", 30.0
    ]  # fmt: skip
    text = capsys.readouterr().out
    assert "pyldpc: not measured, not installed" in text
    assert "times as fast as gr-fec (n=1800, 10 iterations): x: 100" in text


def test_all_cores_give_the_mean_of_a_core():
    import os

    speeds = phy_speed.all_cores(_two_speeds)
    assert [(s.cores, s.mbps_per_core) for s in speeds] == [(os.cpu_count(), 3.0)]


def _two_speeds():
    return [phy_speed.Speed("s", "c", 1, 0.5, 0, "resivid", 3.0)]
