# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files of a command: refused before a long run rather than after it."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ResividError, SettingsError
from ..part_files import write_text_atomically


def check_distinct(**paths: str | Path | None) -> None:
    """Refuse to write one file over another that this command reads or writes.

    Args:
        paths: what the command line calls each file, and its path; None and "-" are left out.
    Raises:
        SettingsError: two of them are the same file.
    """
    seen: dict[Path, str] = {}
    for name, path in paths.items():
        if path is None or str(path) == "-":
            continue
        place = Path(path).resolve()
        if place in seen:
            raise SettingsError(f"{name} and {seen[place]} are the same file: {path}")
        seen[place] = name


def check_folder(path: Path | None) -> None:
    """Refuse an output that cannot be written before the long run, not after it.

    Args:
        path: of the output; None and "-" are none.
    Raises:
        ResividError: a folder, or in a folder that does not exist or cannot be written.
    """
    if path is None or str(path) == "-":
        return
    if path.is_dir():
        raise ResividError(f"{path}: is a folder")
    if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise ResividError(f"{path}: folder {path.parent} does not exist or cannot be written")


def write_json(path: Path, text: str) -> None:
    """Write a document to a file, or to standard output for "-".

    Raises:
        ResividError: the file cannot be written.
    """
    if str(path) == "-":
        print(text, end="")
    else:
        write_text_atomically(path, text)
