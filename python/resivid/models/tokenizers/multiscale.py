# SPDX-License-Identifier: GPL-3.0-or-later
"""The default tokenizer `multiscale`: k-means residual pyramid and a learned convolutional decoder.

Its codebooks, one a grid, and its network also serve the closed loop, whose state lives on.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from ...errors import WeightsError
from ..precision import fast_dtype
from ..weight_files import fill, read_metadata, read_state, sha256_of, write_tensors
from .base import ZERO_FLAG
from .moving_state import AGE_SIDE, GRIDS, SIDE, PictureState
from .pyramid import CODE_DIM, Pyramid, pad_tokens, to_ycc
from .refiner import Refiner, RefinerConfig

FORMAT = "resivid-multiscale-2"
SIZE = 256  # pixels; the body of the network works at an eighth of it
LEVELS = (1, 2, 4, 8, 8, 16)  # grids of the prefix, L = 405
# An old code stays while its squared error exceeds the best one's by at most this share of the level's mean
# error: found by scripts/search_hysteresis.py, docs/models/tokenizer.md.
HYSTERESIS = 1.0


def save(path: Path, codebooks: list[torch.Tensor], network: Refiner, notes: dict[str, str]) -> None:
    """Write codebooks, one for each of GRIDS, and network as fp16 safetensors; `notes` go into the metadata."""
    tensors = {f"codebook.{grid}": book for grid, book in zip(GRIDS, codebooks, strict=True)}
    tensors |= {f"decoder.{k}": v for k, v in network.state_dict().items()}
    metadata = {"format": FORMAT, "config": json.dumps(network.config.to_dict()), **notes}
    write_tensors(path, {k: v.half() for k, v in tensors.items()}, metadata)


def _config(path: Path, metadata: dict[str, str]) -> RefinerConfig:
    if metadata.get("format") != FORMAT:
        said = metadata.get("format", "none")
        raise WeightsError(
            f"{path}: no weights of the multiscale tokenizer: format {said}, expected {FORMAT}"
        )
    try:
        raw = json.loads(metadata["config"])
        widths, blocks = (tuple(int(n) for n in raw[k]) for k in ("widths", "blocks"))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{path}: its configuration cannot be read ({error})") from error
    fits = len(widths) == len(blocks) == 4 and 1 <= min(widths) <= max(widths) <= 2048
    if not fits or min(blocks) < 0 or max(blocks) > 64:
        raise WeightsError(f"{path}: its configuration is out of bounds: {raw}")
    w16, w32, w64, w128 = widths
    b16, b32, b64, b128 = blocks
    return RefinerConfig((w16, w32, w64, w128), (b16, b32, b64, b128))


def load(path: Path, device: str = "cpu") -> MultiscaleTokenizer:
    """The tokenizer of a weight file.

    Raises:
        WeightsError: unreadable, of another architecture, or a tensor missing, left over or misshapen.
    """
    config = _config(path, read_metadata(path))
    tensors = read_state(path)
    absent = next((grid for grid in GRIDS if f"codebook.{grid}" not in tensors), None)
    if absent is not None:
        raise WeightsError(f"{path}: another architecture: codebook.{absent} is missing")
    books = [tensors.pop(f"codebook.{grid}") for grid in GRIDS]
    for grid, book in zip(GRIDS, books, strict=True):
        if book.dim() != 2 or book.shape[1] != CODE_DIM or not 0 < len(book) <= ZERO_FLAG:
            raise WeightsError(f"{path}: codebook.{grid} has shape {tuple(book.shape)}")
    with torch.device("meta"):  # the file's tensors take the place of these
        network = Refiner(config)
    fill(network, {k.removeprefix("decoder."): v for k, v in tensors.items()}, path)
    return MultiscaleTokenizer(books, network, {path.name: sha256_of(path)}, device)


def prefix_pyramid(codebooks: list[torch.Tensor]) -> Pyramid:
    """The levels of the prefix, a grid that stands twice with the same codebook."""
    return Pyramid(list(LEVELS), [codebooks[GRIDS.index(grid)] for grid in LEVELS], SIDE)


def state_of_tokens(pyramid: Pyramid, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """State pictures (n, 3, SIDE, SIDE) and freshness (n, len(GRIDS), AGE_SIDE, AGE_SIDE) of tokens (n, L)."""
    pictures, masks = pyramid.gather(tokens)
    maps = []
    for grid in GRIDS:
        same = [m for m, level in zip(masks, pyramid.levels, strict=True) if level.grid == grid]
        mean = torch.stack(same).mean(0) if same else masks[0].new_zeros(len(tokens), 1, 1, 1)
        maps.append(torch.nn.functional.interpolate(mean, size=AGE_SIDE, mode="nearest"))
    return pyramid.picture(pictures), torch.cat(maps, 1)


class MultiscaleTokenizer:
    """See `Tokenizer`. Frames are coded one by one, so a frame's tokens do not depend on its batch.

    Attributes:
        codebooks: float (num_codes, 48), one for each of GRIDS.
        hysteresis: margin of `Pyramid.encode` for the codes of a reference.
    """

    name = "multiscale"
    size = SIZE
    zero_flag = ZERO_FLAG

    def __init__(
        self,
        codebooks: list[torch.Tensor],
        network: Refiner,
        weights_sha256: dict[str, str] | None = None,
        device: str = "cpu",
    ):
        self.codebooks, self.hysteresis = [book.float() for book in codebooks], HYSTERESIS
        self.pyramid = prefix_pyramid(self.codebooks)
        self.num_tokens = self.pyramid.num_tokens
        self.weights_sha256, self.device = weights_sha256 or {}, torch.device(device)
        # bfloat16 halves the time and costs no visible quality; channels-last is the fast layout
        kind = fast_dtype(self.device)
        self.network = network.eval().to(self.device, kind).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def encode(self, frames: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
        """See `Tokenizer.encode`."""
        if frames.dtype != np.uint8 or frames.shape[1:] != (SIZE, SIZE, 3):
            raise ValueError(
                f"frames must be uint8 (n, {SIZE}, {SIZE}, 3), got {frames.dtype} {frames.shape}"
            )
        out = np.empty((len(frames), self.num_tokens), np.uint16)
        for i, frame in enumerate(frames):
            ycc = to_ycc(torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255)
            old = None if reference is None else torch.from_numpy(reference[i : i + 1].astype(np.int64))
            out[i] = self.pyramid.encode(ycc, old, self.hysteresis)[0].numpy()
        return out

    @torch.inference_mode()
    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """See `Tokenizer.decode`."""
        if tokens.dtype != np.uint16 or tokens.ndim != 2 or tokens.shape[1] > self.num_tokens:
            raise ValueError(
                f"tokens must be uint16 (n, 0..{self.num_tokens}), got {tokens.dtype} {tokens.shape}"
            )
        out = np.empty((len(tokens), SIZE, SIZE, 3), np.uint8)
        for i, row in enumerate(tokens):
            full = pad_tokens(torch.from_numpy(row.astype(np.int64))[None], self.num_tokens)
            out[i] = self._draw(*state_of_tokens(self.pyramid, full))
        return out

    @torch.inference_mode()
    def picture(self, state: PictureState) -> np.ndarray:
        """The picture of a closed-loop state, uint8 (size, size, 3) RGB."""
        return self._draw(state.ycc[None], state.freshness[None])

    def _draw(self, ycc: torch.Tensor, freshness: torch.Tensor) -> np.ndarray:
        rgb = self.network(ycc.to(self.device), freshness.to(self.device))[0]
        return (rgb.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
