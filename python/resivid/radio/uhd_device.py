# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs through UHD itself: one direction of a device, opened and tuned as the user says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import RadioError
from .libraries import library
from .rates import RatePlan, describe, plan_rates
from .settings import UHD, RadioSettings
from .soapy_device import check_listed, explain

TIMEOUT_S = 0.1
BURST_AHEAD_S = 0.02  # between the first samples of a burst and their time, so that the next ones are there


class UhdEnd:
    """One direction of a USRP, with its stream.

    Args:
        settings: of this end.
        transmits: the direction.
        modem_rate, occupied_hz: as `plan_rates` takes them.
    Raises:
        MissingPackageError: UHD is not installed.
        RadioError: no device, or it refuses a value.
        SettingsError: no sample rate fits.
    """

    def __init__(self, settings: RadioSettings, transmits: bool, modem_rate: float, occupied_hz: float):
        self._uhd = library("uhd")
        self.settings, self._direction = settings, "tx" if transmits else "rx"
        address = settings.device.removeprefix(UHD).lstrip(",")
        self._usrp = self._refused(self._uhd.usrp.MultiUSRP, address)
        self.plan = self._refused(self._tune, modem_rate, occupied_hz)
        self._stream: Any = None

    def _refused(self, call: Callable, *arguments: Any) -> Any:
        """Call UHD; what it throws becomes one line."""
        try:
            return call(*arguments)
        except RuntimeError as error:
            raise RadioError(explain(self.settings.device, str(error))) from error

    def _call(self, name: str, *arguments: Any) -> Any:
        """A method of the device that has one for each direction."""
        return getattr(self._usrp, name.format(self._direction))(*arguments)

    def _tune(self, modem_rate: float, occupied_hz: float) -> RatePlan:
        wish = self.settings
        if wish.clock_source is not None:
            check_listed("--clock-source", wish.clock_source, self._usrp.get_clock_sources(0))
            self._usrp.set_clock_source(wish.clock_source, 0)
        rates = self._call("get_{}_rates")
        plan = plan_rates(
            modem_rate, occupied_hz, [(rates.start(), rates.stop())], wish.sample_rate, wish.lo_offset_hz
        )
        self._call("set_{}_rate", plan.radio_rate)
        plan = RatePlan(self._call("get_{}_rate"), modem_rate, plan.lo_offset_hz)  # a divided clock
        if wish.antenna is not None:
            check_listed("--antenna", wish.antenna, self._call("get_{}_antennas"))
            self._call("set_{}_antenna", wish.antenna)
        if wish.gain_db is not None:
            self._call("set_{}_gain", wish.gain_db)
        if wish.bandwidth_hz is not None:
            self._call("set_{}_bandwidth", wish.bandwidth_hz)
        frequency = (wish.frequency_hz - plan.lo_offset_hz) / (1 + 1e-6 * wish.ppm)
        tunes = self._call("get_{}_freq_range")
        if not tunes.start() <= frequency <= tunes.stop():
            reach = describe([(tunes.start(), tunes.stop())])
            raise RadioError(f"--freq {wish.frequency_hz:g}: this device tunes {reach} Hz")
        self._call("set_{}_freq", self._uhd.types.TuneRequest(frequency))
        return plan

    def start(self) -> Any:
        """Open the stream of complex float samples; a receiver's begins to flow.

        Raises:
            RadioError: UHD refuses.
        """
        arguments = self._uhd.usrp.StreamArgs("fc32", "sc16")
        arguments.channels = [0]
        self._stream = self._refused(self._call, "get_{}_stream", arguments)
        if self._direction == "rx":
            self._refused(self._command, self._uhd.types.StreamMode.start_cont)
        return self._stream

    def _command(self, mode: Any) -> None:
        command = self._uhd.types.StreamCMD(mode)
        command.stream_now = True
        self._stream.issue_stream_cmd(command)

    def send(self, samples: np.ndarray, begins: bool, ends: bool) -> int:
        """Samples of a burst.

        Args:
            samples: complex64 (n,).
            begins, ends: the first, the last sample is that of the burst.
        Returns:
            How many were taken; the burst has ended only when all were.
        Raises:
            RuntimeError: the device is gone.
        """
        metadata = self._uhd.types.TXMetadata()
        metadata.start_of_burst, metadata.end_of_burst = begins, ends
        metadata.has_time_spec = begins
        if begins:
            now_s = self._usrp.get_time_now().get_real_secs()
            metadata.time_spec = self._uhd.types.TimeSpec(now_s + BURST_AHEAD_S)
        return int(self._stream.send(np.ascontiguousarray(samples), metadata, TIMEOUT_S))

    def receive(self, out: np.ndarray) -> tuple[int, bool]:
        """Samples into `out`, complex64 (n,).

        Returns:
            How many, and whether some were lost before them.
        Raises:
            RuntimeError: the device is gone.
        """
        metadata = self._uhd.types.RXMetadata()
        count = int(self._stream.recv(out, metadata, TIMEOUT_S))
        return count, metadata.error_code == self._uhd.types.RXMetadataErrorCode.overflow

    def underflows(self) -> int:
        """Of the transmitter since the last call: a burst that ran dry."""
        codes = self._uhd.types.TXMetadataEventCode
        told, count = self._uhd.types.TXAsyncMetadata(), 0
        while self._stream.recv_async_msg(told, 0.0):
            count += told.event_code in (codes.underflow, codes.underflow_in_packet)
        return count

    def close(self) -> None:
        """Stop; what a device that is gone says to that does not matter."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                if self._direction == "rx":
                    command = self._uhd.types.StreamCMD(self._uhd.types.StreamMode.stop_cont)
                    stream.issue_stream_cmd(command)
            except RuntimeError:
                pass
        self._usrp = None  # closes it
