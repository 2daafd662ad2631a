# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver up to the decoder costs: the radio's samples through wide search, front end and burst synchroniser."""

from __future__ import annotations

import math
import resource
from typing import Any

import numpy as np

from .. import phy
from ..link import air
from ..link.mcs_table import McsTable

REACH_HZ = 40e-6 * 434e6  # of the wide search
SIGNALS = ("noise", "bursts")  # a receiver that searches all the time, and one that is locked


def receiver_share(
    table: McsTable,
    symbols: int,
    symbol_rate: float,
    radio_rate: float,
    signal: str,
    seconds: float,
    seed: int = 0,
) -> dict[str, Any]:
    """Processor time of wide search, front end and synchroniser for a stretch of samples in memory, over the time it stands for.

    Args:
        table: rows with preambles.
        symbols: k_t.
        symbol_rate: symbols a second.
        radio_rate: samples a second that go in.
        signal: of SIGNALS; noise of deviation 1, with bursts of Es/N0 6 dB.
        seconds: of samples.
        seed: of noise and payloads.
    Returns:
        signal, seconds, radio_rate, bursts (frames found), cpu_share (of one core).
    """
    from gnuradio import blocks, gr

    from ..radio.carrier_search import carrier_searcher
    from ..radio.front_end import receiver_front_end
    from ..radio.rates import plan_rates
    from ..resivid_python import burst_synchroniser

    sps = air.SAMPLES_PER_SYMBOL
    plan = plan_rates(sps * symbol_rate, 1.1 * symbol_rate, [(radio_rate, radio_rate)])
    samples = _samples(table, symbols, plan, int(seconds * radio_rate), signal, seed)
    source = blocks.vector_source_c(samples, False)
    synchroniser = burst_synchroniser(symbols, air.synchroniser_rows(table), sps, symbol_rate=symbol_rate)
    top = gr.top_block()
    front_end = receiver_front_end(plan, symbol_rate)
    searcher = carrier_searcher(
        front_end,
        REACH_HZ,
        air.frame_symbols(symbols) / symbol_rate,
        lambda: synchroniser.nitems_read(0) / plan.modem_rate,
        synchroniser.locked,
    )
    top.connect(source, searcher)
    top.connect(source, front_end, synchroniser, blocks.null_sink(gr.sizeof_gr_complex))
    before = _processor_seconds()
    top.run()
    return {
        "signal": signal,
        "seconds": seconds,
        "radio_rate": radio_rate,
        "bursts": synchroniser.bursts(),
        "cpu_share": (_processor_seconds() - before) / seconds,
    }


def _samples(table: McsTable, symbols: int, plan: Any, count: int, signal: str, seed: int) -> np.ndarray:
    """Samples of the radio, complex64 (count,)."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((count, 2), np.float32).view(np.complex64)[:, 0] / math.sqrt(2)
    if signal == "noise":
        return noise
    from gnuradio import blocks, gr

    from ..radio.front_end import HEADROOM, transmitter_front_end

    sps = air.SAMPLES_PER_SYMBOL
    framer = phy.burst_framer(symbols, sps)
    preamble = air.preambles(table)[0]
    frames = math.ceil(count * plan.modem_rate / plan.radio_rate / (sps * air.frame_symbols(symbols))) + 1
    bits = generator.integers(0, 2, (frames, 2 * symbols), np.uint8)
    burst = np.concatenate([framer.frame(preamble, phy.qam_map(row, 2)) for row in bits])
    sink = blocks.vector_sink_c()
    top = gr.top_block()
    front_end = transmitter_front_end(plan)
    source = blocks.vector_source_c(burst.tolist())
    top.connect(source, front_end, blocks.head(gr.sizeof_gr_complex, count), sink)
    top.run()
    # Es/N0 6 dB: a symbol lasts radio_rate / symbol_rate samples
    gain = math.sqrt(10**0.6 * plan.modem_rate / sps / plan.radio_rate) / HEADROOM
    sent = np.array(sink.data(), np.complex64)
    noise[: sent.size] += np.float32(gain) * sent
    return noise


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
