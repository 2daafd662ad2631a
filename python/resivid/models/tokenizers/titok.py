# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokenizer `titok`: TiTok and One-D-Piece with the weights that a user brings.

A published checkpoint loads as it is; the layout follows from the names and shapes in it (docs/model-cards/titok.md).
The wire carries 12 bits a token and keeps 4095 for "missing", so only the first 4,095 codes are ever sent: where
the nearest code is a later one, the nearest of the first 4,095 takes its place.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import WeightsError
from ..precision import fast_dtype
from ..weight_files import fill, read_metadata, read_state, sha256_of, write_tensors
from .base import ZERO_FLAG
from .titok_networks import Titok, TitokConfig

LOG = logging.getLogger(__name__)
FORMAT = "resivid-titok-1"  # metadata of files written here; published ones have none
# An old code stays while its squared distance exceeds the best one's by at most this share of the picture's mean
# squared distance. Not measured, for want of weights: a quarter cost the pyramid tokenizer 0.2 dB.
HYSTERESIS = 0.25


def config_of(state: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str]) -> TitokConfig:
    """The layout that the tensors of a file say.

    Published checkpoints come in two kinds: TiTok-S-128, -B-64, -L-32 and One-D-Piece have a VQGAN decoder,
    codes of length 1 and latents that were read without a permute ("legacy"); later ones have none of the three.

    Args:
        state: tensors by name.
        path: the file, for messages.
        metadata: of a file that was written here; says whether latents are permuted and codes have length 1.
    Raises:
        WeightsError: a tensor is missing or its shape is impossible.
    """
    num_tokens, encoder_width = _shape(state, path, "latent_tokens", 2)
    num_codes, code_dim = _shape(state, path, "quantize.embedding.weight", 2)
    places, _ = _shape(state, path, "encoder.positional_embedding", 2)
    *_, patch = _shape(state, path, "encoder.patch_embed.weight", 4)
    *_, decoder_width = _shape(state, path, "decoder.mask_token", 3)
    legacy = "decoder.ffn.2.weight" in state
    more: dict[str, Any] = {"permute": not legacy, "unit_codes": legacy}
    if metadata.get("format") == FORMAT:
        more |= _flags(path, metadata)
    if legacy:
        more["pixel_codes"], more["pixel_dim"] = _shape(state, path, "pixel_quantize.embedding.weight", 2)
        more["pixel_width"] = _shape(state, path, "pixel_decoder.conv_out.weight", 4)[1]
    try:
        return TitokConfig(
            num_tokens=num_tokens,
            grid=round((places - 1) ** 0.5),
            patch=patch,
            num_codes=num_codes,
            code_dim=code_dim,
            encoder_width=encoder_width,
            encoder_layers=_num_layers(state, "encoder"),
            decoder_width=decoder_width,
            decoder_layers=_num_layers(state, "decoder"),
            head="vqgan" if legacy else "linear",
            **more,
        )
    except ValueError as error:
        raise WeightsError(f"{path}: not a TiTok tokenizer: {error}") from error


def _shape(state: Mapping[str, torch.Tensor], path: Path, key: str, dims: int) -> tuple[int, ...]:
    if key not in state:
        raise WeightsError(f"{path}: not a TiTok tokenizer: {key} is missing")
    shape = tuple(state[key].shape)
    if len(shape) != dims or 0 in shape:
        raise WeightsError(f"{path}: not a TiTok tokenizer: {key} has shape {shape}")
    return shape


def _num_layers(state: Mapping[str, torch.Tensor], side: str) -> int:
    found = (re.match(rf"{side}\.transformer\.(\d{{1,4}})\.", key) for key in state)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _flags(path: Path, metadata: Mapping[str, str]) -> dict[str, bool]:
    try:
        raw = json.loads(metadata["config"])
        flags = {name: raw[name] for name in ("permute", "unit_codes")}
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its configuration cannot be read ({error})") from error
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise WeightsError(f"{path}: its configuration is out of bounds: {flags}")
    return flags


def network_of(
    state: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> Titok:
    """The network that holds exactly these tensors (they are taken over, not copied).

    Raises:
        WeightsError: a tensor is missing, left over or misshapen.
    """
    config = config_of(state, path, metadata or {})
    with torch.device("meta"):  # shapes alone: neither memory nor time for weights that are replaced at once
        network = Titok(config)
    fill(network, state, path)
    return network.requires_grad_(False).eval()


def load(path: Path, device: str = "cpu") -> TitokTokenizer:
    """The tokenizer of a published checkpoint or of a file written by `save`.

    Raises:
        WeightsError: missing, corrupt, or another architecture.
    """
    network = network_of(read_state(path), path, read_metadata(path))
    return TitokTokenizer(network, {path.name: sha256_of(path)}, device)


def save(path: Path, network: Titok) -> None:
    """Write a network as safetensors, float32, with what its shapes do not say.

    Raises:
        WeightsError: the file cannot be written.
    """
    flags = {"permute": network.config.permute, "unit_codes": network.config.unit_codes}
    write_tensors(path, network.state_dict(), {"format": FORMAT, "config": json.dumps(flags)})


def is_checkpoint(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether tensors look like TiTok's, complete or not."""
    return "latent_tokens" in state


class TitokTokenizer:
    """See `Tokenizer`. Frames are coded one by one, so a frame's tokens do not depend on its batch.

    `decode` cuts the tokens after the last one that is present, as One-D-Piece was trained; a missing one before
    it is a vector of zeros, ResiTok's way. Only One-D-Piece and networks trained like it show a prefix well.
    """

    name = "titok"
    zero_flag = ZERO_FLAG

    def __init__(
        self,
        network: Titok,
        weights_sha256: dict[str, str] | None = None,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
    ):
        self.weights_sha256, self.device = weights_sha256 or {}, torch.device(device)
        self.size, self.num_tokens = network.config.size, network.config.num_tokens
        self.dtype = dtype or fast_dtype(self.device)
        with torch.inference_mode():
            self.codes = network.codes()[:ZERO_FLAG].to(self.device)  # float32: the choice of a code is exact
        if network.config.num_codes > ZERO_FLAG + 1:
            LOG.warning("titok: of %d codes the first %d fit 12 bits", network.config.num_codes, ZERO_FLAG)
        self.network = network.eval().to(self.device, self.dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def encode(self, frames: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
        """See `Tokenizer.encode`."""
        size = self.size
        if frames.dtype != np.uint8 or frames.shape[1:] != (size, size, 3):
            raise ValueError(
                f"frames must be uint8 (n, {size}, {size}, 3), got {frames.dtype} {frames.shape}"
            )
        out = np.empty((len(frames), self.num_tokens), np.uint16)
        for i, frame in enumerate(frames):
            picture = torch.from_numpy(frame).to(self.device).permute(2, 0, 1)[None].to(self.dtype) / 255
            old = (
                None if reference is None else torch.from_numpy(reference[i].astype(np.int64)).to(self.device)
            )
            tokens = nearest_codes(self.network.latents(picture)[0], self.codes, old, HYSTERESIS)
            out[i] = tokens.cpu().numpy()
        return out

    @torch.inference_mode()
    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """See `Tokenizer.decode`."""
        if tokens.dtype != np.uint16 or tokens.ndim != 2 or tokens.shape[1] > self.num_tokens:
            raise ValueError(
                f"tokens must be uint16 (n, 0..{self.num_tokens}), got {tokens.dtype} {tokens.shape}"
            )
        out = np.empty((len(tokens), self.size, self.size, 3), np.uint8)
        for i, row in enumerate(tokens):
            index = torch.from_numpy(row.astype(np.int64)).to(self.device)
            rgb = self.network.pictures(gather_codes(index, self.codes)[None])[0]
            out[i] = (rgb.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return out


def nearest_codes(
    latents: torch.Tensor, codes: torch.Tensor, reference: torch.Tensor | None = None, margin: float = 0.0
) -> torch.Tensor:
    """Index (L,) of the nearest code, or of the old one where that is nearly as near.

    Args:
        latents: (L, code_dim).
        codes: (num_codes, code_dim).
        reference: int64 (L,), codes to keep while their squared distance exceeds the least by at most `margin`
            times the mean of the least; values beyond the codebook, such as the zero flag, are never kept.
        margin: see `reference`.
    """
    distance = latents.square().sum(1, keepdim=True) + codes.square().sum(1) - 2 * latents @ codes.T
    least, index = distance.min(1)
    if reference is None:
        return index
    known = reference < len(codes)
    old = torch.where(known, reference, index)
    excess = distance.gather(1, old[:, None])[:, 0] - least
    return torch.where(excess <= margin * least.mean(), old, index)


def gather_codes(tokens: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Vectors (l', code_dim) up to the last token that is present, zeros for missing ones before it.

    Args:
        tokens: int64 (l,); values beyond the codebook, such as the zero flag, are missing tokens.
        codes: (num_codes, code_dim).
    """
    present = tokens < len(codes)
    length = int(present.nonzero().max()) + 1 if present.any() else 0
    vectors = codes[tokens[:length].clamp(max=len(codes) - 1)]
    return vectors * present[:length, None]
