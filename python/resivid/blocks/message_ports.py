# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages out of a flowgraph into a function, and payloads into a flowgraph from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from . import pdus
from .guarded import guarded

PAYLOAD = pmt.intern("payload")


class message_exit(gr.basic_block):
    """Calls a function with each message; `taken` counts them, `dropped` what the function refused by an exception.

    Args:
        port: name of the one port.
        take: called with the message as `convert` gives it, in the block's thread; it must not wait.
        convert: a function of `pdus`, or of pmt.
    """

    def __init__(
        self, port: str, take: Callable[[Any], None], convert: Callable[[Any], Any] = lambda message: message
    ):
        gr.basic_block.__init__(self, name="message_exit", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self._take, self._convert, self.taken, self.dropped = take, convert, 0, 0
        self.message_port_register_in(pmt.intern(port))
        self.set_msg_handler(pmt.intern(port), self.on_message)

    @guarded
    def on_message(self, message):
        """Hand the message over and count it."""
        self._take(self._convert(message))
        self.taken += 1


class payload_entry(gr.basic_block):
    """PDU `payload` of whoever calls `enter`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="payload_entry", in_sig=None, out_sig=None)
        self.message_port_register_out(PAYLOAD)

    def enter(self, metadata: dict[str, Any], bits: np.ndarray) -> None:
        """Publish a payload, from any thread."""
        self.message_port_pub(PAYLOAD, pdus.from_parts(metadata, bits))
