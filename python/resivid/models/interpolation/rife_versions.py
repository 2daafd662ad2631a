# SPDX-License-Identifier: GPL-3.0-or-later
"""Released layouts of Practical-RIFE's IFNet. A checkpoint does not name its version: names and shapes do.

Facts from the network definitions that come with the checkpoints and from vs-rife (both MIT).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Encoder:
    """Encoder of picture features: convolutions, the first halves the sides, a transposed one restores them.

    Attributes:
        names: of the convolutions, a LeakyReLU follows each but the last of four.
        hidden: channels inside.
        channels: of the features.
    """

    names: tuple[str, ...]
    hidden: int
    channels: int


@dataclass(frozen=True)
class Version:
    """One layout.

    Attributes:
        name: the releases that have it.
        widths: channels of each block.
        scales: each block works on the picture reduced by this.
        last: channels that a block puts out: flows 4, mask 1, then `carried`, then any that nothing reads.
        encoder: of the features that blocks see beside the pictures, None without.
        carried: channels that a block hands to the next.
        adds_mask: blocks refine the mask so far; otherwise each replaces it.
        groups: of the residual convolutions.
        residual: residual units and pixel shuffle; 4.0 has plain convolutions with one sum around all.
    """

    name: str
    widths: tuple[int, ...]
    scales: tuple[int, ...]
    last: int
    encoder: Encoder | None = None
    carried: int = 0
    adds_mask: bool = False
    groups: int = 1
    residual: bool = True

    @property
    def multiple(self) -> int:
        """Sides of the padded picture are multiples of this: coarsest scale and two strides of 2."""
        return 4 * max(self.scales)


FOUR, FIVE, FIVE_LITE = (8, 4, 2, 1), (16, 8, 4, 2, 1), (32, 16, 8, 4, 1)
FULL, LITE, WIDE = (192, 128, 96, 64), (128, 96, 64, 48), (256, 192, 96, 48)
HEAD, SEQUENCE = ("cnn0", "cnn1", "cnn2", "cnn3"), ("0", "2", "4", "6")

VERSIONS = (
    Version("4.0", FULL, FOUR, 5, adds_mask=True, residual=False),
    Version("4.6", FULL, FOUR, 6, adds_mask=True),
    Version("4.7 to 4.9", FULL, FOUR, 6, Encoder(("0", "1"), 16, 4)),
    Version("4.10 to 4.12", FULL, FOUR, 6, Encoder(SEQUENCE, 32, 8)),
    Version("4.12 lite, 4.13 lite", LITE, FOUR, 6, Encoder(SEQUENCE, 32, 4)),
    Version("4.13 to 4.19, 4.24", FULL, FOUR, 6, Encoder(HEAD, 32, 8)),
    Version("4.14 lite", FULL, FOUR, 6, Encoder(HEAD, 32, 8), groups=2),
    Version("4.15 lite to 4.17 lite", LITE, FOUR, 6, Encoder(HEAD, 16, 4)),
    Version("4.20", (384, 192, 96, 48), FOUR, 6, Encoder(HEAD, 32, 8)),
    Version("4.21 to 4.23", WIDE, FOUR, 13, Encoder(HEAD, 32, 8), carried=8),
    Version("4.22 lite", (192, 128, 64, 32), FOUR, 13, Encoder(HEAD, 16, 4), carried=8),
    Version("4.25, 4.26", (*FULL, 32), FIVE, 13, Encoder(HEAD, 16, 4), carried=8),
    Version("4.25 lite", (*FULL, 24), FIVE_LITE, 13, Encoder(HEAD, 16, 4), carried=8),
    Version("4.25 heavy", (384, 256, 192, 128, 64), FIVE, 13, Encoder(HEAD, 16, 4), carried=8),
    Version("4.26 heavy", (*FULL, 32), FIVE, 13, Encoder(HEAD, 16, 16), carried=8),
)
