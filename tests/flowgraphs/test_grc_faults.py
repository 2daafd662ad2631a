# SPDX-License-Identifier: GPL-3.0-or-later
"""What the editor, and grcc with it, says of parameters that cannot be: one assert that names the mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from grc_programs import ROOT, block, run

SETTINGS_FAULTS = [
    ({"cbr": "abc"}, {"settings": "name 'abc' is not defined"}),
    ({"cbr": "'abc'"}, {"settings": "cbr_is_positive"}),
    ({"cbr": "-4e-4"}, {"settings": "cbr_is_positive"}),
    ({"cbr": "0"}, {"settings": "cbr_is_positive"}),
    ({"cbr": "1.0"}, {"settings": "cbr_suits"}),  # more symbols than a key frame may have
    ({"cbr": "2e-6"}, {"settings": "cbr_suits"}),  # three symbols hold no payload
    ({"stride": "0"}, {"settings": "stride > 0"}),
    ({"mcs_table": "missing.yaml"}, {"settings": "mcs_table_is_known"}),
    ({"mcs_table": "tabel1"}, {"settings": "mcs_table_is_known"}),
    ({"codec": "closed_loop", "gop_prefix": "True"}, {"settings": "codec != 'closed_loop' or"}),
    ({"mcs_table": "table1", "phy": "framed"}, {"settings": "mcs_table_has_preambles"}),
    ({"mcs_table": "table1"}, {"live": "table.air"}),  # not a table for the air
    ({"codec": "closedloop"}, {"settings": "codec_is_known"}),
    ({"tokenizer": "multiscal"}, {"settings": "tokenizer_is_known"}),
    ({"interpolator": "fusoin"}, {"settings": "interpolator_is_known"}),
    ({"memory": "fedback"}, {"settings": "memory in"}),
    ({"reference": "stat"}, {"settings": "reference in"}),
    ({"cbr": "4e-4"}, {}),
    ({"cbr": "'4e-4'"}, {}),
    ({"cbr": "ratio * 2"}, {}),
    ({"tokenizer": "mine:load", "interpolator": "hold", "codec": "my.codec"}, {}),
]


def said_in_editor(folder, flowgraph, changed_block, changes):
    """Messages by block, for each change of the parameters of one block."""
    (changing,) = (b for b in flowgraph["blocks"] if b["name"] == changed_block)
    unchanged = changing["parameters"]
    files = []
    for number, change in enumerate(changes):
        changing["parameters"] = {**unchanged, **change}
        files.append(folder / f"{number}.grc")
        files[-1].write_text(yaml.safe_dump(flowgraph))
    script = Path(__file__).with_name("editor_faults.py")
    return [json.loads(line) for line in run(script, *files).splitlines() if line.startswith("{")]


def check(said, expected):
    """One message for each block that is expected, with the text that is expected, and no other."""
    assert {name: len(messages) for name, messages in said.items()} == dict.fromkeys(expected, 1), said
    assert all(text in said[name][0] for name, text in expected.items()), said


def test_a_fault_of_the_settings_is_shown_once_and_at_the_settings_alone(tmp_path):
    flowgraph = yaml.safe_load((ROOT / "grc/flowgraphs/hackrf_tx.grc").read_text())
    flowgraph["blocks"].append(block("ratio", "variable", value="2e-4"))
    changes = [change for change, _ in SETTINGS_FAULTS]
    found = said_in_editor(tmp_path, flowgraph, "settings", changes)
    for said, (_, expected) in zip(found, SETTINGS_FAULTS, strict=True):
        check(said, expected)


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("encode", [({"mcs_table": "tabel1"}, "mcs_table_is_known"), ({"symbols": "0"}, "symbols > 0")]),
        (
            "framer",
            [({"mcs_table": "table1"}, "mcs_table_has_preambles"), ({"symbols": "63"}, "symbols >= 64")],
        ),
    ],
)
def test_a_fault_of_a_block_is_shown_once(tmp_path, name, faults):
    flowgraph = yaml.safe_load((ROOT / "grc/flowgraphs/hackrf_tx.grc").read_text())
    found = said_in_editor(tmp_path, flowgraph, name, [change for change, _ in faults])
    for said, (_, text) in zip(found, faults, strict=True):
        check(said, {name: text})
