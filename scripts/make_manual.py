#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual pages and shell completion of the `resivid` command, made from the command itself.

    make_manual.py OUT    writes OUT/man1/resivid*.1 and OUT/completions/{bash,zsh,fish}

Without typer, which the command line needs as well, it says so and writes nothing.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMPLETIONS = {"bash": "resivid", "zsh": "_resivid", "fish": "resivid.fish"}  # names that the shells look for
SEE_ALSO = "gnuradio\\-companion(1), SoapySDRUtil(1)"


def roff(text: str) -> str:
    """Text as roff shows it: no line is a request, no character an escape."""
    text = " ".join(text.replace("\\", "\\e").replace("-", "\\-").replace("`", "").split())
    return "\\&" + text if text.startswith((".", "'")) else text


def pages(command: Any, words: tuple[str, ...] = ("resivid",)) -> Iterator[tuple[str, Any]]:
    """Every command with the name of its page, such as `resivid-bench-bler`."""
    yield "-".join(words), command
    for name, child in getattr(command, "commands", {}).items():
        yield from pages(child, (*words, name))


def page(name: str, command: Any, version: str, date: str) -> str:
    """One manual page.

    Args:
        name: of the page; its words are the command's.
        command: a click command or group.
        date: YYYY-MM-DD.
    """
    context = command.context_class(command, info_name=name.replace("-", " "))
    text = " ".join((command.help or "").split())
    summary = text.partition(".")[0].partition(" (")[0].rstrip(",:;")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH {roff(name.upper())} 1 "{date}" "gr\\-resivid {version}"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(summary[:1].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {roff(context.info_name)}",
        roff(usage),
        ".SH DESCRIPTION",
        roff(text),
    ]
    records = [p.get_help_record(context) for p in command.get_params(context)]
    if any(records):
        lines.append(".SH OPTIONS")
    for record in filter(None, records):
        lines += [".TP", f".B {roff(record[0])}", roff(record[1])]
    children = getattr(command, "commands", {})
    if children:
        lines.append(".SH COMMANDS")
    for child, its in children.items():
        lines += [".TP", f".B {roff(f'{name}-{child}')}(1)", roff(its.get_short_help_str(200))]
    lines += [
        ".SH EXIT STATUS",
        "0: done. 1: ran and failed, or was interrupted. 2: wrong use.",
        ".SH ENVIRONMENT",
        roff("Each option is also a variable: RESIVID_STRIDE for --stride."),
        ".SH SEE ALSO",
        SEE_ALSO if name == "resivid" else f"{roff(name.rpartition('-')[0])}(1)",
    ]
    return "\n".join(lines) + "\n"


def main(out: Path) -> int:
    """Write the pages and the completion scripts below `out`; 0, also where they cannot be made."""
    sys.path.insert(0, str(ROOT / "python"))  # the package as it lies, before anything is installed
    try:
        from typer.completion import get_completion_script

        from resivid.cli.main import COMPLETE_VARIABLE, build_command
        from resivid.version import __version__
    except (ImportError, SystemExit) as error:
        print(f"no manual pages and no completion: {error}")
        return 0
    # SOURCE_DATE_EPOCH makes builds that can be repeated
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH") or (ROOT / "CHANGELOG.md").stat().st_mtime)
    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
    (out / "man1").mkdir(parents=True, exist_ok=True)
    for name, command in pages(build_command()):
        (out / "man1" / f"{name}.1").write_text(page(name, command, __version__, date), encoding="utf-8")
    (out / "completions").mkdir(exist_ok=True)
    for shell, file in COMPLETIONS.items():
        script = get_completion_script(prog_name="resivid", complete_var=COMPLETE_VARIABLE, shell=shell)
        (out / "completions" / file).write_text(script + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
