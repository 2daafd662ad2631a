# SPDX-License-Identifier: GPL-3.0-or-later
"""SoapySDR devices as GNU Radio blocks that survive overflows, stalls and a pulled plug."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
from gnuradio import gr

from ..errors import ResividError
from .counters import RadioCounters
from .soapy_device import SoapyEnd
from .soapy_library import soapy

TIMEOUT_US = 100_000
REOPEN_EVERY_S = 0.5
STALL_S = 5.0  # a device with a clock that is silent for so long is gone, though its driver may not know


class _soapy_block(gr.sync_block):
    """What both directions share: a device that is opened again when it is lost.

    Args:
        name: of the block.
        open_end: opens the device; called once here and after each loss.
        stall_s: silence after which the device counts as lost; None: never.
    """

    def __init__(self, name, in_sig, out_sig, open_end: Callable[[], SoapyEnd], stall_s: float | None):
        gr.sync_block.__init__(self, name=name, in_sig=in_sig, out_sig=out_sig)
        self.logger = gr.logger(self.alias())
        self.counters = RadioCounters()
        self._open_end, self._stall_s = open_end, stall_s
        self._codes = soapy()
        self._end: SoapyEnd | None = open_end()
        self.plan = self._end.plan
        self._stream = self._end.start()
        self._stopping = threading.Event()
        self._heard = self._tried = time.monotonic()

    def stop(self):
        self._stopping.set()
        self._lose()
        return True

    def _lose(self):
        end, self._end = self._end, None
        if end is not None:
            end.close()

    def _ready(self) -> bool:
        """Whether the device is there; tries to open it now and then when it is not."""
        if self._end is not None:
            return True
        if self._stopping.wait(0.05) or time.monotonic() < self._tried + REOPEN_EVERY_S:
            return False
        self._tried = time.monotonic()
        try:
            end = self._open_end()
            self._stream = end.start()
        except ResividError:
            return False
        self._end, self._heard = end, time.monotonic()
        self.counters.returned()
        self.opened_again()
        self.logger.warn("the radio is back")
        return True

    def opened_again(self) -> None:
        """Called when a device that was lost is back."""

    def _count(self, code: int) -> None:
        """One negative code of the driver."""
        s = self._codes
        if code == s.SOAPY_SDR_OVERFLOW:
            self.counters.overflows += 1
        elif code == s.SOAPY_SDR_UNDERFLOW:
            self.counters.underflows += 1
        elif code in (s.SOAPY_SDR_TIMEOUT, s.SOAPY_SDR_TIME_ERROR, s.SOAPY_SDR_CORRUPTION):
            stalled = self._stall_s is not None and time.monotonic() > self._heard + self._stall_s
            if stalled:
                self._gone("it is silent")
        else:
            self._gone(s.SoapySDR_errToStr(code))

    def _gone(self, reason: str) -> None:
        self.counters.lost()
        self.logger.warn(f"the radio is gone ({reason}); waiting for it")
        self._lose()


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
        if result.ret <= 0:
            self._count(result.ret if result.ret else self._codes.SOAPY_SDR_TIMEOUT)
            return 0
        self._heard = time.monotonic()
        self.counters.samples += result.ret
        return result.ret


class soapy_sink(_soapy_block):
    """Complex samples to a transmitter. While the device is gone, they are thrown away at its rate."""

    def __init__(self, open_end: Callable[[], SoapyEnd], stall_s: float | None = STALL_S):
        super().__init__("soapy_sink", [np.complex64], None, open_end, stall_s)

    def work(self, input_items, output_items):
        """Samples to the device; they are thrown away while it is gone."""
        samples = input_items[0]
        if not self._ready():
            time.sleep(min(0.1, len(samples) / self.plan.radio_rate))
            return len(samples)
        try:
            result = self._end.device.writeStream(
                self._stream, [np.ascontiguousarray(samples)], len(samples), timeoutUs=TIMEOUT_US
            )
        except RuntimeError as error:
            self._gone(str(error))
            return 0
        if result.ret <= 0:
            self._count(result.ret if result.ret else self._codes.SOAPY_SDR_TIMEOUT)
            return 0
        self._heard = time.monotonic()
        self.counters.samples += result.ret
        return result.ret
