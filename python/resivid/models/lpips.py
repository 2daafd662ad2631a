# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS v0.1, the learned perceptual distance of Zhang et al. (CVPR 2018), over AlexNet, SqueezeNet or VGG16."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..errors import WeightsError
from .weight_files import fill, locate, read_state, sha256_of

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of RGB in [-1, 1]
SMALLEST_SIDE = 32  # pixels; below, the deepest features have no position left


class Fire(nn.Module):
    """SqueezeNet's unit: 1x1 down, then 1x1 and 3x3 up beside each other."""

    def __init__(self, channels: int, narrow: int, wide: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, H, W) to (n, 2 wide, H, W)."""
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


def _vgg16() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        channels = width or channels
    return layers


def _alexnet() -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    layers += [nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    for inner, outer in ((192, 384), (384, 256), (256, 256)):
        layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.ReLU()]
    return layers


def _squeezenet() -> list[nn.Module]:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64)]
    layers += [pool(), Fire(128, 32, 128), Fire(256, 32, 128)]
    layers += [pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)]
    return layers


@dataclass(frozen=True)
class _Network:
    """Layers as in torchvision, the layers after which features are taken, and the weight files.

    `torchvision` is the start of the checkpoint's name in torch's cache.
    """

    layers: list[nn.Module]
    taps: tuple[int, ...]
    channels: tuple[int, ...]
    features: str
    torchvision: str


def _network(name: str) -> _Network:
    taps: tuple[int, ...]
    channels: tuple[int, ...]
    if name == "alex":
        taps, channels = (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)
        return _Network(_alexnet(), taps, channels, "lpips/alexnet_features.safetensors", "alexnet-")
    if name == "squeeze":
        taps, channels = (1, 4, 7, 9, 10, 11, 12), (64, 128, 256, 384, 384, 512, 512)
        return _Network(
            _squeezenet(), taps, channels, "lpips/squeezenet1_1_features.safetensors", "squeezenet1_1-"
        )
    if name == "vgg":
        taps, channels = (3, 8, 15, 22, 29), (64, 128, 256, 512, 512)
        return _Network(_vgg16(), taps, channels, "vgg/vgg16_features.safetensors", "vgg16-")
    raise ValueError(f"network: expected alex, squeeze or vgg, got {name!r}")


class _Linear(nn.Module):
    """One tap's channel weights, laid out as in the published files: `model.1.weight`."""

    def __init__(self, channels: int):
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class Lpips(nn.Module):
    """LPIPS distance of pictures; frozen weights, gradients reach its inputs.

    Args:
        network: "alex" (the reported figure), "squeeze" or "vgg" (losses).
    Raises:
        ValueError: unknown network.
        WeightsError: no weights found, or the wrong ones.
    """

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: str = "alex"):
        super().__init__()
        parts = _network(network)
        self.taps = parts.taps
        self.features = nn.Sequential(*parts.layers)
        self.lins = nn.ModuleDict({f"lin{i}": _Linear(n) for i, n in enumerate(parts.channels)})
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))
        files = _features_file(parts), _linear_file(network)
        state = read_state(files[0])
        body = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
        fill(self.features, body, files[0])
        fill(self.lins, read_state(files[1]), files[1])
        self.weights_sha256 = {path.name: sha256_of(path) for path in files}
        self.eval().requires_grad_(False)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Distances (n,) of pictures (n, 3, H, W), RGB in [0, 1]."""
        return self.between(self.taps_of(a), self.taps_of(b))

    def between(self, a: Sequence[torch.Tensor], b: Sequence[torch.Tensor]) -> torch.Tensor:
        """Distances (n,) of pictures of which `taps_of` is known."""
        total = torch.zeros(len(a[0]), device=a[0].device)
        for tap, (of_a, of_b) in enumerate(zip(a, b, strict=True)):
            total = total + self.lins[f"lin{tap}"]((of_a - of_b).square()).mean((1, 2, 3))
        return total

    def taps_of(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Features of pictures (n, 3, H, W), RGB in [0, 1]: of each tap (n, channels, h, w), of unit length over channels."""
        x, found = (2 * pictures - 1 - self.shift) / self.scale, []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.taps:
                wide = x.float()  # under autocast a norm in bfloat16 would be too coarse
                found.append(wide / (wide.norm(dim=1, keepdim=True) + 1e-10))
        return found


def _features_file(parts: _Network) -> Path:
    """In the weight folders, else where torchvision keeps what it downloaded."""
    try:
        return locate(parts.features)
    except WeightsError:
        cached = sorted(Path(torch.hub.get_dir(), "checkpoints").glob(f"{parts.torchvision}*.pth"))
        if not cached:
            raise
        return cached[0]


def _linear_file(network: str) -> Path:
    """In the weight folders, else in the installed package `lpips`, which is not imported."""
    try:
        return locate(f"lpips/lin_v0.1_{network}.safetensors")
    except WeightsError:
        package = importlib.util.find_spec("lpips")
        path = (
            Path(package.origin).parent / f"weights/v0.1/{network}.pth"
            if package and package.origin
            else None
        )
        if path is None or not path.is_file():
            raise
        return path
