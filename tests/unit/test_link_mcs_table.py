# SPDX-License-Identifier: GPL-3.0-or-later
"""The MCS table of the package, its look-up, and the refusal of broken tables."""

import math
import re

import numpy as np
import pytest
import yaml
from gnuradio.resivid.errors import FormatError, SettingsError
from gnuradio.resivid.evaluate.normal_approximation import normal_approximation_snr_db
from gnuradio.resivid.link.budget import payload_bits
from gnuradio.resivid.link.mcs_file import read_mcs_file
from gnuradio.resivid.link.mcs_table import load_mcs_table, require_air


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


SIZED = {
    "name": "mine",
    "target_bler": 0.002,
    "rows": [
        {"label": "low", "modulation": "QPSK", "bits_per_symbol": 2, "rate_1024": 256, "thresholds_db": {100: -1, 400: -3}},
        {"label": "high", "modulation": "16QAM", "bits_per_symbol": 4, "rate_1024": 512, "thresholds_db": {100: 8, 1000: 7}},
        {"label": "useless", "modulation": "QPSK", "bits_per_symbol": 2, "rate_1024": 900, "thresholds_db": {10: 9}},
    ],
}  # fmt: skip


def write(path, document, **changes):
    path.write_text(yaml.safe_dump({**document, **changes}, sort_keys=False))
    return path


def test_thresholds_follow_the_block_size(tmp_path):
    path = write(tmp_path / "mine.yaml", SIZED)
    # 400 symbols: k = 400 * 2 / 4 = 200, half-way from 100 to 400 in log k; 400 * 4 / 2 = 800; 703 at 9 dB lose to 800
    table = load_mcs_table(path, 400)
    assert [row.label for row in table.rows] == ["low", "high"]
    assert table.thresholds_db() == pytest.approx([-2, 8 - math.log10(8)], abs=1e-3)
    # k = 1,000 and 4,000: the largest size of the file holds from there on
    assert load_mcs_table(path, 2000).thresholds_db() == [-3, 7]


def test_a_row_is_not_used_below_the_sizes_it_was_calibrated_for(tmp_path):
    path = write(tmp_path / "mine.yaml", SIZED)
    assert [row.label for row in load_mcs_table(path, 100).rows] == ["high"]  # k = 50, 200, 175
    assert [row.label for row in load_mcs_table(path, 40).rows] == ["useless"]  # k = 20, 80, 70
    for symbols in (None, 0, 5):
        with pytest.raises(SettingsError, match="mine.*symbols"):
            load_mcs_table(path, symbols)


@pytest.mark.parametrize("symbols", [80, 100, 314, 629, 943, 5000, 1 << 20])
@pytest.mark.parametrize("name", ["table1", "calibrated", "air"])
def test_rows_of_the_package_are_useful_at_every_size(name, symbols):
    rows = load_mcs_table(name, symbols).rows
    payloads = [payload_bits(symbols, row) for row in rows]
    assert payloads == sorted(set(payloads)) and payloads[0] > 0
    thresholds = np.float32([row.snr_db for row in rows])  # as the C++ selector compares them
    assert (np.diff(thresholds) > 0).all()


def test_the_table_for_the_air_has_at_most_16_rows_from_minus_4_db():
    file = read_mcs_file("air")
    assert len(file.entries) <= 16
    assert sorted(entry.preamble for entry in file.entries) == list(range(len(file.entries)))
    table = load_mcs_table("air", 629)
    assert -4 <= table.rows[0].snr_db < -3.5
    require_air(table)
    assert load_mcs_table("air", 100_000).rows[0].snr_db == -4  # the preamble's limit, not the code's


@pytest.mark.parametrize("name", ["table1", "calibrated"])
def test_only_a_table_for_the_air_names_rows_by_preambles(name):
    with pytest.raises(SettingsError, match=f"{name}.*preamble"):
        require_air(load_mcs_table(name, 629))


AIR = [
    {**row, "preamble": i}
    for i, row in enumerate([GOOD, {**GOOD, "label": "b", "rate_1024": 900, "snr_db": 9}])
]


@pytest.mark.parametrize(
    "rows, lowest, match",
    [
        (AIR, None, "preamble"),
        ([AIR[0], {**AIR[1], "preamble": 0}], -4, "own preamble"),
        ([AIR[0], {**AIR[1], "preamble": 16}], -4, "0..15"),
        ([AIR[0], {**AIR[1], "preamble": -1}], -4, "0..15"),
        ([AIR[0], {**GOOD, "label": "b", "snr_db": 9}], -4, "own preamble"),
        (AIR, "low", "air_lowest_snr_db"),
    ],
)  # fmt: skip
def test_preambles_are_checked_on_loading(tmp_path, rows, lowest, match):
    document = {"name": "mine", "target_bler": 0.01, "rows": rows}
    if lowest is not None:
        document["air_lowest_snr_db"] = lowest
    with pytest.raises(FormatError, match=f"mine.yaml.*{match}"):
        load_mcs_table(write(tmp_path / "mine.yaml", document))


@pytest.mark.parametrize(
    "thresholds, match",
    [
        ({}, "1 to 64"),
        ({400: -3, 100: -1}, "rising"),
        ({0: -3}, "rising"),
        ({"a": -3}, "rising"),
        ({100: "x"}, "100"),
        ({100: math.nan}, "100"),
        ({1 << 30: 1}, "rising"),
        ([1, 2], "thresholds_db: expected dict"),
        ({k: 1.0 for k in range(1, 66)}, "1 to 64"),
    ],
)
def test_refuses_broken_thresholds(tmp_path, thresholds, match):
    row = {key: value for key, value in GOOD.items() if key != "snr_db"}
    for entry in ({**row, "thresholds_db": thresholds}, {**GOOD, "thresholds_db": {100: 1}}):
        path = write(tmp_path / "mine.yaml", SIZED, rows=[entry])
        with pytest.raises(FormatError, match=f"mine.yaml.*({match}|got both)"):
            load_mcs_table(path, 629)


def test_refuses_more_rows_than_a_token_file_can_name(tmp_path):
    rows = [{**GOOD, "label": str(i), "snr_db": i} for i in range(257)]
    with pytest.raises(FormatError, match="1 to 256"):
        load_mcs_table(write(tmp_path / "mine.yaml", SIZED, rows=rows))


# TS 38.214 (V16): MCS index, bits a symbol, 1024 R; tables 5.1.3.1-1, -2 (its rates of half a thousandth left out), -3
STANDARD = {
    1: [(2, r) for r in (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)]
    + [(4, r) for r in (340, 378, 434, 490, 553, 616, 658)]
    + [(6, r) for r in (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)],
    2: [(2, r) for r in (120, 193, 308, 449, 602)]
    + [(4, r) for r in (378, 434, 490, 553, 616, 658)]
    + [(6, r) for r in (466, 517, 567, 616, 666, 719, 772, 822, 873)]
    + [(8, r) for r in (682.5, 711, 754, 797, 841, 885, 916.5, 948)],
    3: [(2, r) for r in (30, 40, 50, 64, 78, 99)],
}  # fmt: skip


@pytest.mark.parametrize("name", ["calibrated", "air"])
def test_rows_that_name_the_standard_are_those_of_the_standard(name):
    of_the_standard = {rate for table in STANDARD.values() for rate in table}
    for entry in read_mcs_file(name).entries:
        if entry.source == "resivid":
            assert (entry.bits_per_symbol, entry.rate_1024) not in of_the_standard
        else:
            table, index = re.fullmatch(r"TS 38.214 5.1.3.1-([123]), MCS (\d+)", entry.source).groups()
            assert STANDARD[int(table)][int(index)] == (entry.bits_per_symbol, entry.rate_1024)


def test_the_rates_of_the_standard_are_those_of_another_library():
    table = pytest.importorskip("py3gpp").nrPDSCHMCSTables().QAM64Table
    assert [(table.Qm(i), round(table.Rate(i) * 1024)) for i in range(29)] == STANDARD[1]


def test_the_calibrated_table_has_every_rate_of_the_standard_that_is_whole():
    rows = {(entry.bits_per_symbol, entry.rate_1024) for entry in read_mcs_file("calibrated").entries}
    assert {rate for table in (1, 2) for rate in STANDARD[table] if rate[1] == int(rate[1])} <= rows


def test_thresholds_fall_with_the_block_size_and_stand_above_the_bound():
    for entry in read_mcs_file("calibrated").entries:
        values = [value for _, value in entry.thresholds]
        for k, value in entry.thresholds:
            symbols = -(-1024 * k // (entry.rate_1024 * entry.bits_per_symbol))
            above = value - normal_approximation_snr_db(entry.bits_per_symbol, k, symbols, 0.002)
            assert 0.2 < above < 2.2, (entry.label, k)
        assert (
            list(values) == sorted(values, reverse=True) or np.diff(values).max() < 0.15
        )  # noise, base graph 1
