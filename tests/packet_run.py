# SPDX-License-Identifier: GPL-3.0-or-later
"""What the block tests share: packets in, packets out, and waits that end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Self

import numpy as np
import pmt
from gnuradio import blocks, gr, pdu

PATIENCE_S = 60.0  # a bound for a flowgraph that hangs, never a measurement

# Table I of the paper: bits per symbol, 1024 times the code rate, Es/N0 in dB
TABLE = [
    (2, 251, -2.0),
    (2, 308, 0.0),
    (2, 526, 2.0),
    (2, 679, 4.0),
    (4, 434, 6.0),
    (4, 553, 8.0),
    (4, 658, 10.0),
]


class Collector(gr.basic_block):
    """Keeps the messages of its port `in`."""

    def __init__(self) -> None:
        gr.basic_block.__init__(self, name="collector", in_sig=None, out_sig=None)
        self.messages: list[object] = []
        self._arrived = threading.Condition()
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.on_message)

    def on_message(self, message: object) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> list[object]:
        """All messages, once there are `count` of them; fails when they do not come."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.messages) >= count, PATIENCE_S)
            assert arrived, f"expected {count} messages, got {len(self.messages)}"
            return list(self.messages)


def post(block: gr.basic_block, port: str, message: object) -> None:
    """Put a message into a block's queue, as a connected block would."""
    block.to_basic_block()._post(pmt.intern(port), message)


def to_pdu(items: np.ndarray, tags: dict) -> object:
    """A PDU of uint8 bits or complex64 symbols."""
    if items.dtype == np.uint8:
        data = pmt.init_u8vector(len(items), items.tolist())
    else:
        data = pmt.init_c32vector(len(items), items.tolist())
    return pmt.cons(pmt.to_pmt(tags), data)


def from_pdu(message: object) -> tuple[dict, np.ndarray]:
    """Metadata and data of a PDU."""
    data = pmt.cdr(message)
    if pmt.is_u8vector(data):
        items = np.array(pmt.u8vector_elements(data), np.uint8)
    else:
        items = np.array(pmt.c32vector_elements(data), np.complex64)
    return pmt.to_python(pmt.car(message)), items


class PacketRun:
    """source (PDU to tagged stream) > chain > collector of PDUs, running; a context manager.

    The last block of `chain` has either a complex tagged stream out or a message port `payload`.
    """

    def __init__(self, chain: Sequence[gr.basic_block], item: int, source_items: int = 65536) -> None:
        self.top, self.chain = gr.top_block(), list(chain)  # GNU Radio keeps no reference to Python blocks
        self.collector = Collector()
        self.source = pdu.pdu_to_tagged_stream(item, "packet_len")
        self.source.set_min_output_buffer(0, source_items)
        self.top.connect(self.source, *chain)
        if "payload" in pmt.to_python(chain[-1].to_basic_block().message_ports_out()):
            self.top.msg_connect(chain[-1], "payload", self.collector, "in")
        else:
            sink = pdu.tagged_stream_to_pdu(gr.types.complex_t, "packet_len")
            self.top.connect(chain[-1], sink)
            self.top.msg_connect(sink, "pdus", self.collector, "in")
        self.num_expected = 0

    def __enter__(self) -> Self:
        self.top.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.top.stop()
        self.top.wait()

    def send(self, items: np.ndarray, tags: dict) -> None:
        """Put a packet in and go on."""
        post(self.source, "pdus", to_pdu(items, tags))

    def exchange(self, items: np.ndarray, tags: dict) -> tuple[dict, np.ndarray]:
        """Send one packet and take what comes out, before any further input: lock-step."""
        self.send(items, tags)
        return self.receive(1)[0]

    def receive(self, count: int) -> list[tuple[dict, np.ndarray]]:
        """The next `count` packets that come out."""
        start = self.num_expected
        self.num_expected += count
        return [from_pdu(m) for m in self.collector.wait_for(self.num_expected)[start:]]


def tagged_source(items: np.ndarray, tags: Sequence[tuple[int, str, object]]) -> gr.basic_block:
    """A stream with tags (offset, key, value) wherever the test wants them, also wrong ones."""
    stream_tags = []
    for offset, key, value in tags:
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = offset, pmt.intern(key), pmt.to_pmt(value)
        stream_tags.append(tag)
    make = blocks.vector_source_b if items.dtype == np.uint8 else blocks.vector_source_c
    return make(items.tolist(), False, 1, stream_tags)


def run_to_end(top: gr.top_block, start: bool = True) -> None:
    """Run a flowgraph whose source ends, and fail when it does not."""
    if start:
        top.start()
    waiting = threading.Thread(target=top.wait, daemon=True)
    waiting.start()
    waiting.join(PATIENCE_S)
    stalled = waiting.is_alive()
    if stalled:
        top.stop()
        waiting.join(PATIENCE_S)
    assert not stalled, "the flowgraph does not end"
