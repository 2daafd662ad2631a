# SPDX-License-Identifier: GPL-3.0-or-later
"""SoapySDR devices as GNU Radio blocks that survive overflows, stalls and a pulled plug."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .reopened_block import STALL_S, reopened_block
from .soapy_device import SoapyEnd
from .soapy_library import soapy

TIMEOUT_US = 100_000


class _soapy_block(reopened_block):
    """What both directions share: the driver's codes; arguments as of `reopened_block`."""

    def __init__(self, name, in_sig, out_sig, open_end: Callable[[], SoapyEnd], stall_s: float | None):
        self._codes = soapy()
        super().__init__(name, in_sig, out_sig, open_end, stall_s)

    def _result(self, code: int) -> int:
        """Items of a call of the driver; a negative code is counted and gives none."""
        s = self._codes
        if code > 0:
            return self._moved(code)
        if code == s.SOAPY_SDR_OVERFLOW:
            self.counters.overflows += 1
        elif code == s.SOAPY_SDR_UNDERFLOW:
            self.counters.underflows += 1
        elif code in (0, s.SOAPY_SDR_TIMEOUT, s.SOAPY_SDR_TIME_ERROR, s.SOAPY_SDR_CORRUPTION):
            self._silent()
        else:
            self._gone(s.SoapySDR_errToStr(code))
        return 0


class soapy_source(_soapy_block):
    """Complex samples of a receiver. While the device is gone, none come."""

    def __init__(self, open_end: Callable[[], SoapyEnd], stall_s: float | None = STALL_S):
        super().__init__("soapy_source", None, [np.complex64], open_end, stall_s)
        self._wanted: dict[str, str] = {}
        self._unwritten: dict[str, str] = {}

    def write_settings(self, settings: Mapping[str, object]) -> None:
        """Settings of the driver by name, from the next samples on, and again when the device was lost."""
        self._wanted = {**self._wanted, **{name: str(value) for name, value in settings.items()}}
        self._unwritten = self._wanted

    def opened_again(self) -> None:
        """Settings are written anew to a device that came back."""
        self._unwritten = self._wanted

    def work(self, input_items, output_items):
        """Samples of the device; none while it is gone."""
        if not self._ready():
            return 0
        if self._unwritten:
            unwritten, self._unwritten = self._unwritten, {}
            for name, value in unwritten.items():
                self._end.device.writeSetting(name, value)
        out = output_items[0]
        try:
            result = self._end.device.readStream(self._stream, [out], len(out), timeoutUs=TIMEOUT_US)
        except RuntimeError as error:
            self._gone(str(error))
            return 0
        return self._result(result.ret)


class soapy_sink(_soapy_block):
    """Complex samples to a transmitter. While the device is gone, they are thrown away at its rate."""

    def __init__(self, open_end: Callable[[], SoapyEnd], stall_s: float | None = STALL_S):
        super().__init__("soapy_sink", [np.complex64], None, open_end, stall_s)

    def work(self, input_items, output_items):
        """Samples to the device; they are thrown away while it is gone."""
        samples = input_items[0]
        if not self._ready():
            return self._throw_away(len(samples))
        try:
            result = self._end.device.writeStream(
                self._stream, [np.ascontiguousarray(samples)], len(samples), timeoutUs=TIMEOUT_US
            )
        except RuntimeError as error:
            self._gone(str(error))
            return 0
        return self._result(result.ret)
