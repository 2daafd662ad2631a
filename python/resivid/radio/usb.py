# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios on USB that the kernel sees and this user may not open: what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class KnownRadio(NamedTuple):
    """What brings a radio to life on Debian.

    Attributes:
        name: for people.
        rule: package with its udev rule.
        driver: package with its SoapySDR driver; empty: Debian has none.
    """

    name: str
    rule: str
    driver: str


_HACKRF = KnownRadio("HackRF One", "hackrf", "soapysdr-module-hackrf")
_RTLSDR = KnownRadio("RTL-SDR", "rtl-sdr", "soapysdr-module-rtlsdr")
# by USB vendor and product
KNOWN_RADIOS = {
    ("1d50", "6089"): _HACKRF,
    ("1d50", "60a1"): KnownRadio("Airspy", "airspy", "soapysdr-module-airspy"),
    ("1d50", "6066"): KnownRadio("bladeRF", "bladerf", "soapysdr-module-bladerf"),
    ("2cf0", "5250"): KnownRadio("bladeRF 2.0", "bladerf", "soapysdr-module-bladerf"),
    ("0bda", "2838"): _RTLSDR,
    ("0bda", "2832"): _RTLSDR,
    ("0456", "b673"): KnownRadio("PlutoSDR", "libiio-utils", ""),
    ("1d50", "6108"): KnownRadio("LimeSDR", "limesuite-udev", "soapysdr-module-lms7"),
    ("0403", "601f"): KnownRadio("LimeSDR Mini", "limesuite-udev", "soapysdr-module-lms7"),
    ("2500", "0020"): KnownRadio("USRP B210", "uhd-host", "soapysdr-module-uhd"),
    ("2500", "0021"): KnownRadio("USRP B200mini", "uhd-host", "soapysdr-module-uhd"),
    ("2500", "0022"): KnownRadio("USRP B205mini", "uhd-host", "soapysdr-module-uhd"),
}
_USB, _NODES = Path("/sys/bus/usb/devices"), Path("/dev/bus/usb")


def locked_radios(devices: Path = _USB, nodes: Path = _NODES) -> list[str]:
    """One line for each known radio that is plugged in and may not be opened by this user.

    Args:
        devices: the kernel's list of USB devices.
        nodes: where their device files are.
    """
    return [
        f"permission denied: {radio.name} at {node}; its udev rule is missing: apt-get install {radio.rule}, "
        "be in the group plugdev, and plug it in again"
        for radio, node in _plugged_in(devices, nodes)
        if not _may_open(node)
    ]


def radios_without_driver(devices: Path = _USB, nodes: Path = _NODES) -> list[str]:
    """One line for each known radio that is plugged in and may be opened; for where SoapySDR shows none."""
    return [
        f"{radio.name} is plugged in at {node}, and SoapySDR does not show it: "
        + (
            f"apt-get install {radio.driver}"
            if radio.driver
            else "Debian has no driver for it; build its SoapySDR module"
        )
        for radio, node in _plugged_in(devices, nodes)
        if _may_open(node)
    ]


def _plugged_in(devices: Path, nodes: Path) -> Iterator[tuple[KnownRadio, Path]]:
    """Known radios that the kernel sees, with their device files."""
    for folder in sorted(devices.glob("*")) if devices.is_dir() else []:
        radio = KNOWN_RADIOS.get((_read(folder / "idVendor"), _read(folder / "idProduct")))
        bus, number = _read(folder / "busnum"), _read(folder / "devnum")
        if radio is not None and bus.isdecimal() and number.isdecimal():
            node = nodes / f"{int(bus):03d}" / f"{int(number):03d}"
            if node.exists():
                yield radio, node


def _may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip().lower()
    except OSError:
        return ""
