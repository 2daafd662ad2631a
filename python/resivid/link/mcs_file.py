# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of an MCS table: YAML, checked field by field."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ..errors import FormatError
from ..plugins import load_plugin, plugin_names

MODULATIONS = {"QPSK": 2, "16QAM": 4, "64QAM": 6, "256QAM": 8}  # name to bits of one symbol
MAX_ROWS = 256  # a row is one byte in a token file
MAX_THRESHOLDS = 64  # of one row
MAX_INFO_BITS = 1 << 23
AIR_ROWS = 16  # preambles there are
_TABLES = Path(__file__).parent / "mcs"
_LOADER = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # in C where libyaml is: the editor reads tables at each change


@dataclass(frozen=True)
class Mcs:
    """One modulation and coding scheme.

    Attributes:
        label: its name in statistics, such as "16QAM 434/1024".
        modulation: a key of `MODULATIONS`.
        bits_per_symbol: log2 M.
        rate_1024: code rate times 1024, an integer, so that both ends agree to the bit.
    """

    label: str
    modulation: str
    bits_per_symbol: int
    rate_1024: int


@dataclass(frozen=True)
class McsEntry(Mcs):
    """A row as the file has it, for blocks of any size.

    Attributes:
        thresholds: (k, Es/N0 in dB) by rising k, bits into the LDPC encoder, from which the row meets the target
            BLER; one pair with k = 0 when the file has one threshold for all sizes.
        preamble: number of the preamble that names the row over the air; None outside of air tables.
        source: where rate and modulation come from; "" when the file does not say.
    """

    thresholds: tuple[tuple[int, float], ...]
    preamble: int | None = None
    source: str = ""

    def snr_db(self, info_bits: int) -> float | None:
        """Threshold for blocks of k bits in dB: linear in log k between the sizes of the file.

        None for blocks smaller than those; larger ones take the threshold of the largest, which is on the safe
        side: thresholds fall with the size.
        """
        sizes, values = zip(*self.thresholds, strict=True)
        if info_bits < sizes[0]:
            return None
        snr_db = np.interp(np.log(max(info_bits, 1)), np.log(np.maximum(sizes, 1)), values)
        return round(float(snr_db), 3)  # so that rows that differ do so in single precision too


@dataclass(frozen=True)
class McsFile:
    """A table for blocks of any size.

    Attributes:
        name, target_bler: as in the file.
        entries: its rows.
        air_lowest_snr_db: Es/N0 in dB down to which preambles name the rows; None: no table for the air.
    """

    name: str
    entries: tuple[McsEntry, ...]
    target_bler: float
    air_lowest_snr_db: float | None = None

    @property
    def sized(self) -> bool:
        """Whether the thresholds depend on the size of the blocks."""
        return any(entry.thresholds[0][0] > 0 for entry in self.entries)


def read_mcs_file(name_or_path: str | Path) -> McsFile:
    """Read and check a table of the package, by name, or a YAML file, by path.

    Raises:
        FormatError: missing or malformed; the message names file and field.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = _TABLES / f"{name_or_path}.yaml"
        if not path.is_file():
            plugin = _plugin_path(str(name_or_path))
            if plugin is not None and not plugin.is_file():
                raise FormatError(
                    f"MCS table {str(name_or_path)!r}: the file that its package names is missing: {plugin}"
                )
            path = plugin or path
        if not path.is_file():
            known = ", ".join(sorted([p.stem for p in _TABLES.glob("*.yaml")] + plugin_names("MCS table")))
            fault = "is not a .yaml file" if Path(name_or_path).is_file() else "no MCS table of this name"
            raise FormatError(f"{str(name_or_path)!r}: {fault}; known: {known}, or the path of a .yaml file")
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})"
        ) from error
    except yaml.YAMLError as error:
        raise FormatError(f"{path}: not valid YAML") from error
    return _file(path, document)


def _plugin_path(name: str) -> Path | None:
    """The file that an installed package names: a path, or a function without arguments that gives it."""
    plugin = load_plugin("MCS table", name)
    try:
        return None if plugin is None else Path(plugin() if callable(plugin) else plugin)
    except Exception as error:  # of somebody else's function
        raise FormatError(f"MCS table {name!r}: its package gives no path ({error})") from error


def _file(path: Path, document: Any) -> McsFile:
    if not isinstance(document, dict):
        raise FormatError(f"{path}: expected keys name, target_bler, rows")
    bler = _field(path, document, "target_bler", float)
    if not 0 < bler < 1:
        raise FormatError(f"{path}: target_bler: expected a number between 0 and 1, got {bler}")
    rows = _field(path, document, "rows", list)
    if not 1 <= len(rows) <= MAX_ROWS:
        raise FormatError(f"{path}: rows: expected 1 to {MAX_ROWS} of them, got {len(rows)}")
    entries = tuple(_entry(path, i, row) for i, row in enumerate(rows))
    lowest = _field(path, document, "air_lowest_snr_db", float) if "air_lowest_snr_db" in document else None
    _check_preambles(path, entries, lowest is not None)
    table = McsFile(_field(path, document, "name", str), entries, bler, lowest)
    if not table.sized and any(b.thresholds[0][1] <= a.thresholds[0][1] for a, b in pairwise(entries)):
        raise FormatError(f"{path}: rows: expected snr_db rising from row to row")
    if len({entry.label for entry in entries}) != len(entries):
        raise FormatError(f"{path}: rows: each label may stand once")
    return table


def _check_preambles(path: Path, entries: tuple[McsEntry, ...], air: bool) -> None:
    names = [entry.preamble for entry in entries]
    if air and (None in names or len(set(names)) != len(names)):
        raise FormatError(
            f"{path}: rows: in a table with air_lowest_snr_db each row has its own preamble, "
            f"0 to {AIR_ROWS - 1}"
        )
    if not air and names != [None] * len(names):
        raise FormatError(f"{path}: rows: preamble stands only in tables with air_lowest_snr_db")


def _entry(path: Path, number: int, row: Any) -> McsEntry:
    where = f"{path}: row {number}"
    if not isinstance(row, dict):
        raise FormatError(f"{where}: expected keys label, modulation, bits_per_symbol, rate_1024, snr_db")
    entry = McsEntry(
        label=_field(where, row, "label", str),
        modulation=_field(where, row, "modulation", str),
        bits_per_symbol=_field(where, row, "bits_per_symbol", int),
        rate_1024=_field(where, row, "rate_1024", int),
        thresholds=_thresholds(where, row),
        preamble=_field(where, row, "preamble", int) if "preamble" in row else None,
        source=_field(where, row, "source", str) if "source" in row else "",
    )
    if MODULATIONS.get(entry.modulation) != entry.bits_per_symbol:
        known = ", ".join(f"{name} with {bits}" for name, bits in MODULATIONS.items())
        raise FormatError(
            f"{where}: modulation {entry.modulation} with {entry.bits_per_symbol} bits_per_symbol; known: {known}"
        )
    if not 0 < entry.rate_1024 < 1024:
        raise FormatError(f"{where}: rate_1024: expected 1..1023, got {entry.rate_1024}")
    if entry.preamble is not None and not 0 <= entry.preamble < AIR_ROWS:
        raise FormatError(f"{where}: preamble: expected 0..{AIR_ROWS - 1}, got {entry.preamble}")
    return entry


def _thresholds(where: str, row: dict) -> tuple[tuple[int, float], ...]:
    """`snr_db`, or `thresholds_db` with one Es/N0 for each k."""
    if "thresholds_db" not in row:
        return ((0, _field(where, row, "snr_db", float)),)
    if "snr_db" in row:
        raise FormatError(f"{where}: expected snr_db or thresholds_db, got both")
    by_size = _field(where, row, "thresholds_db", dict)
    sizes = list(by_size)
    if not 1 <= len(sizes) <= MAX_THRESHOLDS:
        raise FormatError(
            f"{where}: thresholds_db: expected 1 to {MAX_THRESHOLDS} block sizes, got {len(sizes)}"
        )
    whole = all(isinstance(k, int) and 0 < k <= MAX_INFO_BITS for k in sizes)
    if not whole or any(b <= a for a, b in pairwise(sizes)):
        raise FormatError(f"{where}: thresholds_db: expected rising block sizes in bits, got {sizes[:8]}")
    return tuple((k, _field(f"{where}: thresholds_db", by_size, k, float)) for k in sizes)


def _field(where: object, entry: dict, key: object, kind: type) -> Any:
    value = entry.get(key)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    finite = not isinstance(value, float) or abs(value) < 1e6  # NaN and infinity fail the comparison
    if not isinstance(value, kind) or isinstance(value, bool) or not finite:
        expected = "a finite number" if kind is float else kind.__name__
        raise FormatError(f"{where}: {key}: expected {expected}, got {str(value)[:80]!r}")
    return value
