# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says of a radio, and the numbers that follow from it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError
from ..plugins import load_plugin
from .network import ZMQ_PREFIX

PREFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
PIPE = "-"
UHD = "uhd"


@dataclass(frozen=True)
class RadioSettings:
    """One end of the radio link.

    Attributes:
        device: SoapySDR arguments such as "driver=hackrf"; "uhd" or "uhd,serial=..." for a USRP; "-" for raw samples
            through standard input or output; "zmq://HOST:PORT" for a radio at another host.
        frequency_hz: of the signal's centre; 0 where another host tunes.
        gain_db: of the whole chain; None: what the driver chooses.
        antenna: name of the port; None: what the driver chooses.
        ppm: error of the radio's oscillator, above 0 when it runs fast.
        lo_offset_hz: how far the local oscillator stands below the signal; None: chosen, 0: on the signal.
        bandwidth_hz: of the analogue filter; None: what the driver chooses.
        clock_source: such as "external"; None: what the driver chooses.
        sample_rate: samples a second between radio and computer; None: chosen.
    """

    device: str
    frequency_hz: float
    gain_db: float | None = None
    antenna: str | None = None
    ppm: float = 0.0
    lo_offset_hz: float | None = None
    bandwidth_hz: float | None = None
    clock_source: str | None = None
    sample_rate: float | None = None

    def __post_init__(self) -> None:
        untuned = self.frequency_hz == 0 and (self.is_remote or self.is_pipe)
        if not (untuned or 0 < self.frequency_hz < 1e12):
            raise SettingsError(f"--freq: expected above 0 and below 1 THz, got {self.frequency_hz}")
        if not abs(self.ppm) <= 1000:
            raise SettingsError(f"--ppm must be within 1000, got {self.ppm}")
        if self.sample_rate is not None and not 1 <= self.sample_rate <= 1e9:
            raise SettingsError(f"--sample-rate: expected 1 to 1e9 samples a second, got {self.sample_rate}")

    @property
    def is_pipe(self) -> bool:
        """Raw samples instead of a radio."""
        return self.device == PIPE

    @property
    def is_remote(self) -> bool:
        """The radio is at another host."""
        return self.device.startswith(ZMQ_PREFIX)

    @property
    def is_uhd(self) -> bool:
        """A USRP through UHD itself."""
        return self.device.partition(",")[0] == UHD

    @property
    def driver(self) -> str:
        """SoapySDR's name of the driver; empty when the device does not say."""
        found = re.search(r"(?:^|,)\s*driver\s*=\s*([^,\s]*)", self.device)
        return found.group(1) if found else ""

    @property
    def plugin(self) -> Any | None:
        """What makes this radio, where an installed package offers it by its name; None: it is one of ours.

        Raises:
            SettingsError: it cannot be loaded.
        """
        name = self.device.partition(",")[0]
        ours = self.is_pipe or self.is_remote or self.is_uhd or not name or "=" in name
        return None if ours else load_plugin("radio", name)

    @property
    def radiates(self) -> bool:
        """A transmitter leaves this host for the air; what a package brings may say that it does not."""
        if (
            self.is_pipe or self.is_remote or self.driver == "resivid_loopback"
        ):  # another host asks for itself
            return False
        return getattr(self.plugin, "radiates", True) is not False

    @property
    def has_clock(self) -> bool:
        """Samples come in time, so that their absence means trouble."""
        return "pace=free" not in self.device.replace(" ", "")


def parse_hz(text: str, option: str) -> float:
    """A frequency or rate such as "434.5M", "2.4G", "48k" or "434500000".

    Raises:
        SettingsError: anything else; the message names the option.
    """
    found = re.fullmatch(r"\s*([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([kKMG]?)(?:[hH]z|S/s)?\s*", text)
    value = float(found.group(1)) * PREFIXES[found.group(2)] if found else math.nan
    if not math.isfinite(value):
        raise SettingsError(f"{option}: expected a number of Hz such as 434.5M, got {text!r}")
    return value
