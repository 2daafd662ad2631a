# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs by name. Only here and in its own folder is it known which codec runs.

A codec is a folder of this package, or a module "package.module", that offers what `CodecModule` lists.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from ..errors import SettingsError
from ..plugins import load_plugin, plugin_names
from .base import CodecDecoder, CodecEncoder

CODECS = {"resi_vidtok": ".resi_vidtok", "closed_loop": ".closed_loop"}


class CodecModule(Protocol):
    """What the module of a codec offers."""

    OPTIONS: tuple[str, ...]  # what `make_settings` takes beside `stride` and `gop`

    def make_settings(self, **options: Any) -> Any:
        """Frozen settings that both ends share, from `stride`, `gop` and OPTIONS."""
        ...

    def make_encoder(self, tokenizer: Any, settings: Any) -> CodecEncoder:
        """The transmitter's side."""
        ...

    def make_decoder(self, tokenizer: Any, interpolator: Any, settings: Any) -> CodecDecoder:
        """The receiver's side."""
        ...

    def least_bits(self, settings: Any) -> int:
        """Bits of the smallest payload that changes the picture."""
        ...


def load_codec(name: str = "resi_vidtok") -> CodecModule:
    """The module of a codec.

    Args:
        name: one of `CODECS`, or "package.module".
    Raises:
        SettingsError: there is no such codec.
    """
    plugin = None if name in CODECS else load_plugin("codec", name)
    if plugin is not None:
        return cast(CodecModule, plugin)
    if name not in CODECS and "." not in name:
        known = ", ".join([*CODECS, *plugin_names("codec")])
        raise SettingsError(f"codec: expected one of {known} or package.module, got {name!r}")
    try:
        return cast(CodecModule, importlib.import_module(CODECS.get(name, name), __package__))
    except ModuleNotFoundError as error:
        raise SettingsError(f"codec: {name!r} cannot be imported ({error})") from error
