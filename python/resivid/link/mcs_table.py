# SPDX-License-Identifier: GPL-3.0-or-later
"""MCS tables: SNR to modulation and code rate, (8) and Table I, for key frames of a given number of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError
from .budget import coded_bits, payload_bits
from .mcs_file import MODULATIONS, Mcs, McsEntry, McsFile, read_mcs_file

__all__ = ["MODULATIONS", "McsRow", "McsTable", "load_mcs_table", "require_air"]


@dataclass(frozen=True)
class McsRow(Mcs):
    """A row in use.

    Attributes:
        snr_db: Es/N0 in dB from which the row is used.
        preamble: number of the preamble that names it over the air; None outside of air tables.
    """

    snr_db: float
    preamble: int | None = None


@dataclass(frozen=True)
class McsTable:
    """Rows by rising threshold; `target_bler` is the block error rate that each meets at its threshold.

    `air`: its rows can be named by preambles.
    """

    name: str
    rows: tuple[McsRow, ...]
    target_bler: float
    air: bool = False

    def as_tuples(self) -> list[tuple[int, int, float]]:
        """(bits_per_symbol, rate_1024, snr_db) of each row, as the C++ classes take them."""
        return [(row.bits_per_symbol, row.rate_1024, row.snr_db) for row in self.rows]

    def thresholds_db(self) -> list[float]:
        """Threshold of each row in dB, rising, as the selector takes them."""
        return [row.snr_db for row in self.rows]

    def row_for(self, snr_db: float) -> int:
        """Row of the highest threshold that `snr_db` meets, (8); 0 below the lowest and for NaN."""
        return max((i for i, row in enumerate(self.rows) if row.snr_db <= snr_db), default=0)

    def index(self, row: int | str) -> int:
        """0-based row from its number or label.

        Raises:
            ValueError: no such row; the message lists the rows.
        """
        text = str(row).strip()
        labels = [r.label for r in self.rows]
        if text in labels:
            return labels.index(text)
        if text.isdecimal() and int(text) < len(self.rows):
            return int(text)
        known = ", ".join(f"{i} ({label})" for i, label in enumerate(labels))
        raise ValueError(f"no row {text!r} in MCS table {self.name}; rows: {known}")


def load_mcs_table(name_or_path: str | Path = "table1", symbols: int | None = None) -> McsTable:
    """The table that both ends of a link use.

    Where the file's thresholds depend on the block size, a row's k follows from `symbols`, and only rows that are
    useful at that size stay: calibrated for it, and with more payload than every row of a lower threshold. The
    number of a row counts in what stays; table and symbols alone decide it, so both ends agree.

    Args:
        name_or_path: "table1", "calibrated", "air", or the path of a file of the same format.
        symbols: k_t, channel symbols of one key frame; needed where thresholds depend on the block size.
    Returns:
        The table, its rows by rising threshold.
    Raises:
        FormatError: missing or malformed; the message names file and field.
        SettingsError: `symbols` is missing, or so small that no row is left.
    """
    file = read_mcs_file(name_or_path)
    if not file.sized:
        rows = [_row(file, entry, entry.thresholds[0][1]) for entry in file.entries]
    elif symbols is None:
        raise SettingsError(f"MCS table {file.name}: its thresholds need the number of symbols a key frame")
    else:
        rows = useful_rows(file, symbols)
    return McsTable(file.name, tuple(rows), file.target_bler, file.air_lowest_snr_db is not None)


def require_air(table: McsTable) -> None:
    """Refuse a table whose rows no preamble can name.

    Raises:
        SettingsError: with the table's name.
    """
    if not table.air:
        raise SettingsError(
            f"MCS table {table.name} cannot be used over the air, where a preamble names the row: take `air`, or a "
            "table with air_lowest_snr_db and at most 16 rows"
        )


def _row(file: McsFile, entry: McsEntry, snr_db: float) -> McsRow:
    if file.air_lowest_snr_db is not None:
        snr_db = max(snr_db, file.air_lowest_snr_db)  # below, the preamble is not read, whatever the row
    return McsRow(
        entry.label, entry.modulation, entry.bits_per_symbol, entry.rate_1024, snr_db, entry.preamble
    )


def useful_rows(file: McsFile, symbols: int) -> list[McsRow]:
    """Rows by rising threshold, each with more payload than all before it.

    Raises:
        SettingsError: there is none.
    """
    candidates: list[tuple[float, int, McsRow]] = []
    for entry in file.entries:
        snr_db = entry.snr_db(coded_bits(symbols, entry))
        if snr_db is not None:
            row = _row(file, entry, snr_db)
            candidates.append((row.snr_db, -payload_bits(symbols, row), row))
    useful: list[McsRow] = []
    most = 0
    for _, less_payload, row in sorted(candidates, key=lambda c: c[:2]):
        if -less_payload > most:
            most = -less_payload
            useful.append(row)
    if not useful:
        raise SettingsError(f"MCS table {file.name} has no row for key frames of {symbols} symbols")
    return useful
