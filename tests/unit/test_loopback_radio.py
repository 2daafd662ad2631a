# SPDX-License-Identifier: GPL-3.0-or-later
"""The loopback radio through SoapySDR's Python API: what comes out of it, against closed forms."""

from __future__ import annotations

import math
import os
import socket
import struct
import time
import uuid

import numpy as np
import pytest

pytest.importorskip("SoapySDR")
from gnuradio.resivid.radio.soapy_library import soapy

S = soapy()
TX, RX, CF32 = S.SOAPY_SDR_TX, S.SOAPY_SDR_RX, S.SOAPY_SDR_CF32
RATE = 48e3
REFUSED = (RuntimeError, ValueError)


@pytest.fixture(autouse=True)
def folder(air_folder):
    return air_folder


def open_device(**settings):
    """A device on a channel of its own: SoapySDR gives the same object for the same arguments."""
    arguments = {"driver": "resivid_loopback", "channel": uuid.uuid4().hex, "pace": "free", **settings}
    device = S.Device(",".join(f"{name}={value}" for name, value in arguments.items()))
    for direction in (TX, RX):
        device.setSampleRate(direction, 0, RATE)
        device.setFrequency(direction, 0, 434e6)
    return device


class Link:
    """Both streams of one device."""

    def __init__(self, device):
        self.device = device
        self.rx = device.setupStream(RX, CF32)
        self.tx = device.setupStream(TX, CF32)
        device.activateStream(self.rx)
        device.activateStream(self.tx)

    def close(self):
        for stream in (self.tx, self.rx):
            self.device.deactivateStream(stream)
            self.device.closeStream(stream)

    def read(self, most=4096, timeout_us=20000):
        """Samples, or SoapySDR's negative code."""
        buffer = np.zeros(most, np.complex64)
        result = self.device.readStream(self.rx, [buffer], most, timeoutUs=timeout_us)
        return result.ret if result.ret < 0 else buffer[: result.ret]

    def write(self, samples):
        return self.device.writeStream(self.tx, [samples], len(samples), timeoutUs=20000).ret

    def send(self, samples):
        """All samples in, all that comes out of them."""
        samples, received = np.ascontiguousarray(samples, np.complex64), []
        for start in range(0, len(samples), 4096):
            part = samples[start : start + 4096]
            assert self.write(part) == len(part)
            while not isinstance(block := self.read(timeout_us=2000), int):
                received.append(block)
        return np.concatenate(received)


def through(samples, receiver=None, **settings):
    device = open_device(**settings)
    for name, value in (receiver or {}).items():
        getattr(device, name)(RX, 0, value)
    link = Link(device)
    received = link.send(samples)
    link.close()
    return received


def tone(count, hz, rate=RATE, amplitude=1.0):
    return amplitude * np.exp(2j * np.pi * hz / rate * np.arange(count))


def part(samples, hz, rate=RATE):
    """Amplitude of a tone in the samples."""
    return np.mean(samples * np.exp(-2j * np.pi * hz / rate * np.arange(len(samples))))


def power(samples):
    return float(np.mean(np.abs(samples) ** 2))


def test_perfect_channel_changes_nothing():
    sent = np.random.default_rng(1).uniform(-0.7, 0.7, (20000, 2)).view(complex)[:, 0]
    received = through(sent)
    assert len(received) >= 19990
    np.testing.assert_array_equal(received[:19990], sent.astype(np.complex64)[:19990])


def test_noise_density():
    received = through(np.zeros(60000), noise_db_hz=-60)
    expected = 1e-6 * RATE  # N0 times bandwidth; the deviation of the mean is 1 / sqrt(n)
    assert power(received) == pytest.approx(expected, rel=5 / math.sqrt(60000))
    spectrum = np.abs(np.fft.fft(received[:59904].reshape(-1, 64), axis=1)) ** 2
    assert spectrum.mean(0).max() / spectrum.mean() < 1.25  # white: 5 deviations of 936 values


@pytest.mark.parametrize("gain_db", [-20, 6])
def test_gains_and_path_loss(gain_db):
    received = through(tone(9000, 3000, amplitude=0.1), receiver={"setGain": gain_db}, path_loss_db=3)
    assert 20 * math.log10(abs(part(received[:8000], 3000))) == pytest.approx(-20 + gain_db - 3, abs=0.01)


def test_carrier_offset_is_hertz_ppm_and_tuning():
    offsets = {"frequency_offset_hz": 500, "frequency_offset_ppm": 2}
    received = through(tone(24000, 1000), receiver={"setFrequency": 434e6 - 3000}, **offsets)
    assert abs(part(received, 1000 + 3000 + 500 + 868)) > 0.999


def test_frequency_correction_takes_the_offset_back():
    received = through(tone(24000, 1000), receiver={"setFrequencyCorrection": 2}, frequency_offset_ppm=2)
    assert abs(part(received, 1000)) > 0.999


@pytest.mark.parametrize("ppm", [-200, 200])
def test_clock_offset_moves_a_tone_and_the_number_of_samples(ppm):
    received = through(tone(48000, 6000), clock_offset_ppm=ppm)
    assert len(received) == pytest.approx(48000 / (1 + 1e-6 * ppm), abs=30)
    # a slow clock takes fewer samples a period
    assert abs(part(received[100:-100], 6000 * (1 + 1e-6 * ppm))) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("rate", [16e3, 100e3, 2e6])
def test_other_rate_at_the_receiver(rate):
    received = through(tone(24000, 3000), receiver={"setSampleRate": rate})
    count = len(received)
    assert count == pytest.approx(24000 * rate / RATE, abs=40 * max(1, rate / RATE))
    middle = received[count // 10 : count - count // 10]
    assert abs(part(middle, 3000, rate)) == pytest.approx(1, abs=2e-3)
    assert power(middle) == pytest.approx(1, abs=2e-3)  # nothing but the tone


def test_a_transmitter_elsewhere_is_not_heard():
    received = through(tone(9000, 3000), receiver={"setFrequency": 435e6})
    assert power(received) == 0


def test_dc_iq_imbalance_and_image():
    received = through(tone(24000, 3000, amplitude=0.5), iq_gain_db=1, iq_phase_deg=5, dc_real=0.1)
    g2, a2 = 10 ** (1 / 20), math.radians(5)  # the image of the class iq_imbalance
    image = (g2**2 + 1 - 2 * g2 * math.cos(a2)) / (g2**2 + 1 + 2 * g2 * math.cos(a2))
    measured = abs(part(received, -3000) / part(received, 3000)) ** 2
    assert measured == pytest.approx(image, rel=0.02)
    g, a = math.sqrt(g2), a2 / 2
    assert part(received, 0) == pytest.approx(0.1 * (g * math.cos(a) - 1j * math.sin(a) / g), abs=1e-3)


def test_eight_bits_and_full_scale():
    sent = np.random.default_rng(8).uniform(-0.7, 0.7, (9000, 2)).view(complex)[:, 0]
    received = through(sent, quantiser_bits=8)
    assert set(np.unique(np.round((received.real * 128 - 0.5) % 1, 4))) <= {0.0, 1.0}
    error = received[:8900] - sent[:8900]
    assert power(error) == pytest.approx(2 / 12 / 128**2, rel=0.1)  # step^2 / 12 an axis
    loud = through(tone(9000, 3000), receiver={"setGain": 20}, quantiser_bits=8)
    assert abs(loud.real).max() == pytest.approx(127.5 / 128)


def test_amplifier_clips():
    received = through(tone(3000, 0), clipping_db=-6)
    assert abs(received).max() == pytest.approx(10 ** (-6 / 20), rel=1e-4)


def test_fading_has_mean_power_one_and_follows_the_doppler():
    received = through(np.ones(480000), fading="rayleigh", doppler_hz=200, seed=3)
    assert power(received) == pytest.approx(1, abs=0.25)  # over 2,000 Doppler periods
    step = int(RATE / 200 / 10)
    correlation = np.mean(received[step:] * received[:-step].conj()) / power(received)
    assert correlation.real == pytest.approx(0.9037, abs=0.05)  # J0(2 pi / 10)


def test_phase_noise_walks():
    received = through(np.ones(48000), phase_noise=10)
    steps = np.angle(received[48:] * received[:-48].conj())  # 1 ms: 0.01 rad^2
    assert np.var(steps) == pytest.approx(0.01, rel=0.2)


def test_overflows_are_injected_and_time_goes_on():
    device = open_device(gap_every_s=0.1, gap_s=0.05)
    link = Link(device)
    buffer, overflows, last = np.zeros(1024, np.complex64), 0, 0
    for _ in range(20):
        link.write(np.ones(2400, np.complex64))
        while True:
            result = device.readStream(link.rx, [buffer], 1024, timeoutUs=2000)
            if result.ret == S.SOAPY_SDR_TIMEOUT:
                break
            overflows += result.ret == S.SOAPY_SDR_OVERFLOW
            if result.ret > 0:
                assert result.timeNs >= last
                last = result.timeNs + int(1e9 * result.ret / RATE)
    link.close()
    assert last == pytest.approx(1e9, rel=0.1)  # 48,000 samples were sent
    assert overflows == pytest.approx(last / 0.15e9, abs=1.5)


def test_free_pace_waits_for_the_slower_end():
    device = open_device()
    rx = device.setupStream(RX, CF32)
    tx = device.setupStream(TX, CF32)
    samples = np.zeros(4096, np.complex64)
    taken = 0
    while device.writeStream(tx, [samples], 4096, timeoutUs=1000).ret > 0:
        taken += 1
        assert taken < 100  # a socket's buffer, not endless
    device.closeStream(tx)
    device.closeStream(rx)


def test_a_receiver_alone_waits_or_hears_noise():
    waiting = Link(open_device(idle="wait"))
    assert waiting.read() == S.SOAPY_SDR_TIMEOUT
    waiting.close()
    hearing = Link(open_device(idle="noise", noise_db_hz=-60))
    assert power(hearing.read()) > 0
    hearing.close()


def test_a_transmitter_that_left_is_followed_by_its_tail():
    device = open_device(tail_s=0.1, noise_db_hz=-60)
    link = Link(device)
    link.write(np.ones(4096, np.complex64))
    device.deactivateStream(link.tx)
    received = []
    while not isinstance(block := link.read(), int):
        received.append(block)
    link.close()
    assert len(np.concatenate(received)) == pytest.approx(4096 + 4800, abs=8)


def test_real_pace_follows_the_clock():
    link = Link(open_device(pace="real", noise_db_hz=-60))
    start, count = time.monotonic(), 0
    while time.monotonic() < start + 0.5:
        block = link.read()
        count += 0 if isinstance(block, int) else len(block)
    passed = time.monotonic() - start
    link.close()
    assert count <= RATE * passed  # a busy machine may be late, never early


def test_a_second_user_finds_it_busy():
    device = open_device()
    other = S.Device(f"driver=resivid_loopback,channel={device.getHardwareInfo()['channel']},label=b")
    rx = device.setupStream(RX, CF32)
    with pytest.raises(REFUSED, match="busy"):
        device.setupStream(RX, CF32)
    del other
    device.closeStream(rx)


def test_unplugged(folder):
    device = open_device()
    channel = device.getHardwareInfo()["channel"]
    link = Link(device)
    (folder / f"{channel}.unplugged").touch()
    assert link.read() == S.SOAPY_SDR_STREAM_ERROR
    assert link.write(np.zeros(10, np.complex64)) == S.SOAPY_SDR_STREAM_ERROR
    assert not S.Device.enumerate({"driver": "resivid_loopback", "channel": channel})
    (folder / f"{channel}.unplugged").unlink()
    assert link.write(np.zeros(10, np.complex64)) == 10
    link.close()


def test_it_shows_only_by_name():
    assert not [d for d in S.Device.enumerate() if d["driver"] == "resivid_loopback"]
    assert len(S.Device.enumerate("driver=resivid_loopback")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise_db_hz": "loud"},
        {"noise_db_hz": "nan"},
        {"clock_offset_ppm": 5000},
        {"pace": "slow"},
        {"channel": "../etc"},
        {"channel": ""},
        {"colour": "red"},
        {"rate_min": 1e6, "rate_max": 1e5},
    ],
)
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(REFUSED, match=next(iter(wrong))):
        open_device(**wrong)


def test_out_of_range_tuning_is_refused():
    device = open_device(rate_max=2e6, frequency_max=1e9)
    with pytest.raises(REFUSED, match="sample rate: expected"):
        device.setSampleRate(RX, 0, 3e6)
    with pytest.raises(REFUSED, match="frequency in Hz: expected"):
        device.setFrequency(TX, 0, 2.4e9)
    with pytest.raises(REFUSED, match="antenna"):
        device.setAntenna(RX, 0, "TX")


def test_settings_can_be_changed_and_read():
    device = open_device()
    device.writeSetting("noise_db_hz", "-70")
    assert float(device.readSetting("noise_db_hz")) == -70
    assert {info.key for info in device.getSettingInfo()} >= {"noise_db_hz", "fading", "quantiser_bits"}
    with pytest.raises(REFUSED, match="fixed"):
        device.writeSetting("pace", "real")


@pytest.mark.parametrize("first_bytes", [b"x" * 40, struct.pack("<IIddd", 0x314C5652, 1 << 31, 1e6, 1e8, 0)])
def test_strangers_on_the_socket_are_cut_off(folder, first_bytes):
    device = open_device()
    link = Link(device)
    path = os.path.join(folder, device.getHardwareInfo()["channel"] + ".socket")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path)
        stranger.send(first_bytes)
        link.read(timeout_us=1000)
        try:
            assert stranger.recv(1) == b""  # closed
        except ConnectionResetError:
            pass  # so it is too
    link.close()
