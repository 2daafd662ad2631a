# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a live link share."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from ..errors import SettingsError
from ..link import air
from ..link.call_sign import check_call_sign
from ..link.frame_mac import MAC_BITS
from ..link.live_sequence import LiveSequence
from ..link.payload_head import HEAD_BITS, digest_of
from .settings import LinkSettings

LONGEST_GAP_S = 30.0  # that the received video holds a picture for


@dataclass(frozen=True)
class LiveSettings:
    """Common configuration of a live transmitter and receiver.

    Attributes:
        link: codec, budget and MCS table, which must be one for the air.
        row: row of the table that the transmitter begins with.
        key: signs the frames, or must have signed them; None: no MAC.
        call_sign: of the transmitting station; empty: none.
    """

    link: LinkSettings = field(default_factory=lambda: LinkSettings(mcs_table="air", memory="refresh"))
    row: int = 0
    key: bytes | None = field(default=None, repr=False)
    call_sign: str = ""

    def __post_init__(self) -> None:
        if self.call_sign:
            object.__setattr__(self, "call_sign", check_call_sign(self.call_sign))
        air.preambles(self.link.table)
        air.frame_symbols(self.link.symbols)
        if min(self.payload_bits) < 1:
            raise SettingsError(
                f"--cbr {self.link.cbr}: a key frame has no room for {self.own_bits} bits of head and MAC"
            )

    @property
    def payload_bits(self) -> list[int]:
        """Bits that the codec may use, by row."""
        return [bits - self.own_bits for bits in self.link.payload_bits]

    @property
    def own_bits(self) -> int:
        """Bits of a payload that are not the codec's."""
        return HEAD_BITS + (0 if self.key is None else MAC_BITS)

    def symbol_rate(self, rate: Fraction | float) -> float:
        """Symbols a second of a video of `rate` frame/s."""
        return air.symbol_rate(self.link.symbols, rate, self.link.stride)

    def width_hz(self, rate: Fraction | float) -> float:
        """Width of the signal."""
        return (1 + air.ROLL_OFF) * self.symbol_rate(rate)

    def occupied_hz(self, rate: Fraction | float) -> float:
        """Band that a radio must pass: the signal, and the offset within which it is searched."""
        return self.width_hz(rate) + self.symbol_rate(rate)

    def digest(self, weights: dict[str, str]) -> int:
        """What a receiver compares with its own, of everything that both must have alike."""
        link = self.link
        return digest_of(
            {
                "codec": link.codec_name,
                "options": {name: str(value) for name, value in link.codec_options.items()},
                "tokenizer": link.tokenizer,
                "weights": weights,
                "stride": link.stride,
                "gop": link.gop,
                "size": link.size,
            }
        )

    def sequence(self, rate: Fraction | float) -> LiveSequence:
        """A time line for a receiver."""
        link = self.link
        longest_gap = max(1, int(LONGEST_GAP_S * float(rate) / link.stride))
        return LiveSequence(link.stride, max(1, link.gop // link.stride), longest_gap)
