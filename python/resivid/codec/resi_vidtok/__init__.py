# SPDX-License-Identifier: GPL-3.0-or-later
"""Resi-VidTok: differential tokens, largest prefix that fits, running token state (III-C to III-F)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.tokenizers.base import VALUE_BITS
from .decoder import ResiVidTokDecoder
from .encoder import ResiVidTokEncoder
from .packing import PREFIX_FIELD_BITS
from .settings import ResiVidTokSettings

if TYPE_CHECKING:
    from ...models.interpolation.base import Interpolator
    from ...models.tokenizers.base import Tokenizer

__all__ = ["ResiVidTokDecoder", "ResiVidTokEncoder", "ResiVidTokSettings", "make_codec"]

# What `codec.registry` asks of a codec.
OPTIONS = ("gop_prefix", "reference")
make_settings = ResiVidTokSettings
make_encoder = ResiVidTokEncoder
make_decoder = ResiVidTokDecoder


def least_bits(settings: ResiVidTokSettings) -> int:
    """Bits of one token: mask bit and value, and the prefix field of `gop_prefix`."""
    return 1 + VALUE_BITS + (PREFIX_FIELD_BITS if settings.gop_prefix else 0)


def make_codec(
    tokenizer: Tokenizer, interpolator: Interpolator, settings: ResiVidTokSettings
) -> tuple[ResiVidTokEncoder, ResiVidTokDecoder]:
    """Both ends of the codec with the same settings.

    Args:
        tokenizer: f_tok and f_dec, shared by both.
        interpolator: f_int of the decoder.
        settings: stride, GOP and modes.
    Returns:
        Encoder and decoder.
    Raises:
        SettingsError: the tokenizer has more tokens than the wire format can count.
    """
    return ResiVidTokEncoder(tokenizer, settings), ResiVidTokDecoder(tokenizer, interpolator, settings)
