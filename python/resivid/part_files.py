# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not finished lie beside their final name; what a killed process left there goes with the next run."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
from pathlib import Path

from .errors import ResividError

log = logging.getLogger("resivid")

_HOST = re.sub(r"[^A-Za-z0-9]", "-", platform.node())[:32]  # folders may be shared by machines
_LEFT = re.compile(rf"\..+\.resivid-{re.escape(_HOST)}-(\d+)\.part(\.\w+)?")
_swept: set[Path] = set()


def part_path(path: Path, ending: str = "") -> Path:
    """Where to write until `path` is whole: hidden, in the same folder.

    The first file of a folder sweeps it: part files of processes of this machine that live no more are removed.

    Args:
        path: the final name.
        ending: such as ".mkv", for writers that choose their format by it.
    """
    folder = path.parent
    if folder not in _swept:
        _swept.add(folder)
        _sweep(folder)
    return path.with_name(f".{path.name}.resivid-{_HOST}-{os.getpid()}.part{ending}")


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write UTF-8 text so that the final name never holds half a file.

    Raises:
        ResividError: the folder is missing or cannot be written.
    """
    path = Path(path)
    temporary = part_path(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        if temporary.exists():
            temporary.unlink()
        raise ResividError(f"{path}: cannot be written ({error.strerror})") from error


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):  # no such folder, or it cannot be read: the writer says so
        for entry in os.scandir(folder):
            match = _LEFT.fullmatch(entry.name)
            if match is not None and not _lives(int(match[1])):
                os.unlink(entry.path)
                log.warning("%s: removed, its process was killed", entry.path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True
