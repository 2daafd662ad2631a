# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a simulated channel: what fades, what is lost, what is not ideal, and SNR over time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from ..errors import SettingsError
from ..link.channel_settings import IMPAIRMENTS, ChannelSettings, parse_impairments
from ..link.snr_trace import KINDS, SnrTrace, load_trace, make_trace

ChannelKind = Literal["awgn", "rayleigh", "rician"]
ChannelOption = Annotated[
    ChannelKind, typer.Option("--channel", help="White noise alone, or with flat fading of mean power 1.")
]
DopplerOption = Annotated[
    float,
    typer.Option("--doppler", metavar="HZ", help="Largest Doppler shift; 0: a new gain for each key frame."),
]
RicianKOption = Annotated[
    float, typer.Option("--rician-k", metavar="DB", help="Rician: power of the steady path over the rest.")
]
CsiOption = Annotated[
    Literal["perfect", "none"],
    typer.Option("--csi", help="perfect: a genie tells the receiver the gains of the fading."),
]
LossOption = Annotated[
    float,
    typer.Option("--loss", metavar="RATE", help="Share of key frames that are lost as a whole, 0 to 1."),
]
BurstLengthOption = Annotated[
    float,
    typer.Option("--burst-length", metavar="N", help="Mean losses in a row; 0: losses are independent."),
]
ImpairOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--impair",
        metavar="NAME=VALUE",
        help="May stand several times: "
        + ", ".join(f"{name} ({unit})" for name, (_, _, unit) in IMPAIRMENTS.items())
        + ".",
    ),
]
SnrTraceOption = Annotated[
    Optional[str],
    typer.Option(
        "--snr-trace",
        metavar="FILE.csv|NAME",
        help=f"Es/N0 over time: CSV with header time_s,snr_db or key_frame,snr_db; or {', '.join(KINDS)} around --snr.",
    ),
]
OuterLoopOption = Annotated[
    bool,
    typer.Option(
        "--outer-loop", help="Keep the block error rate at the MCS table's target, whatever the bias."
    ),
]
SnrBiasOption = Annotated[
    float,
    typer.Option("--snr-bias", metavar="DB", help="Make the SNR estimates wrong by so much, for studies."),
]
JumpOption = Annotated[
    float,
    typer.Option(
        "--jump-db",
        min=0,
        max=40,
        help="An SNR estimate so far from the mean of the last eight starts the mean anew; 0: never.",
    ),
]
SaveIqOption = Annotated[
    Optional[Path],
    typer.Option("--save-iq", metavar="NAME", help="Record the received symbols: NAME.sigmf-data, -meta."),
]
SaveSentIqOption = Annotated[
    Optional[Path], typer.Option("--save-sent-iq", metavar="NAME", help="Record the sent symbols as well.")
]


def channel_settings(
    kind: ChannelKind,
    doppler_hz: float,
    rician_k_db: float,
    csi: str,
    loss_rate: float,
    burst_length: float,
    impairments: list[str] | None,
) -> ChannelSettings:
    """What the options say.

    Raises:
        SettingsError: they contradict each other, or an impairment is unknown.
    """
    if doppler_hz and kind == "awgn":
        raise SettingsError("--doppler needs a channel that fades: --channel rayleigh or rician")
    return ChannelSettings(
        fading="none" if kind == "awgn" else kind,
        rician_k_db=rician_k_db,
        doppler_hz=doppler_hz,
        csi=csi == "perfect",
        loss_rate=loss_rate,
        burst_length=burst_length,
        **parse_impairments(impairments or []),
    )


def snr_trace(text: str | None, snr_db: tuple[float, ...], seed: int) -> SnrTrace | None:
    """The trace that `--snr-trace` names.

    Raises:
        SettingsError: a made trace around more than one SNR.
        FormatError: the file is no trace.
    """
    if text is None:
        return None
    if text not in KINDS:
        return load_trace(text)
    if len(snr_db) != 1:
        raise SettingsError(f"--snr-trace {text}: --snr must be one number, the middle")
    return make_trace(text, snr_db[0], seed)
