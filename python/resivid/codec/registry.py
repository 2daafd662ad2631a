# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs by name. Only here and in its own folder is it known which codec runs.

A codec is a folder of this package, or a module "package.module", that offers what `CodecModule` lists.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from ..errors import SettingsError
from ..plugin_guard import Guarded, check_offers, guarded_call
from ..plugins import load_plugin, plugin_names
from .base import CodecDecoder, CodecEncoder

MODULE = ("OPTIONS", "make_settings", "make_encoder", "make_decoder", "least_bits")
ENCODER = ("units_to_plan", "wants_reports", "analyse", "flush", "pack", "report")
DECODER = ("wants_restart", "unpack", "render")
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
        PluginError: it is one of another package and lacks something.
    """
    plugin = None if name in CODECS else load_plugin("codec", name)
    if plugin is not None:
        return _OutsideCodec(f"codec {name!r}", plugin)
    if name not in CODECS and "." not in name:
        known = ", ".join([*CODECS, *plugin_names("codec")])
        raise SettingsError(f"codec: expected one of {known} or package.module, got {name!r}")
    try:
        module = importlib.import_module(CODECS.get(name, name), __package__)
    except ModuleNotFoundError as error:
        raise SettingsError(f"codec: {name!r} cannot be imported ({error})") from error
    return cast(CodecModule, module) if name in CODECS else _OutsideCodec(f"codec {name!r}", module)


class _OutsideCodec:
    """The module of a codec of another package: what its two ends raise says whose mistake it is."""

    def __init__(self, whose: str, module: Any):
        self._whose, self._module = whose, module
        check_offers(whose, module, MODULE)
        self.OPTIONS, self.make_settings = module.OPTIONS, module.make_settings
        self.least_bits = module.least_bits

    def make_encoder(self, tokenizer: Any, settings: Any) -> CodecEncoder:
        return self._end("make_encoder", ENCODER, tokenizer, settings)

    def make_decoder(self, tokenizer: Any, interpolator: Any, settings: Any) -> CodecDecoder:
        return self._end("make_decoder", DECODER, tokenizer, interpolator, settings)

    def _end(self, maker: str, names: tuple[str, ...], *arguments: Any) -> Any:
        end = guarded_call(self._whose, maker, getattr(self._module, maker), *arguments)
        check_offers(self._whose, end, names)
        return Guarded(self._whose, end)
