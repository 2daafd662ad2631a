# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a run as YAML: a frozen dataclass to a file and back, every mistake one line with its key."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ..errors import ResividError, SettingsError

T = TypeVar("T")
MOST_BYTES = 1 << 16  # no configuration is longer
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a path"}


class _Lines(dict[str, Any]):
    """A mapping of a file that knows the line of each key."""

    def __init__(self, content: Mapping[str, Any], lines: Mapping[str, int]):
        super().__init__(content)
        self.lines = lines


class _Loader(yaml.SafeLoader):
    def construct_lines(self, node: yaml.MappingNode) -> dict[str, Any]:
        content = self.construct_mapping(node, deep=True)
        return _Lines(content, {key.value: key.start_mark.line + 1 for key, _ in node.value})


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _Loader.construct_lines)


def setting(default: Any, least: float | None = None, most: float | None = None) -> Any:
    """A field of a settings class, with the range of its number."""
    return dataclasses.field(default=default, metadata={"least": least, "most": most})


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; `from_mapping` names its lines.

    Raises:
        SettingsError: unreadable, no YAML, or no mapping; names file and line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path}: too long for a configuration ({path.stat().st_size} bytes)")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{where}: no YAML ({getattr(error, 'problem', error)})") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError(f"{path}: expected lines `key: value`")
    return content


def write_yaml(path: Path, settings: Any) -> None:
    """All settings with their values, in the order of their class; the file is whole or not there.

    Raises:
        ResividError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(yaml.safe_dump(to_mapping(settings), sort_keys=False), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ResividError(f"{path}: cannot be written ({error.strerror})") from error


def to_mapping(settings: Any) -> dict[str, Any]:
    """A settings object as YAML's plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return str(value) if isinstance(value, Path) else value

    return plain(dataclasses.asdict(settings))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says, mapping by mapping."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = merged(below, value)
        out[key] = value
    return out


def from_mapping(kind: type[T], content: Mapping[str, Any], source: str, prefix: str = "") -> T:
    """A settings object from YAML's values; what is not named keeps its default.

    Args:
        kind: a dataclass whose fields are numbers, texts, paths, literals, tuples of numbers or such dataclasses.
        source: what messages begin with, such as the file's name.
        prefix: key of this part within the whole.
    Raises:
        SettingsError: unknown key, wrong type or out of range: names source, line, key and what is allowed.
    """
    if not isinstance(content, Mapping):
        raise SettingsError(f"{source}: {prefix.rstrip('.')}: expected keys and values, got {content!r:.60}")
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, kind))}
    types_of = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in content.items():
        line = getattr(content, "lines", {}).get(key)
        where = source if line is None else f"{source}, line {line}"
        if key not in fields:
            raise SettingsError(f"{where}: unknown key {prefix}{key}; allowed: {', '.join(fields)}")
        if dataclasses.is_dataclass(types_of[key]) and isinstance(value, Mapping):
            values[key] = from_mapping(typing.cast(type, types_of[key]), value, source, f"{prefix}{key}.")
        else:
            values[key] = _value(types_of[key], value, fields[key].metadata, where, prefix + key)
    try:
        return kind(**values)
    except (SettingsError, ValueError) as error:
        raise SettingsError(f"{source}: {error}") from error


def _value(kind: Any, value: Any, limits: Mapping[str, Any], source: str, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return from_mapping(typing.cast(type, kind), value, source, f"{key}.")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        kind = next(a for a in arguments if a is not type(None))
        return _value(kind, value, limits, source, key)
    wrong = SettingsError(f"{source}: {key}: expected {_expected(kind, limits)}, got {value!r:.60}")
    if origin is typing.Literal:
        if value not in arguments:
            raise wrong
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or len(value) != len(arguments):
            raise wrong
        return tuple(_value(a, v, limits, source, key) for a, v in zip(arguments, value, strict=True))
    return _plain(kind, value, limits, wrong)


def _plain(kind: type, value: Any, limits: Mapping[str, Any], wrong: SettingsError) -> Any:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    if kind is float and isinstance(value, str):
        try:
            value = float(value)  # YAML 1.1 reads 5e-4 as a text
        except ValueError:
            raise wrong from None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise wrong
    if isinstance(value, (int, float)) and kind is not bool:
        least, most = limits.get("least"), limits.get("most")
        low = least is not None and value < least
        if not math.isfinite(value) or low or (most is not None and value > most):
            raise wrong
    return value


def _expected(kind: Any, limits: Mapping[str, Any]) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        return f"a list of {len(arguments)} times {_expected(arguments[0], limits)}"
    least, most = limits.get("least"), limits.get("most")
    text = _WORDS.get(kind, str(kind))
    if least is not None and most is not None:
        return f"{text} from {least:g} to {most:g}"
    return f"{text}, at least {least:g}" if least is not None else text
