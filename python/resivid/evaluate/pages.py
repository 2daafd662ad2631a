# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for people: tables as text, a section of a Markdown page that a command renews, and HTML from a template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import FormatError, MissingPackageError, ResividError
from ..part_files import write_text_atomically

END = "<!-- end -->"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with columns of equal width."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(text) + "\n"


def figure(value: float | None, digits: int, interval: Sequence[float] | None = None) -> str:
    """A number with so many digits behind the point, and "(low to high)"; a dash for None."""
    if value is None:
        return "–"
    low_high = [f"{bound:z.{digits}f}" for bound in interval or ()]
    return f"{value:z.{digits}f}" + (f" ({' to '.join(low_high)})" if low_high else "")


def html_page(template: str, **values: Any) -> str:
    """A template of this folder, such as "report.html", filled in; every value is escaped, a missing one is an error.

    Raises:
        MissingPackageError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingPackageError("the report needs a package: pip install jinja2") from error
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(template).render(**values)


def check_page(path: Path, name: str) -> None:
    """Refuse a page without the section before the long run.

    Raises:
        ResividError: it cannot be read.
        FormatError: it has no such section.
    """
    _parts(path, name)


def renew_section(path: Path, name: str, text: str) -> None:
    """Put `text` between the lines "<!-- name -->" and "<!-- end -->" of a page.

    Raises:
        ResividError: it cannot be read or written.
        FormatError: it has no such section.
    """
    before, after = _parts(path, name)
    write_text_atomically(path, f"{before}{text}{after}")


def _parts(path: Path, name: str) -> tuple[str, str]:
    """The page up to the section and from its end on."""
    try:
        page = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ResividError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ResividError(f"{path}: is no readable text file") from error
    start = f"<!-- {name} -->\n"
    before, found, rest = page.partition(start)
    _, ends, after = rest.partition(END)
    if not found or not ends:
        raise FormatError(f"{path}: has no section from {start.strip()} to {END}")
    return before + start, END + after
