# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate`: measures the networks and the codec on clips, without a radio."""

from __future__ import annotations

import typer

from . import evaluate_interpolator, evaluate_memory, evaluate_tokenizer

evaluate_app = typer.Typer(
    no_args_is_help=True,
    help="Measure tokenizers, interpolators and the codec's memory on a folder of clips.",
)
for module in (evaluate_tokenizer, evaluate_interpolator, evaluate_memory):
    module.register(evaluate_app)


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the command line."""
    app.add_typer(evaluate_app, name="evaluate")
