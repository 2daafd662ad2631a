# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: YAML whose values are read as the words of a command line, each with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..errors import SettingsError

MOST_BYTES = 1 << 16  # no configuration is longer
_NO_VALUE = "expected a value or a list of values"
_NULL = "tag:yaml.org,2002:null"
_PLAIN = re.compile(r"[A-Za-z0-9./+_-][A-Za-z0-9./+_:@%=,-]*")  # texts that YAML need not quote


@dataclass(frozen=True)
class Entry:
    """One key of a configuration file.

    Attributes:
        value: what stands there, as on the command line; a list for an option that may stand several times.
        line: where, from 1.
    """

    value: str | list[str]
    line: int


def read_config(path: Path, command: Sequence[str], commands: Sequence[str]) -> dict[str, Entry]:
    """The entries of a file that are for one command: those at the top, then those of its own section.

    Args:
        path: YAML of lines `option: value`, and `command:` with such lines below it.
        command: words of the command, such as ("bench", "bler").
        commands: all commands; their sections are left out, but for the one of this command.
    Returns:
        Option without dashes to its entry; options whose value is null are left out.
    Raises:
        SettingsError: cannot be read, is no such YAML, or names a key twice: file and line.
    """
    entries: dict[str, Entry] = {}
    _collect(path, _root(path), tuple(command), commands, entries)
    return entries


def _root(path: Path) -> yaml.MappingNode | None:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise SettingsError(f"{path}: longer than a configuration may be, {MOST_BYTES} bytes")
        root = yaml.compose(text.decode("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{where}: no YAML ({getattr(error, 'problem', error)})") from error
    if root is None or root.tag == _NULL:
        return None
    if not isinstance(root, yaml.MappingNode):
        raise SettingsError(f"{path}, line {root.start_mark.line + 1}: expected lines `option: value`")
    return root


def _collect(
    path: Path,
    mapping: yaml.MappingNode | None,
    command: tuple[str, ...],
    sections: Sequence[str],
    entries: dict[str, Entry],
) -> None:
    """Add the entries of a mapping, and then those of the section that the command's next word names.

    Args:
        sections: names that a section may have; empty: any.
    """
    seen: set[str] = set()
    below: yaml.MappingNode | None = None
    for key, value in [] if mapping is None else mapping.value:
        line = key.start_mark.line + 1
        name = key.value.replace("_", "-") if isinstance(key, yaml.ScalarNode) else ""
        if name in seen:
            raise SettingsError(f"{path}, line {line}: {name} stands there twice")
        seen.add(name)
        if isinstance(value, yaml.MappingNode) and (not sections or name in sections):
            below = value if command[:1] == (name,) else below
        elif value.tag == _NULL:
            entries.pop(name, None)
        elif isinstance(value, yaml.MappingNode):
            close = difflib.get_close_matches(name, sections, 1)
            guess = f" (did you mean the section {close[0]}?)" if close else ""
            raise SettingsError(f"{path}, line {line}: {name}: {_NO_VALUE}{guess}")
        else:
            entries[name] = Entry(_words(value, f"{path}, line {line}: {name}"), line)
    if below is not None:
        _collect(path, below, command[1:], (), entries)


def _words(node: yaml.Node, where: str) -> str | list[str]:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode) and all(isinstance(n, yaml.ScalarNode) for n in node.value):
        return [item.value for item in node.value]
    raise SettingsError(f"{where}: {_NO_VALUE}")


def to_text(value: object) -> str:
    """A value as `read_config` reads it: a word, a quoted text, or a list of them.

    Args:
        value: bool, number, text, path, or a list or tuple of such.
    """
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(to_text(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _PLAIN.fullmatch(text) and "," not in text and not text.endswith(":") and text.lower() != "null":
        return text
    return yaml.safe_dump(text, default_style='"', width=10**9).strip()
