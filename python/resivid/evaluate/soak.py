# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of a receiver's life: one process receives transmission after transmission, each with troubles of its own."""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, ResividError
from ..link.mcs_table import McsTable
from ..part_files import write_text_atomically
from .radio_bench import HEADROOM, Peer, device

LOG = "soak.jsonl"
CHANNEL = "soak"
PLUG_OUT_S = 0.4
STALL_S = 1800.0  # a transmission takes seconds, and many minutes where others take the processor
LATENCY_STEP_MS = 50.0
ENDINGS = ("by itself", "killed", "unplugged")


@dataclass(frozen=True)
class Episode:
    """One transmission.

    Attributes:
        number: from 0 on; all else follows from it and the seed.
        row: of the MCS table.
        margin_db: Es/N0 over the row's threshold.
        frames: to send.
        ending: one of ENDINGS; "unplugged": the receiver's radio, for a moment in between.
        settings: of the receiver's loopback radio.
        seed: of the payloads.
    """

    number: int
    row: int
    margin_db: float
    frames: int
    ending: str
    settings: dict[str, Any]
    seed: int


def draw(number: int, table: McsTable, symbol_rate: float, seed: int, most_frames: int = 1500) -> Episode:
    """The episode of a number: every impairment is there in half of them, as strong as it happens to be."""
    rng = np.random.default_rng((seed, number))
    row, margin_db = int(rng.integers(len(table.rows))), float(rng.uniform(1, 8))
    snr_db = table.rows[row].snr_db + margin_db
    ranges = {
        "frequency_offset_hz": (-0.45 * symbol_rate, 0.45 * symbol_rate),
        "clock_offset_ppm": (-40, 40),
        "phase_noise": (0, 2e-4 * symbol_rate),
        "iq_gain_db": (-0.5, 0.5),
        "iq_phase_deg": (-2, 2),
        "dc_real": (-0.05, 0.05),
        "quantiser_bits": (8, 12),
        "gap_every_s": (5, 60),
    }
    settings: dict[str, Any] = {
        "noise_db_hz": 20 * math.log10(HEADROOM) - 10 * math.log10(symbol_rate) - snr_db,
        "seed": number,
        "gap_s": float(rng.uniform(0.01, 0.5)),
        "fading": str(rng.choice(["none", "none", "rician"])),
    }
    for name, (low, high) in ranges.items():
        present, value = bool(rng.integers(2)), float(rng.uniform(low, high))
        settings[name] = value if present else 0.0
    settings["quantiser_bits"] = int(settings["quantiser_bits"])
    frames = int(rng.integers(most_frames // 5, most_frames))
    ending = str(rng.choice(ENDINGS, p=(0.7, 0.15, 0.15)))
    return Episode(number, row, margin_db, frames, ending, settings, seed + number)


class Soak:
    """Episodes until a number of hours of signal is reached, each a line of FOLDER/soak.jsonl; a later run goes on there.

    Args:
        folder: of the log; made when it is not there.
        table: rows for the air.
        cbr, mcs_table, sample_rate, symbol_rate, seed, most_frames: of link, radios, episodes.
    """

    def __init__(
        self,
        folder: Path,
        table: McsTable,
        cbr: str,
        mcs_table: str,
        sample_rate: float,
        symbol_rate: float,
        seed: int,
        most_frames: int = 1500,
    ):
        self._table, self._symbol_rate, self._seed, self._most_frames = table, symbol_rate, seed, most_frames
        self._job = {"cbr": cbr, "mcs_table": mcs_table, "sample_rate": sample_rate, "row": 0, "seed": 0}
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / LOG
        self.records = read_log(self._log) if self._log.exists() else []
        write_text_atomically(self._log, "".join(json.dumps(record) + "\n" for record in self.records))

    @property
    def hours(self) -> float:
        """Of signal so far."""
        return sum(record.get("signal_s", 0.0) for record in self.records) / 3600

    def run(self, hours: float, progress: Callable[[float, int], None] = lambda share, count: None) -> None:
        """Go on until so many hours of signal are received, those of earlier runs included.

        Args:
            progress: called with the share that is done and the number of episodes.
        Raises:
            ResividError: no receiver can be started.
        """
        run_number = 1 + max((record["run"] for record in self.records), default=-1)
        with tempfile.TemporaryDirectory(prefix="air") as air_folder:
            os.environ["RESIVID_LOOPBACK_DIR"] = air_folder
            while self.hours < hours:
                receiver = Peer("stay", {**self._job, "device": f"{device(CHANNEL)},tail_s=2"})
                try:
                    while self.hours < hours:
                        episode = draw(
                            len(self.records), self._table, self._symbol_rate, self._seed, self._most_frames
                        )
                        record = self._episode(episode, receiver, Path(air_folder))
                        self._keep({**asdict(episode), "run": run_number, **record})
                        progress(min(1.0, self.hours / hours), len(self.records))
                        if "trouble" in record:
                            break  # a new receiver
                finally:
                    receiver.kill()
                    receiver.wait()
                run_number += 1

    def _keep(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        with self._log.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def _episode(self, episode: Episode, receiver: Peer, air_folder: Path) -> dict[str, Any]:
        started = time.monotonic()
        begin = {"row": episode.row, "seed": episode.seed, "settings": episode.settings}
        try:
            if receiver.ask(json.dumps(begin), STALL_S) != "ready":
                raise ResividError(receiver.last_words())
            sent = self._transmit(episode, air_folder)
            answer = json.loads(receiver.ask("end", STALL_S))
        except (ResividError, OSError, ValueError) as error:
            return {"trouble": str(error) or type(error).__name__, "wall_s": time.monotonic() - started}
        latencies = np.array(answer.pop("latencies_ms"), float) // LATENCY_STEP_MS
        steps, counts = np.unique(latencies.astype(int), return_counts=True)
        histogram = dict(zip(steps.tolist(), counts.tolist(), strict=True))
        return {
            "frames_sent": sent,
            **answer,
            "latency_histogram": histogram,
            "wall_s": time.monotonic() - started,
        }

    def _transmit(self, episode: Episode, air_folder: Path) -> int | None:
        """Frames sent; None when the transmitter was killed."""
        job = {**self._job, "row": episode.row, "seed": episode.seed, "frames": episode.frames}
        transmitter = Peer("tx", {**job, "device": device(CHANNEL)})
        try:
            if episode.ending != ENDINGS[0]:
                transmitter.answer(STALL_S)  # its radio is open
                time.sleep(0.5 + episode.seed % 3)
            if episode.ending == ENDINGS[1]:
                return None
            if episode.ending == ENDINGS[2]:
                plug = air_folder / f"{CHANNEL}.unplugged"
                plug.touch()
                time.sleep(PLUG_OUT_S)
                plug.unlink()
            return transmitter.result(STALL_S)["frames_sent"]
        finally:
            transmitter.kill()
            transmitter.wait()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Records of a log; a last line that was cut short is dropped.

    Raises:
        FormatError: another line is no record.
    """
    lines = path.read_text().splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or not {"number", "run"} <= record.keys():
                raise ValueError
        except ValueError as error:
            if number == len(lines):
                break
            raise FormatError(f"{path}: line {number} is no record of a soak") from error
        records.append(record)
    return records


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What came of it.

    Args:
        records: of the log.
    Returns:
        hours, episodes, frames_received, frames_false, overflows, unplugged, killed, troubles; latency_ms with p50 and p99;
        memory_mib_per_hour: slope of the memory over the hours of signal, in the longest run without its first tenth.
    """
    good = [record for record in records if "trouble" not in record]
    latencies = latency_counts(good)
    return {
        "hours": sum(record["signal_s"] for record in good) / 3600,
        "episodes": len(records),
        "frames_received": sum(record["frames_received"] for record in good),
        "frames_false": sum(record["frames_false"] for record in good),
        "killed": sum(record["ending"] == ENDINGS[1] for record in good),
        "unplugged": sum(record["ending"] == ENDINGS[2] for record in good),
        "troubles": [record["trouble"] for record in records if "trouble" in record],
        "latency_ms": {f"p{share}": _percentile(latencies, share) for share in (50, 99)},
        "memory_mib_per_hour": _slope(memory_curve(good)),
    }


def latency_counts(records: list[dict[str, Any]]) -> dict[float, int]:
    """Payloads by latency in ms, the lower end of each step."""
    counts: dict[float, int] = {}
    for record in records:
        for step, count in record["latency_histogram"].items():
            counts[int(step) * LATENCY_STEP_MS] = counts.get(int(step) * LATENCY_STEP_MS, 0) + count
    return dict(sorted(counts.items()))


def memory_curve(records: list[dict[str, Any]]) -> dict[int, tuple[list[float], list[float]]]:
    """Hours of signal and MiB of the receiver by run."""
    curves: dict[int, tuple[list[float], list[float]]] = {}
    for record in records:
        hours, mib = curves.setdefault(record["run"], ([], []))
        hours.append((hours[-1] if hours else 0.0) + record["signal_s"] / 3600)
        mib.append(record["resident_mib"])
    return curves


def _percentile(counts: dict[float, int], share: float) -> float | None:
    if not counts:
        return None
    total = np.cumsum(list(counts.values()))
    return list(counts)[int(np.searchsorted(total, share / 100 * total[-1]))] + LATENCY_STEP_MS


def _slope(curves: dict[int, tuple[list[float], list[float]]]) -> float | None:
    hours, mib = max(curves.values(), key=lambda curve: curve[0][-1], default=([], []))
    first = len(hours) // 10
    if len(hours) - first < 3:
        return None
    return float(np.polyfit(hours[first:], mib[first:], 1)[0])


def plot(path: Path, records: list[dict[str, Any]]) -> None:
    """Memory over the hours of signal, one line a run, and the histogram of the latencies."""
    from .figures import new_figure, save_figure

    good = [record for record in records if "trouble" not in record]
    figure, axes = new_figure(9, 3, 1, 2)
    for number, (hours, mib) in memory_curve(good).items():
        axes[0][0].plot(hours, mib, linewidth=1, label=f"run {number}")
    axes[0][0].set(xlabel="hours of signal", ylabel="receiver's memory (MiB)")
    axes[0][0].set_ylim(bottom=0)
    counts = latency_counts(good)
    axes[0][1].bar(list(counts), list(counts.values()), width=LATENCY_STEP_MS, align="edge")
    axes[0][1].set(xlabel="ms of signal, frame's first symbol to payload", ylabel="payloads", yscale="log")
    save_figure(figure, path)
