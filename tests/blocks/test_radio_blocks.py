# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios as blocks, over the loopback radio: rates, offsets, refusals, a plug that is pulled."""

from __future__ import annotations

import json
import time
import uuid

import numpy as np
import pytest

pytest.importorskip("SoapySDR")
from gnuradio import blocks, gr
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import RadioError, SettingsError
from gnuradio.resivid.radio import sample_source
from gnuradio.resivid.radio.factory import make_receiver, make_transmitter
from gnuradio.resivid.radio.front_end import HEADROOM, receiver_front_end, transmitter_front_end
from gnuradio.resivid.radio.rates import RatePlan
from gnuradio.resivid.radio.settings import RadioSettings

SYMBOL_RATE = 2703.75
MODEM = 4 * SYMBOL_RATE
OCCUPIED = 2.1 * SYMBOL_RATE


@pytest.fixture(autouse=True)
def folder(air_folder):
    return air_folder


def settings(device, **options):
    return RadioSettings(f"driver=resivid_loopback,{device}", **{"frequency_hz": 434e6, **options})


def tone(hz, count):
    return np.exp(2j * np.pi * hz / MODEM * np.arange(count)).astype(np.complex64)


@pytest.mark.parametrize(
    ("transmit", "receive"),
    [
        ({}, {}),
        ({"sample_rate": 48e3}, {"sample_rate": 48e3}),
        ({"sample_rate": 100e3, "lo_offset_hz": 0}, {"sample_rate": 64e3, "lo_offset_hz": 10e3}),
        ({"sample_rate": 48e3}, {"sample_rate": 60e3, "lo_offset_hz": 0}),
    ],
)
def test_a_tone_arrives_where_it_was_sent(transmit, receive):
    """Two devices on one channel, each with rate and oscillator of its own."""
    device = f"pace=free,channel={uuid.uuid4().hex},noise_db_hz=-110"
    rx = make_receiver(settings(device, **receive), MODEM, OCCUPIED)
    tx = make_transmitter(settings(device + ",label=b", **transmit), MODEM, OCCUPIED)
    top, sink = gr.top_block(), blocks.vector_sink_c()
    count = 12000
    source = blocks.vector_source_c(tone(500, count), False)
    ends = transmitter_front_end(tx.plan), receiver_front_end(rx.plan, SYMBOL_RATE)
    top.connect(source, ends[0], tx.block)
    top.connect(rx.block, ends[1], blocks.head(8, count - 500), sink)
    top.start()
    try:
        deadline = time.monotonic() + 60
        while len(sink.data()) < count - 500 and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        top.stop()
        top.wait()
    received = np.array(sink.data())[2000:]
    amplitude = np.abs(np.mean(received * np.exp(-2j * np.pi * 500 / MODEM * np.arange(len(received)))))
    assert amplitude == pytest.approx(HEADROOM, rel=0.02)
    assert np.mean(np.abs(received) ** 2) == pytest.approx(HEADROOM**2, rel=0.05)  # nothing else
    assert rx.counters.samples > 0 and rx.counters.overflows == 0


def test_only_the_modems_own_samples_are_the_channel_alone():
    assert RatePlan(MODEM, MODEM, 0.0).is_channel
    others = RatePlan(48e3, MODEM, 0.0), RatePlan(MODEM, MODEM, 300.0), RatePlan(2 * MODEM, MODEM, 0.0)
    assert not any(plan.is_channel for plan in others)


@pytest.mark.parametrize("rate", [12e3, 48e3, 2e6, 40 * MODEM])
def test_a_tone_goes_up_to_any_rate(rate):
    """One line in the spectrum, at the oscillator's offset and the tone's frequency."""
    plan = RatePlan(rate, MODEM, rate / 8)
    top, sink = gr.top_block(), blocks.vector_sink_c()
    count = int(2000 * rate / MODEM)
    top.connect(
        blocks.vector_source_c(tone(500, 2400), False),
        transmitter_front_end(plan),
        blocks.head(8, count),
        sink,
    )
    top.run()
    sent = np.array(sink.data())[count // 2 :]
    power = np.abs(np.fft.fft(sent * np.blackman(len(sent)))) ** 2
    power /= power.sum()
    bins = np.fft.fftfreq(len(sent), 1 / rate)
    near = np.abs(bins - rate / 8 - 500) < 5 * rate / len(sent)
    assert 10 * np.log10(power[~near].sum()) < -60
    assert np.mean(np.abs(sent) ** 2) == pytest.approx(HEADROOM**2, rel=0.02)


def test_a_pulled_plug_is_survived(folder):
    channel = uuid.uuid4().hex
    rx = make_receiver(settings(f"channel={channel},noise_db_hz=-60", sample_rate=48e3), MODEM, OCCUPIED)
    top, sink = gr.top_block(), blocks.null_sink(8)
    top.connect(rx.block, sink)
    plug = folder / f"{channel}.unplugged"
    top.start()
    try:
        _until(lambda: rx.counters.samples > 0)
        plug.touch()
        _until(lambda: not rx.counters.present)
        plug.unlink()
        _until(lambda: rx.counters.present)
        samples = rx.counters.samples
        _until(lambda: rx.counters.samples > samples)
    finally:
        top.stop()
        top.wait()
    assert (rx.counters.losses, rx.counters.returns) == (1, 1)


def test_overflows_are_counted():
    device = f"idle=noise,pace=free,channel={uuid.uuid4().hex},gap_every_s=0.1,gap_s=0.01"
    rx = make_receiver(settings(device, sample_rate=48e3), MODEM, OCCUPIED)
    top, head = gr.top_block(), blocks.head(8, 48000)
    top.connect(rx.block, head, blocks.null_sink(8))
    top.run()
    assert rx.counters.overflows == pytest.approx(10, abs=1)


@pytest.mark.parametrize(
    ("device", "options", "error", "message"),
    [
        ("driver=nonesuch", {}, RadioError, "no radio for 'driver=nonesuch'"),
        ("driver=resivid_loopback,noise_db_hz=x", {}, RadioError, "noise_db_hz: expected"),
        ("driver=resivid_loopback", {"frequency_hz": 10e9}, RadioError, "--freq 1e.10: this device tunes"),
        ("driver=resivid_loopback", {"gain_db": 90.0}, RadioError, "--gain 90: this device has -40 to 60 dB"),
        ("driver=resivid_loopback", {"antenna": "LNAW"}, RadioError, "--antenna LNAW: this device has RX"),
        ("driver=resivid_loopback", {"clock_source": "gps"}, RadioError, "--clock-source gps"),
        ("driver=resivid_loopback,rate_max=1e6", {"sample_rate": 2e6}, SettingsError, "--sample-rate 2e.06"),
    ],
)
def test_refusals_are_one_line(device, options, error, message):
    with pytest.raises(error, match=message) as caught:
        make_receiver(RadioSettings(device, **{"frequency_hz": 434e6, **options}), MODEM, OCCUPIED)
    assert "\n" not in str(caught.value)


def test_a_busy_device_says_so():
    device = f"channel={uuid.uuid4().hex}"
    first = make_receiver(settings(device), MODEM, OCCUPIED)
    with pytest.raises(RadioError, match="device busy, another program uses it"):
        make_receiver(settings(device + ",label=second"), MODEM, OCCUPIED)
    first.block.stop()


def test_devices_command(folder, capsys):
    assert main(["devices", "--device", "driver=resivid_loopback", "--json", "-"]) == 0
    (radio,) = json.loads(capsys.readouterr().out)
    assert radio["driver"] == "resivid_loopback" and radio["receive"]["gain_db"] == [-40, 60]
    assert main(["devices", "--device", radio["device"]]) == 0
    assert "transmit: 1e+06 to 6e+09 Hz" in capsys.readouterr().out
    assert main(["devices", "--device", "driver=nonesuch"]) == 1
    assert "no radio found" in capsys.readouterr().err


def _until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_recording_for_a_viewer_gives_what_a_radio_would_have_by_now(monkeypatch):
    """1,024 samples a second on a clock that stands still between calls."""
    now = [50.0]
    monkeypatch.setattr(sample_source.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sample_source.time, "sleep", lambda seconds: None)
    given = 0
    block = sample_source.sample_source(lambda most: np.ones(min(most, 40), np.complex64), 10, rate=1024.0)
    monkeypatch.setattr(block, "nitems_written", lambda port: given)
    counts = []
    for ticks in (0, 25, 30, 30, 100, 100, 100):
        now[0] = 50.0 + ticks / 1024
        counts.append(block.work([], [np.zeros(64, np.complex64)]))
        given += counts[-1]
    assert counts == [0, 25, 5, 0, 40, 30, 0]
