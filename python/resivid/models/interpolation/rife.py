# SPDX-License-Identifier: GPL-3.0-or-later
"""Practical-RIFE 4.0 and 4.6 to 4.26, full, lite and heavy.

Reads released checkpoints (`flownet.pkl`, names start "module.") and their safetensors form.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..weight_files import fill, read_state, sha256_of, write_tensors
from .network import NetworkInterpolator, PictureAt
from .rife_net import IFNet
from .rife_versions import VERSIONS, Version

# Parts of a released checkpoint that interpolation does not use: refinement, training's teachers.
UNUSED = ("contextnet.", "unet.", "block_tea.", "teacher.", "caltime.")


def is_checkpoint(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether tensors look like Practical-RIFE's, of whatever version."""
    return any(key.startswith("block0.conv0.") for key in state)


@lru_cache(maxsize=len(VERSIONS))
def shapes(version: Version) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a version's tensors."""
    with torch.device("meta"):  # no memory
        return {key: tuple(tensor.shape) for key, tensor in IFNet(version).state_dict().items()}


def recognise(state: Mapping[str, torch.Tensor]) -> Version:
    """The version whose layout is that of the tensors or, where none is, shares most of them.

    No two versions have the same layout, so an exact one is the only best.
    """

    def agreement(version: Version) -> tuple[int, int]:
        wanted = shapes(version)
        same = sum(key in state and tuple(state[key].shape) == shape for key, shape in wanted.items())
        return same, -len(wanted)

    return max(VERSIONS, key=agreement)


def load_network(path: Path) -> IFNet:
    """The network of a released checkpoint or its safetensors form; every tensor that interpolation uses is taken.

    Raises:
        WeightsError: missing, corrupt, or none of `VERSIONS`: names the first tensor that differs from the nearest.
    """
    state = {key: value for key, value in read_state(path).items() if not key.startswith(UNUSED)}
    with torch.device("meta"):
        network = IFNet(recognise(state))
    fill(network, state, path)
    return network


def load(path: Path, device: str = "cpu") -> RifeInterpolator:
    """The interpolator of a weight file.

    Raises:
        WeightsError: see `load_network`.
    """
    return RifeInterpolator(load_network(path), {path.name: sha256_of(path)}, device)


def convert(source: Path, target: Path) -> None:
    """Write the tensors that `load` uses of a released checkpoint as safetensors, float32.

    Raises:
        WeightsError: see `load_network`, or the target cannot be written.
    """
    write_tensors(target, load_network(source).state_dict(), {})


class RifeInterpolator(NetworkInterpolator):
    """See `NetworkInterpolator`."""

    name = "rife"

    def __init__(self, network: IFNet, weights_sha256: dict[str, str] | None = None, device: str = "cpu"):
        super().__init__(network, network.version.multiple, weights_sha256, device)

    def _prepared(self, first: np.ndarray, last: np.ndarray) -> PictureAt:
        ends = [
            self.network.described(self._tensor(frame).contiguous(memory_format=torch.channels_last))
            for frame in (first, last)
        ]

        def picture_at(t: float) -> torch.Tensor:
            return self.network(*ends, torch.full_like(ends[0][:, :1], t))

        return picture_at
