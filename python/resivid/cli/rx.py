# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid rx`: a radio to live video."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import SettingsError
from ..link import air
from ..models import defaults
from ..radio.network import ZMQ_PREFIX, parse_address
from . import common, outputs, web_options
from . import radio_options as options
from .rx_status import STATUS_EVERY_S, Reporter, document, line_of
from .simulate import log_to_stderr

if TYPE_CHECKING:
    from ..flowgraphs.radio_ends import ReceiverEnd
    from ..flowgraphs.reception import reception
    from ..flowgraphs.split_ends import receiving_relay
    from ..video.outputs import PacedOutput


def rx(
    frequency: options.FrequencyOption = None,
    output: Annotated[
        Optional[str],
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="OUT.mp4, - for raw RGB frames, window, /dev/videoN (v4l2loopback), or zmq://HOST:PORT: payloads for "
            "other hosts that have this one as their --device.",
        ),
    ] = None,
    device: options.DeviceOption = "",
    gain_db: options.GainOption = None,
    antenna: options.AntennaOption = None,
    ppm: options.PpmOption = 0.0,
    lo_offset: options.LoOffsetOption = None,
    bandwidth: options.BandwidthOption = None,
    clock_source: options.ClockOption = None,
    sample_rate: options.SampleRateOption = None,
    cbr: common.CbrOption = air.PROFILES["voice"].cbr,
    rate: options.RateOption = "30",
    stride: common.StrideOption = 8,
    gop: common.GopOption = 32,
    codec: common.CodecOption = "auto",
    memory: options.MemoryOption = "refresh",
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    interpolator: common.InterpolatorOption = defaults.INTERPOLATOR,
    interpolator_weights: common.InterpolatorWeightsOption = None,
    mcs_table: common.McsTableOption = "air",
    key_file: options.KeyOption = None,
    feedback: options.FeedbackOption = None,
    record: Annotated[
        Optional[Path],
        typer.Option("--record", metavar="FILE.sigmf-meta", help="Keep the channel's samples as SigMF."),
    ] = None,
    replay: Annotated[
        Optional[Path],
        typer.Option(
            "--replay",
            metavar="FILE.sigmf-meta",
            help="Take samples from a SigMF recording and end with it: at its own pace for a viewer, else as fast as it goes.",
        ),
    ] = None,
    search_ppm: Annotated[
        float,
        typer.Option(
            "--search", min=0, max=1000, metavar="PPM", help="The signal may be so far off its frequency."
        ),
    ] = 40.0,
    num_frames: Annotated[
        Optional[int], typer.Option("--frames", min=1, help="End after so many frames of video.")
    ] = None,
    duration_s: Annotated[
        Optional[float],
        typer.Option(
            "--duration",
            min=0,
            metavar="SECONDS",
            help="End so long after the start by the clock, searching included; --frames counts video.",
        ),
    ] = None,
    web: web_options.WebOption = None,
    json_file: common.JsonOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.")] = False,
) -> None:
    """Receive video over the air. Searches, locks, loses and finds again until it is stopped."""
    options.leave_processor_to_radio(tokenizer, interpolator)
    if replay is not None and device:
        raise SettingsError("--replay and --device: give one of them")
    relays = output is not None and output.startswith(ZMQ_PREFIX)
    if relays:
        parse_address(str(output), ("zmq",), "--output")
        if web is not None or json_file is not None or feedback is not None or num_frames is not None:
            raise SettingsError(
                "-o zmq://...: --web, --json, --feedback and --frames belong to the other host"
            )
    from ..radio.sigmf_files import read_recording

    recording = None if replay is None else read_recording(replay)
    if recording is not None and frequency is None and recording.frequency_hz is not None:
        frequency = str(recording.frequency_hz)
    radio = options.radio_settings(
        device, frequency, gain_db, antenna, ppm, lo_offset, bandwidth, clock_source, sample_rate
    )
    settings = options.live_settings(
        cbr, stride, gop, codec, memory, tokenizer, tokenizer_weights, interpolator, interpolator_weights,
        mcs_table, key_file=key_file, networks=not relays, feedback=feedback,
    )  # fmt: skip
    fps = options.frame_rate(rate)
    log_to_stderr()
    from ..radio.factory import make_receiver, make_replay
    from ..radio.feedback_link import ReportSender
    from ..video.outputs import PacedOutput, is_screen, open_output

    watched = is_screen(output) or (output is None and web is not None)
    reach_hz = 1e-6 * search_ppm * radio.frequency_hz
    make_end: Callable[[Any], ReceiverEnd]
    if radio.is_remote:
        if record is not None or relays:
            raise SettingsError("--device zmq://...: --record and a relay belong to the radio's host")
        make_end = partial(_remote_end, radio, settings, fps)
    else:
        modem_rate = air.SAMPLES_PER_SYMBOL * settings.symbol_rate(fps)
        if recording is not None:
            source = make_replay(recording, radio, modem_rate, paced=watched)
            if source.plan.is_channel:
                reach_hz = 0.0
        else:
            source = make_receiver(radio, modem_rate, settings.occupied_hz(fps))
        make_end = partial(_local_end, source, settings, fps, reach_hz, record, radio.frequency_hz)
    if relays:
        _relay(str(output), make_end, settings, fps, duration_s, quiet)
        return
    with ExitStack() as open_things:
        screen = open_things.enter_context(open_output(output, settings.link.size, fps, stride))
        page_screen = PacedOutput(None, fps, burst=stride) if web is not None else None

        def show(index: int, frame: Any) -> Any:
            if page_screen is not None:
                page_screen.show(index, frame)
            return screen.show(index, frame)

        live = watched and (replay is not None or (radio.has_clock and not radio.is_pipe))
        recorded = replay is not None
        flowgraph = _flowgraph(make_end, settings, fps, screen.path, show, live, recorded)
        if page_screen is None or output is not None:
            screen.on_shown = flowgraph.shown
        if feedback is not None:
            sender = ReportSender(feedback)
            open_things.callback(sender.close)
            flowgraph.report_to(sender.send)
        reporter = Reporter(settings, quiet, fps)
        if not quiet and not any((output, web, json_file, record)):
            reporter.say("no pictures are shown: -o window, -o FILE or --web would")
        report: Callable[[reception], None] = reporter
        if page_screen is not None:
            report = open_things.enter_context(_page(str(web), flowgraph, radio, output, page_screen, report))
        started = time.monotonic()

        def ended(flowgraph: reception) -> bool:
            late = duration_s is not None and time.monotonic() > started + duration_s
            return (
                late or (num_frames is not None and flowgraph.sink.num_frames >= num_frames) or screen.closed
            )

        try:
            flowgraph.run(ended, report)
        finally:  # Ctrl-C is how most receptions end
            if json_file is not None:
                outputs.write_json(json_file, document(flowgraph))
            if not quiet:
                reporter.say(line_of(flowgraph.status(), settings))


def _local_end(
    source: Any,
    settings: Any,
    fps: Fraction,
    reach_hz: float,
    record: Path | None,
    frequency_hz: float,
    top: Any,
) -> ReceiverEnd:
    from ..flowgraphs.radio_ends import LocalReceiver

    return LocalReceiver(top, source, settings, fps, reach_hz, record, frequency_hz)


def _remote_end(radio: Any, settings: Any, fps: Fraction, top: Any) -> ReceiverEnd:
    from ..flowgraphs.split_ends import RemoteReceiver

    return RemoteReceiver(radio, settings, fps)


def _relay(
    address: str, make_end: Any, settings: Any, fps: Fraction, duration_s: float | None, quiet: bool
) -> None:
    """Give what a radio receives to other hosts."""
    from ..flowgraphs.split_ends import receiving_relay

    flowgraph = receiving_relay(address, make_end, settings, fps)
    started, seen = time.monotonic(), ""

    def progress(flowgraph: receiving_relay) -> None:
        nonlocal seen
        if flowgraph.state != seen and not quiet:
            seen = flowgraph.state
            print(
                f"resivid: {seen}; {flowgraph.received} key frames, {flowgraph.failed} failed",
                file=sys.stderr,
            )

    flowgraph.run(lambda _: duration_s is not None and time.monotonic() > started + duration_s, progress)


def _flowgraph(
    make_end: Any, settings: Any, fps: Fraction, path: Path | None, show: Any, live: bool, recorded: bool
) -> Any:
    from ..flowgraphs.reception import reception

    tokenizer = settings.link.load_tokenizer()
    decoder, digest = settings.link.make_decoder(tokenizer), settings.digest(tokenizer.weights_sha256)
    return reception(make_end, settings, decoder, digest, fps, path, show, live, recorded)


@contextmanager
def _page(
    address: str, flowgraph: reception, radio: Any, output: str | None, screen: PacedOutput, report: Any
) -> Iterator[Callable[[reception], None]]:
    """Serve the live page; gives what reports to it beside `report`."""
    from ..web.live_reception import show_status, watch

    folder = Path() if output is None or output in ("-", "window") else Path(output).parent
    recordings = Path() if str(folder).startswith("/dev") else folder
    title = f"{radio.frequency_hz / 1e6:.6g} MHz" if radio.frequency_hz else radio.device
    monitor = watch(flowgraph, title, recordings)
    next_status = 0.0

    def shown(index: int, frame: Any) -> None:
        if output is None:  # else that is the screen
            flowgraph.shown(index, frame)
        monitor.show(index, frame)

    def both(flowgraph: reception) -> None:
        nonlocal next_status
        report(flowgraph)
        if time.monotonic() >= next_status:
            next_status = time.monotonic() + STATUS_EVERY_S
            show_status(monitor, flowgraph.status())

    screen.on_shown = shown
    with web_options.live_page(address, monitor), screen:
        yield both


def register(app: typer.Typer) -> None:
    """Add `rx` to the command line."""
    app.command("rx", cls=web_options.WebCommand)(rx)
