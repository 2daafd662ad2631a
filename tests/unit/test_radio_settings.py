# SPDX-License-Identifier: GPL-3.0-or-later
"""Radio settings, rate plans and USB permissions: numbers worked by hand."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from gnuradio.resivid.cli.devices import hints
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.radio.rates import plan_rates, stream_arguments
from gnuradio.resivid.radio.settings import RadioSettings, parse_hz
from gnuradio.resivid.radio.usb import locked_radios, radios_without_driver

MODEM = 4 * 2703.75  # 721 symbols every 8 frames at 30 frame/s, 4 samples a symbol


@pytest.mark.parametrize(
    ("text", "hz"),
    [
        ("434.5M", 434.5e6),
        ("2.4G", 2.4e9),
        ("48k", 48e3),
        ("1e6", 1e6),
        ("-100k", -1e5),
        ("7 MHz", 7e6),
        ("5.", 5),
    ],
)
def test_frequencies_as_people_write_them(text, hz):
    assert parse_hz(text, "--freq") == pytest.approx(hz)


@pytest.mark.parametrize("text", ["", "M", "4,3M", "434 MM", "nan", "inf", "0x10", "1e999"])
def test_what_is_no_frequency_is_named(text):
    with pytest.raises(SettingsError, match="--freq: expected a number of Hz"):
        parse_hz(text, "--freq")


def test_continuous_rates_give_a_multiple_of_the_modems():
    plan = plan_rates(MODEM, 6000, [(8e3, 20e6)])
    assert plan.radio_rate == 37 * MODEM  # the first above 400 kS/s, four times the offset
    assert (plan.decimation, plan.resampling, plan.lo_offset_hz) == (37, 1.0, 100e3)


def test_single_rates_are_resampled():
    plan = plan_rates(MODEM, 6000, [(250e3, 250e3), (2.5e6, 2.5e6), (10e6, 10e6)])
    assert plan.radio_rate == 2.5e6
    assert plan.decimation == math.floor(2.5e6 / MODEM)
    assert plan.radio_rate / plan.decimation * plan.resampling == pytest.approx(MODEM)


def test_a_low_rate_takes_a_quarter_as_offset():
    plan = plan_rates(MODEM, 6000, [(8e3, 20e6)], sample_rate=48e3)
    assert (plan.radio_rate, plan.lo_offset_hz, plan.decimation) == (48e3, 12e3, 4)


def test_least_rate_of_a_device():
    assert plan_rates(MODEM, 6000, [(1e6, 20e6)], least_rate=2e6).radio_rate == pytest.approx(2e6, rel=0.01)


def test_a_wide_signal_lies_clear_of_the_oscillator():
    plan = plan_rates(4 * 100e3, 210e3, [(1e6, 20e6)])
    assert plan.lo_offset_hz > 105e3
    assert plan.lo_offset_hz + 105e3 < plan.radio_rate / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 3e6}, "--sample-rate 3e.06: this device has 8000 to 2e.06"),
        ({"sample_rate": 10e3, "lo_offset_hz": 0}, "needs at least"),
        (
            {"sample_rate": 48e3, "lo_offset_hz": 23e3},
            "--lo-offset 23000 Hz and a signal of 6000 Hz do not fit",
        ),
    ],
)
def test_rates_that_do_not_fit_are_refused(options, message):
    with pytest.raises(SettingsError, match=message):
        plan_rates(MODEM, 6000, [(8e3, 2e6)], **options)


@pytest.mark.parametrize(
    ("driver", "transmits", "rate", "expected"),
    [
        ("hackrf", True, 2e6, {"buffers": "4"}),  # 4 of 65.5 ms, where 15 would be 0.98 s
        ("hackrf", True, 20e6, {"buffers": "31"}),
        ("hackrf", True, 1e6, {"buffers": "3"}),
        ("hackrf", False, 2e6, {}),
        ("rtlsdr", False, 960e3, {"bufflen": "38400", "buflen": "38400", "buffers": "50"}),  # 75 units of 256
        ("resivid_loopback", True, 2e6, {}),
    ],
)
def test_drivers_hold_no_second_of_signal(driver, transmits, rate, expected):
    assert stream_arguments(driver, transmits, rate) == expected


def test_kinds_of_device():
    assert RadioSettings("-", 1e6).is_pipe
    assert RadioSettings("uhd,serial=31", 1e6).is_uhd
    assert RadioSettings("driver=hackrf, serial=1", 1e6).driver == "hackrf"
    assert not RadioSettings("driver=x,pace=free", 1e6).has_clock
    for wrong in ({"frequency_hz": 0}, {"frequency_hz": math.nan}, {"frequency_hz": 1e6, "ppm": 2000}):
        with pytest.raises(SettingsError, match="--"):
            RadioSettings("", **wrong)


@pytest.mark.skipif(os.getuid() != 0, reason="needs to drop a permission that root has")
def test_root_may_open_every_radio(tmp_path):
    _plug_in(tmp_path, mode=0)
    assert locked_radios(tmp_path / "sys", tmp_path / "dev") == []


def test_a_locked_radio_names_its_udev_rule(tmp_path, monkeypatch):
    node = _plug_in(tmp_path, mode=0)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (line,) = locked_radios(tmp_path / "sys", tmp_path / "dev")
    assert line.startswith(f"permission denied: HackRF One at {node}")
    assert "udev" in line and "apt-get install hackrf" in line


def test_a_radio_that_may_be_opened_and_is_not_shown_lacks_its_driver(tmp_path):
    node = _plug_in(tmp_path, mode=0o666)
    expected = f"HackRF One is plugged in at {node}, and SoapySDR does not show it: apt-get install soapysdr-module-hackrf"
    assert radios_without_driver(tmp_path / "sys", tmp_path / "dev") == [expected]
    assert locked_radios(tmp_path / "sys", tmp_path / "dev") == []


def test_no_usb_no_lines(tmp_path):
    assert locked_radios(tmp_path / "none", tmp_path / "dev") == []
    assert radios_without_driver(tmp_path / "none", tmp_path / "dev") == []


def test_what_to_do_without_a_radio():
    assert hints("driver=x", ["y"]) == [
        "no radio found for --device driver=x; without --device all are listed"
    ]
    assert hints("", ["HackRF"]) == ["no radio found", "HackRF"]
    said = " ".join(hints("", []))
    for word in ("soapysdr-module-hackrf", "udev", "plugdev", "uhd_find_devices", "driver=resivid_loopback"):
        assert word in said


def _plug_in(folder, mode):
    """A HackRF as the kernel shows it."""
    device = folder / "sys" / "1-2"
    device.mkdir(parents=True)
    for name, text in {"idVendor": "1d50", "idProduct": "6089", "busnum": "1", "devnum": "7"}.items():
        (device / name).write_text(text + "\n")
    node = folder / "dev" / "001" / "007"
    node.parent.mkdir(parents=True)
    node.touch()
    node.chmod(mode)
    return node


def test_iq_correction_takes_back_what_a_receiver_did():
    pytest.importorskip("gnuradio.filter")
    from gnuradio.resivid.radio.front_end import correct

    rng = np.random.default_rng(5)
    clean = (rng.normal(size=50000) + 1j * rng.normal(size=50000)) / math.sqrt(2)
    bent = (1.1 * clean.real - 0.05 * clean.imag + 0.2) + 1j * (0.9 * clean.imag - 0.05 * clean.real - 0.1)
    i, q = bent.real, bent.imag
    fixed = correct(bent, np.array([i.mean(), q.mean(), (i * i).mean(), (q * q).mean(), (i * q).mean()]))
    assert abs(fixed.mean()) < 1e-6
    image = np.mean(fixed**2) / np.mean(abs(fixed) ** 2)  # 0 for a proper signal
    assert abs(image) < 1e-6
    turned = np.vdot(clean, fixed) / np.vdot(clean, clean)
    assert np.mean(abs(fixed - turned * clean) ** 2) < 1e-3  # nothing else was bent
    silent = correct(np.zeros(4, complex), np.zeros(5))
    assert (silent == 0).all()
