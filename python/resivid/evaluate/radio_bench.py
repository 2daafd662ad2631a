# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame loss of the whole receiver: transmitter, loopback radio and receiver as processes, over a grid."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ResividError

HEADROOM = 0.35  # RMS of the transmitted signal over full scale, as radio.front_end has it
TIMEOUT_S = 600
FLOOR = 5e-4  # of the plot: none lost

# What the loopback radio does beside the noise. Offsets of the carrier are in symbol rates, phase noise in rad^2 a symbol.
IMPAIRMENTS: dict[str, dict[str, float | str]] = {
    "none": {},
    "offsets": {"frequency_offset_hz": 0.45, "clock_offset_ppm": 40},
    "carrier": {"frequency_offset_hz": -0.45},
    "clock": {"clock_offset_ppm": -80},  # 40 ppm at each end
    "phase_noise": {"phase_noise": 1e-3},
    "iq": {"iq_gain_db": 1, "iq_phase_deg": 5},
    "dc": {"dc_real": 0.1},
    "quantiser": {"quantiser_bits": 8},
    "clipping": {"clipping_db": -6},  # 3 dB above the RMS
    "rician": {"fading": "rician", "rician_k_db": 10, "doppler_hz": 1},
    "gaps": {"gap_every_s": 20, "gap_s": 0.2},
}
PER_SYMBOL_RATE = ("frequency_offset_hz", "phase_noise")


@dataclass(frozen=True)
class RadioPoint:
    """One run.

    Attributes:
        row: of the MCS table. label: its name.
        snr_db: Es/N0.
        impairment: a name of IMPAIRMENTS.
        frames: to send.
        cbr, mcs_table: of the link.
        symbol_rate: symbols a second.
        sample_rate: of both radios.
        seed: of payloads and channel.
    """

    row: int
    label: str
    snr_db: float
    impairment: str
    frames: int
    cbr: str
    mcs_table: str
    symbol_rate: float
    sample_rate: float
    seed: int

    def receiver_arguments(self, channel: str) -> str:
        """Device arguments of the receiver, whose end the channel is."""
        noise = 20 * math.log10(HEADROOM) - 10 * math.log10(self.symbol_rate) - self.snr_db
        fields: dict[str, Any] = {"noise_db_hz": noise, "seed": self.seed, "tail_s": 2}
        for name, value in IMPAIRMENTS[self.impairment].items():
            scaled = isinstance(value, float) and name in PER_SYMBOL_RATE
            fields[name] = value * self.symbol_rate if scaled else value  # type: ignore[operator]
        return ",".join([device(channel), *(f"{name}={value}" for name, value in fields.items())])


def device(channel: str) -> str:
    """Device arguments that both ends share."""
    return f"driver=resivid_loopback,pace=free,channel={channel}"


def measure(
    points: Sequence[RadioPoint], progress: Callable[[float, int], None] = lambda share, count: None
) -> Iterator[dict[str, Any]]:
    """Run the points, as many at a time as there are cores: the processes of one mostly wait for each other.

    Args:
        progress: called with the share of points that are done and the frames sent so far.
    Yields:
        A row for each point, in order: mcs, snr_db, impairment, frames_sent, frames_received, frames_false,
        frames_failed, false_alarms, overflows, snr_est_db, psnr_db (None: without networks), latency_ms (of signal, from
        a frame's first symbol to its payload; median), cpu_share (receiver's CPU time, the simulated channel's included,
        over the signal's duration).
    Raises:
        ResividError: a process failed; its last line says why.
    """
    sent = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run, point) for point in points]
        try:
            for number, (point, job) in enumerate(zip(points, jobs, strict=True), 1):
                yield job.result()
                sent += point.frames
                progress(number / len(points), sent)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def run(point: RadioPoint) -> dict[str, Any]:
    """One point, with processes of its own; raises as `measure`."""
    channel = uuid.uuid4().hex
    job = {
        "row": point.row,
        "frames": point.frames,
        "seed": point.seed,
        "cbr": point.cbr,
        "mcs_table": point.mcs_table,
        "sample_rate": point.sample_rate,
    }
    receiver = Peer("rx", {**job, "device": point.receiver_arguments(channel)})
    try:
        assert receiver.stdout is not None
        if receiver.stdout.readline().strip() == "ready":  # else it failed, and says so below
            transmitter = Peer("tx", {**job, "device": device(channel)})
            try:
                sent = transmitter.result()
            finally:
                transmitter.kill()
            received = receiver.result()
        else:
            received = sent = receiver.result()
    finally:
        receiver.kill()
        receiver.wait()
    return {
        "mcs": point.label,
        "snr_db": point.snr_db,
        "impairment": point.impairment,
        "frames_sent": sent["frames_sent"],
        **received,
        "psnr_db": None,
    }


class Peer(subprocess.Popen):
    """A process of `radio_peer`, with what it says on stderr kept in a file."""

    def __init__(self, end: str, job: dict[str, Any]):
        package = __package__ or "gnuradio.resivid.evaluate"
        self.said = tempfile.TemporaryFile("w+")
        super().__init__(
            [sys.executable, "-m", f"{package}.radio_peer", end, json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            env={"GR_CONF_LOG_LOG_FILE": "stderr", "GR_CONF_LOG_LOG_LEVEL": "error", **os.environ},
        )

    def ask(self, line: str, timeout_s: float) -> str:
        """Write a line to its standard input and return the one that it answers; empty: it ended.

        Raises:
            ResividError: no answer within the time.
        """
        assert self.stdin is not None
        self.stdin.write(line + "\n")
        self.stdin.flush()
        return self.answer(timeout_s)

    def answer(self, timeout_s: float) -> str:
        """Its next line, as `ask`."""
        assert self.stdout is not None
        if not select.select([self.stdout], [], [], timeout_s)[0]:
            raise ResividError(f"a process said nothing for {timeout_s:g} s")
        return self.stdout.readline().strip()

    def result(self, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """The object of its last line, when it ended.

        Raises:
            ResividError: it failed, or did not end within the time.
        """
        try:
            output = self.communicate(timeout=timeout_s)[0]
        except subprocess.TimeoutExpired as error:
            raise ResividError(f"bench radio: a process did not end within {timeout_s:g} s") from error
        lines = output.strip().splitlines()
        if self.returncode != 0 or not lines:
            raise ResividError(f"bench radio: {self.last_words()}")
        return json.loads(lines[-1])

    def last_words(self) -> str:
        """The last line that it wrote to stderr."""
        self.said.seek(0)
        said = self.said.read().strip().splitlines()
        return said[-1] if said else "a process ended without a word"


def plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Share of frames lost over Es/N0, one panel an impairment, one colour a row of the table."""
    from .figures import new_figure, save_figure

    kinds = list(dict.fromkeys(row["impairment"] for row in rows))
    columns = min(4, len(kinds))
    lines = -(-len(kinds) // columns)
    figure, axes = new_figure(3.2 * columns + 1, 2.8 * lines + 0.4, lines, columns, sharex=True, sharey=True)
    for panel, kind in zip(axes.flat, kinds, strict=False):
        for number, label in enumerate(dict.fromkeys(row["mcs"] for row in rows)):
            points = sorted(
                (row["snr_db"], max(1 - row["frames_received"] / row["frames_sent"], FLOOR))
                for row in rows
                if row["mcs"] == label and row["impairment"] == kind
            )
            panel.plot(
                *zip(*points, strict=True),
                "o-",
                color=f"C{number % 10}",
                markersize=3,
                linewidth=1,
                label=label,
            )
        panel.set(yscale="log", ylim=(0.8 * FLOOR, 1), title=kind.replace("_", " "))
    for panel in axes.flat[len(kinds) :]:
        panel.set_visible(False)
    for panel in axes.flat[max(0, len(kinds) - columns) : len(kinds)]:
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("Es/N0 (dB)")
    for panel in axes[:, 0]:
        panel.set_ylabel("frames lost")
    axes[0][-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    save_figure(figure, path)
