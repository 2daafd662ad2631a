# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions that other packages bring, found by their entry points: no fork, no registration at run time.

A package names them in its pyproject.toml, such as `[project.entry-points."resivid.tokenizers"]` with the line
`mine = "my_package:load"`. What each kind must be stands in docs/extending.md. Names of this package come first.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

from .errors import SettingsError

GROUPS = {
    "tokenizer": "resivid.tokenizers",
    "interpolator": "resivid.interpolators",
    "codec": "resivid.codecs",
    "MCS table": "resivid.mcs_tables",
    "metric": "resivid.metrics",
    "radio": "resivid.radios",
}


def plugin_names(kind: str) -> list[str]:
    """Names that installed packages offer, in alphabetical order.

    Args:
        kind: a key of GROUPS.
    """
    return sorted({entry.name for entry in importlib.metadata.entry_points(group=GROUPS[kind])})


def load_plugin(kind: str, name: str) -> Any | None:
    """The object behind a name; None when no installed package offers it.

    Args:
        kind: a key of GROUPS.
        name: as the entry point calls it.
    Raises:
        SettingsError: two packages offer it, or it cannot be imported; the message names the package.
    """
    found = list(importlib.metadata.entry_points(group=GROUPS[kind], name=name))
    if not found:
        return None
    if len({entry.value for entry in found}) > 1:
        raise SettingsError(f"{kind} {name!r}: offered by {' and by '.join(entry.value for entry in found)}")
    try:
        return found[0].load()
    except Exception as error:  # what an import of somebody else's module may raise
        raise SettingsError(f"{kind} {name!r}: {found[0].value} cannot be loaded ({error})") from error
