# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid info`: what a token file holds; checks it to the last byte."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from . import outputs


def info(
    source: Annotated[Path, typer.Argument(metavar="IN.rvt", help="Token file of `resivid encode`.")],
    json_file: Annotated[
        Optional[Path],
        typer.Option("--json", metavar="FILE", help="Write the same as JSON; - is standard output."),
    ] = None,
) -> None:
    """Check a token file (.rvt) and print what it holds."""
    outputs.check_distinct(IN=source, json=json_file)
    facts = describe(source)
    if json_file is not None:
        outputs.write_json(json_file, json.dumps(facts, indent=2) + "\n")
    if json_file is None or str(json_file) != "-":
        for key, value in facts.items():
            print(f"{key:<14}{_text(value)}")


def describe(source: Path) -> dict[str, Any]:
    """Header and totals of a token file; every record's CRC is checked.

    Raises:
        FormatError: not a token file, truncated or corrupt.
    """
    from ..codec.rvt import VERSION, RvtReader

    with RvtReader(source) as reader:
        header = reader.header
        rows: Counter[int] = Counter()
        bits = gops = 0
        for payload, row in reader:
            rows[row] += 1
            bits += payload.bits.size
            gops += payload.gop_start
    seconds = float(header.num_frames / header.rate)
    return {
        "version": VERSION,
        "frames": header.num_frames,
        "key_frames": header.num_key_frames,
        "gops": gops,
        "fps": float(header.rate),
        "seconds": seconds,
        "size": header.size,
        "stride": header.stride,
        "gop": header.gop,
        "codec": header.codec,
        "options": header.options,
        "symbols": header.symbols,
        "cbr_payload": header.symbols / (3 * header.size**2 * header.stride),
        "payload_bits": bits,
        "bits_per_s": bits / seconds,
        "mcs_table": header.mcs_table,
        "mcs_rows": {str(row): rows[row] for row in sorted(rows)},
        "tokens": header.num_tokens,
        "tokenizer": header.tokenizer,
        "weights": header.weights,
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items()) or "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def register(app: typer.Typer) -> None:
    """Add `info` to the command line."""
    app.command("info")(info)
