# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid simulate`: a video through the whole chain, over a simulated channel."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from ..errors import SettingsError
from ..models import defaults
from . import channel_options as options
from . import common, outputs, progress_bar, simulate_report, web_options

if TYPE_CHECKING:
    from ..flowgraphs.settings import LinkSettings
    from ..flowgraphs.simulate import simulation

DEFAULT_TABLE = {"ideal": "table1", "framed": "air"}
LEAST_DELAY = {"ideal": 1, "framed": 2}  # a frame is received when the next one has begun
SAMPLE_EVERY = 15  # frames between two pictures of the report
MAX_SEED = (1 << 64) - 1  # of the channel's generator


def simulate(
    context: typer.Context,
    source: common.InputArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT.mp4", help="Video to write (.mp4, .m4v, .mov or .mkv)."),
    ],
    snr: Annotated[
        str,
        typer.Option("--snr", metavar="DB|FILE", help="Es/N0 in dB, or a file with one value per key frame."),
    ] = "6",
    snr_trace: options.SnrTraceOption = None,
    cbr: common.CbrOption = "4e-4",
    stride: common.StrideOption = 8,
    gop: common.GopOption = 32,
    size: common.SizeOption = 256,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    interpolator: common.InterpolatorOption = defaults.INTERPOLATOR,
    interpolator_weights: common.InterpolatorWeightsOption = None,
    weights: common.WeightsOption = None,
    mcs_table: Annotated[
        Optional[str],
        typer.Option(
            "--mcs-table",
            metavar="NAME|FILE",
            help="MCS table: table1 (default), calibrated, air (default of --phy framed) or a YAML file.",
        ),
    ] = None,
    mcs: common.McsOption = None,
    mcs_start: Annotated[
        Optional[str],
        typer.Option(
            "--mcs-start", metavar="ROW", help="Row before the first SNR estimate; the lowest by default."
        ),
    ] = None,
    hysteresis_db: Annotated[
        float,
        typer.Option("--hysteresis-db", help="Leave a row when the SNR is so many dB below its threshold."),
    ] = 0.5,
    feedback_delay: Annotated[
        Optional[int],
        typer.Option(
            "--feedback-delay",
            help="d: key frame n is packed after the report on n-d; 1, or 2 for --phy framed, and no less.",
        ),
    ] = None,
    gop_prefix: common.GopPrefixOption = False,
    reference: common.ReferenceOption = "state",
    codec: common.CodecOption = "auto",
    memory: common.MemoryOption = "feedback",
    motion: common.MotionOption = True,
    outer_loop: options.OuterLoopOption = False,
    snr_bias_db: options.SnrBiasOption = 0.0,
    jump_db: options.JumpOption = 2.0,
    channel: options.ChannelOption = "awgn",
    doppler_hz: options.DopplerOption = 0.0,
    rician_k_db: options.RicianKOption = 10.0,
    csi: options.CsiOption = "perfect",
    loss: options.LossOption = 0.0,
    burst_length: options.BurstLengthOption = 0.0,
    impair: options.ImpairOption = None,
    phy: Annotated[
        Literal["ideal", "framed"],
        typer.Option(
            "--phy",
            help="ideal: packets, rows and frame numbers are known; framed: bursts, found by a synchroniser.",
        ),
    ] = "ideal",
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=MAX_SEED, help="Seed of all that is random in the channel.")
    ] = 0,
    save_iq: options.SaveIqOption = None,
    save_sent_iq: options.SaveSentIqOption = None,
    json_file: common.JsonOption = None,
    report: Annotated[
        Optional[Path],
        typer.Option("--report", metavar="FILE.html", help="Write a page of pictures and plots here."),
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Write the original left of the received picture.")
    ] = False,
    web: web_options.WebOption = None,
    metrics: Annotated[
        bool, typer.Option("--metrics/--no-metrics", help="Compare with the original: PSNR, SSIM, LPIPS.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no summary.")] = False,
) -> None:
    """Send a video over a simulated channel, through the whole chain. It runs as one GNU Radio flowgraph."""
    from ..flowgraphs.settings import LinkSettings

    tokenizer_weights, interpolator_weights = common.assign_weights(
        weights, (tokenizer, tokenizer_weights), (interpolator, interpolator_weights)
    )
    link = LinkSettings(
        cbr=cbr,
        stride=stride,
        gop=gop,
        size=size,
        mcs_table=mcs_table or DEFAULT_TABLE[phy],
        gop_prefix=gop_prefix,
        reference=reference,
        codec=codec,
        memory=memory,
        motion=motion,
        phy=phy,
        tokenizer=tokenizer,
        weights=tokenizer_weights,
        interpolator=interpolator,
        interpolator_weights=interpolator_weights,
    )
    common.refuse_foreign_options(context, link)
    for path in (json_file, report):
        outputs.check_folder(path)
    outputs.check_distinct(IN=source, output=output, json=json_file, report=report)
    channel_settings = options.channel_settings(
        channel, doppler_hz, rician_k_db, csi, loss, burst_length, impair
    )
    if phy == "ideal":
        for line in channel_settings.warnings_without_synchroniser():
            print(f"resivid: warning: {line}", file=sys.stderr)
    snr_db = common.parse_snr(snr)
    log_to_stderr()
    from ..flowgraphs.simulate import SimulationSettings, simulation

    settings = SimulationSettings(
        link=link,
        snr_db=snr_db,
        snr_trace=options.snr_trace(snr_trace, snr_db, seed),
        channel=channel_settings,
        seed=seed,
        mcs=common.parse_mcs(mcs, link.table),
        mcs_start=_start_row(mcs_start, link),
        hysteresis_db=hysteresis_db,
        feedback_delay=LEAST_DELAY[phy] if feedback_delay is None else feedback_delay,
        outer_loop=outer_loop,
        snr_bias_db=snr_bias_db,
        jump_db=jump_db,
        save_iq=save_iq,
        save_sent_iq=save_sent_iq,
        side_by_side=side_by_side,
        metrics=metrics,
        sample_every=0 if report is None else SAMPLE_EVERY,
    )
    flowgraph = simulation(source, output, settings)
    with _page(web, flowgraph, source, output):
        if quiet:
            statistics = flowgraph.run()
        else:
            with progress_bar.Progress("simulate", flowgraph.num_frames_hint) as progress:
                statistics = flowgraph.run(progress.update)
    statistics.settings = simulate_report.settings_of(flowgraph)
    if json_file is not None:
        outputs.write_json(json_file, statistics.to_json())
    if report is not None:
        simulate_report.write_page(report, source, output, flowgraph, statistics)
    if not quiet:
        print(simulate_report.summary(statistics, output), file=sys.stderr)


def _page(
    address: str | None, flowgraph: simulation, source: str, output: Path
) -> AbstractContextManager[object]:
    """The live page, recordings beside the output; nothing without an address."""
    if address is None:
        return nullcontext()
    from ..web.live_simulation import watch

    return web_options.live_page(address, watch(flowgraph, Path(source).name, output.parent))


def log_to_stderr() -> None:
    """GNU Radio's own log goes to stderr, from warnings up; to be called before it is loaded."""
    os.environ.setdefault("GR_CONF_LOG_LOG_FILE", "stderr")
    os.environ.setdefault("GR_CONF_LOG_LOG_LEVEL", "warn")


def _start_row(text: str | None, link: LinkSettings) -> int:
    try:
        return 0 if text is None else link.table.index(text)
    except ValueError as error:
        raise SettingsError(f"--mcs-start: {error}") from error


def register(app: typer.Typer) -> None:
    """Add `simulate` to the command line."""
    app.command("simulate", cls=web_options.WebCommand)(simulate)
