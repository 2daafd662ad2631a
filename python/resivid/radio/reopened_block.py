# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks of all radios share: a device that is opened again when it was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from gnuradio import gr

from ..errors import ResividError
from .counters import RadioCounters
from .rates import RatePlan

REOPEN_EVERY_S = 0.5
STALL_S = 5.0  # a device with a clock that is silent for so long is gone, though its driver may not know


class RadioEnd(Protocol):
    """One direction of an opened device, tuned.

    Attributes:
        plan: its rates.
    """

    plan: RatePlan

    def start(self) -> Any:
        """Open and start the stream, and give it.

        Raises:
            ResividError: it cannot be had.
        """

    def close(self) -> None:
        """Stop, whatever a device that is gone says to that."""


class reopened_block(gr.sync_block):
    """A block around a device.

    Args:
        name, in_sig, out_sig: as GNU Radio's.
        open_end: opens the device; called once here and after each loss.
        stall_s: silence after which the device counts as lost; None: never.
    """

    def __init__(self, name, in_sig, out_sig, open_end: Callable[[], Any], stall_s: float | None):
        gr.sync_block.__init__(self, name=name, in_sig=in_sig, out_sig=out_sig)
        self.logger = gr.logger(self.alias())
        self.counters = RadioCounters()
        self._open_end, self._stall_s = open_end, stall_s
        self._end: Any = open_end()
        self.plan = self._end.plan
        self._stream = self._end.start()
        self._stopping = threading.Event()
        self._heard = self._tried = time.monotonic()

    def stop(self):
        """Close the device; called by the scheduler."""
        self._stopping.set()
        self._lose()
        return True

    def _lose(self):
        end, self._end = self._end, None
        if end is not None:
            end.close()

    def _ready(self) -> bool:
        """Whether the device is there; tries to open it now and then when it is not."""
        if self._end is not None:
            return True
        if self._stopping.wait(0.05) or time.monotonic() < self._tried + REOPEN_EVERY_S:
            return False
        self._tried = time.monotonic()
        try:
            end = self._open_end()
            self._stream = end.start()
        except ResividError:
            return False
        self._end, self._heard = end, time.monotonic()
        self.counters.returned()
        self.opened_again()
        self.logger.warn("the radio is back")
        return True

    def opened_again(self) -> None:
        """Called when a device that was lost is back."""

    def _moved(self, count: int) -> int:
        """Note that so many samples went through."""
        self._heard = time.monotonic()
        self.counters.samples += count
        return count

    def _silent(self) -> None:
        """Nothing went through within the device's time; it is gone when that was so for long."""
        if self._stall_s is not None and time.monotonic() > self._heard + self._stall_s:
            self._gone("it is silent")

    def _gone(self, reason: str) -> None:
        self.counters.lost()
        self.logger.warn(f"the radio is gone ({reason}); waiting for it")
        self._lose()

    def _throw_away(self, count: int) -> int:
        """Samples that no device takes leave at its rate."""
        time.sleep(min(0.1, count / self.plan.radio_rate))
        return count
