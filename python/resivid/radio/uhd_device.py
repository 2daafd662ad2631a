# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs through UHD itself, with gr-uhd."""

from __future__ import annotations

from typing import Any

from ..errors import MissingPackageError, RadioError
from .counters import RadioCounters
from .rates import RatePlan, describe, plan_rates
from .settings import UHD, RadioSettings
from .soapy_device import explain


def uhd_radio(settings: RadioSettings, transmits: bool, modem_rate: float, occupied_hz: float) -> Any:
    """A `Radio` over gr-uhd's usrp_source or usrp_sink.

    Raises:
        MissingPackageError: GNU Radio was built without UHD.
        RadioError: no device, or it refuses a value.
        SettingsError: no sample rate fits.
    """
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise MissingPackageError("USRPs need gr-uhd: apt-get install gnuradio uhd-host") from error
    from .factory import Radio

    address = settings.device.removeprefix(UHD).lstrip(",")
    make = uhd.usrp_sink if transmits else uhd.usrp_source
    try:
        block = make(address, uhd.stream_args(cpu_format="fc32", channels=[0]))
        plan = _tune(uhd, block, settings, modem_rate, occupied_hz)
    except RuntimeError as error:
        raise RadioError(explain(settings.device, str(error))) from error
    return Radio(block, plan, RadioCounters())


def _tune(uhd: Any, block: Any, wish: RadioSettings, modem_rate: float, occupied_hz: float) -> RatePlan:
    if wish.clock_source is not None:
        block.set_clock_source(wish.clock_source, 0)
    rates = block.get_samp_rates()
    ranges = [(r.start(), r.stop()) for r in rates]
    plan = plan_rates(modem_rate, occupied_hz, ranges, wish.sample_rate, wish.lo_offset_hz)
    block.set_samp_rate(plan.radio_rate)
    plan = RatePlan(block.get_samp_rate(), modem_rate, plan.lo_offset_hz)
    if wish.antenna is not None:
        block.set_antenna(wish.antenna, 0)
    if wish.gain_db is not None:
        block.set_gain(wish.gain_db, 0)
    if wish.bandwidth_hz is not None:
        block.set_bandwidth(wish.bandwidth_hz, 0)
    frequency = (wish.frequency_hz - plan.lo_offset_hz) / (1 + 1e-6 * wish.ppm)
    low, high = block.get_freq_range(0).start(), block.get_freq_range(0).stop()
    if not low <= frequency <= high:
        raise RadioError(f"--freq {wish.frequency_hz:g}: this device tunes {describe([(low, high)])} Hz")
    block.set_center_freq(uhd.tune_request(frequency), 0)
    return plan
