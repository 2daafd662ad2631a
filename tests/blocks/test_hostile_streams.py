# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that break every rule: a drop is counted, what is good is decoded, and the flowgraph ends."""

import threading

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, resivid
from packet_run import TABLE, Collector, PacketRun, from_pdu, run_to_end, tagged_source

SYMBOLS = 80
ROW = 4
# B_t = (434 * 80 * 4) >> 10 = 135 bits, less a CRC of 16
GOOD_BITS = np.random.default_rng(1).integers(0, 2, 119, dtype=np.uint8)
NOISE = np.ones(SYMBOLS, np.float32)
GOOD_TAGS = [("packet_len", SYMBOLS), ("mcs", ROW)]


class Stream:
    """Items and tags of a stream, put together packet by packet."""

    def __init__(self, dtype):
        self._items, self.tags, self._num_items, self.frames = [np.zeros(0, dtype)], [], 0, []

    def add(self, items, tags=()):
        """Items whose first one carries tags (key, value), in this order."""
        self.tags += [(self._num_items, key, value) for key, value in tags]
        self._items.append(items)
        self._num_items += len(items)

    def add_good(self, items):
        """A packet that must come through."""
        self.frames.append(len(self.frames))
        self.add(items, [("packet_len", len(items)), ("mcs", ROW), ("frame", self.frames[-1])])

    @property
    def items(self):
        return np.concatenate(self._items)


class HeldSource(gr.sync_block):
    """A stream that ends when it is released: messages in flight at the end may get lost."""

    def __init__(self, stream):
        gr.sync_block.__init__(self, name="held_source", in_sig=None, out_sig=[np.complex64])
        self._items, self._position, self.released = stream.items, 0, threading.Event()
        self._tags = [(offset, pmt.intern(key), pmt.to_pmt(value)) for offset, key, value in stream.tags]

    def work(self, _inputs, outputs):
        count = min(len(outputs[0]), len(self._items) - self._position)
        if count == 0:
            return -1 if self.released.wait(0.01) else 0
        for offset, key, value in self._tags:
            if self._position <= offset < self._position + count:
                self.add_item_tag(0, offset, key, value)
        outputs[0][:count] = self._items[self._position : self._position + count]
        self._position += count
        return count


def decode(stream, num_pdus):
    """Run a decoder to the end of the stream: its PDUs, and the packets it dropped."""
    top, source, collector = gr.top_block(), HeldSource(stream), Collector()
    decoder = resivid.ldpc_qam_decoder(SYMBOLS, TABLE)
    top.connect(source, decoder)
    top.msg_connect(decoder, "payload", collector, "in")
    top.start()
    messages = collector.wait_for(num_pdus)
    source.released.set()
    run_to_end(top, start=False)
    return [from_pdu(message) for message in messages], decoder.dropped()


def check_good_packets(pdus, stream):
    good = [(metadata["frame"], bits) for metadata, bits in pdus if "frame" in metadata]
    assert [frame for frame, _ in good] == stream.frames
    for _, bits in good:
        np.testing.assert_array_equal(bits, GOOD_BITS)


@pytest.fixture(scope="module")
def good_symbols():
    with PacketRun([resivid.ldpc_qam_encoder(SYMBOLS, TABLE)], gr.types.byte_t) as run:
        return run.exchange(GOOD_BITS, {"mcs": ROW})[1]


def length(value):
    return [("packet_len", value), ("mcs", ROW)]


def row(value):
    return [("packet_len", SYMBOLS), ("mcs", value)]


# Name, items of the packet, its tags, warnings that it costs, PDUs that it still gives.
FAULTS = [
    ("no tags", SYMBOLS, [], 1, 0),
    ("no length", SYMBOLS, [("mcs", ROW)], 1, 0),
    ("length 0", SYMBOLS, length(0), 1, 0),
    ("negative length", SYMBOLS, length(-1), 1, 0),
    ("one symbol", 1, length(1), 1, 0),
    ("shorter than announced", SYMBOLS - 1, length(SYMBOLS), 1, 0),
    ("larger than announced", SYMBOLS + 9, length(SYMBOLS), 1, 1),
    ("announced too short", SYMBOLS, length(SYMBOLS - 1), 2, 0),
    ("announced too long", SYMBOLS, length(SYMBOLS + 1), 1, 0),
    ("huge length", SYMBOLS, length(2**40), 1, 0),
    ("largest length", SYMBOLS, length(2**63 - 1), 1, 0),
    ("length as text", SYMBOLS, length("80"), 1, 0),
    ("length as a real number", SYMBOLS, length(80.0), 1, 0),
    ("length is not a number", SYMBOLS, length(float("nan")), 1, 0),
    ("length is a dictionary", SYMBOLS, length({"a": 1}), 1, 0),
    ("two lengths, the first is right", SYMBOLS, [*length(SYMBOLS), ("packet_len", 5)], 0, 1),
    ("two lengths, the first is wrong", SYMBOLS, [("packet_len", 5), *length(SYMBOLS)], 2, 0),
    ("no row", SYMBOLS, [("packet_len", SYMBOLS)], 1, 0),
    ("row below the table", SYMBOLS, row(-1), 1, 0),
    ("row above the table", SYMBOLS, row(7), 1, 0),
    ("huge row", SYMBOLS, row(2**40), 1, 0),
    ("row modulo 2^32", SYMBOLS, row(2**32 + ROW), 1, 0),
    ("row as text", SYMBOLS, row("4"), 1, 0),
    ("row is nothing", SYMBOLS, row(None), 1, 0),
    ("long text as row", SYMBOLS, row("x" * 100000), 1, 0),
    ("another row", SYMBOLS, row(0), 0, 1),
    ("two rows", SYMBOLS, [*length(SYMBOLS), ("mcs", 99)], 0, 1),
    ("end is no truth value", SYMBOLS, [*length(SYMBOLS), ("end", 1)], 0, 1),
    ("noise variances of another length", SYMBOLS, [*GOOD_TAGS, ("noise_variance", NOISE[1:])], 1, 0),
    ("noise variance as a number", SYMBOLS, [*GOOD_TAGS, ("noise_variance", 0.5)], 1, 0),
    ("noise variances below 0", SYMBOLS, [*GOOD_TAGS, ("noise_variance", -NOISE)], 0, 1),
    ("noise variances are no numbers", SYMBOLS, [*GOOD_TAGS, ("noise_variance", np.nan * NOISE)], 0, 1),
    ("unknown tags", SYMBOLS, [*length(SYMBOLS), ("crc_ok", "?"), ("bits", [1, 2])], 0, 1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0])
def test_decoder_goes_on_after(fault, good_symbols):
    _, num_items, tags, num_warnings, num_pdus = fault
    stream = Stream(np.complex64)
    stream.add_good(good_symbols)
    stream.add(np.full(num_items, 0.5 + 0.5j, np.complex64), tags)
    stream.add_good(good_symbols)
    pdus, dropped = decode(stream, 2 + num_pdus)
    check_good_packets(pdus, stream)
    assert dropped == num_warnings


@pytest.mark.parametrize("seed", range(20))
def test_decoder_survives_any_order_of_faults(seed, good_symbols):
    rng = np.random.default_rng(seed)
    stream, warnings, num_pdus = Stream(np.complex64), 0, 0
    for _ in range(60):
        _, num_items, tags, costs, gives = FAULTS[rng.integers(len(FAULTS))]
        stream.add(rng.normal(0, 1, num_items).astype(np.complex64), tags)
        warnings, num_pdus = warnings + costs, num_pdus + gives
        for _ in range(rng.integers(1, 3)):  # one at least, so that no fault swallows the next
            stream.add_good(good_symbols)
    pdus, dropped = decode(stream, num_pdus + len(stream.frames))
    check_good_packets(pdus, stream)
    assert dropped == warnings


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(np.nan, 1), 3e38, 1e-45])
@pytest.mark.parametrize("count", [1, SYMBOLS // 2, SYMBOLS])
def test_symbols_that_are_no_numbers_spoil_only_their_packet(value, count, good_symbols):
    spoilt = good_symbols.copy()
    spoilt[:count] = value
    stream = Stream(np.complex64)
    stream.add_good(good_symbols)
    stream.add(spoilt, GOOD_TAGS)
    stream.add_good(good_symbols)
    pdus, dropped = decode(stream, 3)
    check_good_packets(pdus, stream)
    assert dropped == 0
    if count == SYMBOLS:
        assert pdus[1][0]["crc_ok"] is False and len(pdus[1][1]) == 0


def test_a_packet_that_the_end_of_the_stream_cuts_is_counted(good_symbols):
    stream = Stream(np.complex64)
    stream.add_good(good_symbols)
    stream.add(good_symbols[:-1], GOOD_TAGS)
    pdus, dropped = decode(stream, 1)
    check_good_packets(pdus, stream)
    assert dropped == 1


def test_packets_larger_than_the_buffer_before_are_dropped():
    """The stock source's buffer holds some ten thousand symbols: a larger packet would never be whole."""
    symbols = 100_000
    decoder = resivid.ldpc_qam_decoder(symbols, TABLE[:1])
    tags = [(offset, "packet_len", symbols) for offset in (0, symbols)]
    top = gr.top_block()
    top.connect(tagged_source(np.zeros(2 * symbols, np.complex64), tags), decoder)
    run_to_end(top)
    assert decoder.dropped() == 2


def bits_faults():
    bits = GOOD_BITS
    return [
        ("no bits announced", bits, [("packet_len", 0), ("mcs", ROW)], 1),
        ("bytes that are no bits", np.full_like(bits, 7), [("packet_len", len(bits)), ("mcs", ROW)], 1),
        ("one bit too few", bits[1:], [("packet_len", len(bits) - 1), ("mcs", ROW)], 1),
        ("bits of another row", bits, [("packet_len", len(bits)), ("mcs", 0)], 1),
        ("more than any row takes", np.zeros(9999, np.uint8), [("packet_len", 9999), ("mcs", ROW)], 1),
        ("more than announced", np.append(bits, bits), [("packet_len", len(bits) - 1), ("mcs", ROW)], 2),
        ("no row", bits, [("packet_len", len(bits))], 1),
        ("row out of range", bits, [("packet_len", len(bits)), ("mcs", 2**31)], 1),
        ("no length", bits, [("mcs", ROW)], 1),
        ("huge length", bits, [("packet_len", 2**62), ("mcs", ROW)], 1),
    ]


@pytest.mark.parametrize("fault", bits_faults(), ids=lambda fault: fault[0])
def test_encoder_goes_on_after(fault, good_symbols):
    _, bits, tags, num_warnings = fault
    stream = Stream(np.uint8)
    stream.add_good(GOOD_BITS)
    stream.add(bits, tags)
    stream.add_good(GOOD_BITS)
    top, sink = gr.top_block(), blocks.vector_sink_c()
    encoder = resivid.ldpc_qam_encoder(SYMBOLS, TABLE)
    top.connect(tagged_source(stream.items, stream.tags), encoder, sink)
    run_to_end(top)
    np.testing.assert_array_equal(np.array(sink.data()), np.tile(good_symbols, 2).astype(complex))
    frames = [pmt.to_python(tag.value) for tag in sink.tags() if pmt.to_python(tag.key) == "frame"]
    assert frames == stream.frames
    assert encoder.dropped() == num_warnings
