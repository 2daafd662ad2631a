# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a data folder, those inside tar shards among them; what cannot be read is skipped, counted and named."""

from __future__ import annotations

import csv
import logging
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import ResividError
from .image_files import PICTURES, VIDEOS

LOG = logging.getLogger(__name__)
PREPARED = ".safetensors"
SHARD = ".tar"
_MOST_BYTES = 1 << 30  # of one member of a shard
_NAMED = 8  # so many are named, the others counted
_BLOCK = 512  # bytes; tar's unit


@dataclass(frozen=True)
class Member:
    """One file. `row` is its line of MANIFEST.tsv, empty where there is none."""

    name: str
    raw: bytes
    row: dict[str, str]


@dataclass
class Skipped:
    """What could not be read: each named once."""

    found: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, reason: object) -> None:
        """Count `name`."""
        self.found.setdefault(name, str(reason))

    def report(self, read: int) -> None:
        """One line in the log for all.

        Args:
            read: files that could be read.
        """
        if self.found:
            named = ", ".join(f"{name} ({reason})" for name, reason in list(self.found.items())[:_NAMED])
            more = f" and {len(self.found) - _NAMED} more" if len(self.found) > _NAMED else ""
            LOG.warning("skipped %d of %d files: %s%s", len(self.found), read + len(self.found), named, more)


def kind_of(name: str) -> str:
    """picture, video, shard, prepared, or nothing."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICTURES:
        return "picture"
    if suffix in VIDEOS:
        return "video"
    return {SHARD: "shard", PREPARED: "prepared"}.get(suffix, "")


def files(data: Path) -> list[Path]:
    """The pictures, videos and shards of a folder and those below, or the one file itself, in order.

    Raises:
        ResividError: there is nothing.
    """
    if data.is_file():
        found = [data] if kind_of(data.name) else []
    elif data.is_dir():
        found = sorted(p for p in data.rglob("*") if kind_of(p.name) and p.is_file())
    else:
        raise ResividError(f"{data}: no such folder")
    if not found:
        raise ResividError(
            f"{data}: no picture ({' '.join(PICTURES)}), video ({' '.join(VIDEOS)}), "
            f"tar shard or prepared shard ({PREPARED})"
        )
    return found


def training_files(data: Path) -> list[Path]:
    """`files`; of a folder that holds folders named train..., those of these alone: what lies beside is for tests."""
    inner = sorted(p for p in data.glob("train*") if p.is_dir()) if data.is_dir() else []
    return [path for folder in inner or [data] for path in files(folder)]


def base_name(member: Member) -> str:
    """The file's own name, without folder or shard."""
    return PurePosixPath(member.name.rpartition(":")[2]).name


def members(paths: list[Path], skipped: Skipped, wanted: str) -> Iterator[Member]:
    """The pictures or videos among files and in shards.

    Args:
        wanted: "picture" or "video".
    """
    manifests: dict[Path, dict[str, dict[str, str]]] = {}
    for path in paths:
        rows = manifests.setdefault(path.parent, {}) or _manifest(path.parent)
        manifests[path.parent] = rows
        if kind_of(path.name) == wanted:
            try:
                yield Member(str(path), path.read_bytes(), rows.get(path.name, {}))
            except OSError as error:
                skipped.note(str(path), error.strerror)
        elif kind_of(path.name) == "shard":
            yield from _of_shard(path, rows, skipped, wanted)


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    try:
        with (folder / "MANIFEST.tsv").open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            return {row["file"]: row for row in rows if row.get("file")}
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}


def _of_shard(path: Path, rows: dict[str, dict[str, str]], skipped: Skipped, wanted: str) -> Iterator[Member]:
    end = 0  # where the next header must stand
    try:
        with tarfile.open(path, "r:", ignore_zeros=True) as tar:  # finds the next header after a broken one
            for member in tar:
                if member.offset > end:
                    skipped.note(str(path), f"broken near byte {end}")
                end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
                if not member.isfile() or kind_of(member.name) != wanted or member.size > _MOST_BYTES:
                    continue
                stream = tar.extractfile(member)
                raw = stream.read() if stream is not None else b""
                yield Member(f"{path}:{member.name}", raw, rows.get(member.name, {}))
        _check_end(path, end, skipped)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        skipped.note(str(path), error)


def _check_end(path: Path, end: int, skipped: Skipped) -> None:
    """Behind the last member there may be nothing but zeros."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(min(end, size))
        if size < end or any(file.read(1 << 20)):
            skipped.note(str(path), f"broken near byte {end}")
