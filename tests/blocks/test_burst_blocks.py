# SPDX-License-Identifier: GPL-3.0-or-later
"""Burst framer and synchroniser as blocks: tags, lock-step, the end, idle frames, streams that break the rules."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, resivid
from gnuradio.resivid import phy
from packet_run import Collector, PacketRun, run_to_end, tagged_source

PREAMBLES = [4, 7]
ROWS = [(4, 2), (7, 4)]
SYMBOLS = 130
FRAME = 4 * (72 + SYMBOLS + 4)


def payload(seed, bits_per_symbol=2):
    bits = np.random.default_rng(seed).integers(0, 2, SYMBOLS * bits_per_symbol, np.uint8)
    return phy.qam_map(bits, bits_per_symbol)


def chain(**options):
    """Framer, noise at an Es/N0 of 14 dB (8 dB a sample), synchroniser."""
    return [
        resivid.burst_framer(SYMBOLS, PREAMBLES),
        resivid.channel([8.0], 1),
        resivid.burst_synchroniser(SYMBOLS, ROWS, symbol_rate=2400.0, **options),
    ]


def test_frames_come_out_when_the_next_one_closes_them_and_the_end_behind_all():
    sent = [payload(n, 2 + 2 * (n % 2)) for n in range(4)]
    with PacketRun(chain(), gr.types.complex_t) as run:
        for number, symbols in enumerate(sent):
            run.send(symbols, {"mcs": number % 2, "frame": number})
            if number > 1:  # the search of the first frame takes in more than one
                run.receive(1)
        run.send(np.zeros(1, np.complex64), {"end": True, "frames": 32})
        run.receive(3)
        everything = [
            (pmt.to_python(pmt.car(message)), np.array(pmt.c32vector_elements(pmt.cdr(message))))
            for message in run.collector.messages
        ]
    assert everything[-1][0] == {"end": True, "frames": 32}
    np.testing.assert_array_equal(everything[-1][1], [0])
    for number, (tags, symbols) in enumerate(everything[:-1]):
        assert tags["mcs"] == number % 2
        assert tags["position"] == pytest.approx(80 + number * FRAME, abs=0.2)
        assert abs(tags["cfo_hz"]) < 1
        assert tags["snr_db"] == pytest.approx(14, abs=1.5)
        np.testing.assert_allclose(symbols, sent[number], atol=0.9)
        assert np.mean(np.abs(symbols - sent[number]) ** 2) < 10**-1.2


def test_each_frame_of_nothing_but_noise_is_a_lost_packet():
    """What a simulation that waits for an answer needs: a packet for each frame's time."""
    generator = np.random.default_rng(1)
    noise = generator.standard_normal((20 * FRAME, 2))
    source = blocks.vector_source_c((noise[:, 0] + 1j * noise[:, 1]).tolist())
    synchroniser = resivid.burst_synchroniser(SYMBOLS, ROWS, every_frame=True)
    sink = blocks.tag_debug(gr.sizeof_gr_complex, "", "lost")
    sink.set_display(False)
    symbols = blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(source, synchroniser, sink)
    top.connect(synchroniser, symbols)
    run_to_end(top)
    lost = len(symbols.data()) // SYMBOLS
    assert 17 <= lost <= 20
    assert not np.any(symbols.data())
    assert synchroniser.bursts() == 0 and not synchroniser.locked()


def test_idle_frames_fill_what_nothing_is_sent_in():
    framer = resivid.burst_framer(SYMBOLS, PREAMBLES, idle=True)
    head = blocks.head(gr.sizeof_gr_complex, 6 * FRAME)
    sink = blocks.vector_sink_c()
    synchroniser = resivid.burst_synchroniser(SYMBOLS, ROWS)
    status = Collector()
    top = gr.top_block()
    top.connect(
        blocks.null_source(gr.sizeof_gr_complex), blocks.head(gr.sizeof_gr_complex, 0), framer, head, sink
    )
    top.connect(head, synchroniser, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(synchroniser, "status", status, "in")
    run_to_end(top)
    assert framer.idle_frames() >= 6 and len(sink.data()) == 6 * FRAME
    assert np.mean(np.abs(sink.data()) ** 2) == pytest.approx(1, abs=0.1)
    assert synchroniser.bursts() == 0


def test_a_packet_cuts_an_idle_frame_short():
    """Whatever the moment at which packets come: none is lost, and the idle preamble closes the frame before."""
    framer = resivid.burst_framer(SYMBOLS, PREAMBLES, idle=True)
    framer.set_max_output_buffer(512)
    throttle = blocks.throttle(gr.sizeof_gr_complex, 20 * FRAME)  # frames a second
    throttle.set_max_output_buffer(512)
    sent = [payload(n) for n in range(12)]
    with PacketRun([framer, throttle, resivid.burst_synchroniser(SYMBOLS, ROWS)], gr.types.complex_t) as run:
        for number, symbols in enumerate(sent):
            run.send(symbols, {"mcs": 0, "frame": number})
            if number % 3:  # some wait for each other
                time.sleep(0.07)
        run.send(np.zeros(1, np.complex64), {"end": True, "frames": 1})
        *received, (end, _) = run.receive(len(sent) + 1)
    assert len(received) == len(sent) and end == {"end": True, "frames": 1}
    for symbols, (_, items) in zip(sent, received, strict=True):
        assert np.mean(np.abs(items - symbols) ** 2) < 0.01
    apart = np.diff([tags["position"] for tags, _ in received])
    assert np.all((np.abs(apart - FRAME) < 0.5) | (apart > FRAME + 4 * 72))
    assert np.any(apart % FRAME > 1)  # and not after whole idle frames only


def test_bursts_are_closed_where_nothing_follows():
    framer, sink = resivid.burst_framer(SYMBOLS, PREAMBLES, bursts=True), blocks.vector_sink_c()
    sent = [payload(n) for n in range(3)]
    tags = [
        (n * SYMBOLS, key, value) for n in range(3) for key, value in (("packet_len", SYMBOLS), ("mcs", 0))
    ]
    top = gr.top_block()
    top.connect(tagged_source(np.concatenate(sent), tags), framer, sink)
    run_to_end(top)
    samples, marks = np.array(sink.data()), {pmt.symbol_to_string(tag.key): tag.offset for tag in sink.tags()}
    burst = 3 * FRAME + 4 * (72 + 40)  # with the idle preamble and all of its pulses
    assert len(samples) == burst + 4 * 16 and not np.any(samples[burst:])
    assert (marks["tx_sob"], marks["tx_eob"]) == (0, burst - 1)
    noise = np.random.default_rng(1).standard_normal((3 * FRAME, 2)) * 0.01
    heard = np.concatenate([samples, noise[:, 0] + 1j * noise[:, 1]]).astype(np.complex64)
    received = phy.burst_synchroniser(SYMBOLS, ROWS).receive(heard)
    assert [np.mean(np.abs(r["symbols"] - s) ** 2) < 0.01 for r, s in zip(received, sent, strict=True)] == [
        True
    ] * 3
    with pytest.raises(ValueError, match="idle and bursts"):
        resivid.burst_framer(SYMBOLS, PREAMBLES, idle=True, bursts=True)


@pytest.mark.parametrize("tags", [[], [(0, "packet_len", SYMBOLS)], [(0, "packet_len", 7), (0, "mcs", 0)]])
def test_packets_that_break_the_rules_are_dropped(tags):
    framer = resivid.burst_framer(SYMBOLS, PREAMBLES)
    sink = blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(tagged_source(np.zeros(SYMBOLS, np.complex64), tags), framer, sink)
    run_to_end(top)
    assert framer.dropped() >= 1 and len(sink.data()) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 0.0])
def test_hostile_samples_give_nothing_and_stop_nothing(value):
    samples = np.full(20 * FRAME, value, np.complex64)
    samples[::2] = 1
    synchroniser = resivid.burst_synchroniser(SYMBOLS, ROWS)
    sink = blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(blocks.vector_source_c(samples.tolist()), synchroniser, sink)
    run_to_end(top)
    assert np.all(np.isfinite(sink.data()))


def test_what_is_out_of_range_is_refused():
    with pytest.raises(ValueError, match="payload_symbols: expected"):
        resivid.burst_framer(10, PREAMBLES)
    with pytest.raises(ValueError, match="preambles: expected numbers from 0 to 15, got 16"):
        resivid.burst_framer(SYMBOLS, [16])
    with pytest.raises(ValueError, match="rows: expected 1 to 16"):
        resivid.burst_synchroniser(SYMBOLS, [])
