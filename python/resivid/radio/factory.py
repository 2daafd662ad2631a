# SPDX-License-Identifier: GPL-3.0-or-later
"""One factory each way: the block that a radio is, with the rates it settled on."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from gnuradio import blocks, gr

from ..errors import RadioError, ResividError, SettingsError
from .counters import RadioCounters
from .rates import RatePlan
from .reopened_block import STALL_S
from .sample_source import pipe_reader, sample_source
from .settings import RadioSettings
from .sigmf_files import SigmfRecording

TAIL_S = 1.0


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
    stall_s = STALL_S if settings.has_clock else None
    if settings.is_uhd:
        from .uhd_blocks import uhd_sink, uhd_source
        from .uhd_device import UhdEnd

        def open_usrp() -> UhdEnd:
            return UhdEnd(settings, transmits, modem_rate, occupied_hz)

        usrp = (uhd_sink if transmits else uhd_source)(open_usrp, stall_s)
        return Radio(usrp, usrp.plan, usrp.counters)
    plugin = settings.plugin
    if plugin is not None:
        return _of_package(plugin, settings, transmits, modem_rate, occupied_hz)
    from .soapy_blocks import soapy_sink, soapy_source
    from .soapy_device import SoapyEnd

    def open_end() -> SoapyEnd:
        return SoapyEnd(settings, transmits, modem_rate, occupied_hz)

    block = (soapy_sink if transmits else soapy_source)(open_end, stall_s)
    return Radio(block, block.plan, block.counters)


def _of_package(plugin: Any, settings: RadioSettings, *arguments: Any) -> Radio:
    """A radio that another package brings; whatever it raises is one line."""
    try:
        radio = plugin(settings, *arguments)
    except ResividError:
        raise
    except Exception as error:  # of somebody else's function
        raise RadioError(f"--device {settings.device}: {type(error).__name__}: {error}") from error
    if not isinstance(radio, Radio):
        raise RadioError(f"--device {settings.device}: gives {type(radio).__name__}, expected Radio")
    return radio


def make_replay(
    recording: SigmfRecording, settings: RadioSettings, modem_rate: float, paced: bool = False
) -> Radio:
    """A SigMF recording in place of a radio, at its own rate; `settings` say what to tune to in it.

    Args:
        paced: for a viewer: samples come when a radio would give them.
    Raises:
        SettingsError: the recording's band does not hold the frequency, or is too narrow.
    """
    rate, above_hz = recording.sample_rate, 0.0
    if recording.frequency_hz is not None:
        above_hz = settings.frequency_hz - recording.frequency_hz
    if abs(above_hz) + modem_rate / 4 > rate / 2:
        raise SettingsError(f"--freq {settings.frequency_hz:g}: is outside of the recording {recording.data}")
    plan = RatePlan(rate, modem_rate, above_hz)
    block = sample_source(recording.open(), _tail(plan), rate if paced else None)
    return Radio(block, plan, RadioCounters())


def _tail(plan: RatePlan) -> int:
    """Silence that pushes the last frame out of every filter behind."""
    return int(TAIL_S * plan.radio_rate)


def _pipe(settings: RadioSettings, transmits: bool, modem_rate: float) -> Radio:
    plan = RatePlan(settings.sample_rate or modem_rate, modem_rate, settings.lo_offset_hz or 0.0)
    if transmits:
        block = blocks.file_descriptor_sink(gr.sizeof_gr_complex, sys.stdout.fileno())
    else:
        block = sample_source(pipe_reader(sys.stdin.buffer), _tail(plan))
    return Radio(block, plan, RadioCounters())
