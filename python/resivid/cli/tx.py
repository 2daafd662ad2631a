# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid tx`: live video to a radio."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from ..errors import SettingsError
from ..link.air import PROFILES
from ..models import defaults
from ..radio.network import ZMQ_PREFIX
from . import common, outputs
from . import radio_options as options
from .simulate import log_to_stderr

if TYPE_CHECKING:
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.transmission import transmission
    from ..radio.settings import RadioSettings


def tx(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="/dev/videoN, a file, a URL (rtsp, http, udp), screen, test for a test picture, or zmq://HOST:PORT: "
            "payloads of another host that has this one as its --device.",
        ),
    ],
    frequency: options.FrequencyOption = None,
    device: options.DeviceOption = "",
    gain_db: options.GainOption = None,
    antenna: options.AntennaOption = None,
    ppm: options.PpmOption = 0.0,
    lo_offset: options.LoOffsetOption = None,
    bandwidth: options.BandwidthOption = None,
    clock_source: options.ClockOption = None,
    sample_rate: options.SampleRateOption = None,
    cbr: common.CbrOption = PROFILES["voice"].cbr,
    rate: options.RateOption = "30",
    stride: common.StrideOption = 8,
    gop: common.GopOption = 32,
    codec: common.CodecOption = "auto",
    memory: options.MemoryOption = "refresh",
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    mcs_table: common.McsTableOption = "air",
    mcs: common.McsOption = None,
    snr_db: Annotated[
        Optional[float],
        typer.Option("--snr", help="Es/N0 in dB that is expected; the row is chosen with 2 dB margin."),
    ] = None,
    key_file: options.KeyOption = None,
    call_sign: options.CallSignOption = None,
    feedback: options.FeedbackOption = None,
    pace: Annotated[
        Literal["live", "file"],
        typer.Option("--pace", help="A file at its frame rate, or as fast as the radio takes it."),
    ] = "live",
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end of the file.")] = False,
    duration_s: Annotated[
        Optional[float],
        typer.Option(
            "--duration",
            min=0,
            metavar="SECONDS",
            help="End after so many seconds of video; without it at the end of IN, or with Ctrl-C.",
        ),
    ] = None,
    i_may_transmit: Annotated[
        bool,
        typer.Option("--i-may-transmit", help="You may, by law and licence. Asked for once, remembered."),
    ] = False,
    json_file: common.JsonOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.")] = False,
) -> None:
    """Send video over the air. It comes from a camera, a file, a network stream or the screen."""
    from ..radio.permission import check_may_transmit

    options.leave_processor_to_radio(tokenizer)
    radio = options.radio_settings(
        device, frequency, gain_db, antenna, ppm, lo_offset, bandwidth, clock_source, sample_rate
    )
    settings = options.live_settings(
        cbr,
        stride,
        gop,
        codec,
        memory,
        tokenizer,
        tokenizer_weights,
        "flow",
        None,
        mcs_table,
        mcs,
        snr_db,
        key_file,
        call_sign,
        networks=not source.startswith(ZMQ_PREFIX),
        feedback=feedback,
    )
    fps = options.frame_rate(rate)
    announcement = check_may_transmit(radio, i_may_transmit, settings.width_hz(fps))
    log_to_stderr()
    if source.startswith(ZMQ_PREFIX):
        if json_file is not None or duration_s is not None:
            raise SettingsError("--json and --duration belong to the other host, which has the video")
        _relay(source, radio, settings, fps, loop, "" if quiet else announcement or "nothing is radiated")
        return
    from ..flowgraphs.transmission import transmission
    from ..video.live import PacedReader, keeps_time, open_source

    live = pace == "live" and radio.has_clock and not radio.is_pipe
    reader = PacedReader(
        lambda: open_source(source, settings.link.size, fps),
        live and not keeps_time(source),
        loop,
        duration_s,
    )
    encoder = settings.link.load_tokenizer()
    flowgraph = transmission(
        reader,
        radio,
        settings,
        settings.link.make_encoder(encoder),
        settings.digest(encoder.weights_sha256),
        drops=live or keeps_time(source),
        feedback=feedback,
    )
    if not quiet:
        row = settings.link.table.rows[settings.row]
        here = f"payloads to {device}" if radio.is_remote else "nothing is radiated"
        print(
            f"resivid: {announcement or here}; {float(reader.rate):g} frame/s, S = {stride}, "
            f"{flowgraph.symbol_rate:.0f} symbols a second, {row.label}",
            file=sys.stderr,
        )
    try:
        flowgraph.run()
    finally:  # Ctrl-C is how most transmissions end
        if json_file is not None:
            outputs.write_json(json_file, json.dumps(document(flowgraph), indent=2) + "\n")
        if not quiet:
            print(_summary(flowgraph), file=sys.stderr)


def document(flowgraph: transmission) -> dict[str, Any]:
    """What was sent, and how old key frames were at each stage, in ms; `held`: how long samples wait for the radio."""
    return {
        "sent": flowgraph.heads.sent,
        "late": flowgraph.source.late,
        "underflows": flowgraph.end.counters.underflows,
        "reports": flowgraph.reports.reports,
        "age_ms": flowgraph.ages.spread_ms(),
    }


def _relay(
    address: str, radio: RadioSettings, settings: LiveSettings, fps: Fraction, stays: bool, announcement: str
) -> None:
    """Send what another host packs."""
    from ..flowgraphs.split_ends import sending_relay

    if radio.is_remote:
        raise SettingsError("IN and --device: only one of them may be at another host")
    flowgraph = sending_relay(address, radio, settings, fps, stays)
    if announcement:
        print(f"resivid: {announcement}; listening at {address}", file=sys.stderr)
    flowgraph.run()
    if announcement:
        print(
            f"resivid: {flowgraph.sent} key frames sent, {flowgraph.server.dropped} dropped, "
            f"{flowgraph.end.counters.underflows} underflows, {flowgraph.server.strangers} messages of strangers",
            file=sys.stderr,
        )


def _summary(flowgraph: Any) -> str:
    counters = flowgraph.end.counters
    reports = flowgraph.reports
    heard = f", {reports.reports} reports, {reports.strangers} of strangers"
    return (
        f"resivid: {flowgraph.heads.sent} key frames sent, {flowgraph.source.late} late ones dropped, "
        f"{counters.underflows} underflows{heard if reports.reports or reports.strangers else ''}"
    )


def register(app: typer.Typer) -> None:
    """Add `tx` to the command line."""
    app.command("tx")(tx)
