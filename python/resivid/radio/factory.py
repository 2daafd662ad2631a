# SPDX-License-Identifier: GPL-3.0-or-later
"""One factory each way: the block that a radio is, with the rates it settled on."""

from __future__ import annotations

from typing import NamedTuple

from gnuradio import blocks, gr

from .counters import RadioCounters
from .rates import RatePlan
from .settings import RadioSettings

PIPE_FILES = {False: 0, True: 1}  # standard input, standard output


class Radio(NamedTuple):
    """A block with one port of complex samples, its rates, and what happened to it."""

    block: gr.basic_block
    plan: RatePlan
    counters: RadioCounters


def make_receiver(settings: RadioSettings, modem_rate: float, occupied_hz: float) -> Radio:
    """Where received samples come from.

    Args:
        settings: of the radio.
        modem_rate: samples a second that the modem works at.
        occupied_hz: band that must pass, both sides of the carrier together.
    Raises:
        RadioError: no device, busy, no permission, or a value that it does not have.
        SettingsError: no sample rate fits.
    """
    return _make(settings, False, modem_rate, occupied_hz)


def make_transmitter(settings: RadioSettings, modem_rate: float, occupied_hz: float) -> Radio:
    """Where samples go to be sent; as `make_receiver`."""
    return _make(settings, True, modem_rate, occupied_hz)


def _make(settings: RadioSettings, transmits: bool, modem_rate: float, occupied_hz: float) -> Radio:
    if settings.is_pipe:
        return _pipe(settings, transmits, modem_rate)
    if settings.is_uhd:
        from .uhd_device import uhd_radio

        return uhd_radio(settings, transmits, modem_rate, occupied_hz)
    from .soapy_blocks import STALL_S, soapy_sink, soapy_source
    from .soapy_device import SoapyEnd

    def open_end() -> SoapyEnd:
        return SoapyEnd(settings, transmits, modem_rate, occupied_hz)

    block = (soapy_sink if transmits else soapy_source)(open_end, STALL_S if settings.has_clock else None)
    return Radio(block, block.plan, block.counters)


def _pipe(settings: RadioSettings, transmits: bool, modem_rate: float) -> Radio:
    kind = blocks.file_descriptor_sink if transmits else blocks.file_descriptor_source
    plan = RatePlan(settings.sample_rate or modem_rate, modem_rate, settings.lo_offset_hz or 0.0)
    return Radio(kind(gr.sizeof_gr_complex, PIPE_FILES[transmits]), plan, RadioCounters())
