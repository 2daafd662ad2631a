# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `payload` out of a flowgraph into a function, and into a flowgraph from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from . import pdus
from .guarded import guarded

PAYLOAD = pmt.intern("payload")


class payload_exit(gr.basic_block):
    """Calls a function with metadata and bits of each PDU `payload`; `taken` counts them, `dropped` what it refused.

    Args:
        take: called in the block's thread; it must not wait.
    """

    def __init__(self, take: Callable[[dict[str, Any], np.ndarray], None]):
        gr.basic_block.__init__(self, name="payload_exit", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self._take, self.taken, self.dropped = take, 0, 0
        self.message_port_register_in(PAYLOAD)
        self.set_msg_handler(PAYLOAD, self.on_payload)

    @guarded
    def on_payload(self, pdu):
        """Hand the payload over and count it."""
        self._take(*pdus.to_parts(pdu))
        self.taken += 1


class payload_entry(gr.basic_block):
    """PDU `payload` of whoever calls `enter`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="payload_entry", in_sig=None, out_sig=None)
        self.message_port_register_out(PAYLOAD)

    def enter(self, metadata: dict[str, Any], bits: np.ndarray) -> None:
        """Publish a payload, from any thread."""
        self.message_port_pub(PAYLOAD, pdus.from_parts(metadata, bits))
