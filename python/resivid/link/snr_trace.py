# SPDX-License-Identifier: GPL-3.0-or-later
"""SNR over time: recorded traces from CSV files, and made ones for studies of the adaptation."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FormatError, SettingsError

MAX_KEY_FRAMES = 1_000_000
MAX_FILE_BYTES = 1 << 26
MAX_DB = 200.0  # beyond, 10^(SNR/10) says nothing about any channel
MADE_KEY_FRAMES = 480
KINDS = ("constant", "step", "ramp", "fading")


@dataclass(frozen=True)
class SnrTrace:
    """Es/N0 in dB that holds from each time until the next.

    Attributes:
        times: rising, float64 (n,): in s, or in key frames.
        snr_db: float64 (n,).
        in_seconds: whether `times` are in s.
    """

    times: np.ndarray
    snr_db: np.ndarray
    in_seconds: bool = False

    def at_key_frames(self, interval_s: float) -> np.ndarray:
        """The value in force at each key frame, up to the last value, which holds from then on.

        Args:
            interval_s: time between key frames.
        Returns:
            float64 (number of key frames,).
        Raises:
            SettingsError: more than MAX_KEY_FRAMES.
        """
        interval = interval_s if self.in_seconds else 1.0
        last = self.times[-1] / interval
        if not last < MAX_KEY_FRAMES:
            raise SettingsError(f"--snr-trace: more than {MAX_KEY_FRAMES} key frames")
        starts = np.arange(math.ceil(last) + 1) * interval
        # The small part keeps a time that was rounded down with its key frame.
        at = np.searchsorted(self.times, starts + 1e-6 * interval, side="right") - 1
        return self.snr_db[np.maximum(at, 0)]


def make_trace(kind: str, mean_db: float, seed: int = 0, num_key_frames: int = MADE_KEY_FRAMES) -> SnrTrace:
    """A trace by name.

    Args:
        kind: "constant": the mean; "step": 4 dB above and below the mean, 20 key frames each; "ramp": from 8 dB below to 8 dB above and
            back within 80 key frames; "fading": shadowing, Gaussian in dB with a deviation of 4 dB and a
            correlation of exp(-n/10) over n key frames.
        mean_db: Es/N0 in dB.
        seed: of "fading".
        num_key_frames: length.
    Raises:
        ValueError: unknown kind.
    """
    n = np.arange(num_key_frames)
    if kind == "constant":
        change = np.zeros(num_key_frames)
    elif kind == "step":
        change = np.where(n // 20 % 2 == 0, 4.0, -4.0)
    elif kind == "ramp":
        change = 8.0 - np.abs(n % 80 - 40) * 0.4
    elif kind == "fading":
        change = _gauss_markov(num_key_frames, 4.0, math.exp(-1 / 10), np.random.default_rng(seed))
    else:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    return SnrTrace(n.astype(np.float64), mean_db + change)


def _gauss_markov(
    count: int, deviation: float, correlation: float, generator: np.random.Generator
) -> np.ndarray:
    values = deviation * generator.standard_normal(count)
    for i in range(1, count):
        values[i] = correlation * values[i - 1] + math.sqrt(1 - correlation**2) * values[i]
    return values


def load_trace(path: str | Path) -> SnrTrace:
    """Read a recorded trace: CSV with a header line, `time_s,snr_db` or `key_frame,snr_db`.

    Lines that begin with # are comments.

    Raises:
        FormatError: not readable, other columns, a value that is no number, times that do not rise; the message
            names the line.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FormatError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise FormatError(f"{path}: cannot be read ({reason})") from error
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    header = [name.strip() for name in numbered[0][1].split(",")] if numbered else []
    if header not in (["time_s", "snr_db"], ["key_frame", "snr_db"]) or len(numbered) < 2:
        raise FormatError(
            f"{path}: expected a header `time_s,snr_db` or `key_frame,snr_db` and lines of numbers"
        )
    rows = [_numbers(path, number, line) for number, line in numbered[1:]]
    times, snr_db = np.array(rows).T
    if times[0] < 0 or np.any(np.diff(times) <= 0):
        wrong = 0 if times[0] < 0 else int(np.argmax(np.diff(times) <= 0)) + 1
        raise FormatError(f"{path}, line {numbered[1 + wrong][0]}: {header[0]} must rise, from 0 on")
    return SnrTrace(times, snr_db, in_seconds=header[0] == "time_s")


def _numbers(path: Path, number: int, line: str) -> tuple[float, float]:
    try:
        (row,) = csv.reader([line])
        time, snr_db = (float(word) for word in row)
    except (ValueError, csv.Error):
        time = snr_db = math.nan
    if not (abs(time) < 1e12 and abs(snr_db) <= MAX_DB):
        raise FormatError(f"{path}, line {number}: expected two numbers, time and dB, got {line[:40]!r}")
    return time, snr_db
