# SPDX-License-Identifier: GPL-3.0-or-later
"""The MCS table of the package, its look-up, and the refusal of broken tables."""

import math

import pytest
import yaml
from gnuradio.resivid.errors import FormatError
from gnuradio.resivid.link.mcs_table import load_mcs_table


def test_table_one_of_the_paper():
    table = load_mcs_table()
    assert [(r.snr_db, r.bits_per_symbol, round(r.rate_1024 / 1024, 3)) for r in table.rows] == [
        (-2, 2, 0.245), (0, 2, 0.301), (2, 2, 0.514), (4, 2, 0.663), (6, 4, 0.424), (8, 4, 0.540), (10, 4, 0.643)
    ]  # fmt: skip
    assert table.target_bler == 0.002
    assert table.as_tuples()[4] == (4, 434, 6.0)
    assert table.rows[4].label == "16QAM 434/1024"


@pytest.mark.parametrize(
    "snr_db, row",
    [(-50, 0), (-2.01, 0), (-2, 0), (-0.01, 0), (0, 1), (5.99, 3), (6, 4), (99, 6), (math.nan, 0)],
)
def test_row_of_an_snr(snr_db, row):
    assert load_mcs_table().row_for(snr_db) == row


def test_row_by_number_or_label():
    table = load_mcs_table()
    assert table.index("4") == table.index(4) == table.index("16QAM 434/1024") == 4
    for wrong in ("7", "-1", "BPSK", "", "4.0", "²"):
        with pytest.raises(ValueError, match="no row"):
            table.index(wrong)


GOOD = {"label": "a", "modulation": "QPSK", "bits_per_symbol": 2, "rate_1024": 251, "snr_db": -2}


@pytest.mark.parametrize(
    "change, match",
    [
        ({"target_bler": 0}, "target_bler"),
        ({"target_bler": None}, "target_bler"),
        ({"target_bler": math.nan}, "target_bler"),
        ({"rows": []}, "rows"),
        ({"rows": [3]}, "row 0"),
        ({"rows": [GOOD, GOOD]}, "rising"),
        ({"rows": [GOOD, {**GOOD, "snr_db": 3}]}, "label"),
        ({"rows": [{**GOOD, "modulation": "8PSK"}]}, "modulation"),
        ({"rows": [{**GOOD, "bits_per_symbol": 4}]}, "bits_per_symbol"),
        ({"rows": [{**GOOD, "rate_1024": 1024}]}, "rate_1024"),
        ({"rows": [{**GOOD, "rate_1024": True}]}, "rate_1024"),
        ({"rows": [{**GOOD, "snr_db": math.inf}]}, "snr_db"),
        ({"name": 3}, "name"),
    ],
)
def test_refuses_a_broken_table_with_file_and_field(tmp_path, change, match):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "target_bler": 0.01, "rows": [GOOD], **change}))
    with pytest.raises(FormatError, match=f"mine.yaml.*{match}"):
        load_mcs_table(path)


def test_reads_a_table_from_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "target_bler": 0.01, "rows": [GOOD]}))
    assert load_mcs_table(str(path)).rows[0].snr_db == -2.0


@pytest.mark.parametrize("name, bits", [("QPSK", 2), ("16QAM", 4), ("64QAM", 6), ("256QAM", 8)])
def test_knows_the_modulations_of_the_standard(tmp_path, name, bits):
    path = tmp_path / "mine.yaml"
    row = {**GOOD, "modulation": name, "bits_per_symbol": bits}
    path.write_text(yaml.safe_dump({"name": "mine", "target_bler": 0.01, "rows": [row]}))
    assert load_mcs_table(path).rows[0].bits_per_symbol == bits


@pytest.mark.parametrize("text", ["", "[1, 2", "- 1", "\x00"])
def test_refuses_what_is_no_table(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(FormatError, match="mine.yaml"):
        load_mcs_table(path)


def test_refuses_unknown_names_and_missing_files(tmp_path):
    with pytest.raises(FormatError, match="known: .*table1"):
        load_mcs_table("table9")
    with pytest.raises(FormatError, match="cannot be read"):
        load_mcs_table(tmp_path / "none.yaml")
