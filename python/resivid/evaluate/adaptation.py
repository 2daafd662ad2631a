# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of SNR estimate, MCS row and block over a changing channel, without video and without a scheduler."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import phy
from ..errors import SettingsError
from ..link.mcs_table import McsTable


class Link(Protocol):
    """What sends one block."""

    def send(self, row: int, snr_db: float) -> tuple[bool, float]:
        """Send a block with this row: whether it arrived, and the estimate of Es/N0 in dB."""


class CodedLink:
    """The real one: random payloads through `link_encoder`, white noise and `link_decoder`."""

    def __init__(self, table: McsTable, symbols: int, seed: int = 0):
        self._encoder = phy.link_encoder(symbols, table.as_tuples())
        self._decoder = phy.link_decoder(symbols, table.as_tuples())
        self._generator = np.random.default_rng(seed)
        self._channel = phy.awgn_channel(seed)

    def send(self, row: int, snr_db: float) -> tuple[bool, float]:
        """Whether one random payload of this row arrived at this Es/N0 in dB, and the receiver's estimate of it."""
        payload = self._generator.integers(0, 2, self._encoder.payload_bits(row), np.uint8)
        received = self._channel.apply(self._encoder.encode(row, payload), snr_db)
        result = self._decoder.decode(row, received)
        return result.crc_ok, result.snr_db


@dataclass(frozen=True)
class AdaptationRun:
    """What happened in each key frame.

    Attributes:
        snr_db: Es/N0 of the channel, float64 (n,).
        estimate_db: what the receiver took it for, without the bias, float64 (n,).
        rows: row of the MCS table, int64 (n,).
        failed: bool (n,).
        offset_db: what the outer loop added to the estimates, float64 (n,).
    """

    snr_db: np.ndarray
    estimate_db: np.ndarray
    rows: np.ndarray
    failed: np.ndarray
    offset_db: np.ndarray


def run_adaptation(
    link: Link,
    selector: phy.mcs_selector,
    snr_db: Sequence[float] | np.ndarray,
    feedback_delay: int = 1,
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> AdaptationRun:
    """Send one block for each SNR; block n uses the row that was chosen after block n - feedback_delay.

    Args:
        link: sends the blocks.
        selector: chooses the rows; its own state goes on.
        snr_db: Es/N0 of each key frame in dB.
        feedback_delay: d in key frames.
        progress: called with the share done and the number of blocks.
    Raises:
        SettingsError: feedback_delay below 1.
    """
    if feedback_delay < 1:
        raise SettingsError(f"--feedback-delay must be at least 1, got {feedback_delay}")
    waiting = deque([selector.row] * feedback_delay)
    records = []
    for number, snr in enumerate(snr_db):
        row = waiting.popleft()
        arrived, estimate_db = link.send(row, float(snr))
        selector.report(arrived, row)
        waiting.append(selector.select(estimate_db))
        records.append((snr, estimate_db, row, not arrived, selector.offset_db))
        if number % 100 == 99:
            progress((number + 1) / len(snr_db), number + 1)
    columns = np.array(records, np.float64).T
    return AdaptationRun(columns[0], columns[1], columns[2].astype(int), columns[3] > 0, columns[4])


def summary(
    run: AdaptationRun, table: McsTable, payload_bits: Sequence[int], **settings: Any
) -> dict[str, Any]:
    """One row of results: the settings, blocks, errors, BLER, target, payload bits sent and arrived a key frame."""
    bits = np.array(payload_bits)[run.rows]
    return settings | {
        "blocks": len(run.rows),
        "errors": int(run.failed.sum()),
        "bler": float(run.failed.mean()),
        "target_bler": table.target_bler,
        "sent_bits": float(bits.mean()),
        "arrived_bits": float((bits * ~run.failed).mean()),
    }


def plot(path: Path, runs: dict[str, AdaptationRun], table: McsTable) -> None:
    """Draw SNR, rows and the block error rate so far over key frames, one line a run."""
    from .figures import new_figure, save_figure

    figure, axes = new_figure(10.5, 7.5, 3, 1, sharex=True)
    (snr_axis,), (row_axis,), (bler_axis,) = axes
    first = next(iter(runs.values()))
    n = np.arange(len(first.snr_db))
    snr_axis.plot(n, first.estimate_db, ".", ms=2, color="silver", label="estimate, before any bias")
    snr_axis.plot(n, first.snr_db, "k-", lw=1, label="channel")
    for number, (name, run) in enumerate(runs.items()):
        colour = f"C{number}"
        row_axis.step(n, run.rows, where="post", lw=1, color=colour, label=name)
        failures = np.flatnonzero(run.failed)
        row_axis.plot(failures, run.rows[failures], "x", ms=5, color=colour)
        bler_axis.plot(n, np.cumsum(run.failed) / (n + 1), color=colour, lw=1, label=name)
    bler_axis.axhline(table.target_bler, color="k", ls=":", lw=1, label="target")
    bler_axis.set_yscale("symlog", linthresh=table.target_bler)
    snr_axis.set_ylabel("Es/N0, dB")
    row_axis.set_ylabel("row (x: failed)")
    row_axis.set_yticks(range(len(table.rows)), [r.label for r in table.rows], fontsize="x-small")
    bler_axis.set_ylabel("BLER so far")
    bler_axis.set_ylim(bottom=0)
    bler_axis.set_xlabel("key frame")
    for axis in (snr_axis, row_axis, bler_axis):
        axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    save_figure(figure, path)
