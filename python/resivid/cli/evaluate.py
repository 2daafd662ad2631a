# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate`: the whole link on a folder of videos, and its parts without a radio."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from . import evaluate_interpolator, evaluate_link, evaluate_memory, evaluate_tokenizer

DEFAULT = "link"


class DefaultGroup(TyperGroup):
    """`resivid evaluate FOLDER -o OUT` is `resivid evaluate link FOLDER -o OUT`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before what names none."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


evaluate_app = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    help="Measure on a folder of videos: evaluate FOLDER -o OUT. "
    "Figures of the paper and baselines (`link --help` lists the options), or "
    "measure tokenizers, interpolators and the codec's memory alone.",
)
for module in (evaluate_link, evaluate_tokenizer, evaluate_interpolator, evaluate_memory):
    module.register(evaluate_app)


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the command line."""
    app.add_typer(evaluate_app, name="evaluate")
