# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples from a pipe or a recording, and silence behind their end so that nothing of them is held back."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from gnuradio import gr

ITEM_BYTES = 8  # of a complex float
PACE_S = 0.005  # between two looks at the clock


class sample_source(gr.sync_block):
    """Complex samples that `read` gives; at the end `tail` zeros, then nothing, and `ended` is true.

    The block never ends the flowgraph: messages that are still on their way would be lost.

    Args:
        read: called with the most items wanted; an empty array is the end.
        tail: zeros at the end, which push the last frame through filters and synchroniser.
        rate: samples a second at which they are given, as a radio would; None: as fast as they are taken.
    """

    def __init__(self, read: Callable[[int], np.ndarray], tail: int, rate: float | None = None):
        gr.sync_block.__init__(self, "sample_source", None, [np.complex64])
        self._read, self._tail, self._rate = read, tail, rate
        self._started: float | None = None
        self._read_all = self.ended = False

    def work(self, input_items, output_items):
        """Samples of `read`, and after its end the tail; then nothing."""
        out = output_items[0][: self._due()]
        if not len(out):
            time.sleep(PACE_S)
            return 0
        if not self._read_all:
            samples = self._read(len(out))
            out[: len(samples)] = samples
            if len(samples):
                return len(samples)
            self._read_all = True
        count = min(len(out), self._tail)
        if count:
            self._tail -= count
            out[:count] = 0
            return count
        self.ended = True
        time.sleep(0.05)
        return 0

    def _due(self) -> int | None:
        """Samples that a radio would have given by now; None: any number."""
        if self._rate is None:
            return None
        if self._started is None:
            self._started = time.monotonic()
        return max(0, int((time.monotonic() - self._started) * self._rate) - self.nitems_written(0))


def pipe_reader(file) -> Callable[[int], np.ndarray]:
    """Raw complex float samples, little-endian, of a binary file object; a part of a sample at the end is dropped."""
    rest = b""

    def read(most: int) -> np.ndarray:
        nonlocal rest
        data = rest
        while len(data) < ITEM_BYTES:
            more = file.read1(ITEM_BYTES * most - len(data))
            if not more:
                return np.zeros(0, np.complex64)
            data += more
        whole = len(data) // ITEM_BYTES * ITEM_BYTES
        rest = data[whole:]
        return np.frombuffer(data[:whole], "<c8")

    return read
