# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec contract: what the radio knows of any codec (sections III-C to III-F).

The channel fixes the budget first, so encoding has two steps: `analyse` what the frame holds, `pack`
what the block can carry. Encoder and decoder are separate objects; nothing outside `codec` and `models`
knows which codec runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Unit:
    """One transmission unit: a key frame with its tokens, or the end of the stream.

    Attributes:
        first_frame: 0-based index of its first frame in the video.
        num_frames: frames it stands for; with `end`, the length of the video in frames.
        gop_start: True for the first unit of a GOP.
        end: True for the last, empty unit.
        data: uint16 tokens (L,) or uint8 bytes, by codec.
    """

    first_frame: int
    num_frames: int = 1
    gop_start: bool = False
    end: bool = False
    data: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint16))


@dataclass(frozen=True)
class Payload:
    """The bits of one transport block, before its CRC.

    Attributes:
        bits: uint8 (A,), one 0 or 1 a byte, always the whole budget: unused bits are zero.
        first_frame, gop_start: as in `Unit`.
        bits_header: bits that say what is updated: the mask, its end, the prefix field.
        bits_body: bits that hold token values.
        prefix: K in tokens, (14) or (15).
        updates: changed tokens sent, C_t(K) of (12).
    """

    bits: np.ndarray
    first_frame: int
    gop_start: bool = False
    bits_header: int = 0
    bits_body: int = 0
    prefix: int = 0
    updates: int = 0


class CodecEncoder(Protocol):
    """Transmitter side of a codec."""

    units_to_plan: int  # units that `plan` wants to see before the first is packed; 1: no planning
    wants_reports: bool  # whether `report` must have told of unit n - d before unit n is packed

    def analyse(self, frame: np.ndarray) -> Unit | None:
        """Take the next frame, uint8 (H, W, 3) RGB; return a unit when one is complete."""
        ...

    def flush(self) -> Unit:
        """Return the end unit: `end` is True, `num_frames` is the number of frames seen."""
        ...

    def reset(self) -> None:
        """Forget all state, as before the first frame."""
        ...

    def plan(self, units: Sequence[Unit], budget_bits: int) -> None:
        """Fix what the units of one GOP share, (15), before they are packed in order."""
        ...

    def starts(self, unit: Unit) -> bool:
        """Whether the payload of the unit that is packed next will have `gop_start`; it may need room for a longer header.

        A codec may leave this out when that is `Unit.gop_start`.
        """
        ...

    def pack(self, unit: Unit, budget_bits: int) -> Payload:
        """The best payload of at most `budget_bits` bits; call once for each unit surely sent.

        Raises:
            SettingsError: the budget cannot carry a single token.
        """
        ...

    def report(self, unit_id: int, crc_ok: bool, restart: bool = False) -> None:
        """Optional feedback: unit `unit_id` (its first frame) arrived or not.

        Args:
            restart: the receiver has no state to build on and asks for a unit that starts from nothing.
        """
        ...


class CodecDecoder(Protocol):
    """Receiver side of a codec."""

    wants_restart: bool  # as `CodecEncoder.report` takes it

    def unpack(self, payload: Payload | None) -> Unit:
        """Update the state from one payload; None when its CRC failed: no update, the state stays.

        Only `bits`, `first_frame` and `gop_start` of the payload are read.
        """
        ...

    def render(self, unit: Unit) -> Iterable[np.ndarray]:
        """All frames that are now final, in order, uint8 (H, W, 3); with an end unit, the rest.

        They may be computed as they are taken, so that the first is shown while the last is not there yet: take all
        of them before the next call of `render`.
        """
        ...

    def reset(self) -> None:
        """Forget all state, as before the first payload."""
        ...
