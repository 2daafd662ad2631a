# SPDX-License-Identifier: GPL-3.0-or-later
"""A SoapySDR device, opened and tuned as the user says; every refusal is one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import RadioError
from .rates import LEAST_RATES, RatePlan, describe, plan_rates, stream_arguments
from .settings import RadioSettings
from .soapy_library import soapy
from .usb import locked_radios


class SoapyEnd:
    """One direction of a device, with its stream.

    Args:
        settings: of this end.
        transmits: the direction.
        modem_rate, occupied_hz: as `plan_rates` takes them.
    Raises:
        RadioError: no device, busy, no permission, or a value that it does not have.
        SettingsError: no sample rate fits.
    """

    def __init__(self, settings: RadioSettings, transmits: bool, modem_rate: float, occupied_hz: float):
        self._soapy = soapy()
        self.settings = settings
        self.direction = self._soapy.SOAPY_SDR_TX if transmits else self._soapy.SOAPY_SDR_RX
        self.device = self._open()
        self._stream: Any = None
        if self.device.getNumChannels(self.direction) == 0:
            raise RadioError(f"{self.name}: this device cannot {'transmit' if transmits else 'receive'}")
        self.plan = self._tune(modem_rate, occupied_hz)

    @property
    def name(self) -> str:
        """What the user called the device."""
        return self.settings.device or "the first radio"

    def _open(self) -> Any:
        found = self._refused(self._soapy.Device.enumerate, self.settings.device)
        if not found:
            locked = locked_radios()
            what = f" for {self.settings.device!r}" if self.settings.device else ""
            raise RadioError(
                locked[0] if locked else f"no radio{what}; `resivid devices` lists what is plugged in"
            )
        # as it was found: SoapySDR of Debian 13 loses what a dict holds
        return self._refused(self._soapy.Device, found[0])

    def _refused(self, call: Callable, *arguments: Any) -> Any:
        """Call the driver; what it throws becomes one line."""
        try:
            return call(*arguments)
        except (RuntimeError, ValueError) as error:
            raise RadioError(explain(self.name, str(error))) from error

    def _tune(self, modem_rate: float, occupied_hz: float) -> RatePlan:
        device, direction, wish = self.device, self.direction, self.settings
        if wish.clock_source is not None:
            check_listed("--clock-source", wish.clock_source, device.listClockSources())
            self._refused(device.setClockSource, wish.clock_source)
        ranges = [(r.minimum(), r.maximum()) for r in device.getSampleRateRange(direction, 0)]
        driver = device.getDriverKey().lower()
        least_rate = next((rate for name, rate in LEAST_RATES.items() if name in driver), 0.0)
        plan = plan_rates(modem_rate, occupied_hz, ranges, wish.sample_rate, wish.lo_offset_hz, least_rate)
        self._refused(device.setSampleRate, direction, 0, plan.radio_rate)
        actual = device.getSampleRate(direction, 0)  # a divided clock may not meet it exactly
        plan = RatePlan(actual if actual > 0 else plan.radio_rate, modem_rate, plan.lo_offset_hz)
        if wish.antenna is not None:
            check_listed("--antenna", wish.antenna, device.listAntennas(direction, 0))
            self._refused(device.setAntenna, direction, 0, wish.antenna)
        self._set_gain()
        if wish.bandwidth_hz is not None:
            self._refused(device.setBandwidth, direction, 0, wish.bandwidth_hz)
        self._set_frequency(plan)
        return plan

    def _set_gain(self) -> None:
        if self.settings.gain_db is None:
            return
        gains = self.device.getGainRange(self.direction, 0)
        if not gains.minimum() <= self.settings.gain_db <= gains.maximum():
            raise RadioError(
                f"--gain {self.settings.gain_db:g}: this device has {gains.minimum():g} to {gains.maximum():g} dB"
            )
        if self.device.hasGainMode(self.direction, 0):
            self.device.setGainMode(self.direction, 0, False)
        self._refused(self.device.setGain, self.direction, 0, self.settings.gain_db)

    def _set_frequency(self, plan: RatePlan) -> None:
        device, wish = self.device, self.settings
        oscillator = wish.frequency_hz - plan.lo_offset_hz
        if wish.ppm and device.hasFrequencyCorrection(self.direction, 0):
            self._refused(device.setFrequencyCorrection, self.direction, 0, wish.ppm)
        else:
            oscillator /= 1 + 1e-6 * wish.ppm  # an oscillator that runs fast is told less
        ranges = [(r.minimum(), r.maximum()) for r in device.getFrequencyRange(self.direction, 0)]
        if ranges and not any(low <= oscillator <= high for low, high in ranges):
            raise RadioError(f"--freq {wish.frequency_hz:g}: this device tunes {describe(ranges)} Hz")
        self._refused(device.setFrequency, self.direction, 0, oscillator)
        if plan.lo_offset_hz == 0 and device.hasDCOffsetMode(self.direction, 0):
            device.setDCOffsetMode(self.direction, 0, True)

    def start(self) -> Any:
        """Open and start the stream of complex float samples.

        Raises:
            RadioError: somebody else has it.
        """
        if self._stream is None:
            transmits = self.direction == self._soapy.SOAPY_SDR_TX
            wanted = stream_arguments(self.device.getDriverKey().lower(), transmits, self.plan.radio_rate)
            # of its own kind: SoapySDR of Debian 13 loses what a dict holds
            arguments = self._soapy.KwargsFromString(", ".join(f"{k}={v}" for k, v in wanted.items()))
            self._stream = self._refused(
                self.device.setupStream, self.direction, self._soapy.SOAPY_SDR_CF32, [0], arguments
            )
            self._refused(self.device.activateStream, self._stream)
        return self._stream

    def close(self) -> None:
        """Stop; what a device that is gone says to that does not matter."""
        stream, self._stream = self._stream, None
        if stream is not None:
            for call in (self.device.deactivateStream, self.device.closeStream):
                try:
                    call(stream)
                except (RuntimeError, ValueError):
                    pass
        self.device = None  # closes it


def explain(name: str, reason: str) -> str:
    """One line for what a driver says when it refuses.

    Args:
        name: what the user called the device.
        reason: the driver's own words.
    """
    words = reason.lower()
    if any(word in words for word in ("busy", "in use", "already open", "already claimed")):
        return f"{name}: device busy, another program uses it ({_line(reason)})"
    if any(word in words for word in ("access", "permission", "insufficient permissions")):
        locked = locked_radios()
        return (
            locked[0]
            if locked
            else f"{name}: permission denied, is its udev rule installed? ({_line(reason)})"
        )
    if any(word in words for word in ("no match", "no device", "not found")):
        return f"{name}: no such radio; `resivid devices` lists what is plugged in ({_line(reason)})"
    return f"{name}: {_line(reason)}"


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def check_listed(option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that a device does not list, where it lists any."""
    if known and value not in known:
        raise RadioError(f"{option} {value}: this device has {', '.join(known)}")
