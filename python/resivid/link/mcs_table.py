# SPDX-License-Identifier: GPL-3.0-or-later
"""MCS tables: SNR to modulation and code rate, (8) and Table I, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from ..errors import FormatError

MODULATIONS = {"QPSK": 2, "16QAM": 4, "64QAM": 6, "256QAM": 8}  # name to bits of one symbol
_TABLES = Path(__file__).parent / "mcs"


@dataclass(frozen=True)
class McsRow:
    """One modulation and coding scheme.

    Attributes:
        label: its name in statistics, such as "16QAM 434/1024".
        modulation: a key of `MODULATIONS`.
        bits_per_symbol: log2 M.
        rate_1024: code rate times 1024, an integer, so that both ends agree to the bit.
        snr_db: Es/N0 in dB from which the row is used.
    """

    label: str
    modulation: str
    bits_per_symbol: int
    rate_1024: int
    snr_db: float


@dataclass(frozen=True)
class McsTable:
    """Rows by rising threshold; `target_bler` is the block error rate that each meets at its threshold."""

    name: str
    rows: tuple[McsRow, ...]
    target_bler: float

    def as_tuples(self) -> list[tuple[int, int, float]]:
        """(bits_per_symbol, rate_1024, snr_db) of each row, as the C++ classes take them."""
        return [(row.bits_per_symbol, row.rate_1024, row.snr_db) for row in self.rows]

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


def load_mcs_table(name_or_path: str | Path = "table1") -> McsTable:
    """Read and check a table of the package, by name, or a YAML file, by path.

    Args:
        name_or_path: "table1", or the path of a file with the same keys.
    Returns:
        The table, its rows by rising threshold.
    Raises:
        FormatError: missing or malformed; the message names file and field.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = _TABLES / f"{name_or_path}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in _TABLES.glob("*.yaml")))
            raise FormatError(
                f"no MCS table {str(name_or_path)!r}; known: {known}, or the path of a .yaml file"
            )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})"
        ) from error
    except yaml.YAMLError as error:
        raise FormatError(f"{path}: not valid YAML") from error
    return _table(path, document)


def _table(path: Path, document: Any) -> McsTable:
    if not isinstance(document, dict):
        raise FormatError(f"{path}: expected keys name, target_bler, rows")
    bler = _field(path, document, "target_bler", (float,))
    if not 0 < bler < 1:
        raise FormatError(f"{path}: target_bler: expected a number between 0 and 1, got {bler}")
    entries = _field(path, document, "rows", (list,))
    rows = tuple(_row(path, i, entry) for i, entry in enumerate(entries))
    thresholds = [row.snr_db for row in rows]
    if not rows or any(b <= a for a, b in pairwise(thresholds)):
        raise FormatError(f"{path}: rows: expected at least one row, snr_db rising from row to row")
    if len({row.label for row in rows}) != len(rows):
        raise FormatError(f"{path}: rows: each label may stand once")
    return McsTable(_field(path, document, "name", (str,)), rows, bler)


def _row(path: Path, number: int, entry: Any) -> McsRow:
    where = f"{path}: row {number}"
    if not isinstance(entry, dict):
        raise FormatError(f"{where}: expected keys label, modulation, bits_per_symbol, rate_1024, snr_db")
    row = McsRow(
        label=_field(where, entry, "label", (str,)),
        modulation=_field(where, entry, "modulation", (str,)),
        bits_per_symbol=_field(where, entry, "bits_per_symbol", (int,)),
        rate_1024=_field(where, entry, "rate_1024", (int,)),
        snr_db=_field(where, entry, "snr_db", (float,)),
    )
    if MODULATIONS.get(row.modulation) != row.bits_per_symbol:
        known = ", ".join(f"{name} with {bits}" for name, bits in MODULATIONS.items())
        raise FormatError(
            f"{where}: modulation {row.modulation} with {row.bits_per_symbol} bits_per_symbol; known: {known}"
        )
    if not 0 < row.rate_1024 < 1024:
        raise FormatError(f"{where}: rate_1024: expected 1..1023, got {row.rate_1024}")
    return row


def _field(where: object, entry: dict, key: str, types: tuple[type, ...]) -> Any:
    value = entry.get(key)
    if types == (float,) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    finite = not isinstance(value, float) or abs(value) < 1e6  # NaN and infinity fail the comparison
    if not isinstance(value, types) or isinstance(value, bool) or not finite:
        raise FormatError(f"{where}: {key}: expected {types[0].__name__}, got {value!r}")
    return value
