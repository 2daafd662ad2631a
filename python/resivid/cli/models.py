# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid models`: lists models and weights, verifies them, takes over published checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..errors import SettingsError, WeightsError
from . import outputs

models_app = typer.Typer(help="List, verify and import models and weights.")

JsonOption = Annotated[
    Optional[Path],
    typer.Option("--json", metavar="FILE", help="Write the list as JSON; - is standard output."),
]


@models_app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    json_file: JsonOption = None,
    check: Annotated[
        bool, typer.Option("--verify", help="Check size and SHA-256 of every known weight file that is here.")
    ] = False,
) -> None:
    """List tokenizers, interpolators and weight files, each with its state."""
    if context.invoked_subcommand is not None:
        if check:
            raise SettingsError(f"--verify: not together with {context.invoked_subcommand}")
    elif check:
        verify(json_file)
    else:
        _show(describe(), json_file)


@models_app.command("list")
def list_models(json_file: JsonOption = None) -> None:
    """The same as `resivid models` alone."""
    _show(describe(), json_file)


@models_app.command("verify")
def verify(json_file: JsonOption = None) -> None:
    """The same as --verify. Checks every known weight file that is here; exit code 1 when one is wrong."""
    from ..models.weight_files import ABSENT, OK

    files = [row for row in describe() if row["weights"] and row["state"] != ABSENT]
    _show(files, json_file)
    wrong = [row for row in files if row["sha256"] and row["state"] != OK]
    if wrong:
        raise WeightsError("; ".join(dict.fromkeys(row["state"] for row in wrong)))


@models_app.command("import")
def import_checkpoint(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Released TiTok or One-D-Piece file, or RIFE `flownet.pkl`."),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="File to write.")],
) -> None:
    """Turn a published checkpoint into safetensors. It is checked first that it fits the network."""
    from ..models.interpolation import rife
    from ..models.tokenizers import titok
    from ..models.weight_files import read_metadata, read_state

    if target.suffix != ".safetensors":
        raise typer.BadParameter(f"expected a name that ends in .safetensors, got {target}", param_hint="OUT")
    state = read_state(source)
    if titok.is_checkpoint(state):
        titok.save(target, titok.network_of(state, source, read_metadata(source)))
        option = "--tokenizer titok"
    elif rife.is_checkpoint(state):
        rife.convert(source, target)
        option = "--interpolator rife"
    else:
        raise WeightsError(f"{source}: neither a TiTok or One-D-Piece tokenizer nor Practical-RIFE")
    print(f"{target}: use it with {option} --weights {target}")


def describe() -> list[dict[str, Any]]:
    """One row for each model, then one for each known weight file that no model of the registry names."""
    from ..models.registry import INTERPOLATORS, TOKENIZERS, verify
    from ..models.weight_files import catalogue, state_of

    rows: list[dict[str, Any]] = []
    for kind, entries in (("tokenizer", TOKENIZERS), ("interpolator", INTERPOLATORS)):
        for entry in entries.values():
            rows.append(_row(kind, entry.name, entry.description, entry.weights, verify(entry)))
    named = {row["weights"] for row in rows}
    for name, known in catalogue().items():
        if name not in named:
            rows.append(_row("metric", "", known.description, name, state_of(name)))
    return rows


def _row(kind: str, name: str, description: str, weights: str, state: str) -> dict[str, Any]:
    from ..models.weight_files import catalogue

    known = catalogue().get(weights)
    return {
        "kind": kind,
        "name": name,
        "description": description,
        "weights": weights,
        "bytes": known.bytes if known else None,
        "sha256": known.sha256 if known else None,
        "licence": known.licence if known else None,
        "state": state,
    }


def _show(rows: list[dict[str, Any]], json_file: Path | None) -> None:
    if json_file is not None:
        outputs.write_json(json_file, json.dumps(rows, indent=2) + "\n")
    if json_file is not None and str(json_file) == "-":
        return
    for row in rows:
        size = f", {_size(row['bytes'])}" if row["bytes"] else ""
        print(f"{row['kind']:<13}{row['name'] or '-':<12} {row['description']}")
        if row["weights"]:
            print(f"{'':<26}{row['weights']}{size}: {row['state']}")


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 50_000 else f"{num_bytes / 1e3:.1f} kB"


def register(app: typer.Typer) -> None:
    """Add `models` to the command line."""
    app.add_typer(models_app, name="models")
