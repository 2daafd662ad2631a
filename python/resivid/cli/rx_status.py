# SPDX-License-Identifier: GPL-3.0-or-later
"""What `resivid rx` says of a reception on standard error."""

from __future__ import annotations

import json
import math
import sys
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..link.reception_state import ENDED, LOCKED, LOSING

if TYPE_CHECKING:
    from ..flowgraphs.reception import ReceiverStatus, reception

STATUS_EVERY_S = 1.0
HINT_AFTER_S = 30.0  # a cold search takes up to 10 s


class Reporter:
    """One line on stderr when the state changes, a transmitter began anew, a radio was lost, or something is wrong.

    Where nothing at all is found for long, one more says what both ends must have alike; and where the networks are behind
    when the samples end, another how much is still to be drawn.
    """

    def __init__(self, settings: Any, quiet: bool, fps: Fraction):
        self._settings, self._quiet, self._fps = settings, quiet, fps
        self._hint_at: float | None = time.monotonic() + HINT_AFTER_S
        self._seen: tuple[Any, ...] = ()
        self._said = ""
        self._next = 0.0
        self._told_of_rest = False

    def say(self, line: str) -> None:
        """A line on stderr, unless it is the one before again."""
        if line != self._said:
            self._said = line
            print(f"resivid: {line}", file=sys.stderr)

    def __call__(self, flowgraph: reception) -> None:
        if self._quiet or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + STATUS_EVERY_S
        status = flowgraph.status()
        seen = (status.state, status.restarts, status.losses, status.problem, status.call_sign)
        if seen != self._seen:
            self._seen = seen
            self.say(line_of(status, self._settings))
        elif status.state == ENDED and not self._told_of_rest:
            waiting = flowgraph.frames_waiting
            self._told_of_rest = waiting > 0
            if waiting:
                self.say(f"{waiting} frames still to be drawn")
        if status.received + status.foreign + status.repeated + status.forged + status.replayed:
            self._hint_at = None
        elif self._hint_at is not None and time.monotonic() > self._hint_at:
            self._hint_at = None
            symbol_rate = self._settings.symbol_rate(self._fps)
            print(
                f"resivid: nothing received for {HINT_AFTER_S:.0f} s. Expected are {float(self._fps):g} frame/s and "
                f"{symbol_rate:.0f} symbols a second, as tx says at its start: --rate, --stride, --cbr and "
                "--profile must be the transmitter's",
                file=sys.stderr,
            )


def line_of(status: ReceiverStatus, settings: Any) -> str:
    """What a receiver sees, for people."""
    parts = [status.state]
    if status.call_sign:
        parts.append(status.call_sign)
    if status.received + status.failed and math.isfinite(status.snr_db):
        row = settings.link.table.rows[status.mcs].label
        parts.append(f"Es/N0 {status.snr_db:.1f} dB, {row}")
    parts.append(f"{status.received} key frames, {status.failed} failed, {status.missing} missing")
    for count, what in (
        (status.restarts, "restarts of the transmitter"),
        (status.foreign, "foreign"),
        (status.repeated, "repeated"),
        (status.forged, "forged"),
        (status.replayed, "replayed"),
        (status.overflows, "overflows"),
        (status.losses, "times without radio"),
        (status.dropped, "dropped"),
        (round(status.shift_hz) if status.state in (LOCKED, LOSING) else 0, "Hz or so above its frequency"),
    ):
        if count:
            parts.append(f"{count} {what}")
    if status.latency_ms is not None:
        parts.append(f"{status.latency_ms:.0f} ms from the camera to the screen")
    if status.problem:
        parts.append(status.problem)
    return "; ".join(parts)


def document(flowgraph: reception) -> str:
    """The statistics document, with what the radio saw under `receiver`, and under `age_ms` how old key frames were."""
    return (
        json.dumps(
            {
                **flowgraph.live_statistics().to_dict(),
                "receiver": flowgraph.status().to_dict(),
                "age_ms": flowgraph.ages.spread_ms(),
            },
            indent=2,
        )
        + "\n"
    )
