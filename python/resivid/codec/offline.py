# SPDX-License-Identifier: GPL-3.0-or-later
"""A codec without a radio: units to payloads one after the other, a GOP at a time where the codec plans one."""

from __future__ import annotations

from collections.abc import Callable

from .base import CodecEncoder, Payload, Unit


class OfflinePacker:
    """Packs units as `token_packer` does, with the MCS row known beforehand.

    Args:
        encoder: the codec.
        row_of: row of the MCS table for the n-th unit, n from 0.
        payload_bits: bits of a block's payload, by row.
    """

    def __init__(self, encoder: CodecEncoder, row_of: Callable[[int], int], payload_bits: list[int]):
        self._encoder, self._row_of, self._payload_bits = encoder, row_of, payload_bits
        self._waiting: list[Unit] = []
        self._num_packed = 0

    def take(self, unit: Unit) -> list[tuple[Payload, int]]:
        """Payloads that are now complete, each with its row; after the end unit none is left.

        Raises:
            SettingsError: the budget cannot carry a single token.
        """
        if self._encoder.units_to_plan <= 1:
            return [] if unit.end else self._pack([unit])
        ready: list[Unit] = []
        if unit.gop_start or unit.end:
            ready, self._waiting = self._waiting, []
        if not unit.end:
            self._waiting.append(unit)
        return self._pack(ready)

    def _pack(self, units: list[Unit]) -> list[tuple[Payload, int]]:
        if not units:
            return []
        row = self._row_of(self._num_packed)  # one for all of them: a GOP keeps its row
        self._encoder.plan(units, self._payload_bits[row])
        self._num_packed += len(units)
        return [(self._encoder.pack(unit, self._payload_bits[row]), row) for unit in units]
