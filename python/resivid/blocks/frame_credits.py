# SPDX-License-Identifier: GPL-3.0-or-later
"""Credits for a live token source: one for each key frame that left the framer."""

from __future__ import annotations

import numpy as np
import pmt
from gnuradio import gr

CREDIT = pmt.intern("credit")
KEY = pmt.intern("mcs")  # the tag that every payload has and no idle frame


class frame_credits(gr.sync_block):
    """Samples of `burst_framer` to message `credit` (integer 1) for each key frame in them.

    The receiver gives a simulation its credits; nobody gives them to a transmitter on the air, and a source without
    them would fill every queue. Connect it beside the radio, and its message to `token_source`.
    """

    def __init__(self):
        gr.sync_block.__init__(self, name="frame_credits", in_sig=[np.complex64], out_sig=None)
        self.message_port_register_out(CREDIT)

    def work(self, input_items, output_items):
        """One credit for each frame's tag among the items."""
        num_items = len(input_items[0])
        for _ in self.get_tags_in_window(0, 0, num_items, KEY):
            self.message_port_pub(CREDIT, pmt.from_long(1))
        return num_items
