# SPDX-License-Identifier: GPL-3.0-or-later
"""What the burst modem loses: key frames by row, SNR and impairment, beside a link whose synchronisation is perfect."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import phy
from ..link import air
from ..link.mcs_table import McsTable
from .bler import clopper_pearson

FRAMES_A_RUN = 50  # then another carrier, another delay, and the receiver searches anew
LEAD_SYMBOLS = 700  # of noise before a run, at most
TAIL_SYMBOLS = 2000  # of noise behind it


@dataclass(frozen=True)
class Impairment:
    """What acts on a run beside noise.

    Attributes:
        cfo: carrier offset, anywhere within so many symbol rates either way.
        clock_ppm: of the receiver's clock against the sender's, one way or the other: 80 is 40 at each end.
        phase_noise: Wiener, rad^2 a symbol.
    """

    cfo: float = 0.0
    clock_ppm: float = 0.0
    phase_noise: float = 0.0


IMPAIRMENTS = {
    "none": Impairment(),
    "carrier": Impairment(cfo=0.5),
    "clock": Impairment(clock_ppm=80),
    "radio": Impairment(cfo=0.5, clock_ppm=80),
    "phase-noise": Impairment(phase_noise=1e-3),
    "all": Impairment(cfo=0.5, clock_ppm=80, phase_noise=1e-4),
}
PERFECT = "perfect"  # no frames: symbols with noise straight into the decoder


class ModemBench:
    """Frames of one row after the other through framer, channel, synchroniser and decoder.

    Args:
        table: rows with preambles.
        symbols: k_t.
        seed: of payloads, noise and impairments.
    """

    def __init__(self, table: McsTable, symbols: int, seed: int = 0):
        self.table, self.symbols, self.seed = table, symbols, seed
        rows = table.as_tuples()
        self._encoder = phy.link_encoder(symbols, rows)
        self._decoder = phy.link_decoder(symbols, rows)
        self._preambles = air.preambles(table)

    def measure(self, row: int, snr_db: float, impairment: str, frames: int) -> dict[str, Any]:
        """One point.

        Args:
            row: of the table.
            snr_db: Es/N0.
            impairment: of IMPAIRMENTS, or PERFECT.
            frames: to send.
        Returns:
            mcs, snr_db, impairment, frames_sent, frames_received (good), frames_missed (not found), frames_false (not
            sent, or wrong though the CRC holds), frame_loss and its interval of 95 % (loss_low, loss_high), snr_bias_db
            (mean estimate less truth; None without a modem), sync_ms (processor time of the synchroniser, a frame).
        """
        generator = np.random.default_rng([self.seed, row, round(1000 * snr_db) + 100_000, frames])
        sent = found = good = false = 0
        seconds = 0.0
        estimates: list[float] = []
        while sent < frames:
            count = min(FRAMES_A_RUN, frames - sent)
            payloads = generator.integers(0, 2, (count, self._encoder.payload_bits(row)), np.uint8)
            symbols = self._encoder.encode_many(row, payloads)
            if impairment == PERFECT:
                channel = phy.awgn_channel(int(generator.integers(1 << 62)))
                received = [(i, row, s, 0.0) for i, s in enumerate(channel.apply(symbols, snr_db))]
            else:
                samples, start = self._signal(row, symbols, snr_db, IMPAIRMENTS[impairment], generator)
                began = time.process_time()
                bursts = self._receive(samples, start)
                seconds += time.process_time() - began
                received = [
                    (number, burst["row"], burst["symbols"], burst["phase_noise"]) for number, burst in bursts
                ]
                estimates += [burst["snr_db"] for number, burst in bursts if number >= 0]
            for number, found_row, block, phase_noise in received:
                decoded = self._decoder.decode(found_row, block, phase_noise)
                right = (
                    0 <= number < count
                    and found_row == row
                    and np.array_equal(decoded.payload, payloads[number])
                )
                found += 0 <= number < count
                good += right and decoded.crc_ok
                false += decoded.crc_ok and not right
            sent += count
        low, high = clopper_pearson(int(sent - good), sent)
        return {
            "mcs": self.table.rows[row].label,
            "row": row,
            "snr_db": snr_db,
            "impairment": impairment,
            "frames_sent": sent,
            "frames_received": int(good),
            "frames_missed": int(sent - found),
            "frames_false": int(false),
            "frame_loss": 1 - good / sent,
            "loss_low": low,
            "loss_high": high,
            "snr_bias_db": sum(estimates) / len(estimates) - snr_db if estimates else None,
            "sync_ms": 1e3 * seconds / sent,
        }

    def _signal(
        self,
        row: int,
        symbols: np.ndarray,
        snr_db: float,
        impairment: Impairment,
        generator: np.random.Generator,
    ) -> tuple[np.ndarray, float]:
        """Samples of a run as received, and the position of its first frame's first symbol."""
        sps = air.SAMPLES_PER_SYMBOL
        framer = phy.burst_framer(self.symbols, sps)
        parts = [framer.frame(self._preambles[row], frame) for frame in symbols]
        lead = int(generator.integers(LEAD_SYMBOLS * sps))
        samples = np.concatenate(
            [np.zeros(lead), *parts, framer.close(), np.zeros(TAIL_SYMBOLS * sps)], dtype=np.complex64
        )
        samples *= np.exp(2j * np.pi * generator.random())
        ppm = impairment.clock_ppm * (1 if generator.random() < 0.5 else -1)
        channel = phy.channel_model(
            int(generator.integers(1 << 62)),
            samples.size,
            symbol_rate=float(sps),  # offsets in symbol rates
            frequency_offset_hz=float(generator.uniform(-1, 1) * impairment.cfo),
            clock_offset_ppm=ppm,
            phase_noise=impairment.phase_noise / sps,
        )
        received = channel.apply(samples, snr_db - 10 * math.log10(sps))["items"]
        return received, (lead + phy.PULSE_HALF_SPAN * sps) / (1 + 1e-6 * ppm)

    def _receive(self, samples: np.ndarray, start: float) -> list[tuple[int, dict[str, Any]]]:
        """Frames that a new receiver finds, each with its number; -1 for one that nobody sent."""
        sps = air.SAMPLES_PER_SYMBOL
        synchroniser = phy.burst_synchroniser(self.symbols, air.synchroniser_rows(self.table), sps)
        received = []
        for burst in synchroniser.receive(samples):
            frames = (burst["position"] - start) / (sps * air.frame_symbols(self.symbols))
            received.append((round(frames) if abs(frames - round(frames)) < 0.01 else -1, burst))
        return received

    def false_frames(self, signal: str, seconds: float, symbol_rate: float) -> dict[str, Any]:
        """Receive what nobody sent.

        Args:
            signal: "noise", or "qpsk": a foreign single carrier of 1.25 times the symbol rate at 10 dB.
            seconds: of time at this symbol rate.
        Returns:
            signal, seconds, alarms (preambles that no second one confirmed), decoded (frames that the decoder had to
            try), frames_false (whose CRC held), sync_share (of a core, in real time).
        """
        sps = air.SAMPLES_PER_SYMBOL
        generator = np.random.default_rng([self.seed, 7])
        synchroniser = phy.burst_synchroniser(self.symbols, air.synchroniser_rows(self.table), sps)
        left, decoded, false, spent = int(seconds * symbol_rate * sps), 0, 0, 0.0
        while left > 0:
            n = min(left, 1 << 18)
            left -= n
            noise = generator.standard_normal((n, 2), np.float32).view(np.complex64)[:, 0]
            if signal == "qpsk":
                noise = 0.3 * noise + foreign_qpsk(n, 1.25 / sps, generator)
            began = time.process_time()
            bursts = synchroniser.receive(noise)
            spent += time.process_time() - began
            for burst in bursts:
                decoded += 1
                decoded_burst = self._decoder.decode(burst["row"], burst["symbols"], burst["phase_noise"])
                false += decoded_burst.crc_ok
        return {
            "signal": signal,
            "seconds": seconds,
            "alarms": synchroniser.false_alarms,
            "decoded": decoded,
            "frames_false": false,
            "sync_share": spent / seconds,
        }


def foreign_qpsk(n: int, symbols_per_sample: float, generator: np.random.Generator) -> np.ndarray:
    """QPSK with rectangular pulses, complex64 (n,) of energy 1 a sample."""
    index = (np.arange(n) * symbols_per_sample).astype(np.int64)
    turns = generator.integers(0, 4, index[-1] + 1)
    return np.exp(0.5j * np.pi * turns[index] + 0.25j * np.pi).astype(np.complex64)


def measure(
    bench: ModemBench,
    rows: Sequence[int],
    impairments: Sequence[str],
    above_db: Sequence[float],
    frames: int,
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> Iterator[dict[str, Any]]:
    """Points of a grid: each row at so many dB above its threshold, under each impairment."""
    grid = [(row, impairment, above) for row in rows for impairment in impairments for above in above_db]
    for number, (row, impairment, above) in enumerate(grid):
        yield bench.measure(row, bench.table.rows[row].snr_db + above, impairment, frames)
        progress((number + 1) / len(grid), frames * (number + 1))


def loss_db(rows: Sequence[dict[str, Any]], impairment: str, target: float = 0.02) -> dict[str, float]:
    """Implementation loss in dB by row: how much more Es/N0 the modem needs for a frame loss than PERFECT does.

    Args:
        rows: points of several SNRs each.
        impairment: against PERFECT.
        target: frame loss to be met, between points log-linear.
    """
    losses = {}
    for label in dict.fromkeys(row["mcs"] for row in rows):
        needed = []
        for kind in (impairment, PERFECT):
            points = sorted(
                (row["snr_db"], max(row["frame_loss"], 0.3 / row["frames_sent"]))
                for row in rows
                if row["mcs"] == label and row["impairment"] == kind
            )
            needed.append(_crossing(points, target))
        if all(value is not None for value in needed):
            losses[label] = needed[0] - needed[1]  # type: ignore[operator]
    return losses


def _crossing(points: Sequence[tuple[float, float]], target: float) -> float | None:
    for (low, above), (high, below) in zip(points, points[1:], strict=False):
        if above > target >= below:
            share = math.log(above / target) / math.log(above / below)
            return low + share * (high - low)
    return None


def plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Frame loss over Es/N0, one panel an impairment, one colour a row; perfect synchronisation dashed."""
    from .figures import new_figure, save_figure

    kinds = [kind for kind in dict.fromkeys(row["impairment"] for row in rows) if kind != PERFECT]
    figure, axes = new_figure(3.2 * len(kinds) + 1, 3.8, 1, len(kinds), sharex=True, sharey=True)
    for panel, kind in zip(axes[0], kinds, strict=True):
        for number, label in enumerate(dict.fromkeys(row["mcs"] for row in rows)):
            for shown, style in ((kind, "o-"), (PERFECT, "--")):
                points = sorted(
                    (row["snr_db"], row["frame_loss"])
                    for row in rows
                    if row["mcs"] == label and row["impairment"] == shown and row["frame_loss"] > 0
                )
                if points:
                    panel.plot(
                        *zip(*points, strict=True),
                        style,
                        color=f"C{number % 10}",
                        markersize=3,
                        linewidth=1,
                        label=label if shown == kind else None,
                    )
        panel.set(yscale="log", ylim=(5e-4, 1), xlabel="Es/N0 (dB)", title=kind)
    axes[0][0].set_ylabel("key frames lost")
    axes[0][-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    save_figure(figure, path)
