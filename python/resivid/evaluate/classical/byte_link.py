# SPDX-License-Identifier: GPL-3.0-or-later
"""A byte stream over the same radio link: the same blocks, rows, noise and losses as ours, equation (9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import phy
from ...link.budget import payload_bits
from ...link.channel_settings import ChannelSettings
from ...link.mcs_table import McsTable
from .encoder import AccessUnit


@dataclass(frozen=True)
class Block:
    """One transport block: payload bits, whether it arrived, row of the MCS table, estimated Es/N0 in dB."""

    bits: int
    arrived: bool
    row: int
    snr_db: float


@dataclass(frozen=True)
class Radio:
    """The link that the blocks go over.

    Attributes:
        table: the MCS table, as ours.
        symbols: k_t, channel symbols of a block, as ours.
        snr_db: Es/N0 in dB.
        channel: what there is beside the noise.
        seed: of payloads, noise, fading and losses.
        row: stay with this row; None: the highest row whose threshold the SNR meets, on a fading channel the one of
            the estimates.
    """

    table: McsTable
    symbols: int
    snr_db: float
    channel: ChannelSettings = ChannelSettings()
    seed: int = 0
    row: int | None = None

    @property
    def start_row(self) -> int:
        """Row of the first block: a classical chain is given the best one at once."""
        if self.row is not None:
            return self.row
        met = [i for i, row in enumerate(self.table.rows) if row.snr_db <= self.snr_db]
        return max(met, default=0)

    @property
    def adapts(self) -> bool:
        """Whether the row follows the estimates; over plain noise the best row is known beforehand."""
        return self.row is None and self.channel.fading != "none"

    def run(self, count: int) -> list[Block]:
        """Send blocks of random payload: with a scrambler every payload is one.

        The rows do not depend on the payload, so the stream's budget is known before it is coded: rate control for
        the classical chain is perfect.
        """
        rows = self.table.as_tuples()
        encoder, decoder = phy.link_encoder(self.symbols, rows), phy.link_decoder(self.symbols, rows)
        generator = np.random.default_rng(self.seed)
        channel = phy.channel_model(
            seed=self.seed, max_items=self.symbols, **self.channel.as_arguments(float(self.symbols))
        )
        selector = phy.mcs_selector(
            self.table.thresholds_db(), start_row=self.start_row, jump_db=2.0
        )  # as ours
        blocks, row = [], self.start_row
        for _ in range(count):
            payload = generator.integers(0, 2, encoder.payload_bits(row), np.uint8)
            received = channel.apply(encoder.encode(row, payload), self.snr_db)
            result = decoder.decode(row, received["items"])
            blocks.append(Block(len(payload), bool(result.crc_ok), row, float(result.snr_db)))
            if self.adapts:
                selector.report(bool(result.crc_ok), row)
                row = selector.select(float(result.snr_db))
        return blocks


def budget_bits(table: McsTable, symbols: int, row: int, count: int) -> int:
    """Payload bits of so many blocks of one row: what a classical stream may cost at the CBR of ours."""
    return count * payload_bits(symbols, table.rows[row])


def deliver(units: Sequence[AccessUnit], blocks: Sequence[Block]) -> list[bool]:
    """Send access units one after the other through the blocks' payloads.

    Returns:
        For each unit whether all blocks that hold a part of it arrived; False beyond the last block.
    """
    ends = np.cumsum([unit.bits for unit in units])
    block_ends = np.cumsum([block.bits for block in blocks])
    lost_before = np.concatenate([[0], np.cumsum([not block.arrived for block in blocks])])
    whole = []
    for unit, end in zip(units, ends, strict=True):
        first = np.searchsorted(block_ends, end - unit.bits, side="right")
        last = np.searchsorted(block_ends, end, side="left")
        fits = len(block_ends) > 0 and end <= block_ends[-1]
        whole.append(bool(fits and lost_before[last + 1] == lost_before[first]))
    return whole


def cut_to_budget(units: Sequence[AccessUnit], bits: int) -> list[AccessUnit]:
    """What a transmitter can send of a stream that is too large at its lowest quality.

    Key frames first, as close to each other as fits: all, every second, every third and so on. What is left is shared by the
    stretches that begin with them, which send their first units as far as they fit; the receiver holds the last picture.

    Args:
        units: in the order of sending.
        bits: of the whole video.
    """
    starts = [i for i, unit in enumerate(units) if unit.key]
    ends = dict(zip(starts, [*starts[1:], len(units)], strict=True))
    choices = [starts[::step] for step in range(1, len(starts) + 1)] + [[start] for start in starts]
    chosen = next((c for c in choices if sum(units[i].bits for i in c) <= bits), [])
    left = bits - sum(units[i].bits for i in chosen)
    sent: list[AccessUnit] = []
    for number, start in enumerate(chosen):
        share = left // (len(chosen) - number)
        left -= share
        sent.append(units[start])
        for unit in units[start + 1 : ends[start]]:
            if unit.bits > share:
                break
            share -= unit.bits
            sent.append(unit)
        left += share
    return sent


def delay_s(units: Sequence[AccessUnit], bits: int, num_frames: int, fps: float, every: int) -> float:
    """Smallest play-out delay in s that shows every picture in time, at a constant bit rate.

    A unit can be sent once the frames that its coding order waits for are there, and when the units before it are sent;
    interpolation waits for the next coded picture. Nothing is counted for computing.

    Args:
        bits: of the whole video's link.
    """
    rate = bits * fps / num_frames
    free = newest = worst = 0.0
    for unit in units:
        newest = max(newest, unit.frame / fps)  # later pictures that came earlier in coding order
        free = max(free, newest) + unit.bits / rate
        worst = max(worst, free - unit.frame / fps)
    return worst + (every - 1) / fps
