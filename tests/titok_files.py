# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and shapes of published TiTok and One-D-Piece checkpoints, written down from their public descriptions."""

import torch

WIDTHS = {"small": (512, 8), "base": (768, 12), "large": (1024, 24)}  # width, layers

# name: encoder, decoder, tokens, legacy
PUBLISHED = {
    "TiTok-S-128": ("small", "small", 128, True),
    "TiTok-B-64": ("base", "base", 64, True),
    "TiTok-L-32": ("large", "large", 32, True),
    "One-D-Piece-S-256": ("small", "small", 256, True),
    "One-D-Piece-B-256": ("base", "base", 256, True),
    "One-D-Piece-L-256": ("large", "large", 256, True),
    "TiTok-BL-64 VQ": ("base", "large", 64, False),
    "TiTok-BL-128 VQ": ("base", "large", 128, False),
    "TiTok-SL-256 VQ": ("small", "large", 256, False),
}


def published_shapes(name):
    """Shapes by name of one published checkpoint."""
    encoder, decoder, tokens, legacy = PUBLISHED[name]
    book = (4096, 12) if legacy else (8192, 64)
    return titok_shapes(WIDTHS[encoder], WIDTHS[decoder], tokens, legacy, book)


def small_shapes(legacy=True, tokens=6, book=(50, 12)):
    """The same layout, small enough for a quick test: 64x64 pixels, 4x4 patches."""
    return titok_shapes((64, 2), (128, 2), tokens, legacy, book, places=17, pixels=(24, 32, 32))


def titok_shapes(encoder, decoder, tokens, legacy, book, places=257, pixels=(1024, 256, 128)):
    """Shapes by name.

    Args:
        encoder, decoder: width and layers.
        tokens: number of latent tokens.
        legacy: with a VQGAN pixel decoder.
        book: codes and their length.
        places: positions of the grid, class token included.
        pixels: entries of the pixel codebook, their length, width of the pixel decoder.
    """
    (we, le), (wd, ld) = encoder, decoder
    shapes = {"latent_tokens": (tokens, we), "quantize.embedding.weight": book}
    shapes |= _transformer("encoder", we, le, tokens, places) | _transformer(
        "decoder", wd, ld, tokens, places
    )
    shapes |= _layer("encoder.patch_embed", we, 3, 16, 16) | _layer("encoder.conv_out", book[1], we, 1, 1)
    shapes |= _layer("decoder.decoder_embed", wd, book[1]) | {"decoder.mask_token": (1, 1, wd)}
    if not legacy:
        return shapes | _layer("decoder.ffn.0", 768, wd, 1, 1) | _layer("decoder.conv_out", 3, 3, 3, 3)
    entries, length, width = pixels
    shapes |= _layer("decoder.ffn.0", 2 * wd, wd, 1, 1) | _layer("decoder.ffn.2", entries, 2 * wd, 1, 1)
    return shapes | {"pixel_quantize.embedding.weight": (entries, length)} | _vqgan(length, width)


def _layer(name, *weight):
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def _norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _transformer(side, width, layers, tokens, places):
    shapes = {
        f"{side}.class_embedding": (1, width),
        f"{side}.positional_embedding": (places, width),
        f"{side}.latent_token_positional_embedding": (tokens, width),
    }
    shapes |= _norm(f"{side}.ln_pre", width) | _norm(f"{side}.ln_post", width)
    for i in range(layers):
        at = f"{side}.transformer.{i}"
        shapes |= {f"{at}.attn.in_proj_weight": (3 * width, width), f"{at}.attn.in_proj_bias": (3 * width,)}
        shapes |= _layer(f"{at}.attn.out_proj", width, width)
        shapes |= _norm(f"{at}.ln_1", width) | _norm(f"{at}.ln_2", width)
        shapes |= _layer(f"{at}.mlp.c_fc", 4 * width, width) | _layer(f"{at}.mlp.c_proj", width, 4 * width)
    return shapes


def _vqgan(length, width):
    top = 4 * width
    shapes = _layer("pixel_decoder.conv_in", top, length, 3, 3)
    for i in range(2):
        shapes |= _residual(f"pixel_decoder.mid.{i}", top, top)
    # finest first: channels in and out of each level
    levels = [(width, width), (2 * width, width), (2 * width, 2 * width), (top, 2 * width), (top, top)]
    for level, (before, after) in enumerate(levels):
        at = f"pixel_decoder.up.{level}"
        shapes |= _residual(f"{at}.block.0", before, after) | _residual(f"{at}.block.1", after, after)
        if level:
            shapes |= _layer(f"{at}.upsample_conv", after, after, 3, 3)
    return shapes | _norm("pixel_decoder.norm_out", width) | _layer("pixel_decoder.conv_out", 3, width, 3, 3)


def _residual(name, before, after):
    shapes = _norm(f"{name}.norm1", before) | _norm(f"{name}.norm2", after)
    shapes |= {f"{name}.conv1.weight": (after, before, 3, 3), f"{name}.conv2.weight": (after, after, 3, 3)}
    return shapes if before == after else shapes | {f"{name}.nin_shortcut.weight": (after, after, 1, 1)}


def random_state(shapes, seed=0):
    """Tensors of these shapes that let differences through: deviation 1 / sqrt(inputs), normalisations near 1."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        inputs = torch.Size(shape[1:]).numel() if len(shape) > 1 else 16
        state[name] = torch.randn(shape, generator=generator) * inputs**-0.5
        if name.endswith("weight") and len(shape) == 1:
            state[name] += 1
    return state
