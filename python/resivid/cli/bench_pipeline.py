# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench pipeline`: frame rate of the whole chain, and where the time goes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..models import defaults
from . import common
from . import evaluate_options as options

SECTION = "bench pipeline"


def pipeline(
    source: Annotated[
        Optional[str],
        typer.Argument(metavar="[IN]", help="Video to send; a drifting test pattern by default."),
    ] = None,
    stride: common.StrideOption = 4,
    gop: common.GopOption = 32,
    cbr: common.CbrOption = "4e-4",
    snr: Annotated[float, typer.Option("--snr", min=-200, max=200, help="Es/N0 in dB.")] = 6.0,
    codec: common.CodecOption = "auto",
    memory: common.MemoryOption = "feedback",
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    interpolator: common.InterpolatorOption = defaults.INTERPOLATOR,
    interpolator_weights: common.InterpolatorWeightsOption = None,
    feedback_delay: Annotated[
        int, typer.Option("--feedback-delay", help="d: key frame n is packed after the report on n-d.")
    ] = 1,
    frames: Annotated[
        int, typer.Option("--frames", min=16, max=3000, help="Frames of the test pattern.")
    ] = 240,
    threads: Annotated[
        Optional[int], typer.Option("--threads", min=1, max=256, help="Threads of a network; torch's choice.")
    ] = None,
    json_file: options.RowsJsonOption = None,
    page: options.PageOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Speed of the whole chain with both ends. Networks, coding, channel, decoding; no file, no metrics."""
    from ..flowgraphs.settings import LinkSettings
    from .simulate import log_to_stderr

    options.check_outputs(json_file, page, SECTION)
    link = LinkSettings(
        cbr=cbr,
        stride=stride,
        gop=gop,
        codec=codec,
        memory=memory,
        tokenizer=tokenizer,
        weights=tokenizer_weights,
        interpolator=interpolator,
        interpolator_weights=interpolator_weights,
    )
    log_to_stderr()
    from ..evaluate.pipeline_speed import measure_pipeline, text, write_moving_clip
    from ..flowgraphs.simulate import SimulationSettings

    settings = SimulationSettings(link=link, snr_db=(snr,), feedback_delay=feedback_delay, metrics=False)
    if source is not None:
        document = measure_pipeline(source, settings, threads)
    else:
        with tempfile.TemporaryDirectory(prefix="resivid-") as folder:
            path = Path(folder) / "pattern.mp4"
            write_moving_clip(path, frames, link.size)
            document = measure_pipeline(path, settings, threads)
    options.hand_over(document, text(document), json_file, page, SECTION, quiet)


def register(app: typer.Typer) -> None:
    """Add `pipeline` to `resivid bench`."""
    app.command("pipeline")(pipeline)
