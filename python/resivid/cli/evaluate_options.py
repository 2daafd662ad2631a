# SPDX-License-Identifier: GPL-3.0-or-later
"""What the subcommands of `resivid evaluate` share: options, the folder of clips, what is written at the end."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar

import typer

from ..errors import ResividError, SettingsError
from . import outputs

if TYPE_CHECKING:
    from ..evaluate.clips import ClipFolder

MOST_VALUES = 64  # of a list on the command line
NumberT = TypeVar("NumberT", int, float)

FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of videos.")]
RowsJsonOption = Annotated[
    Optional[Path],
    typer.Option("--json", metavar="FILE", help="Write the result here; - is standard output."),
]
PageOption = Annotated[
    Optional[Path],
    typer.Option("--page", metavar="FILE.md", help="Renew the section of this page that holds the tables."),
]
ClipsOption = Annotated[
    Optional[int], typer.Option("--clips", min=1, help="The first so many clips only: a trial.")
]
FramesOption = Annotated[
    int, typer.Option("--frames", min=1, max=3000, help="Frames that are read of each clip, at most.")
]
BitsOption = Annotated[
    int,
    typer.Option(
        "--bits", min=1, max=1 << 20, help="Payload bits of a key frame at stride 8; in proportion at others."
    ),
]
EvaluatedCodecOption = Annotated[
    str, typer.Option("--codec", metavar="NAME", help="Codec: resi_vidtok or closed_loop.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no table.")]


def open_clips(folder: Path, limit: int | None, frames: int) -> ClipFolder:
    """The clips, found before any network is loaded."""
    from ..evaluate.clips import ClipFolder

    return ClipFolder(folder, limit, frames)


def parse_list(text: str, option: str, kind: Callable[[str], NumberT]) -> tuple[NumberT, ...]:
    """Numbers separated by commas, in order and each once.

    Args:
        kind: int or float.
    Raises:
        SettingsError: something else, or more than MOST_VALUES of them.
    """
    try:
        values = [kind(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not 0 < len(values) <= MOST_VALUES or not all(math.isfinite(value) for value in values):
        raise SettingsError(f"{option}: expected 1 to {MOST_VALUES} numbers as A,B,C, got {text!r}")
    return tuple(sorted(set(values)))


def check_outputs(json_file: Path | None, page: Path | None, section: str) -> None:
    """Refuse outputs that cannot be written before the long run.

    Raises:
        ResividError: no such folder, or no such section in the page.
    """
    from ..evaluate.pages import check_page

    outputs.check_distinct(json=json_file, page=page)
    if json_file is not None and str(json_file) != "-" and not json_file.parent.is_dir():
        raise ResividError(f"{json_file}: folder {json_file.parent} does not exist")
    if page is not None:
        check_page(page, section)


def hand_over(
    document: dict[str, Any], text: str, json_file: Path | None, page: Path | None, section: str, quiet: bool
) -> None:
    """Write the document, renew the page, show the tables."""
    from ..evaluate.pages import renew_section

    if json_file is not None:
        outputs.write_json(json_file, json.dumps(document, indent=1, allow_nan=False) + "\n")
    if page is not None:
        renew_section(page, section, f"{text}\n{_made_by(document, section)}\n")
    if not quiet and str(json_file) != "-":
        print(text, end="")
    for note in document.get("notes", ()):
        print(f"resivid: note: {note}", file=sys.stderr)


def _made_by(document: dict[str, Any], command: str) -> str:
    weights = {**document.get("weights", {}), **document.get("codec_weights", {})}
    files = ", ".join(f"`{name}` {digest[:12]}" for name, digest in weights.items())
    clips = f"{document['clips']} clips, " if "clips" in document else ""
    return f"`resivid {command}`: {clips}{document['machine']}; weights (SHA-256): {files or 'none'}."
