# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios on USB that the kernel sees and this user may not open: what to do about it."""

from __future__ import annotations

import os
from pathlib import Path

# USB vendor and product to the radio's name and the Debian package that brings its udev rule.
KNOWN_RADIOS = {
    ("1d50", "6089"): ("HackRF One", "hackrf"),
    ("1d50", "60a1"): ("Airspy", "airspy"),
    ("1d50", "6066"): ("bladeRF", "bladerf"),
    ("2cf0", "5250"): ("bladeRF 2.0", "bladerf"),
    ("0bda", "2838"): ("RTL-SDR", "rtl-sdr"),
    ("0bda", "2832"): ("RTL-SDR", "rtl-sdr"),
    ("0456", "b673"): ("PlutoSDR", "libiio-utils"),
    ("1d50", "6108"): ("LimeSDR", "limesuite-udev"),
    ("0403", "601f"): ("LimeSDR Mini", "limesuite-udev"),
    ("2500", "0020"): ("USRP B210", "uhd-host"),
    ("2500", "0021"): ("USRP B200mini", "uhd-host"),
    ("2500", "0022"): ("USRP B205mini", "uhd-host"),
}


def locked_radios(
    devices: Path = Path("/sys/bus/usb/devices"), nodes: Path = Path("/dev/bus/usb")
) -> list[str]:
    """One line for each known radio that is plugged in and may not be opened by this user.

    Args:
        devices: the kernel's list of USB devices.
        nodes: where their device files are.
    """
    lines = []
    for folder in sorted(devices.glob("*")) if devices.is_dir() else []:
        radio = KNOWN_RADIOS.get((_read(folder / "idVendor"), _read(folder / "idProduct")))
        if radio is None:
            continue
        name, package = radio
        bus, number = _read(folder / "busnum"), _read(folder / "devnum")
        if not (bus.isdecimal() and number.isdecimal()):
            continue
        node = nodes / f"{int(bus):03d}" / f"{int(number):03d}"
        if node.exists() and not os.access(node, os.R_OK | os.W_OK):
            lines.append(
                f"permission denied: {name} at {node}; its udev rule is missing: apt-get install {package}, "
                "be in the group plugdev, and plug it in again"
            )
    return lines


def _read(file: Path) -> str:
    try:
        return file.read_text().strip().lower()
    except OSError:
        return ""
