# SPDX-License-Identifier: GPL-3.0-or-later
"""Message `mcs` of the receiver's selector to a function that tells the transmitter."""

from __future__ import annotations

from collections.abc import Callable

import pmt
from gnuradio import gr

from .guarded import guarded

MCS = pmt.intern("mcs")


class mcs_reporter(gr.basic_block):
    """Calls a function with each row that `mcs_selector` chooses.

    Args:
        report: called in the block's thread; it must not wait.
    """

    def __init__(self, report: Callable[[int], None]):
        gr.basic_block.__init__(self, name="mcs_reporter", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self._report, self.dropped = report, 0
        self.message_port_register_in(MCS)
        self.set_msg_handler(MCS, self.on_mcs)

    @guarded
    def on_mcs(self, message):
        """Pass on a row (integer)."""
        self._report(pmt.to_long(message))
