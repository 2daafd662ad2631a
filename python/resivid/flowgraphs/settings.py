# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a link agree on beforehand, and what it makes of the budget: (1) and (9)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..codec.base import CodecDecoder, CodecEncoder
from ..codec.registry import CodecModule, load_codec
from ..errors import SettingsError
from ..link import air
from ..link.air_header import header_bits, settings_digest
from ..link.budget import payload_bits, symbols_per_key_frame
from ..link.mcs_table import McsTable, load_mcs_table
from ..models import defaults
from ..models.tokenizers.base import Tokenizer
from ..video.sampler import most_key_frames_in_gop


@dataclass(frozen=True)
class LinkSettings:
    """Common configuration of transmitter and receiver.

    Attributes:
        cbr: R, channel symbols per source value, counted over whole key-frame slots.
        stride: S, frames per key frame.
        gop: N, frames of a GOP.
        size: side of the square picture in pixels.
        mcs_table: "table1", "calibrated", "air", or a YAML file.
        gop_prefix: one K per GOP, (15), instead of one per key frame, (14).
        reference: what a token is compared with, "state" or "previous".
        memory: how the state of the closed loop outlives losses: "gop", "refresh" or "feedback".
        motion: whether blocks of that state may move.
        phy: "ideal", or "framed": bursts with preamble and pilots, and a header in each payload.
        samples_per_symbol, roll_off: of a framed signal.
        codec: name in the codec registry; "auto": the closed loop where the tokenizer has what it needs and no
            option of the paper's scheme is set, else "resi_vidtok".
        tokenizer, interpolator: names in the model registry.
        weights, interpolator_weights: weight files; None or empty for those that the registry finds.
    """

    cbr: float | str = "4e-4"
    stride: int = 8
    gop: int = 32
    size: int = 256
    mcs_table: str | Path = "table1"
    gop_prefix: bool = False
    reference: Literal["state", "previous"] = "state"
    memory: Literal["gop", "refresh", "feedback"] = "feedback"
    motion: bool = True
    phy: Literal["ideal", "framed"] = "ideal"
    samples_per_symbol: int = air.SAMPLES_PER_SYMBOL
    roll_off: float = air.ROLL_OFF
    codec: str = "auto"
    tokenizer: str = defaults.TOKENIZER
    weights: Path | str | None = None
    interpolator: str = defaults.INTERPOLATOR
    interpolator_weights: Path | str | None = None

    def __post_init__(self) -> None:
        if self.codec == "closed_loop" and (self.gop_prefix or self.reference != "state"):
            raise SettingsError("--gop-prefix and --reference belong to --codec resi_vidtok")
        table = self.table  # a bad CBR or MCS table is refused here, not where it is used
        if min(self.payload_bits) < 1:
            row = table.rows[self.payload_bits.index(min(self.payload_bits))]
            raise SettingsError(
                f"--cbr {self.cbr} is too small: {self.symbols} symbols a key frame at stride {self.stride} have no room "
                f"for a payload with {row.label}; raise --cbr or --stride"
            )
        if self.phy == "framed":
            air.preambles(table)  # refuses a table that has none
            air.frame_symbols(self.symbols)

    @cached_property
    def table(self) -> McsTable:
        """The MCS table for key frames of `symbols`, read once."""
        return load_mcs_table(self.mcs_table, self.symbols)

    @cached_property
    def symbols(self) -> int:
        """k_t of (1) in symbols."""
        return symbols_per_key_frame(self.cbr, self.stride, self.size, self.size)

    @cached_property
    def payload_bits(self) -> list[int]:
        """Payload bits of one key frame by row of the MCS table."""
        return [payload_bits(self.symbols, row) for row in self.table.rows]

    def header_bits(self, gop_start: bool) -> int:
        """Bits of a payload that are the header's, by whether the key frame starts a GOP."""
        return header_bits(gop_start) if self.phy == "framed" else 0

    @property
    def frame_symbols(self) -> int:
        """Symbols on the air for each key frame."""
        return air.frame_symbols(self.symbols) if self.phy == "framed" else self.symbols

    @property
    def digest(self) -> int:
        """Of what both ends must have alike, as the header carries it."""
        agreed = (self.symbols, self.stride, self.gop, self.size, self.codec_name, self.codec_settings)
        return settings_digest(repr((*map(str, agreed), self.table.rows, self.tokenizer)))

    @property
    def largest_payload_bits(self) -> int:
        """What the buffer before the coding must hold twice, the end marker included."""
        return max(*self.payload_bits, 1)

    @property
    def credits(self) -> int:
        """Units on their way: with one K per GOP, a whole GOP and the first unit of the next."""
        return max(4, most_key_frames_in_gop(self.stride, self.gop) + 1) if self.gop_prefix else 4

    @property
    def codec_name(self) -> str:
        """The codec that "auto" stands for."""
        if self.codec != "auto":
            return self.codec
        paper = self.gop_prefix or self.reference != "state" or self.tokenizer != "multiscale"
        return "resi_vidtok" if paper else "closed_loop"

    @property
    def codec_module(self) -> CodecModule:
        """The codec that both ends run."""
        return load_codec(self.codec_name)

    @property
    def codec_options(self) -> dict[str, Any]:
        """What the codec's settings take beside stride and GOP."""
        return {name: getattr(self, name) for name in self.codec_module.OPTIONS}

    @property
    def codec_settings(self) -> Any:
        """The part that the codec needs."""
        return self.codec_module.make_settings(stride=self.stride, gop=self.gop, **self.codec_options)

    def check_budget(self, row: int | None = None) -> None:
        """Refuse a budget that cannot carry a single token.

        Args:
            row: the only row in use; None: every row must carry a token.
        Raises:
            SettingsError: raise `cbr` or `stride`.
        """
        needed = self.codec_module.least_bits(self.codec_settings)
        rows = range(len(self.payload_bits)) if row is None else [row]
        worst = min(rows, key=self.payload_bits.__getitem__)
        least = self.payload_bits[worst] - self.header_bits(True)
        if least < needed:
            raise SettingsError(
                f"--cbr {self.cbr} is too small: {self.symbols} symbols a key frame at stride {self.stride} carry "
                f"{least} bits with {self.table.rows[worst].label}, and one token needs {needed}; raise --cbr or --stride"
            )

    def check_size(self, tokenizer: Tokenizer) -> Tokenizer:
        """Refuse a tokenizer for pictures of another size.

        Returns:
            The tokenizer.
        Raises:
            SettingsError: its size is not `size`.
        """
        if tokenizer.size != self.size:
            raise SettingsError(f"--size must be {tokenizer.size} for this tokenizer, got {self.size}")
        return tokenizer

    def make_encoder(self, tokenizer=None) -> CodecEncoder:
        """A new codec for a transmitter; with the named tokenizer unless one is given."""
        tokenizer = self.check_size(tokenizer or self.load_tokenizer())
        return self.codec_module.make_encoder(tokenizer, self.codec_settings)

    def make_decoder(self, tokenizer=None, interpolator=None) -> CodecDecoder:
        """A new codec for a receiver; with the named tokenizer and interpolator unless they are given."""
        tokenizer = self.check_size(tokenizer or self.load_tokenizer())
        return self.codec_module.make_decoder(
            tokenizer, interpolator or self.load_interpolator(), self.codec_settings
        )

    def load_tokenizer(self):
        """The named tokenizer with its weights."""
        from ..models.registry import load_tokenizer

        return load_tokenizer(self.tokenizer, Path(self.weights) if self.weights else None)

    def load_interpolator(self):
        """The named interpolator with its weights."""
        from ..models.registry import load_interpolator

        weights = self.interpolator_weights
        return load_interpolator(self.interpolator, Path(weights) if weights else None)
