# SPDX-License-Identifier: GPL-3.0-or-later
"""Python modules that only some radios, links and files need, imported by what needs them."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import MissingPackageError

REMEDIES = {
    "SoapySDR": "radios need SoapySDR: apt-get install python3-soapysdr",
    "sigmf": "recordings need sigmf: pip install sigmf",
    "uhd": "USRPs need UHD with its Python module: apt-get install uhd-host python3-uhd",
    "zmq": "zmq://... needs pyzmq: pip install pyzmq",
}


def library(name: str) -> Any:
    """A module of REMEDIES.

    Raises:
        MissingPackageError: it is not installed, and how to get it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(REMEDIES[name]) from error
