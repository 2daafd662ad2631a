# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP score through `open_clip`: cosine of the embeddings of original and received frame. No stand-in."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "ViT-B-32"  # as in the CLIP paper's smallest vision transformer
FILES = ("ViT-B-32.pt", "ViT-B-32.safetensors", "open_clip_model.safetensors", "open_clip_pytorch_model.bin")
BATCH = 16


def find_weights() -> Path | None:
    """The first file of FILES in RESIVID_WEIGHTS, its folder `open_clip`, or where CLIP and open_clip keep what they load."""
    folders = [Path(folder) for folder in os.environ.get("RESIVID_WEIGHTS", "").split(os.pathsep) if folder]
    folders += [folder / "open_clip" for folder in folders]
    folders.append(Path.home() / ".cache" / "clip")
    hub = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    folders += sorted(Path(hub).glob(f"hub/models--*CLIP-{MODEL}-*/snapshots/*"))
    return next((folder / file for folder in folders for file in FILES if (folder / file).is_file()), None)


@functools.cache
def _load(path: Path) -> tuple[Any, Any, str]:
    """Model, its preparation of pictures, digest of its weights."""
    import open_clip

    model, _, prepare = open_clip.create_model_and_transforms(MODEL, pretrained=str(path))
    return model.eval(), prepare, hashlib.sha256(path.read_bytes()).hexdigest()


class ClipScore:
    """Mean over frames of the cosine between both pictures' embeddings, 1 for equal pictures."""

    def __init__(self) -> None:
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._scores: list[float] = []
        self.weights_sha256: dict[str, str] = {}
        self._problem, self._path = "", find_weights()
        if self._path is None:
            self._problem = f"no weights of {MODEL} ({', '.join(FILES)}) in RESIVID_WEIGHTS, ~/.cache/clip or ~/.cache/huggingface"
            return
        try:
            self._model, self._prepare, digest = _load(self._path)
        except ImportError as error:
            self._problem = f"open_clip cannot be imported ({error})"
        else:
            self.weights_sha256 = {self._path.name: digest}

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Measure one frame, uint8 (H, W, 3) RGB."""
        if not self._problem:
            self._waiting.append((original.copy(), received.copy()))
            if len(self._waiting) == BATCH:
                self._flush()

    def result(self) -> tuple[float | None, str]:
        """The mean, or None and why there is none."""
        if self._waiting:
            self._flush()
        if self._problem or not self._scores:
            return None, self._problem or "no frames to compare"
        return float(np.mean(self._scores)), ""

    def _flush(self) -> None:
        import torch

        originals, received = (self._embed(part) for part in zip(*self._waiting, strict=True))
        self._scores += torch.nn.functional.cosine_similarity(originals, received).tolist()
        self._waiting.clear()

    def _embed(self, pictures: tuple[np.ndarray, ...]) -> Any:
        import torch
        from PIL import Image

        batch = torch.stack([self._prepare(Image.fromarray(picture)) for picture in pictures])
        with torch.inference_mode():
            return self._model.encode_image(batch)
