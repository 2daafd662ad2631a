# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs as GNU Radio blocks: bursts by tags, nothing between them, opened again when they were lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pmt

from .reopened_block import STALL_S, reopened_block
from .uhd_device import UhdEnd

START, END = pmt.intern("tx_sob"), pmt.intern("tx_eob")


class uhd_sink(reopened_block):
    """Complex samples to a transmitter.

    What lies from a tag `tx_sob` to a tag `tx_eob` is a burst; what lies between bursts is not sent, and no underflow. A
    stream that begins without such a tag is one burst without end. While the device is gone, samples are thrown away at
    its rate, and what is left of a burst when it is back is a burst.
    """

    def __init__(self, open_end: Callable[[], UhdEnd], stall_s: float | None = STALL_S):
        super().__init__("uhd_sink", [np.complex64], None, open_end, stall_s)
        self._has_bursts = False
        self._inside, self._begins = True, True  # of a burst; its first sample is still to be sent

    def opened_again(self) -> None:
        """What comes is the beginning of something."""
        self._begins = True

    def work(self, input_items, output_items):
        """Samples of one burst to the device, or those up to the next one to nobody."""
        samples = input_items[0]
        starts, ends = self._marks(START, len(samples)), self._marks(END, len(samples))
        if starts and not self._has_bursts:
            self._has_bursts, self._inside = True, False
        if starts and starts[0] == 0:
            self._inside = self._begins = True
        if not self._inside:
            return starts[0] if starts else len(samples)
        length = ends[0] + 1 if ends else len(samples)
        taken = self._send(samples[:length], bool(ends))
        if ends and taken == length:
            self._inside = False
        return taken

    def _marks(self, key, count: int) -> list[int]:
        tags = self.get_tags_in_window(0, 0, count, key)
        return sorted(tag.offset - self.nitems_read(0) for tag in tags)

    def _send(self, samples: np.ndarray, ends: bool) -> int:
        if not self._ready():
            return self._throw_away(len(samples))
        try:
            self.counters.underflows += self._end.underflows()
            taken = self._end.send(samples, self._begins, ends)
        except RuntimeError as error:
            self._gone(str(error))
            return 0
        if taken == 0:
            self._silent()
            return 0
        self._begins = False
        return self._moved(taken)


class uhd_source(reopened_block):
    """Complex samples of a receiver. While the device is gone, none come."""

    def __init__(self, open_end: Callable[[], UhdEnd], stall_s: float | None = STALL_S):
        super().__init__("uhd_source", None, [np.complex64], open_end, stall_s)

    def work(self, input_items, output_items):
        """Samples of the device; none while it is gone."""
        if not self._ready():
            return 0
        try:
            count, lost = self._end.receive(output_items[0])
        except RuntimeError as error:
            self._gone(str(error))
            return 0
        self.counters.overflows += lost
        if count == 0:
            if not lost:
                self._silent()
            return 0
        return self._moved(count)
