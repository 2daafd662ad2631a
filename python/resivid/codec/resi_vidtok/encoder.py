# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitter side of Resi-VidTok: sampling, tokens, differential mask, packing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...errors import SettingsError
from ...models.tokenizers.base import Tokenizer
from ...video.sampler import is_key_frame, most_key_frames_in_gop, starts_gop
from ..base import Payload, Unit
from . import packing
from .diff import change_mask
from .packing import MAX_TOKENS, PREFIX_FIELD_BITS, Update
from .rate import gop_prefix
from .settings import ResiVidTokSettings
from .state import TokenState


class ResiVidTokEncoder:
    """`CodecEncoder` of Resi-VidTok; a unit is one key frame.

    Args:
        tokenizer: f_tok.
        settings: as the decoder's.
    Raises:
        SettingsError: the tokenizer has more tokens than the wire format can count.
    """

    wants_reports = False

    def __init__(self, tokenizer: Tokenizer, settings: ResiVidTokSettings):
        if not 1 <= tokenizer.num_tokens <= MAX_TOKENS:
            raise SettingsError(f"a tokenizer must have 1 to {MAX_TOKENS} tokens, got {tokenizer.num_tokens}")
        self.tokenizer, self.settings = tokenizer, settings
        self.units_to_plan = (
            most_key_frames_in_gop(settings.stride, settings.gop) if settings.gop_prefix else 1
        )
        self.reset()

    def reset(self) -> None:
        """See `CodecEncoder.reset`."""
        self._num_frames = 0
        self._analysed: np.ndarray | None = None  # tokens of the last key frame that was analysed
        self._packed: np.ndarray | None = None  # tokens of the last key frame that was packed
        self._mirror = TokenState(self.tokenizer.num_tokens)  # the receiver's state if every block arrived
        self._planned_prefix = self.tokenizer.num_tokens

    def analyse(self, frame: np.ndarray) -> Unit | None:
        """See `CodecEncoder.analyse`."""
        index = self._num_frames
        self._num_frames += 1
        stride, gop = self.settings.stride, self.settings.gop
        if not is_key_frame(index, stride):
            return None
        start = starts_gop(index, stride, gop)
        # Within a GOP a token stays where it still fits (no bits spent on noise); a GOP starts afresh.
        reference = None if start or self._analysed is None else self._analysed[None]
        self._analysed = self.tokenizer.encode(frame[None], reference=reference)[0]
        return Unit(first_frame=index, num_frames=stride, gop_start=start, data=self._analysed)

    def flush(self) -> Unit:
        """See `CodecEncoder.flush`."""
        return Unit(first_frame=self._num_frames, num_frames=self._num_frames, end=True)

    def plan(self, units: Sequence[Unit], budget_bits: int) -> None:
        """As the contract; without `gop_prefix` there is nothing to fix.

        Below K the state equals the previous tokens, so (7) gives the masks of both references.
        """
        if not self.settings.gop_prefix or not units:
            return
        masks = [change_mask(units[0].data, None)]
        masks += [change_mask(unit.data, before.data) for before, unit in pairwise(units)]
        self._planned_prefix = gop_prefix(masks, budget_bits - PREFIX_FIELD_BITS)

    def starts(self, unit: Unit) -> bool:
        """See `CodecEncoder.starts`."""
        return unit.gop_start

    def pack(self, unit: Unit, budget_bits: int) -> Payload:
        """See `CodecEncoder.pack`."""
        mask = change_mask(unit.data, self._reference(unit.gop_start))
        if self.settings.gop_prefix:
            block = packing.pack_prefix(unit.data, mask, self._planned_prefix, budget_bits)
        else:
            block = packing.pack(unit.data, mask, budget_bits)
        sent = mask[: block.prefix]
        self._mirror.apply(Update(sent, unit.data[: block.prefix][sent]), unit.gop_start)
        self._packed = unit.data
        return Payload(
            bits=block.bits,
            first_frame=unit.first_frame,
            gop_start=unit.gop_start,
            bits_header=block.header_bits,
            bits_body=block.body_bits,
            prefix=block.prefix,
            updates=block.updates,
        )

    def report(self, unit_id: int, crc_ok: bool, restart: bool = False) -> None:
        """Takes no notice: a lost block is neither sent again nor made good before the next GOP (III-E)."""

    def _reference(self, gop_start: bool) -> np.ndarray | None:
        if gop_start:
            return None
        return self._packed if self.settings.reference == "previous" else self._mirror.tokens
