# SPDX-License-Identifier: GPL-3.0-or-later
"""What an MCS table carries at each SNR, against Table I; and which 16 rows of it are best for the air."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..link.budget import coded_bits, payload_bits
from ..link.mcs_file import AIR_ROWS, McsFile, read_mcs_file
from ..link.mcs_table import McsRow, McsTable, load_mcs_table, useful_rows


def source_bits(table: McsTable, symbols: int, snr_db: float) -> int:
    """Payload bits of a key frame at a known Es/N0 in dB, (8) and (9)."""
    return payload_bits(symbols, table.rows[table.row_for(snr_db)])


def compare_tables(
    names: Sequence[str | Path], symbols: int, snrs_db: Sequence[float], measured: str | Path = "calibrated"
) -> list[dict[str, Any]]:
    """Source bits of each table at each SNR, and whether the row in force meets the target there.

    Args:
        names: tables, as `load_mcs_table` takes them.
        symbols: k_t.
        snrs_db: Es/N0 in dB.
        measured: the table whose thresholds say what a row of the same modulation and rate needs.
    Returns:
        One row an SNR: snr_db and, for each table, its name to {row, bits, meets}; `meets` is None for a row without
        a measured threshold.
    """
    tables = [load_mcs_table(name, symbols) for name in names]
    file = read_mcs_file(measured)
    rows = []
    for snr_db in snrs_db:
        entry: dict[str, Any] = {"snr_db": snr_db}
        for table in tables:
            row = table.rows[table.row_for(snr_db)]
            needed = measured_threshold(file, row, symbols)
            entry[table.name] = {
                "row": row.label,
                "bits": payload_bits(symbols, row),
                "meets": None if needed is None else needed <= snr_db,
            }
        rows.append(entry)
    return rows


def measured_threshold(file: McsFile, row: McsRow, symbols: int) -> float | None:
    """Threshold of the same modulation and rate in another table, in dB; None when it is not there."""
    for entry in file.entries:
        if (entry.bits_per_symbol, entry.rate_1024) == (row.bits_per_symbol, row.rate_1024):
            return entry.snr_db(coded_bits(symbols, entry))
    return None


def mean_gain(rows: Sequence[dict[str, Any]], name: str, reference: str = "table1") -> dict[str, float]:
    """Gain of source bits over the reference table, as parts of one.

    Returns:
        `mean` over all SNRs, `at_equal_bler` over those where the reference meets the target, and `least` of these.
    """
    gains = [row[name]["bits"] / row[reference]["bits"] - 1 for row in rows]
    equal = [gain for gain, row in zip(gains, rows, strict=True) if row[reference]["meets"]]
    return {
        "mean": float(np.mean(gains)),
        "at_equal_bler": float(np.mean(equal)) if equal else math.nan,
        "least": min(equal, default=math.nan),
    }


def choose_air_rows(
    file: McsFile, symbols: int, lowest_snr_db: float = -4.0, highest_snr_db: float = 25.0
) -> McsFile:
    """The at most 16 rows that lose least against the whole table: mean of log bits over SNR in dB.

    The lowest row is the one with most payload whose threshold the lowest SNR meets, or else the first above.

    Args:
        file: a calibrated table.
        symbols: k_t that the choice is made for.
        lowest_snr_db, highest_snr_db: range of Es/N0 that counts alike.
    Returns:
        The chosen rows as a table named air, with preambles 0, 1, ... by rising threshold.
    """
    rows = [
        (row.snr_db, math.log(payload_bits(symbols, row)), row.label) for row in useful_rows(file, symbols)
    ]
    below = [(lowest_snr_db, value, label) for snr_db, value, label in rows if snr_db <= lowest_snr_db]
    rows = below[-1:] + [row for row in rows if row[0] > lowest_snr_db]
    chosen = [rows[i][2] for i in _best_staircase([r[0] for r in rows], [r[1] for r in rows], highest_snr_db)]
    by_label = {entry.label: entry for entry in file.entries}
    entries = tuple(replace(by_label[label], preamble=n) for n, label in enumerate(chosen))
    return replace(file, name="air", entries=entries, air_lowest_snr_db=lowest_snr_db)


def _best_staircase(at: list[float], values: list[float], end: float) -> list[int]:
    """Indices, the first one among them, of the at most AIR_ROWS steps with the largest area up to `end`."""
    num = len(at)
    width = [max(0.0, min(b, end) - min(a, end)) for a, b in zip(at, [*at[1:], end], strict=True)]
    edge = np.concatenate(([0.0], np.cumsum(width)))
    # best[n][i]: largest area from step i on with n steps, the first of them being i
    best = np.full((AIR_ROWS + 1, num + 1), -np.inf)
    following = np.full((AIR_ROWS + 1, num + 1), num)
    for i in range(num):
        best[1][i] = values[i] * (edge[num] - edge[i])
    for n in range(2, AIR_ROWS + 1):
        for i in range(num):
            options = [values[i] * (edge[j] - edge[i]) + best[n - 1][j] for j in range(i + 1, num)]
            if options:
                following[n][i] = i + 1 + int(np.argmax(options))
                best[n][i] = max(options)
    n, i = int(np.argmax(best[:, 0])), 0
    chosen = []
    while n >= 1:
        chosen.append(i)
        i, n = int(following[n][i]), n - 1
    return chosen
