# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame loss of the whole receiver: transmitter, loopback radio and receiver as processes, over a grid."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ResividError

HEADROOM = 0.35  # RMS of the transmitted signal over full scale, as radio.front_end has it
TIMEOUT_S = 600

# What the loopback radio does beside the noise; R is the symbol rate.
IMPAIRMENTS: dict[str, dict[str, float | str]] = {
    "none": {},
    "offsets": {"frequency_offset_hz": 0.45, "clock_offset_ppm": 40},  # in symbol rates, see arguments()
    "phase_noise": {"phase_noise": 1e-3},  # rad^2 a symbol
    "receiver": {"iq_gain_db": 1, "iq_phase_deg": 5, "dc_real": 0.1, "quantiser_bits": 8},
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
) -> list[dict[str, Any]]:
    """Run the points one after the other.

    Args:
        progress: called with the share of points that are done and the frames sent so far.
    Returns:
        A row for each point: mcs, snr_db, impairment, frames_sent, frames_received, frames_false, frames_failed,
        false_alarms, overflows, snr_est_db, psnr_db and latency_ms (None: without networks and clock), cpu_share
        (receiver's CPU time, the simulated channel's included, over the signal's duration).
    Raises:
        ResividError: a process failed; its last line says why.
    """
    rows, sent = [], 0
    for number, point in enumerate(points, 1):
        rows.append(run(point))
        sent += point.frames
        progress(number / len(points), sent)
    return rows


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
    receiver = _start("rx", {**job, "device": point.receiver_arguments(channel)})
    try:
        assert receiver.stdout is not None
        if receiver.stdout.readline().strip() == "ready":  # else it failed, and says so below
            transmitter = _start("tx", {**job, "device": device(channel)})
            try:
                sent = _result(transmitter)
            finally:
                transmitter.kill()
            received = _result(receiver)
        else:
            received = sent = _result(receiver)
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
        "latency_ms": None,
    }


def _start(end: str, job: dict[str, Any]) -> subprocess.Popen:
    package = __package__ or "gnuradio.resivid.evaluate"
    command = [sys.executable, "-m", f"{package}.radio_peer", end, json.dumps(job)]
    errors = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    process.errors_file = errors  # type: ignore[attr-defined]
    return process


def _result(process: subprocess.Popen) -> dict[str, Any]:
    try:
        output = process.communicate(timeout=TIMEOUT_S)[0]
    except subprocess.TimeoutExpired as error:
        raise ResividError(f"bench radio: a process did not end within {TIMEOUT_S} s") from error
    lines = output.strip().splitlines()
    if process.returncode != 0 or not lines:
        file = process.errors_file  # type: ignore[attr-defined]
        file.seek(0)
        said = file.read().strip().splitlines()
        raise ResividError(f"bench radio: {said[-1] if said else 'a process ended without a word'}")
    return json.loads(lines[-1])
