# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex symbols to a function, now and then: the constellation of a live page."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from gnuradio import gr

EVERY_S = 0.2
MAX_SYMBOLS = 512


class symbol_tap(gr.sync_block):
    """Gives the latest symbols to a function, at most every EVERY_S; a sink that never holds the stream up.

    Args:
        on_symbols: called in the scheduler's thread with complex64 (n,), n up to MAX_SYMBOLS; it must be quick.
    """

    def __init__(self, on_symbols: Callable[[np.ndarray], None]):
        gr.sync_block.__init__(self, name="symbol_tap", in_sig=[np.complex64], out_sig=None)
        self.logger = gr.logger(self.alias())
        self._on_symbols, self._latest = on_symbols, np.zeros(0, np.complex64)
        self._next = 0.0

    def work(self, input_items, output_items):
        """Keep the last symbols and hand them over every EVERY_S seconds."""
        symbols = input_items[0]
        self._latest = np.concatenate([self._latest, symbols[-MAX_SYMBOLS:]])[-MAX_SYMBOLS:]
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            try:
                self._on_symbols(self._latest)
            except Exception as error:  # an exception would end the block's thread
                self.logger.warn(f"symbols not shown: {error}")
        return len(symbols)
