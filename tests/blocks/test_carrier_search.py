# SPDX-License-Identifier: GPL-3.0-or-later
"""The wide search: signals far off their frequency, beside spikes, spurs and foreign signals."""

from __future__ import annotations

import time
import uuid

import numpy as np
import pytest
from gnuradio import blocks, gr
from gnuradio.resivid import phy
from gnuradio.resivid.flowgraphs.live import LiveSettings
from gnuradio.resivid.flowgraphs.live_ends import radio_source
from gnuradio.resivid.link import air
from gnuradio.resivid.link.mcs_table import load_mcs_table
from gnuradio.resivid.radio.carrier_search import BandSpectrum, CarrierSearch, carrier_searcher
from gnuradio.resivid.radio.factory import make_transmitter
from gnuradio.resivid.radio.front_end import receiver_front_end, transmitter_front_end
from gnuradio.resivid.radio.rates import RatePlan
from gnuradio.resivid.radio.settings import RadioSettings
from gnuradio.resivid.resivid_python import burst_synchroniser

SYMBOL_RATE = 2703.75
REACH = 40e-6 * 434e6
RATE = 37 * 4 * SYMBOL_RATE / 4  # a multiple of the symbol rate, 100 kS/s
LO_OFFSET = RATE / 4


def noise(count, seed=0):
    """Energy 1 a sample."""
    return np.random.default_rng(seed).standard_normal((count, 2)) @ np.array([1, 1j]) / np.sqrt(2)


def at(samples, hz, rate=RATE):
    return samples * np.exp(2j * np.pi * hz / rate * np.arange(len(samples)))


def band_of_noise(count, width_hz, hz, seed):
    """White within a band, of energy 1 a sample over all."""
    spectrum = np.fft.fft(noise(count, seed))
    spectrum[np.abs(np.fft.fftfreq(count, 1 / RATE)) > width_hz / 2] = 0
    samples = np.fft.ifft(spectrum)
    return at(samples / np.sqrt(np.mean(np.abs(samples) ** 2)), hz)


def seen(samples):
    spectrum = BandSpectrum(RATE, SYMBOL_RATE)
    for piece in np.array_split(samples.astype(np.complex64), 23):
        spectrum.add(piece)
    return spectrum


@pytest.mark.parametrize("offset", [-REACH, -5000.0, 300.0, 9000.0, REACH])
def test_a_signal_below_the_noise_is_found(offset):
    """Es/N0 -4 dB, a DC spike, and a spur of 10 dB more within reach."""
    count = int(RATE)
    amplitude = np.sqrt(10**-0.4 * SYMBOL_RATE / RATE)
    samples = noise(count) + amplitude * band_of_noise(count, SYMBOL_RATE, LO_OFFSET + offset, 1)
    samples += 3 + at(np.full(count, 0.3), LO_OFFSET - 12e3)
    first = seen(samples).candidates(LO_OFFSET, REACH)[0]
    assert first == pytest.approx(offset, abs=0.25 * SYMBOL_RATE)


def test_noise_alone_is_no_signal():
    for seed in range(8):
        assert seen(noise(int(RATE), seed)).candidates(LO_OFFSET, REACH) == []
    assert seen(np.zeros(int(RATE))).candidates(LO_OFFSET, REACH) == []
    assert seen(np.full(int(RATE), np.nan)).candidates(LO_OFFSET, REACH) == []


def test_candidates_are_tried_by_strength_then_where_it_was():
    count = int(1.1 * RATE)
    samples = noise(count) + 0.5 * band_of_noise(count, SYMBOL_RATE, LO_OFFSET + 9000, 1)
    samples += band_of_noise(count, SYMBOL_RATE, LO_OFFSET - 6000, 2)
    search = CarrierSearch(RATE, SYMBOL_RATE, LO_OFFSET, REACH, dwell_s=1.0)
    assert search.take(samples, 0.0, True) is None  # locked: nothing is looked at
    shifts = []
    for now in np.arange(0, 5, 0.5):
        shift = search.take(samples if now == 0 else samples[:10], now, False)
        if shift is not None:
            shifts.append((now, round(shift, -3)))
            search.dwell(now)
    assert shifts == [(0.0, -6000), (1.0, 9000), (2.0, 0)]
    assert not CarrierSearch(4 * SYMBOL_RATE, SYMBOL_RATE, 0.0, 1000.0, 1.0).needed


@pytest.mark.parametrize("ppm", [-40, 40])
def test_cold_acquisition_at_434_mhz(ppm):
    """Within 10 s of signal, at Es/N0 -3 dB, with a foreign signal, a DC spike and phase noise."""
    table = load_mcs_table("air", 629)
    sps = 37  # the radio's rate is so much the symbol rate
    frames = 34
    framer = phy.burst_framer(629, 4)
    generator = np.random.default_rng(4)
    bits = generator.integers(0, 2, (frames, 1258), np.uint8)
    modem = np.concatenate([framer.frame(0, phy.qam_map(row, 2)) for row in bits])
    spectrum = np.fft.fft(modem)  # to the radio's rate by its spectrum, exactly
    wide = np.zeros(len(modem) * sps // 4, complex)
    half = len(modem) // 2
    wide[:half], wide[-half:] = spectrum[:half], spectrum[-half:]
    signal = np.fft.ifft(wide) * sps / 4
    walk = np.cumsum(generator.standard_normal(len(signal)) * np.sqrt(1e-4 / sps))
    amplitude = np.sqrt(10**-0.3 / sps)
    samples = amplitude * at(signal * np.exp(1j * walk), LO_OFFSET + ppm * 434) + noise(len(signal))
    samples += 0.5 * band_of_noise(len(signal), 2e3, LO_OFFSET - ppm * 200, 5) + 3
    plan = RatePlan(RATE, 4 * SYMBOL_RATE, LO_OFFSET)
    front_end = receiver_front_end(plan, SYMBOL_RATE)
    synchroniser = burst_synchroniser(629, air.synchroniser_rows(table), 4, symbol_rate=SYMBOL_RATE)
    searcher = carrier_searcher(
        front_end,
        REACH,
        721 / SYMBOL_RATE,
        lambda: synchroniser.nitems_read(0) / plan.modem_rate,
        synchroniser.locked,
    )
    source, sink = blocks.vector_source_c(samples.astype(np.complex64), False), blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(source, front_end, synchroniser, sink)
    top.connect(source, searcher)
    top.run()
    assert searcher.search.shift_hz == pytest.approx(ppm * 434, abs=0.4 * SYMBOL_RATE)
    positions = [tag.value for tag in sink.tags() if str(tag.key) == "position"]
    assert positions and float(str(positions[0])) / plan.modem_rate < 8
    received = np.array(sink.data()).reshape(-1, 629)[-1]
    sent = np.array([phy.qam_map(row, 2) for row in bits])
    share = np.abs(sent.conj() @ received) ** 2 / (629 * np.vdot(received, received).real)
    last = int(np.argmax(share))
    assert frames - 4 < last and share[last] > 0.2  # of another frame: some 0.002


def test_a_flowgraph_of_the_editor_finds_a_signal_that_is_far_off(air_folder):
    """The radio source with a search, told by the synchroniser; 9 kHz off, three times the signal's width."""
    pytest.importorskip("SoapySDR")
    settings, channel = LiveSettings(), uuid.uuid4().hex
    rows = air.synchroniser_rows(settings.link.table)
    device = f"driver=resivid_loopback,pace=free,channel={channel}"
    framer = phy.burst_framer(629, 4)
    symbols = np.exp(0.5j * np.pi * np.random.default_rng(1).integers(0, 4, 629) + 0.25j * np.pi)
    frames = np.concatenate([framer.frame(0, symbols.astype(np.complex64)) for _ in range(8)])
    top = gr.top_block()
    receiver = radio_source(
        settings, 30, f"{device},noise_db_hz=-60,frequency_offset_hz=9000", 434e6, 40.0, sample_rate=100e3
    )
    synchroniser = burst_synchroniser(629, rows, symbol_rate=SYMBOL_RATE)
    top.connect(receiver, synchroniser, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect((synchroniser, "status"), (receiver, "status"))
    transmitter = make_transmitter(
        RadioSettings(device + ",label=b", 434e6, sample_rate=100e3), 4 * SYMBOL_RATE, 2.1 * SYMBOL_RATE
    )
    front_end = transmitter_front_end(transmitter.plan)
    top.connect(blocks.vector_source_c(frames, True), front_end, transmitter.block)
    top.start()
    try:
        deadline = time.monotonic() + 60
        shifts = set()  # while it runs: when the samples end, the search begins anew
        while synchroniser.bursts() < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
            shifts.add(receiver.searcher.search.shift_hz)
    finally:
        top.stop()
        top.wait()
    assert synchroniser.bursts() >= 20
    assert any(shift == pytest.approx(9000, abs=0.25 * SYMBOL_RATE) for shift in shifts)
