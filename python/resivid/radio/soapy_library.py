# SPDX-License-Identifier: GPL-3.0-or-later
"""SoapySDR's Python module, with the driver modules that are installed beside this package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .libraries import library

PLUGIN_PATH = "SOAPY_SDR_PLUGIN_PATH"


def own_module_folders() -> list[Path]:
    """Folders of SoapySDR modules in the prefix of this package, which SoapySDR may not know of."""
    prefix = Path(__file__).resolve().parents[6]  # PREFIX/lib/pythonX.Y/site-packages/gnuradio/resivid/radio
    return sorted(prefix.glob("lib/SoapySDR/modules*"))


def soapy() -> Any:
    """The module SoapySDR; it finds the loopback radio of this installation, and logs warnings and worse.

    Raises:
        MissingPackageError: it is not installed.
    """
    module = library("SoapySDR")
    known = [folder for folder in os.environ.get(PLUGIN_PATH, "").split(":") if folder]
    new = [str(folder) for folder in own_module_folders() if str(folder) not in known]
    if new:  # SoapySDR reads the variable when the first device is looked for
        os.environ[PLUGIN_PATH] = ":".join(known + new)
    module.setLogLevel(module.SOAPY_SDR_ERROR)
    return module
