# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs, with a stand-in for UHD that notes what it is given: bursts, underflows, overflows, a pulled plug. No USRP was
ever here; the names that are used of UHD are compared with the module itself where it is installed."""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr
from gnuradio.resivid.errors import RadioError
from gnuradio.resivid.flowgraphs.live import LiveSettings
from gnuradio.resivid.flowgraphs.radio_ends import LocalTransmitter
from gnuradio.resivid.radio.factory import make_receiver, make_transmitter
from gnuradio.resivid.radio.settings import RadioSettings
from packet_run import PATIENCE_S, post, run_to_end, to_pdu

MODEM, OCCUPIED = 10815.0, 6000.0
SHAPED = 16 * 2703.75  # samples a second that a transmitter of `voice` shapes
RANGE = SimpleNamespace(start=lambda: 1e5, stop=lambda: 1e7)
TUNES = SimpleNamespace(start=lambda: 70e6, stop=lambda: 6e9)
CODES = SimpleNamespace(underflow=2, underflow_in_packet=16, burst_ack=1, time_error=8)
ERRORS = SimpleNamespace(none=0, overflow=8)


class Device:
    """MultiUSRP and its streams in one, with the state of the bench that all devices of a test share."""

    def __init__(self, bench, address):
        if bench.missing:
            bench.missing -= 1
            raise RuntimeError("LookupError: KeyError: No devices found for ----->")
        bench.opened.append(address)
        self._bench, self._told = bench, list(bench.events)

    def __getattr__(self, name):  # set_tx_gain and the like
        if name.startswith("set_"):
            return lambda *arguments: self._bench.set.append((name, *arguments))
        raise AttributeError(name)

    def get_tx_rates(self):
        return RANGE

    def get_tx_freq_range(self):
        return TUNES

    def get_tx_antennas(self):
        return ["TX/RX"]

    def get_tx_rate(self):
        wanted = next(value for name, value in reversed(self._bench.set) if name.endswith("_rate"))
        return wanted if self._bench.clock is None else self._bench.clock / round(self._bench.clock / wanted)

    def get_tx_stream(self, arguments):
        return self

    get_rx_rates, get_rx_freq_range, get_rx_antennas = get_tx_rates, get_tx_freq_range, get_tx_antennas
    get_rx_rate, get_rx_stream = get_tx_rate, get_tx_stream

    def get_time_now(self):
        return SimpleNamespace(get_real_secs=lambda: 5.0)

    def issue_stream_cmd(self, command):
        self._bench.set.append(("stream", command.mode))

    def send(self, samples, metadata, timeout):
        if self._bench.plug_pulled():
            raise RuntimeError(
                "EnvironmentError: IOError: usb tx6 transfer status: LIBUSB_TRANSFER_NO_DEVICE"
            )
        if self._bench.waits:
            time.sleep(0.005)
            return 0
        taken = min(len(samples), 1000)  # not all at once
        last = taken == len(samples)
        self._bench.sent.append(
            (samples[:taken].copy(), metadata.start_of_burst, metadata.end_of_burst and last)
        )
        if metadata.start_of_burst:
            assert metadata.has_time_spec and metadata.time_spec > 5.0
        return taken

    def recv(self, out, metadata, timeout):
        if self._bench.plug_pulled():
            raise RuntimeError("RuntimeError: usb rx6 transfer status: LIBUSB_TRANSFER_NO_DEVICE")
        metadata.error_code = self._bench.errors.pop(0) if self._bench.errors else ERRORS.none
        count = 0 if metadata.error_code else min(len(out), 500)
        out[:count] = 1
        return count

    def recv_async_msg(self, told, timeout):
        if self._told:
            told.event_code = self._told.pop(0)
            return True
        return False


@pytest.fixture
def bench(monkeypatch):
    """What is on the table: `pulls` says after how many calls the plug is pulled, once each."""
    bench = SimpleNamespace(
        opened=[],
        set=[],
        sent=[],
        events=[],
        errors=[],
        missing=0,
        clock=None,
        waits=False,
        pulls=[],
        calls=0,
    )

    def plug_pulled():
        bench.calls += 1
        return bool(bench.pulls) and bench.calls >= bench.pulls[0] and bool(bench.pulls.pop(0))

    bench.plug_pulled = plug_pulled
    types = SimpleNamespace(
        TXMetadata=SimpleNamespace,
        RXMetadata=SimpleNamespace,
        TXAsyncMetadata=SimpleNamespace,
        TimeSpec=float,
        TuneRequest=float,
        StreamCMD=lambda mode: SimpleNamespace(mode=mode),
        StreamMode=SimpleNamespace(start_cont="start", stop_cont="stop"),
        TXMetadataEventCode=CODES,
        RXMetadataErrorCode=ERRORS,
    )
    usrp = SimpleNamespace(
        MultiUSRP=lambda address: Device(bench, address),
        StreamArgs=lambda host, wire: SimpleNamespace(host=host, wire=wire),
    )
    monkeypatch.setitem(sys.modules, "uhd", SimpleNamespace(types=types, usrp=usrp))
    return bench


def bursts_of(bench):
    """Samples of each burst that was begun; the second value says whether it was ended."""
    bursts, inside = [], False
    for samples, begins, ends in bench.sent:
        assert begins != inside  # nothing outside of a burst, and no burst in another
        if begins:
            bursts.append([[], False])
        bursts[-1][0].append(samples)
        bursts[-1][1] = ends
        inside = not ends
    return [(np.concatenate(pieces), ended) for pieces, ended in bursts]


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.mark.parametrize("clock", [None, 32e6])  # any rate; a divided clock, from which samples are resampled
def test_frames_that_follow_each_other_are_one_burst_and_nothing_is_between_two(bench, clock):
    bench.clock, bench.waits = clock, True
    settings, top = LiveSettings(), gr.top_block()
    radio = RadioSettings("uhd,serial=1", 434e6, gain_db=30, antenna="TX/RX", sample_rate=None)
    end = LocalTransmitter(top, radio, settings, Fraction(30))
    bits = np.zeros(settings.link.payload_bits[0], np.uint8)

    def send(number):
        post(end.payloads.block, end.payloads.name, to_pdu(bits, {"mcs": 0, "frame": number}))

    top.start()
    try:
        send(0)
        send(1)  # the device takes nothing yet: the first is not framed to its end
        until(lambda: end.framer.nitems_written(0) > 0)
        bench.waits = False
        until(lambda: bursts_of(bench) and bursts_of(bench)[0][1])
        send(2)
        until(lambda: len(bursts_of(bench)) == 2 and bursts_of(bench)[1][1])
    finally:
        top.stop()
        top.wait()
    plan = end.radio.plan
    assert ("set_tx_gain", 30) in bench.set and ("set_tx_antenna", "TX/RX") in bench.set
    assert ("set_tx_freq", 434e6 - plan.lo_offset_hz) in bench.set
    for frames, (samples, ended) in zip((2, 1), bursts_of(bench), strict=True):
        # frames, and the preamble that closes them until its last symbol has left the pulse
        shaped = 16 * (721 * frames + 72 + 40)
        assert ended
        if plan.resampling == 1:  # to the first of the samples that the last shaped one becomes
            assert len(samples) == plan.decimation * (shaped - 1) + 1
        else:
            assert len(samples) == pytest.approx(shaped * plan.radio_rate / SHAPED, abs=3 * plan.decimation)
        power = np.abs(samples) ** 2
        edge = round(20 * plan.radio_rate / 2703.75)
        assert power[edge : -2 * edge].mean() == pytest.approx(0.35**2, rel=0.1)
        assert power[-plan.decimation :].max() < 1e-3 * 0.35**2  # the pulse has died away
    assert end.counters.underflows == 0


def sink_run(bench, samples, tags=()):
    made = []
    for offset, key in tags:
        made.append(gr.tag_t())
        made[-1].offset, made[-1].key, made[-1].value = offset, pmt.intern(key), pmt.PMT_T
    radio = make_transmitter(RadioSettings("uhd", 434e6), MODEM, OCCUPIED)
    top = gr.top_block()
    top.connect(blocks.vector_source_c(samples, False, 1, made), radio.block)
    run_to_end(top)
    return radio.counters


def test_a_stream_without_marks_is_one_burst(bench):
    samples = np.arange(5000).astype(np.complex64)
    counters = sink_run(bench, samples)
    ((sent, ended),) = bursts_of(bench)
    np.testing.assert_array_equal(sent, samples)
    assert not ended and counters.samples == 5000


@pytest.mark.parametrize("marks", [[(100, 250)], [(0, 4999)], [(7, 7), (8, 3000), (4000, 4001)]])
def test_what_lies_between_bursts_is_not_sent(bench, marks):
    samples = np.arange(5000).astype(np.complex64)
    tags = [(place, key) for mark in marks for place, key in zip(mark, ("tx_sob", "tx_eob"), strict=True)]
    sink_run(bench, samples, tags)
    for (first, last), (sent, ended) in zip(marks, bursts_of(bench), strict=True):
        np.testing.assert_array_equal(sent, samples[first : last + 1])
        assert ended


def test_underflows_are_counted_and_nothing_else(bench):
    bench.events = [CODES.underflow, CODES.burst_ack, CODES.underflow_in_packet, CODES.time_error]
    assert sink_run(bench, np.zeros(5000)).underflows == 2


def test_a_transmitter_that_was_pulled_out_is_opened_again_and_the_rest_is_a_burst(bench):
    bench.pulls, settings = [4], RadioSettings("uhd", 434e6)
    radio, top = make_transmitter(settings, MODEM, OCCUPIED), gr.top_block()
    throttle = blocks.throttle(gr.sizeof_gr_complex, 50e3)  # else all is thrown away before it is back
    top.connect(blocks.null_source(gr.sizeof_gr_complex), throttle, radio.block)
    until(lambda: len(bench.opened) == 1)
    bench.missing = 2
    top.start()
    try:
        until(lambda: radio.counters.returns == 1)
        until(lambda: sum(begins for _, begins, _ in bench.sent) == 2)
    finally:
        top.stop()
        top.wait()
    assert (radio.counters.losses, radio.counters.present, len(bench.opened)) == (1, True, 2)


def test_a_receiver_counts_overflows_and_is_opened_again(bench):
    bench.errors, bench.pulls, bench.missing = [ERRORS.none, ERRORS.overflow, ERRORS.overflow], [6], 0
    radio = make_receiver(RadioSettings("uhd", 434e6), MODEM, OCCUPIED)
    sink, top = blocks.vector_sink_c(), gr.top_block()
    top.connect(radio.block, blocks.head(gr.sizeof_gr_complex, 5000), sink)
    run_to_end(top)
    assert (radio.counters.overflows, radio.counters.losses, radio.counters.returns) == (2, 1, 1)
    assert np.all(np.array(sink.data()) == 1) and len(sink.data()) == 5000
    assert bench.set.count(("stream", "start")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency_hz": 10e6}, "--freq 1e.07: this device tunes 7e.07 to 6e.09 Hz"),
        ({"frequency_hz": 434e6, "antenna": "X"}, "--antenna X: this device has TX/RX"),
    ],
)
def test_refusals_are_one_line(bench, options, message):
    with pytest.raises(RadioError, match=message):
        make_transmitter(RadioSettings("uhd", **options), MODEM, OCCUPIED)


def test_no_usrp_is_one_line(bench):
    bench.missing = 1
    with pytest.raises(RadioError, match="uhd: no such radio"):
        make_receiver(RadioSettings("uhd", 434e6), MODEM, OCCUPIED)


def test_uhd_has_what_is_used_of_it():
    uhd = pytest.importorskip("uhd")
    both = "rates rate freq_range antennas stream".split()
    names = [f"get_{end}_{what}" for end in ("tx", "rx") for what in both]
    names += [
        f"set_{end}_{what}"
        for end in ("tx", "rx")
        for what in ("rate", "antenna", "gain", "bandwidth", "freq")
    ]
    for name in [*names, "set_clock_source", "get_clock_sources", "get_time_now"]:
        assert hasattr(uhd.usrp.MultiUSRP, name), name
    uhd.usrp.StreamArgs("fc32", "sc16").channels = [0]
    command = uhd.types.StreamCMD(uhd.types.StreamMode.start_cont)
    command.stream_now = True
    metadata = uhd.types.TXMetadata()
    metadata.start_of_burst = metadata.end_of_burst = metadata.has_time_spec = True
    metadata.time_spec = uhd.types.TimeSpec(uhd.types.TimeSpec(1.5).get_real_secs() + 0.5)
    assert metadata.time_spec.get_real_secs() == 2.0
    assert uhd.types.RXMetadata().error_code == uhd.types.RXMetadataErrorCode.none
    assert hasattr(uhd.types.TXAsyncMetadata(), "event_code") and hasattr(uhd.types.StreamMode, "stop_cont")
    assert {"underflow", "underflow_in_packet"} <= set(uhd.types.TXMetadataEventCode.__members__)
    assert "overflow" in uhd.types.RXMetadataErrorCode.__members__
    assert (uhd.types.MetaRange(1.0, 5.0).start(), uhd.types.MetaRange(1.0, 5.0).stop()) == (1, 5)
    uhd.types.TuneRequest(434e6)
