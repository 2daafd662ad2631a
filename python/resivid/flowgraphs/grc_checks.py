# SPDX-License-Identifier: GPL-3.0-or-later
"""What the editor asserts of parameters, each by a name that says what is wrong.

GNU Radio Companion shows the expression of an assert that failed, and nothing else: so the name is the message. One
mistake fails one of them: each takes what another one refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from ..codec.registry import CODECS
from ..link.mcs_file import read_mcs_file
from ..link.mcs_table import load_mcs_table
from ..models.registry import INTERPOLATORS, TOKENIZERS
from ..plugins import plugin_names
from .in_grc import REFUSED
from .live import LiveSettings
from .settings import LinkSettings


def _accepts(make: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
    try:
        make(*arguments, **options)
    except REFUSED:
        return False
    return True


def codec_is_known(name: str) -> bool:
    """Whether a codec is "auto", one of the package or of a plug-in, or looks like a module."""
    return name == "auto" or "." in name or _is_known("codec", CODECS, name)


def tokenizer_is_known(name: str) -> bool:
    """Whether a tokenizer is one of the package or of a plug-in, or looks like package.module:function."""
    return ":" in name or _is_known("tokenizer", TOKENIZERS, name)


def interpolator_is_known(name: str) -> bool:
    """Whether an interpolator is one of the package or of a plug-in, or looks like package.module:function."""
    return ":" in name or _is_known("interpolator", INTERPOLATORS, name)


def _is_known(kind: str, own: Container[str], name: str) -> bool:
    return name in own or name in plugin_names(kind)


def mcs_table_is_known(table: str | Path) -> bool:
    """Whether a table is one of the package or of a plug-in, or a readable file."""
    return _accepts(read_mcs_file, table)


def mcs_table_has_rows(table: str | Path, symbols: int) -> bool:
    """Whether a known table has rows for key frames of so many symbols."""
    return symbols < 1 or not mcs_table_is_known(table) or _accepts(load_mcs_table, table, symbols)


def mcs_table_has_preambles(table: str | Path) -> bool:
    """Whether the rows of a known table can be named over the air."""
    return not mcs_table_is_known(table) or read_mcs_file(table).air_lowest_snr_db is not None


def cbr_is_positive(cbr: float | str | None) -> bool:
    """Whether a number or a text of one is above 0; None, as where the editor found no value and says so, passes."""
    try:
        return cbr is None or float(cbr) > 0
    except REFUSED:
        return False


def cbr_suits(cbr: float | str | None, stride: int, size: int, table: str | Path, phy: str = "ideal") -> bool:
    """Whether key frames are neither too short for a payload nor too long, as `LinkSettings` says."""
    if cbr is None or not (cbr_is_positive(cbr) and stride > 0 and size > 0 and mcs_table_is_known(table)):
        return True
    if phy == "framed" and not mcs_table_has_preambles(table):
        return True
    return _accepts(LinkSettings, cbr=cbr, stride=stride, size=size, mcs_table=table, phy=phy)


def head_fits(settings: LinkSettings) -> bool:
    """Whether key frames of a link over the air have room for the head of each payload."""
    return not settings.table.air or _accepts(LiveSettings, settings)
