# SPDX-License-Identifier: GPL-3.0-or-later
"""A hier block that is freed when nobody needs it any more."""

from __future__ import annotations

import contextlib
from typing import Any

from gnuradio import gr


class releasable_hier_block(gr.hier_block2):
    """A hier block whose connections can be undone.

    GNU Radio (3.10) keeps a hier block that has message ports in its own list of inner blocks, a circle that nothing ends:
    without `release` the block and all blocks in it stay in memory until the process ends.
    """

    def __init__(self, name: str, inputs: Any, outputs: Any):
        gr.hier_block2.__init__(self, name, inputs, outputs)
        self._messages: list[tuple[Any, ...]] = []

    def msg_connect(self, *ends: Any) -> None:
        """As that of `hier_block2`: two (block, port), or these four one after the other."""
        gr.hier_block2.msg_connect(self, *ends)
        self._messages.append(ends)

    def release(self) -> None:
        """Undo all connections inside, once the flowgraph has ended; it cannot run again."""
        while self._messages:
            with contextlib.suppress(RuntimeError):  # of a port that leads inwards, after the edge is gone
                self.msg_disconnect(*self._messages.pop())
        self.disconnect_all()
