# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the radio that `tx` and `rx` share, and what they make of them."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from ..errors import SettingsError
from ..models import defaults
from ..radio.network import ZMQ_PREFIX
from ..radio.settings import PIPE, RadioSettings, parse_hz

if TYPE_CHECKING:
    from ..flowgraphs.live import LiveSettings

DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="ARGS",
        help="SoapySDR arguments (driver=hackrf), uhd[,ARGS] for a USRP, NAME[,ARGS] of another package, zmq://HOST:PORT of another host, - for raw samples.",
    ),
]
FrequencyOption = Annotated[
    Optional[str],
    typer.Option("--freq", metavar="HZ", help="Centre of the signal, as 434.5M or 2.4G."),
]
GainOption = Annotated[Optional[float], typer.Option("--gain", help="Gain of the radio in dB.")]
AntennaOption = Annotated[Optional[str], typer.Option("--antenna", help="Port of the radio.")]
PpmOption = Annotated[float, typer.Option("--ppm", help="Error of the radio's oscillator in ppm.")]
LoOffsetOption = Annotated[
    Optional[str],
    typer.Option(
        "--lo-offset",
        metavar="HZ",
        help="Oscillator so far below the signal, clear of the DC spike; 100k or a quarter of the sample rate by default.",
    ),
]
BandwidthOption = Annotated[
    Optional[str], typer.Option("--bandwidth", metavar="HZ", help="Analogue filter of the radio.")
]
ClockOption = Annotated[
    Optional[str], typer.Option("--clock-source", help="Reference of the radio, as external.")
]
SampleRateOption = Annotated[
    Optional[str],
    typer.Option("--sample-rate", metavar="HZ", help="Samples a second of the radio; chosen by default."),
]
RateOption = Annotated[
    str,
    typer.Option(
        "--rate", metavar="FPS", help="Frames a second of the video; a file sent has its own, which rx needs."
    ),
]
MemoryOption = Annotated[
    Literal["gop", "refresh", "feedback"],
    typer.Option(
        "--memory", help="closed_loop: how the picture outlives losses; feedback needs a return link."
    ),
]

KeyOption = Annotated[
    Optional[Path],
    typer.Option("--key", metavar="FILE", help="Secret of both ends: frames are signed, not encrypted."),
]

CallSignOption = Annotated[
    Optional[str],
    typer.Option(
        "--call-sign", metavar="SIGN", help="Of your station: in the signal every few seconds, at no cost."
    ),
]

FeedbackOption = Annotated[
    Optional[str],
    typer.Option(
        "--feedback",
        metavar="udp|zmq://HOST:PORT",
        help="Return link through a network: tx listens there, rx reports to it, and the row follows the SNR.",
    ),
]


def leave_processor_to_radio(*networks: str) -> None:
    """One thread for the default networks, unless OMP_NUM_THREADS says another number; before torch is loaded.

    They are small: on two cores a second thread saves a fifth of the time and takes half as much processor time again, in
    which packing and samples wait.
    """
    if {*networks} <= {defaults.TOKENIZER, defaults.INTERPOLATOR}:
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def radio_settings(
    device: str,
    frequency: str | None,
    gain_db: float | None,
    antenna: str | None,
    ppm: float,
    lo_offset: str | None,
    bandwidth: str | None,
    clock_source: str | None,
    sample_rate: str | None,
) -> RadioSettings:
    """The options as settings.

    Raises:
        SettingsError: one cannot be read or is out of range.
    """
    if frequency is None and device != PIPE and not device.startswith(ZMQ_PREFIX):
        raise SettingsError("--freq is missing: the centre of the signal, as 434.5M")
    return RadioSettings(
        device=device,
        frequency_hz=0.0 if frequency is None else parse_hz(frequency, "--freq"),
        gain_db=gain_db,
        antenna=antenna,
        ppm=ppm,
        lo_offset_hz=None if lo_offset is None else parse_hz(lo_offset, "--lo-offset"),
        bandwidth_hz=None if bandwidth is None else parse_hz(bandwidth, "--bandwidth"),
        clock_source=clock_source,
        sample_rate=None if sample_rate is None else parse_hz(sample_rate, "--sample-rate"),
    )


def frame_rate(text: str) -> Fraction:
    """A number of frames a second, such as 30, 29.97 or 30000/1001.

    Raises:
        SettingsError: it is none, or not within 1 to 240.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise SettingsError(f"--rate: expected frames a second, got {text!r}") from error
    if not 1 <= rate <= 240:
        raise SettingsError(f"--rate: expected 1 to 240 frames a second, got {text}")
    return rate


def live_settings(
    cbr: str,
    stride: int,
    gop: int,
    codec: str,
    memory: Any,
    tokenizer: str,
    weights: Path | None,
    interpolator: str,
    interpolator_weights: Path | None,
    mcs_table: str,
    mcs: str | None = None,
    snr_db: float | None = None,
    key_file: Path | None = None,
    call_sign: str | None = None,
    networks: bool = True,
    feedback: str | None = None,
) -> LiveSettings:
    """What both ends agree on, and the row that the transmitter begins with.

    Args:
        snr_db: Es/N0 that is expected; without `mcs` the row is that of MARGIN_DB less.
        key_file: signs the frames, or must have signed them.
        call_sign: of the transmitting station.
        networks: run at this host; otherwise nothing is asked of the codec, which would load them.
        feedback: address of the return link.
    Raises:
        ResividError: the key cannot be read.
        SettingsError: the table is not for the air, or the budget is too small.
    """
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.settings import LinkSettings
    from ..link.frame_mac import read_key
    from .common import parse_mcs

    if memory == "feedback" and networks and feedback is None:
        raise SettingsError("--memory feedback needs a return link: --feedback at both ends")
    link = LinkSettings(
        cbr=cbr,
        stride=stride,
        gop=gop,
        mcs_table=mcs_table,
        codec=codec,
        memory=memory,
        tokenizer=tokenizer,
        weights=weights,
        interpolator=interpolator,
        interpolator_weights=interpolator_weights,
    )
    row = parse_mcs(mcs, link.table)
    if row is None:
        row = 0 if snr_db is None else link.table.row_for(snr_db - MARGIN_DB)
    settings = LiveSettings(link, row, None if key_file is None else read_key(key_file), call_sign or "")
    if networks:
        link.check_budget(row)
    return settings


MARGIN_DB = 2.0
