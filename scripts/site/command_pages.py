# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any


def page() -> str:
    """Every command with its arguments and options, as Markdown."""
    import typer

    from resivid.cli.main import build_app  # of this checkout, not an installed one

    parts = ["# Command line", "", "Made from the commands themselves; `--help` prints the same.", ""]
    for name, command in _commands(typer.main.get_command(build_app()), "resivid"):
        parts += _section(name, command)
    return "\n".join(parts)


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """A command and all below it, with their full names."""
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _commands(inner, f"{name} {word}")


def _section(name: str, command: Any) -> list[str]:
    context = command.context_class(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    lines = [f"## {name}", "", "```", usage, "```", "", _plain(command.help), ""]
    records = [p.get_help_record(context) for p in command.get_params(context)]
    rows = [f"| {_code(names)} | {_plain(text)} |" for names, text in filter(None, records)]
    return [*lines, "| option | is |", "|---|---|", *rows, ""] if rows else lines


def _code(text: str) -> str:
    """Code of a table's cell: between backticks a bar would end the cell, and a backslash before it would be shown."""
    return f"<code>{_bars(html.escape(' '.join(text.split()), quote=False))}</code>"


def _plain(text: str | None) -> str:
    """Help as one line of Markdown, in which nothing but its code spans is markup."""
    parts = " ".join((text or "").split()).split("`")
    plain = [re.sub(r"([*\[])", r"\\\1", _bars(part).replace("<", "&lt;")) for part in parts[::2]]
    code = [_code(part) for part in parts[1::2]]
    return "".join(piece for pair in zip_longest(plain, code, fillvalue="") for piece in pair)


def _bars(text: str) -> str:
    return text.replace("|", "&#124;")
