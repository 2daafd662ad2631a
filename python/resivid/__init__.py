# SPDX-License-Identifier: GPL-3.0-or-later
"""gr-resivid: live video through radio channels of a few kilobits per second (Resi-VidTok).

`from gnuradio import resivid` gives every block by name. Each is loaded when it is first used, so neither torch nor
OpenCV is needed for blocks that do not use them, and the floors below the blocks load without GNU Radio.
"""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingPackageError
from .version import __version__

# The module that holds each public name: the one table of what `resivid.` offers.
_MODULE_OF = {
    "channel": "resivid_python",
    "burst_framer": "resivid_python",
    "burst_synchroniser": "resivid_python",
    "ldpc_qam_encoder": "resivid_python",
    "ldpc_qam_decoder": "resivid_python",
    "mcs_selector": "resivid_python",
    "token_source": "blocks.token_source",
    "token_packer": "blocks.token_packer",
    "token_unpacker": "blocks.token_unpacker",
    "video_sink": "blocks.video_sink",
    "header_writer": "blocks.frame_header",
    "header_reader": "blocks.frame_header",
    "payload_to_stream": "blocks.payload_to_stream",
    "qt_video_sink": "blocks.qt_video_sink",
    "symbol_tap": "blocks.symbol_tap",
    "LinkSettings": "flowgraphs.settings",
    "transmitter": "flowgraphs.transmitter",
    "receiver": "flowgraphs.receiver",
    "SimulationSettings": "flowgraphs.simulate",
    "simulation": "flowgraphs.simulate",
    "simulated_link": "flowgraphs.simulated_link",
    "LiveSettings": "flowgraphs.live",
    "live_source": "flowgraphs.live_ends",
    "live_head_writer": "flowgraphs.live_ends",
    "live_head_reader": "flowgraphs.live_ends",
    "radio_sink": "flowgraphs.live_ends",
    "radio_source": "flowgraphs.live_ends",
    "frame_credits": "blocks.frame_credits",
    "or_exit": "flowgraphs.in_grc",
    "or_default": "flowgraphs.in_grc",
    "exit_if_failed": "flowgraphs.in_grc",
    "cbr_is_positive": "flowgraphs.grc_checks",
    "cbr_suits": "flowgraphs.grc_checks",
    "codec_is_known": "flowgraphs.grc_checks",
    "head_fits": "flowgraphs.grc_checks",
    "interpolator_is_known": "flowgraphs.grc_checks",
    "mcs_table_has_preambles": "flowgraphs.grc_checks",
    "mcs_table_has_rows": "flowgraphs.grc_checks",
    "mcs_table_is_known": "flowgraphs.grc_checks",
    "tokenizer_is_known": "flowgraphs.grc_checks",
}

# What to install for a package that an import asks for; any other is installed under its own name.
_INSTALL = {
    "gnuradio": "apt-get install gnuradio",
    "pmt": "apt-get install gnuradio",
    "SoapySDR": "apt-get install python3-soapysdr",
    "cv2": 'pip install "opencv-python-headless<4.12"',
    "yaml": "pip install pyyaml",
    "resivid_python": "make install",
    "phy_python": "make install",
}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    except ModuleNotFoundError as error:
        missing = (error.name or str(error)).removeprefix(f"{__name__}.").partition(".")[0]
        remedy = _INSTALL.get(missing, f"pip install {missing}")
        raise MissingPackageError(f"resivid.{name} needs {missing}; install it with: {remedy}") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
