# SPDX-License-Identifier: GPL-3.0-or-later
"""Overflows and underflows of a USRP, from blocks that say what gr-uhd's say; no USRP was ever here."""

from __future__ import annotations

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr
from gnuradio.resivid.radio.counters import RadioCounters
from gnuradio.resivid.radio.uhd_device import ASYNC, counted_sink, counted_source
from packet_run import run_to_end


def tag(offset):
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern("rx_time"), pmt.from_double(0.5)
    return made


def test_every_later_time_is_an_overflow():
    counters, top = RadioCounters(), gr.top_block()
    source = blocks.vector_source_c(
        np.zeros(50_000), False, 1, [tag(0), tag(20_000), tag(20_001), tag(49_999)]
    )
    sink = blocks.null_sink(gr.sizeof_gr_complex)
    block = counted_source(source, counters)
    top.connect(block, sink)
    run_to_end(top)
    assert (counters.overflows, counters.samples) == (3, 50_000)


class talking_sink(gr.sync_block):
    """Takes samples and says of each thousand what it is told to, as usrp_sink does."""

    def __init__(self, events):
        gr.sync_block.__init__(self, "talking_sink", [np.complex64], None)
        self._events = list(events)
        self.message_port_register_out(pmt.intern(ASYNC))

    def work(self, input_items, output_items):
        while self._events and self.nitems_read(0) + len(input_items[0]) >= 1000 * len(self._events):
            codes = pmt.list1(pmt.intern(self._events.pop()))
            value = pmt.dict_add(pmt.make_dict(), pmt.intern("event_code"), codes)
            self.message_port_pub(pmt.intern(ASYNC), pmt.cons(pmt.intern("uhd_async_msg"), value))
        return len(input_items[0])


@pytest.mark.parametrize(
    ("events", "underflows"), [([], 0), (["underflow", "burst_ack", "underflow_in_packet", "time_error"], 2)]
)
def test_underflows_are_counted_and_nothing_else(events, underflows):
    counters, top = RadioCounters(), gr.top_block()
    block = counted_sink(talking_sink(events), counters)
    top.connect(blocks.vector_source_c(np.zeros(10_000)), block)
    run_to_end(top)
    assert counters.underflows == underflows
    assert block.nitems_read(0) == 10_000
