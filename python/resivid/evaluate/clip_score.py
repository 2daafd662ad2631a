# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP score through `open_clip`: cosine of the embeddings of original and received frame. No stand-in."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Networks that OpenAI has trained use another activation, a fast approximation of GELU: nothing in a file of weights says so.
OPENAI, NATIVE = "ViT-B-32-quickgelu", "ViT-B-32"
HUB_FILE = "open_clip_model.safetensors"
HUB = {  # repository of the Hugging Face hub to open_clip's name of the network
    "timm/vit_base_patch32_clip_224.openai": OPENAI,
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": NATIVE,
    "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K": NATIVE,
}
BATCH = 16


class Weights(NamedTuple):
    """A file of weights: the name that results give it, open_clip's name of its network."""

    path: Path
    name: str
    network: str


def find_weights() -> Weights | None:
    """The first of NETWORK.safetensors in RESIVID_WEIGHTS or its folder `open_clip`, else of what open_clip has loaded itself.

    Only files whose network is known, and none that is a pickle or a program, such as OpenAI's own ViT-B-32.pt.
    """
    return next((each for each in _candidates() if each.path.is_file()), None)


def _candidates() -> Iterator[Weights]:
    folders = [Path(folder) for folder in os.environ.get("RESIVID_WEIGHTS", "").split(os.pathsep) if folder]
    for folder in (each for parent in folders for each in (parent, parent / "open_clip")):
        for network in (OPENAI, NATIVE):
            file = f"{network}.safetensors"
            yield Weights(folder / file, file, network)
    hub = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
    for repository, network in HUB.items():
        for folder in sorted((hub / f"models--{repository.replace('/', '--')}" / "snapshots").glob("*")):
            yield Weights(folder / HUB_FILE, f"{repository}/{HUB_FILE}", network)


@dataclass(frozen=True)
class _Loaded:
    """A network with its preparation of pictures, or why there is none."""

    model: Any = None
    prepare: Any = None
    sha256: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@functools.cache
def _load(weights: Weights) -> _Loaded:
    try:
        import open_clip
        from safetensors.torch import load
    except Exception as error:  # ImportError, and RuntimeError where torchvision is of another torch
        return _Loaded(problem=f"open_clip cannot be imported ({_said(error)})")
    try:
        content = weights.path.read_bytes()
        # not by open_clip, which stretches weights of other picture sizes so that they fit
        with _quiet():
            model, _, prepare = open_clip.create_model_and_transforms(weights.network, pretrained=None)
        model.load_state_dict(load(content), strict=True)
    except Exception as error:  # of a package and a file that are not ours
        return _Loaded(problem=f"{weights.path}: is no {weights.network} that can be loaded ({_said(error)})")
    return _Loaded(model.eval(), prepare, {weights.name: hashlib.sha256(content).hexdigest()})


@contextmanager
def _quiet() -> Iterator[None]:
    """Without open_clip's warning that weights are random, which they are for a moment."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


class ClipScore:
    """Mean over frames of the cosine between both pictures' embeddings, 1 for equal pictures."""

    def __init__(self) -> None:
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._scores: list[float] = []
        weights = find_weights()
        if weights is None:
            reason = f"no weights: {OPENAI}.safetensors or {NATIVE}.safetensors in RESIVID_WEIGHTS, or in open_clip's cache"
            self._network = _Loaded(problem=reason)
        else:
            self._network = _load(weights)
        self.weights_sha256 = dict(self._network.sha256)

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Measure one frame, uint8 (H, W, 3) RGB."""
        if not self._network.problem:
            self._waiting.append((original.copy(), received.copy()))
            if len(self._waiting) == BATCH:
                self._flush()

    def result(self) -> tuple[float | None, str]:
        """The mean, or None and why there is none."""
        if self._waiting:
            self._flush()
        if not self._scores:
            return None, self._network.problem or "no frames to compare"
        return float(np.mean(self._scores)), ""

    def _flush(self) -> None:
        import torch

        originals, received = (self._embed(part) for part in zip(*self._waiting, strict=True))
        self._scores += torch.nn.functional.cosine_similarity(originals, received).tolist()
        self._waiting.clear()

    def _embed(self, pictures: tuple[np.ndarray, ...]) -> Any:
        import torch
        from PIL import Image

        batch = torch.stack([self._network.prepare(Image.fromarray(picture)) for picture in pictures])
        with torch.inference_mode():
            return self._network.model.encode_image(batch)
