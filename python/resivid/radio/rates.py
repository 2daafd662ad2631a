# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample rate and local-oscillator offset of a radio, from what the modem needs and the device can."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingsError

LO_OFFSET_HZ = 100e3  # clear of the DC spike and of the flicker noise around it
# Devices that accept lower rates than they do well; samples a second.
LEAST_RATES = {"hackrf": 2e6, "rtlsdr": 960e3, "plutosdr": 1e6, "airspy": 2.5e6, "bladerf": 1e6, "lime": 1e6}
RATE_TOLERANCE = 1e-9
# Drivers whose own buffers hold more than a second of a narrow signal unless they are told: samples (pairs of bytes) of one.
HACKRF_BUFFER = 131072  # as many as it sends at once
RTLSDR_UNIT = 256  # buffers are multiples of it
SENT_AHEAD_S = 0.2  # that a driver may hold for sending, all of which is latency
RECEIVED_S = 0.02  # that a driver gives at once
KEPT_S = 1.0  # before samples are lost


@dataclass(frozen=True)
class RatePlan:
    """How samples get from the radio to the modem, or back.

    Attributes:
        radio_rate: samples a second of the radio.
        modem_rate: samples a second of the modem.
        lo_offset_hz: how far the local oscillator stands below the signal.
    """

    radio_rate: float
    modem_rate: float
    lo_offset_hz: float

    @property
    def decimation(self) -> int:
        """Whole part of the way down, done by the channel filter."""
        return max(1, int(self.radio_rate / self.modem_rate * (1 + RATE_TOLERANCE)))

    @property
    def resampling(self) -> float:
        """What is left of the way down: output over input rate, 1 when nothing is."""
        ratio = self.modem_rate * self.decimation / self.radio_rate
        return 1.0 if abs(ratio - 1) < RATE_TOLERANCE else ratio

    @property
    def is_channel(self) -> bool:
        """Whether the samples are the modem's own, as `rx --record` keeps them: the channel alone, with nothing beside it to search."""
        return self.decimation == 1 and self.resampling == 1.0 and self.lo_offset_hz == 0.0


def stream_arguments(driver: str, transmits: bool, rate: float) -> dict[str, str]:
    """What a driver is told of its buffers: enough for a busy computer, and no more.

    Args:
        driver: SoapySDR's key, lower case.
        transmits: the direction.
        rate: samples a second.
    Returns:
        Arguments of its stream; empty where the driver's own are short or cannot be changed.
    """
    if "hackrf" in driver and transmits:
        return {"buffers": str(max(3, math.ceil(SENT_AHEAD_S * rate / HACKRF_BUFFER)))}
    if "rtlsdr" in driver:
        samples = math.ceil(RECEIVED_S * rate / RTLSDR_UNIT) * RTLSDR_UNIT
        length = str(2 * samples)
        # it lists the argument as `bufflen` and reads `buflen`
        return {"bufflen": length, "buflen": length, "buffers": str(math.ceil(KEPT_S * rate / samples))}
    return {}


def plan_rates(
    modem_rate: float,
    occupied_hz: float,
    ranges: Sequence[tuple[float, float]],
    sample_rate: float | None = None,
    lo_offset_hz: float | None = None,
    least_rate: float = 0.0,
) -> RatePlan:
    """The lowest rate that holds signal and offset, a multiple of the modem's where the device allows.

    Args:
        modem_rate: samples a second that the modem works at.
        occupied_hz: band that must pass, both sides of the carrier together.
        ranges: lowest and highest of each stretch of rates that the device has; equal for a single rate.
        sample_rate: a rate to take; None: choose.
        lo_offset_hz: an offset to take; None: LO_OFFSET_HZ, or a quarter of a rate that is too low for it.
        least_rate: not below this, where there is a choice.
    Raises:
        SettingsError: no rate fits; the message says which the device has.
    """
    if sample_rate is not None:
        _check_supported(sample_rate, ranges)
        rate = sample_rate
    else:
        offset = abs(LO_OFFSET_HZ if lo_offset_hz is None else lo_offset_hz)
        wanted = max(4 * offset, 2 * offset + 1.5 * occupied_hz, modem_rate, least_rate)
        rate = _lowest(wanted, modem_rate, ranges)
    if lo_offset_hz is None:
        lo_offset_hz = min(max(LO_OFFSET_HZ, occupied_hz), rate / 4)
    if abs(lo_offset_hz) + occupied_hz / 2 > rate / 2:
        raise SettingsError(
            f"--lo-offset {lo_offset_hz:g} Hz and a signal of {occupied_hz:g} Hz do not fit {rate:g} samples a second"
        )
    if rate < modem_rate:
        raise SettingsError(f"--sample-rate: the signal needs at least {modem_rate:g}, got {rate:g}")
    return RatePlan(rate, modem_rate, lo_offset_hz)


def describe(ranges: Sequence[tuple[float, float]]) -> str:
    """Ranges for a message: single values and stretches."""
    return ", ".join(f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in ranges)


def _check_supported(rate: float, ranges: Sequence[tuple[float, float]]) -> None:
    if ranges and not any(low <= rate <= high for low, high in ranges):
        raise SettingsError(f"--sample-rate {rate:g}: this device has {describe(ranges)} samples a second")


def _lowest(wanted: float, modem_rate: float, ranges: Sequence[tuple[float, float]]) -> float:
    multiple = modem_rate * math.ceil(wanted / modem_rate)
    if not ranges:
        return multiple
    for low, high in sorted(ranges):
        if high < wanted:
            continue
        above = max(low, wanted)
        multiple = modem_rate * math.ceil(above / modem_rate)
        return multiple if multiple <= high else above
    return max(high for _, high in ranges)  # slower than wished: the caller checks that the signal fits
