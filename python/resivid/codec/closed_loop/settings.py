# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a closed-loop link agree on beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ...errors import SettingsError
from ...models.tokenizers.moving_state import GRIDS

if TYPE_CHECKING:
    import torch

MEMORIES = ("gop", "refresh", "feedback")


@dataclass(frozen=True)
class ClosedLoopSettings:
    """Common configuration of encoder and decoder.

    Attributes:
        stride: S, frames per key frame.
        gop: N, frames of a GOP.
        memory: how the state outlives losses. "gop": it starts from nothing each GOP, as in the paper.
            "refresh": it lives on but leaks, so that losses heal and a late receiver gets a picture. "feedback": it lives on; the transmitter hears what arrived and takes
            back what did not.
        motion: whether blocks of the state may move.
    """

    stride: int = 8
    gop: int = 32
    memory: Literal["gop", "refresh", "feedback"] = "feedback"
    motion: bool = True

    def __post_init__(self) -> None:
        for name in ("stride", "gop"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value < 1 << 31:
                raise SettingsError(f"{name} must be a whole number of frames, at least 1, got {value!r}")
        if self.memory not in MEMORIES:
            raise SettingsError(f"memory must be one of {', '.join(MEMORIES)}, got {self.memory!r}")


def codebooks_of(tokenizer: Any) -> list[torch.Tensor]:
    """The tokenizer's codebooks, one for each of GRIDS.

    Raises:
        SettingsError: the tokenizer has none.
    """
    books = getattr(tokenizer, "codebooks", None)
    if books is None or len(books) != len(GRIDS):
        name = getattr(tokenizer, "name", type(tokenizer).__name__)
        raise SettingsError(f"codec closed_loop needs a tokenizer with codebooks (multiscale), got {name}")
    return books
