# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of other packages, so wrapped that what they raise says whose mistake it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import PluginError, ResividError


@contextmanager
def blamed(whose: str) -> Iterator[None]:
    """What is raised inside, but for a ResividError, becomes a PluginError that begins with `whose`."""
    try:
        yield
    except ResividError:
        raise
    except Exception as error:
        raise PluginError(f"{whose}: {type(error).__name__}: {error}") from error


def guarded_call(whose: str, what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function of another package.

    Args:
        whose: for messages, such as "tokenizer 'mine:load'".
        what: name of the function, for messages.
    Raises:
        PluginError: it raised anything but a ResividError.
    """
    with blamed(f"{whose}, {what}"):
        result = function(*arguments, **options)
    return _items(f"{whose}, {what}", result) if isinstance(result, Iterator) else result


def check_offers(whose: str, plugin: Any, names: Sequence[str]) -> None:
    """Raise PluginError where an object lacks some of what its kind must have."""
    missing = [name for name in names if not hasattr(plugin, name)]
    if missing:
        kind = type(plugin).__name__
        raise PluginError(
            f"{whose}: {kind} has no {', '.join(missing)}; docs/extending.md says what it must have"
        )


class Guarded:
    """Stands for an object of another package: the same attributes, methods through `guarded_call`.

    Args:
        whose: for messages.
        plugin: the object.
        checks: method name to a function that is given what the method returned and raises ValueError if that is wrong.
    """

    def __init__(self, whose: str, plugin: Any, checks: dict[str, Callable[..., None]] | None = None):
        self._guarded = whose, plugin, checks or {}

    def __getattr__(self, name: str) -> Any:
        if name == "_guarded" or name.startswith("__"):  # before __init__, and protocols such as copying
            raise AttributeError(name)
        whose, plugin, checks = self._guarded
        value = getattr(plugin, name)
        if not callable(value):
            return value
        if name in checks:
            value = _checked(value, checks[name])
        return functools.partial(guarded_call, whose, name, value)


def _checked(function: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        check(result, *arguments)
        return result

    return call


def _items(whose: str, items: Iterator[Any]) -> Iterator[Any]:
    with blamed(whose):
        yield from items
