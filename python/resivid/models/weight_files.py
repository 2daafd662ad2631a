# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight files: where they are looked for, whether they are the right ones, and how they are read."""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ..errors import WeightsError

if TYPE_CHECKING:
    import torch

FOLDER_VARIABLE = "RESIVID_WEIGHTS"
PACKAGE_FOLDER = Path(__file__).parent / "weights"
CATALOGUE = PACKAGE_FOLDER / "catalogue.yaml"
OK, ABSENT, UNLISTED = "ok", "absent", "not in the catalogue"  # states of a weight file
FOREIGN_SUFFIXES = (".pkl", ".pth", ".pt", ".bin")  # zip archives of torch.save


@dataclass(frozen=True)
class WeightFile:
    """One row of the catalogue of known weight files.

    Attributes:
        file: name relative to a weight folder, such as "lpips/lin_v0.1_alex.safetensors".
        bytes: size of the file.
        sha256: in hexadecimal.
        licence: SPDX expression.
        description: what the file is, in one line.
        shipped: True when it comes with this package.
    """

    file: str
    bytes: int
    sha256: str
    licence: str
    description: str
    shipped: bool = False


@lru_cache(maxsize=1)
def catalogue() -> dict[str, WeightFile]:
    """The known weight files by name."""
    rows = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return {name: WeightFile(name, **row) for name, row in rows.items()}


def folders() -> list[Path]:
    """Folders that are searched, in order: the one of RESIVID_WEIGHTS, then the package's own."""
    named = os.environ.get(FOLDER_VARIABLE)
    return [*([Path(named).expanduser()] if named else []), PACKAGE_FOLDER]


def find_file(name: str) -> Path:
    """The first file of that name in the weight folders.

    Args:
        name: relative to a weight folder.
    Returns:
        Its path, not verified.
    Raises:
        WeightsError: no folder has it.
    """
    for folder in folders():
        if (folder / name).is_file():
            return folder / name
    if name in catalogue() and catalogue()[name].shipped:
        raise WeightsError(f"weights {name} are missing from the package: install it again")
    raise WeightsError(f"weights {name} not found: set {FOLDER_VARIABLE} to the folder that holds them")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error


def verify_file(path: Path, known: WeightFile) -> None:
    """Check size and hash against the catalogue.

    Raises:
        WeightsError: the file is unreadable, of another size, or has other content.
    """
    digest, size = sha256_of(path), path.stat().st_size
    if size != known.bytes:
        raise WeightsError(f"{path}: damaged or another version: {size} bytes, expected {known.bytes}")
    if digest != known.sha256:
        raise WeightsError(
            f"{path}: damaged or another version: sha256 {digest[:12]}..., expected {known.sha256[:12]}..."
        )


def state_of(name: str) -> str:
    """State of a weight file: "ok", "absent", "not in the catalogue", or one line with what is wrong with it."""
    known = catalogue().get(name)
    try:
        path = find_file(name)
    except WeightsError as error:
        return str(error) if known is not None and known.shipped else ABSENT
    if known is None:
        return UNLISTED
    try:
        verify_file(path, known)
    except WeightsError as error:
        return str(error)
    return OK


def locate(name: str, explicit: Path | None = None) -> Path:
    """The file to load: the one that the user names, as it is, or the known one, verified.

    Args:
        name: in the catalogue.
        explicit: a file of the user's; its content is the user's business, its layout is checked on loading.
    Returns:
        A path to a file.
    Raises:
        WeightsError: nothing there, or a known file that is not what it should be.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise WeightsError(f"{explicit}: no such weight file")
        return explicit
    path = find_file(name)
    if name in catalogue():
        verify_file(path, catalogue()[name])
    return path


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weight file as float32 on the CPU, without a leading "module." in their names.

    Safetensors, or a torch archive, which is read with `weights_only=True`: it cannot run code.

    Raises:
        WeightsError: missing, corrupt, not a plain dictionary of tensors, or not finite.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsError(f"{path}: no such weight file")
    try:
        if path.suffix in FOREIGN_SUFFIXES:
            with warnings.catch_warnings():  # torch remarks on the pickle protocol of a file it then refuses
                warnings.simplefilter("ignore")
                state = torch.load(path, map_location="cpu", weights_only=True)
        else:
            state = load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: not a readable file of plain weights (damaged, or code in it, which is not run)"
        ) from error
    except Exception as error:  # torch.load raises pickle, zip, EOF, key and runtime errors for a broken file
        raise WeightsError(
            f"{path}: not a readable file of plain weights ({type(error).__name__})"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise WeightsError(f"{path}: expected a dictionary of tensors")
    for key, tensor in state.items():
        _check_tensor(tensor, str(key), path)
    return {str(k).removeprefix("module."): v.float() for k, v in state.items()}


def _check_tensor(tensor: torch.Tensor, key: str, path: Path) -> None:
    """Refuse what no network can use; a torch archive may claim more values than it holds."""
    import torch

    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise WeightsError(f"{path}: {key} is no plain tensor")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise WeightsError(f"{path}: {key} claims {tensor.numel()} values, more than the file holds")
    if not torch.isfinite(tensor).all():
        raise WeightsError(f"{path}: {key} holds values that are no finite numbers")


def read_metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says about itself; nothing for a torch archive.

    Raises:
        WeightsError: missing or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if path.suffix in FOREIGN_SUFFIXES:
        return {}
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write tensors as safetensors; the file is whole or not there.

    Raises:
        WeightsError: it cannot be written.
    """
    from safetensors.torch import save

    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WeightsError(f"{path}: cannot be written ({error.strerror})") from error


def fill(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load a state into a network of exactly that layout; the tensors are taken over, not copied.

    Raises:
        WeightsError: names the first tensor that is missing, misshapen or left over.
    """
    wanted = network.state_dict()
    for key, tensor in wanted.items():
        if key not in state:
            raise WeightsError(f"{path}: another architecture: {key} is missing")
        have, want = tuple(state[key].shape), tuple(tensor.shape)
        if have != want:
            raise WeightsError(f"{path}: another architecture: {key} has shape {have}, expected {want}")
    extra = next((key for key in state if key not in wanted), None)
    if extra is not None:
        raise WeightsError(f"{path}: another architecture: {extra} is not part of it")
    network.load_state_dict(dict(state), assign=True)
