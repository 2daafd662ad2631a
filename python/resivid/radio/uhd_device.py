# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs through UHD itself, with gr-uhd.

Frames follow each other without a gap, idle ones where no key frame waits, so that a USRP is given one burst that ends with
the flowgraph: tagged bursts, a frame each, would need a closing preamble each, for which a continuous stream has no time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from ..blocks.message_ports import message_exit
from ..errors import MissingPackageError, RadioError
from .counters import RadioCounters
from .rates import RatePlan, describe, plan_rates
from .settings import UHD, RadioSettings
from .soapy_device import explain

ASYNC = "async_msgs"
RX_TIME = pmt.intern("rx_time")


def uhd_radio(settings: RadioSettings, transmits: bool, modem_rate: float, occupied_hz: float) -> Any:
    """A `Radio` over gr-uhd's usrp_source or usrp_sink.

    Raises:
        MissingPackageError: GNU Radio was built without UHD.
        RadioError: no device, or it refuses a value.
        SettingsError: no sample rate fits.
    """
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise MissingPackageError("USRPs need gr-uhd: apt-get install gnuradio uhd-host") from error
    from .factory import Radio

    address = settings.device.removeprefix(UHD).lstrip(",")
    make = uhd.usrp_sink if transmits else uhd.usrp_source
    try:
        block = make(address, uhd.stream_args(cpu_format="fc32", channels=[0]))
        plan = _tune(uhd, block, settings, modem_rate, occupied_hz)
    except RuntimeError as error:
        raise RadioError(explain(settings.device, str(error))) from error
    counters = RadioCounters()
    return Radio((counted_sink if transmits else counted_source)(block, counters), plan, counters)


def _tune(uhd: Any, block: Any, wish: RadioSettings, modem_rate: float, occupied_hz: float) -> RatePlan:
    if wish.clock_source is not None:
        block.set_clock_source(wish.clock_source, 0)
    rates = block.get_samp_rates()
    ranges = [(r.start(), r.stop()) for r in rates]
    plan = plan_rates(modem_rate, occupied_hz, ranges, wish.sample_rate, wish.lo_offset_hz)
    block.set_samp_rate(plan.radio_rate)
    plan = RatePlan(block.get_samp_rate(), modem_rate, plan.lo_offset_hz)
    if wish.antenna is not None:
        block.set_antenna(wish.antenna, 0)
    if wish.gain_db is not None:
        block.set_gain(wish.gain_db, 0)
    if wish.bandwidth_hz is not None:
        block.set_bandwidth(wish.bandwidth_hz, 0)
    frequency = (wish.frequency_hz - plan.lo_offset_hz) / (1 + 1e-6 * wish.ppm)
    low, high = block.get_freq_range(0).start(), block.get_freq_range(0).stop()
    if not low <= frequency <= high:
        raise RadioError(f"--freq {wish.frequency_hz:g}: this device tunes {describe([(low, high)])} Hz")
    block.set_center_freq(uhd.tune_request(frequency), 0)
    return plan


class counted_sink(gr.hier_block2):
    """usrp_sink, with its underflows counted.

    Args:
        sink: complex samples in; tells what happened to them as messages `async_msgs`.
        counters: to count in.
    """

    def __init__(self, sink: gr.basic_block, counters: RadioCounters):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "counted_sink", signature, gr.io_signature(0, 0, 0))
        self._sink, self._counters = sink, counters
        self._events = message_exit(ASYNC, self._count, str)
        self.connect(self, sink)
        self.msg_connect((sink, ASYNC), (self._events, ASYNC))

    def _count(self, event: str) -> None:
        self._counters.underflows += "underflow" in event  # one of `underflow` and `underflow_in_packet`

    def nitems_read(self, port: int) -> int:
        """Samples that the radio has taken."""
        return self._sink.nitems_read(port)


class counted_source(gr.hier_block2):
    """usrp_source, with its overflows counted.

    Args:
        source: complex samples out; the first of them, and the first after lost ones, has the tag `rx_time`.
        counters: to count in.
    """

    def __init__(self, source: gr.basic_block, counters: RadioCounters):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "counted_source", gr.io_signature(0, 0, 0), signature)
        self._source, self._counter = source, overflow_counter(counters)
        self.connect(source, self)
        self.connect(source, self._counter)


class overflow_counter(gr.sync_block):
    """Counts samples, and tags `rx_time` beyond the first as overflows."""

    def __init__(self, counters: RadioCounters):
        gr.sync_block.__init__(self, "overflow_counter", [np.complex64], None)
        self._counters, self._began = counters, False

    def work(self, input_items, output_items):
        """Look at the tags of what came."""
        count = len(input_items[0])
        times = len(self.get_tags_in_window(0, 0, count, RX_TIME))
        if times and not self._began:
            self._began, times = True, times - 1
        self._counters.overflows += times
        self._counters.samples += count
        return count
