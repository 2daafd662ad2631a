# SPDX-License-Identifier: GPL-3.0-or-later
"""What radios are plugged in, as plain values."""

from __future__ import annotations

from typing import Any

from ..errors import RadioError
from .soapy_library import soapy


def list_devices(arguments: str = "") -> list[dict[str, Any]]:
    """Radios that SoapySDR finds, each with what `--device` takes and what it can do.

    Args:
        arguments: SoapySDR's arguments to look for, such as "driver=hackrf"; empty: all.
    Returns:
        One dictionary a radio: driver, label, device (text for `--device`), and for each direction that it has
        `receive` or `transmit`: antennas, sample_rates and frequencies as [low, high], gain_db as [low, high].
        `problem` stands in their place when it cannot be opened.
    Raises:
        RadioError: the arguments cannot be read.
    """
    library = soapy()
    try:
        found = library.Device.enumerate(arguments)
    except (RuntimeError, ValueError) as error:
        raise RadioError(f"{arguments}: {error}") from error
    return [_describe(library, arguments) for arguments in found]


def _describe(library: Any, arguments: Any) -> dict[str, Any]:
    entry: dict[str, str] = dict(arguments)
    names = [key for key in ("driver", "serial", "channel", "remote") if key in entry]
    radio: dict[str, Any] = {
        "driver": entry.get("driver", "unknown"),
        "label": entry.get("label", ""),
        "device": ",".join(f"{key}={entry[key]}" for key in names),
    }
    try:
        device = library.Device(arguments)
        for name, direction in (("receive", library.SOAPY_SDR_RX), ("transmit", library.SOAPY_SDR_TX)):
            if device.getNumChannels(direction):
                radio[name] = _abilities(device, direction)
    except (RuntimeError, ValueError) as error:
        radio["problem"] = " ".join(str(error).split())
    return radio


def _abilities(device: Any, direction: int) -> dict[str, Any]:
    gain = device.getGainRange(direction, 0)
    return {
        "antennas": list(device.listAntennas(direction, 0)),
        "sample_rates": [[r.minimum(), r.maximum()] for r in device.getSampleRateRange(direction, 0)],
        "frequencies": [[r.minimum(), r.maximum()] for r in device.getFrequencyRange(direction, 0)],
        "gain_db": [gain.minimum(), gain.maximum()],
    }
