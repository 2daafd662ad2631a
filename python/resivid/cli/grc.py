# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid grc`: GNU Radio Companion under this interpreter, with this module's blocks.

The distribution's `gnuradio-companion` and `grcc` name their own interpreter in the first line, so they see
neither a virtual environment nor what is installed there.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Optional

from ..errors import MissingPackageError, ResividError

if TYPE_CHECKING:
    import typer  # `resivid doctor` reads this file where it may be what is missing

MODULE = b"gnuradio.resivid"  # our scripts name it


def blocks_folder(module_file: Path = Path(__file__)) -> Path:
    """Folder of this module's GRC block descriptions: in the prefix, or in the source tree.

    Args:
        module_file: this file, `<package>/cli/grc.py`.
    Returns:
        The folder that holds `*.block.yml`.
    Raises:
        MissingPackageError: there is none, so the installation is incomplete.
    """
    package = module_file.resolve().parents[1]
    prefix = package.parents[4] if len(package.parents) > 4 else package
    for folder in (prefix / "share/gnuradio/grc/blocks", package.parents[1] / "grc"):
        if any(folder.glob("resivid*.yml")):
            return folder
    raise MissingPackageError("the GRC block descriptions are not installed; run: make install")


def find_program(name: str, search_path: str) -> Path:
    """The distribution's program of that name, never a script of ours that stands for it, in any prefix.

    Args:
        name: file name, such as `grcc`.
        search_path: as in the environment variable PATH.
    Returns:
        The program's path.
    Raises:
        MissingPackageError: GNU Radio is not installed.
    """
    for folder in [*search_path.split(os.pathsep), "/usr/bin"]:
        program = Path(folder) / name
        if folder and program.is_file() and MODULE not in program.read_bytes():
            return program
    raise MissingPackageError(f"{name} is not installed; run: apt-get install gnuradio")


def is_ours(name: str, search_path: str) -> bool:
    """Whether the first program of that name is this module's, which knows where the blocks are.

    Args:
        name, search_path: as `find_program` takes them.
    """
    program = shutil.which(name, path=search_path)
    return program is not None and MODULE in Path(program).read_bytes()


def environment_with_blocks(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """A copy of the environment whose GRC_BLOCKS_PATH starts with `folder`."""
    paths = [str(folder), *filter(None, environment.get("GRC_BLOCKS_PATH", "").split(os.pathsep))]
    return {**environment, "GRC_BLOCKS_PATH": os.pathsep.join(dict.fromkeys(paths))}


def run_program(name: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by `grcc` or `gnuradio-companion` under this interpreter."""
    program = find_program(name, os.environ.get("PATH", ""))
    environment = environment_with_blocks(os.environ, blocks_folder())
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, str(program), *arguments], environment)


def register(app: typer.Typer) -> None:
    """Add `resivid grc`."""
    import typer

    @app.command()
    def grc(file: Optional[Path] = typer.Argument(None, help="Flowgraph (.grc) to open.")) -> None:
        """Open GNU Radio Companion with this module's blocks."""
        if file is not None and not file.is_file():
            raise ResividError(f"{file}: no such file")
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise ResividError(
                "GNU Radio Companion needs a display; without one grcc compiles a flowgraph, and python3 runs it"
            )
        run_program("gnuradio-companion", [] if file is None else [str(file)])
