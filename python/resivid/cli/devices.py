# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid devices`: the radios that are plugged in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from . import outputs


def devices(
    device: Annotated[
        str,
        typer.Option("--device", metavar="ARGS", help="Look for these SoapySDR arguments, as driver=hackrf."),
    ] = "",
    json_file: Annotated[
        Optional[Path], typer.Option("--json", metavar="FILE", help="Write the list as JSON; - is stdout.")
    ] = None,
) -> int:
    """List the radios that are plugged in. Each stands with the text that --device of tx and rx takes."""
    from ..radio.devices import list_devices
    from ..radio.usb import locked_radios, radios_without_driver

    found = list_devices(device)
    for line in locked_radios():
        print(f"resivid: {line}", file=sys.stderr)
    if json_file is not None:
        outputs.write_json(json_file, json.dumps(found, indent=2) + "\n")
    elif not found:
        print(
            *[f"resivid: {line}" for line in hints(device, radios_without_driver())],
            sep="\n",
            file=sys.stderr,
        )
    else:
        print(*[line for radio in found for line in lines_of(radio)], sep="\n")
    return 0 if found else 1


def hints(device: str, without_driver: list[str]) -> list[str]:
    """What to do where no radio was found.

    Args:
        device: SoapySDR arguments that were asked for; empty: any.
        without_driver: radios that the kernel sees.
    """
    if device:
        return [f"no radio found for --device {device}; without --device all are listed"]
    if without_driver:
        return ["no radio found", *without_driver]
    return [
        "no radio found, and no known one on USB",
        "drivers: apt-get install soapysdr-module-hackrf (or -rtlsdr, -airspy, -bladerf, -lms7; -all brings every one)",
        "udev rules: apt-get install hackrf rtl-sdr airspy bladerf limesuite-udev, be in the group plugdev, plug in again",
        "USRPs: apt-get install uhd-host python3-uhd, then uhd_find_devices, and --device uhd",
        "no radio at hand: --device driver=resivid_loopback at both ends (docs/radio.md, A first signal)",
    ]


def lines_of(radio: dict[str, Any]) -> list[str]:
    """A radio as text: one line, and an indented one for each direction."""
    lines = [f"{radio['device']}  {radio['label']}".rstrip()]
    if "problem" in radio:
        lines.append(f"  cannot be opened: {radio['problem']}")
    for name in ("receive", "transmit"):
        if name in radio:
            can = radio[name]
            rates, tuned = _stretches(can["sample_rates"]), _stretches(can["frequencies"])
            gain = "{:g} to {:g}".format(*can["gain_db"])
            lines.append(
                f"  {name}: {tuned} Hz, {rates} sample/s, gain {gain} dB, antenna {', '.join(can['antennas'])}"
            )
    return lines


def _stretches(ranges: list[list[float]]) -> str:
    return ", ".join(f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in ranges)


def register(app: typer.Typer) -> None:
    """Add `devices` to the command line."""
    app.command("devices")(devices)
