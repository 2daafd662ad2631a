# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: tokenizers and interpolators by name, each with the weights that it needs.

A new one is one file with a function `load(weights, device)` and one entry at the end of this module. Outside
this package, `@register_tokenizer("mine", "what it is")` before such a function does it, or
its name is given as "package.module:function", or an installed package names it (`plugins`). Listing needs no torch: an entry's module is imported on loading.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import MissingPackageError, SettingsError, WeightsError
from ..plugin_guard import blamed
from ..plugins import load_plugin, plugin_names
from . import defaults
from .interpolation.base import Interpolator
from .outside import GUARDS
from .tokenizers.base import Tokenizer
from .weight_files import OK, WeightFile, catalogue, locate, state_of

Loader = Callable[[Path | None, str], Any]  # (weight file or None, torch device) -> the model
LoaderT = TypeVar("LoaderT", bound=Loader)


@dataclass(frozen=True)
class Entry:
    """A model of the registry.

    Attributes:
        name: as in `--tokenizer` or `--interpolator`.
        description: one line.
        load: makes the model from a verified weight file (None when it needs none) and a torch device.
        weights: name of its file in the weight folders; "" when it needs none.
    """

    name: str
    description: str
    load: Loader
    weights: str = ""

    @property
    def weight_file(self) -> WeightFile | None:
        """Its row of the catalogue; None when it needs no weights or brings unlisted ones."""
        return catalogue().get(self.weights)


TOKENIZERS: dict[str, Entry] = {}
INTERPOLATORS: dict[str, Entry] = {}


def _register(
    entries: dict[str, Entry], name: str, description: str, weights: str
) -> Callable[[LoaderT], LoaderT]:
    def add(load: LoaderT) -> LoaderT:
        if name in entries:
            raise ValueError(f"name: {name!r} is registered already")
        entries[name] = Entry(name, description, load, weights)
        return load

    return add


def register_tokenizer(name: str, description: str = "", weights: str = "") -> Callable[[LoaderT], LoaderT]:
    """Decorator of a function `(weights: Path | None, device: str) -> Tokenizer`: adds it under `name`.

    Args:
        name: as in `--tokenizer`.
        description: one line for `resivid models`.
        weights: file name in the weight folders; "" when it needs none.
    Returns:
        The decorator; it returns the function unchanged and raises ValueError for a name in use.
    """
    return _register(TOKENIZERS, name, description, weights)


def register_interpolator(
    name: str, description: str = "", weights: str = ""
) -> Callable[[LoaderT], LoaderT]:
    """Decorator of a function `(weights: Path | None, device: str) -> Interpolator`; see `register_tokenizer`."""
    return _register(INTERPOLATORS, name, description, weights)


def load_tokenizer(
    name: str = defaults.TOKENIZER, weights: Path | None = None, device: str = "cpu"
) -> Tokenizer:
    """The tokenizer of that name, ready for use.

    Args:
        name: in the registry, or "package.module:function".
        weights: file to use instead of the one found in RESIVID_WEIGHTS or the package.
        device: torch device.
    Raises:
        SettingsError: unknown name.
        PluginError: a tokenizer of another package raises, or is none.
        WeightsError: weights missing, corrupt or of another architecture.
        MissingPackageError: it needs a package that is not installed.
    """
    return _load(TOKENIZERS, "tokenizer", name, weights, device)


def load_interpolator(
    name: str = defaults.INTERPOLATOR, weights: Path | None = None, device: str = "cpu"
) -> Interpolator:
    """The interpolator of that name; see `load_tokenizer`."""
    return _load(INTERPOLATORS, "interpolator", name, weights, device)


def _load(entries: dict[str, Entry], kind: str, name: str, weights: Path | None, device: str) -> Any:
    entry = entries.get(name) or _outside_entry(kind, name, sorted({*entries, *plugin_names(kind)}))
    if weights is not None and not entry.weights and name in entries:
        raise SettingsError(f"weights: {kind} {name!r} uses none, got {weights}")
    try:
        path = locate(entry.weights, weights) if entry.weights or weights is not None else None
    except WeightsError as error:
        if weights is not None or brings_weights(entry):
            raise
        raise WeightsError(f"{error}; or name a file with --{kind}-weights") from error
    whose = f"{kind} {name!r}"
    if name in entries:
        return _made(entry, whose, path, device)
    with blamed(whose):
        model = _made(entry, whose, path, device)
    return GUARDS[kind](whose, model)


def _made(entry: Entry, whose: str, path: Path | None, device: str) -> Any:
    try:
        return entry.load(path, device)
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"{whose} needs a package: {error}") from error


def _outside_entry(kind: str, name: str, known: list[str]) -> Entry:
    plugin = load_plugin(kind, name)
    if plugin is not None:
        return Entry(name, "", plugin)
    module, colon, function = name.partition(":")
    if not colon:
        raise SettingsError(
            f"{kind}: expected one of {', '.join(known)} or package.module:function, got {name!r}"
        )
    try:
        return Entry(name, "", getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError) as error:
        lost = isinstance(error, ModuleNotFoundError) and error.name in (module, module.partition(".")[0])
        hint = "; PYTHONPATH=. ?" if lost else ""
        raise SettingsError(f"{kind}: {name!r} cannot be imported ({error}{hint})") from error


def verify(entry: Entry) -> str:
    """State of an entry's weights: "none needed", or what `weight_files.state_of` says."""
    return state_of(entry.weights) if entry.weights else "none needed"


def brings_weights(entry: Entry) -> bool:
    """Whether it runs without a weight file of the user's: it needs none, or its own come with the package."""
    known = entry.weight_file
    return not entry.weights or (known is not None and known.shipped)


def problems() -> dict[str, str]:
    """Weight files that should be in the package and are not as they should be: name to what is wrong."""
    states = {name: state_of(name) for name, known in catalogue().items() if known.shipped}
    return {name: state for name, state in states.items() if state != OK}


def _later(module: str) -> Loader:
    """The `load` of a module of this package, imported when it is called."""

    def load(weights: Path | None, device: str) -> Any:
        return importlib.import_module(f".{module}", __package__).load(weights, device)

    return load


def _classical(kind: str) -> Loader:
    def load(weights: Path | None, device: str) -> Any:
        return importlib.import_module(".interpolation.classical", __package__).INTERPOLATORS[kind]()

    return load


register_tokenizer(
    "multiscale", "k-means residual pyramid, learned convolutional decoder", "multiscale.safetensors"
)(_later("tokenizers.multiscale"))
register_tokenizer(
    "titok", "TiTok and One-D-Piece networks; brings no weights (--weights FILE)", "titok.safetensors"
)(_later("tokenizers.titok"))
register_interpolator("flow", "OpenCV DIS optical flow both ways, warped and blended")(_classical("flow"))
register_interpolator(
    "fusion", "DIS flow, refined and blended by a network trained on decoded key frames", "fusion.safetensors"
)(_later("interpolation.fusion"))
register_interpolator("blend", "cross-fade")(_classical("blend"))
register_interpolator("hold", "repeats the earlier key frame")(_classical("hold"))
register_interpolator(
    "rife",
    "Practical-RIFE 4.0, 4.6 to 4.26; brings no weights (--weights flownet.pkl)",
    "rife_v4_0_flow.safetensors",
)(_later("interpolation.rife"))
register_interpolator(
    "ebme",
    "EBME's bi-directional flow, both pictures splatted; brings no weights, a bar to measure against",
    "ebme_biflow.safetensors",
)(_later("interpolation.ebme"))
