# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of TiTok (Yu et al., 2024) and One-D-Piece (Miwa et al., 2025), with the names of their checkpoints.

A vision transformer reads the patches of a picture together with L latent tokens and keeps only the latents;
each becomes a short vector that the codebook replaces by its nearest code. A second transformer reads the codes
together with mask tokens, one for each place of the grid, and turns these into the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from .maskgit_vqgan import FACTOR, GROUPS, PixelDecoder

HEAD_WIDTH = 64  # channels of one attention head; widths 512, 768, 1024 have 8, 12, 16 heads
MLP_RATIO = 4
_BOUNDS = {  # what a weight file may ask for: shapes come from outside
    "num_tokens": 511,  # the wire format counts to 511
    "grid": 64,
    "patch": 32,
    "num_codes": 1 << 16,
    "code_dim": 256,
    "encoder_width": 2048,
    "encoder_layers": 48,
    "decoder_width": 2048,
    "decoder_layers": 48,
    "pixel_codes": 1 << 14,
    "pixel_dim": 1024,
    "pixel_width": 256,
}


@dataclass(frozen=True)
class TitokConfig:
    """Layout of a network; the defaults are TiTok-S-128.

    Attributes:
        num_tokens: L.
        grid: patches along a side of the picture.
        patch: side of a patch in pixels.
        num_codes, code_dim: size of the codebook, length of a code.
        encoder_width, encoder_layers, decoder_width, decoder_layers: of the two transformers.
        head: "vqgan": the decoder weighs the entries of a pixel codebook, whose mean a MaskGIT-VQGAN decoder
            turns into pixels; "linear": it gives the pixels of each patch, and one convolution smooths them.
        permute: whether the latents keep their places before the last layer of the encoder. The first published
            checkpoints were trained without: (n, L, width) is read as (n, width, L).
        unit_codes: codes and latents are scaled to length 1.
        pixel_codes, pixel_dim, pixel_width: entries of the pixel codebook, their length, width of its decoder.
    Raises:
        ValueError: a value is out of its range.
    """

    num_tokens: int = 128
    grid: int = 16
    patch: int = 16
    num_codes: int = 4096
    code_dim: int = 12
    encoder_width: int = 512
    encoder_layers: int = 8
    decoder_width: int = 512
    decoder_layers: int = 8
    head: Literal["vqgan", "linear"] = "vqgan"
    permute: bool = False
    unit_codes: bool = True
    pixel_codes: int = 1024
    pixel_dim: int = 256
    pixel_width: int = 128

    def __post_init__(self) -> None:
        for name, most in _BOUNDS.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be 1 to {most}, got {getattr(self, name)}")
        for name, unit in (
            ("encoder_width", HEAD_WIDTH),
            ("decoder_width", HEAD_WIDTH),
            ("pixel_width", GROUPS),
        ):
            if getattr(self, name) % unit:
                raise ValueError(f"{name} must be a multiple of {unit}, got {getattr(self, name)}")
        if self.head == "vqgan" and self.patch != FACTOR:
            raise ValueError(f"patch must be {FACTOR} with the vqgan head, got {self.patch}")

    @property
    def size(self) -> int:
        """Side of the picture in pixels."""
        return self.grid * self.patch


class Attention(nn.Module):
    """Multi-head self-attention without a mask; one matrix makes queries, keys and values."""

    def __init__(self, width: int):
        super().__init__()
        self.num_heads = width // HEAD_WIDTH
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, l, width) to the same."""
        n, length, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(n, length, 3, self.num_heads, HEAD_WIDTH).permute(
            2, 0, 3, 1, 4
        )  # (n, heads, l, 64)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(y.transpose(1, 2).reshape(n, length, width))


class Mlp(nn.Module):
    """Two layers with GELU between."""

    def __init__(self, width: int):
        super().__init__()
        self.c_fc = nn.Linear(width, MLP_RATIO * width)
        self.c_proj = nn.Linear(MLP_RATIO * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, l, width) to the same."""
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    """Transformer layer with the normalisation before attention and before the MLP."""

    def __init__(self, width: int):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width)
        self.ln_2, self.mlp = nn.LayerNorm(width), Mlp(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, l, width) to the same."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class _Transformer(nn.Module):
    """What both ends share: embeddings of class, places and latents, and the layers."""

    def __init__(self, width: int, layers: int, config: TitokConfig):
        super().__init__()
        self.config, self.width = config, width
        self.class_embedding = nn.Parameter(_random(1, width))
        self.positional_embedding = nn.Parameter(_random(config.grid**2 + 1, width))
        self.latent_token_positional_embedding = nn.Parameter(_random(config.num_tokens, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.ModuleList(Block(width) for _ in range(layers))

    def run(self, places: torch.Tensor, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Places (n, grid^2, width) and latents (n, l, width) through all layers, normalised at the end.

        A prefix of the latents takes the first l of their positional embeddings, as One-D-Piece does.
        """
        first = self.class_embedding.expand(len(places), 1, -1)
        places = torch.cat([first, places], 1) + self.positional_embedding
        latents = latents + self.latent_token_positional_embedding[: latents.shape[1]]
        x = self.ln_pre(torch.cat([places, latents], 1))
        for block in self.transformer:
            x = block(x)
        x = self.ln_post(x)
        return x[:, 1 : places.shape[1]], x[:, places.shape[1] :]


class Encoder(_Transformer):
    """Picture and latent tokens to L vectors of the code's length."""

    def __init__(self, config: TitokConfig):
        super().__init__(config.encoder_width, config.encoder_layers, config)
        self.patch_embed = nn.Conv2d(3, self.width, config.patch, stride=config.patch)
        self.conv_out = nn.Conv2d(self.width, config.code_dim, 1)

    def forward(self, pictures: torch.Tensor, latent_tokens: torch.Tensor) -> torch.Tensor:
        """Pictures (n, 3, size, size) in [0, 1] and latent tokens (L, width) to vectors (n, L, code_dim)."""
        places = self.patch_embed(pictures).flatten(2).transpose(1, 2)  # (n, grid^2, width)
        _, x = self.run(places, latent_tokens.expand(len(pictures), -1, -1))  # (n, L, width)
        n, length, width = x.shape
        x = x.transpose(1, 2) if self.config.permute else x.reshape(n, width, length)
        return self.conv_out(x.unsqueeze(-1))[..., 0].transpose(1, 2)


class Decoder(_Transformer):
    """Code vectors to the grid that the head of the configuration gives."""

    def __init__(self, config: TitokConfig):
        super().__init__(config.decoder_width, config.decoder_layers, config)
        self.decoder_embed = nn.Linear(config.code_dim, self.width)
        self.mask_token = nn.Parameter(_random(1, 1, self.width))
        if config.head == "vqgan":
            hidden = 2 * self.width
            self.ffn = nn.Sequential(
                nn.Conv2d(self.width, hidden, 1), nn.Tanh(), nn.Conv2d(hidden, config.pixel_codes, 1)
            )
        else:
            self.ffn = nn.Sequential(nn.Conv2d(self.width, 3 * config.patch**2, 1))
            self.conv_out = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (n, l, code_dim), l <= L, to (n, pixel_codes, grid, grid) or RGB (n, 3, size, size)."""
        n, grid = len(vectors), self.config.grid
        places, _ = self.run(self.mask_token.expand(n, grid**2, -1), self.decoder_embed(vectors))
        x = self.ffn(places.transpose(1, 2).reshape(n, self.width, grid, grid))
        if self.config.head == "vqgan":
            return x
        return self.conv_out(unfold_patches(x, self.config.patch))


def unfold_patches(x: torch.Tensor, patch: int) -> torch.Tensor:
    """(n, patch * patch * 3, h, w), colours last within a patch, to pixels (n, 3, patch h, patch w)."""
    n, _, height, width = x.shape
    x = x.view(n, patch, patch, 3, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, 3, patch * height, patch * width)


class Codebook(nn.Module):
    """A table of vectors."""

    def __init__(self, num_codes: int, dim: int):
        super().__init__()
        self.embedding = nn.Embedding(num_codes, dim)
        nn.init.uniform_(self.embedding.weight, -1 / num_codes, 1 / num_codes)


class Titok(nn.Module):
    """The whole network, with random weights until it is filled or trained."""

    def __init__(self, config: TitokConfig):
        super().__init__()
        self.config = config
        self.latent_tokens = nn.Parameter(_random(config.num_tokens, config.encoder_width))
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.apply(_initialise)
        self.quantize = Codebook(config.num_codes, config.code_dim)
        if config.head == "vqgan":
            self.pixel_quantize = Codebook(config.pixel_codes, config.pixel_dim)
            self.pixel_decoder = PixelDecoder(config.pixel_dim, config.pixel_width)

    def latents(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (n, 3, size, size) in [0, 1] to what the codebook quantises, float32 (n, L, code_dim)."""
        return self._scaled(self.encoder(pictures, self.latent_tokens).float())

    def codes(self) -> torch.Tensor:
        """The codebook as it is compared with latents and given to the decoder, float32 (num_codes, code_dim)."""
        return self._scaled(self.quantize.embedding.weight.float())

    def pictures(self, vectors: torch.Tensor) -> torch.Tensor:
        """Codes (n, l, code_dim) of the first l tokens, zero where one is missing, to RGB, about [0, 1]."""
        out = self.decoder(vectors.to(self.latent_tokens.dtype))
        if self.config.head == "linear":
            return out
        # the expected pixel code: softmax over the entries, then their mean
        share = out.float().softmax(1).to(out.dtype)
        return self.pixel_decoder(torch.einsum("nchw,cd->ndhw", share, self.pixel_quantize.embedding.weight))

    def _scaled(self, x: torch.Tensor) -> torch.Tensor:
        return F.normalize(x, dim=-1) if self.config.unit_codes else x


def _random(*shape: int) -> torch.Tensor:
    """Normal values with the deviation that TiTok starts its embeddings from."""
    return torch.randn(shape) * shape[-1] ** -0.5


def _initialise(module: nn.Module) -> None:
    """TiTok's start of linear layers and convolutions."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
