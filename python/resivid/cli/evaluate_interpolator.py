# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate interpolator`: frames made between clean and between received key frames."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from ..models import defaults
from . import common, progress_bar
from . import evaluate_options as options

SECTION = "evaluate interpolator"


def interpolator(
    folder: options.FolderArgument,
    methods: Annotated[
        Optional[str],
        typer.Option(
            "--methods", metavar="NAME[=FILE],...", help="Interpolators, with their weights; all by default."
        ),
    ] = None,
    strides: Annotated[
        str, typer.Option("--strides", metavar="S,S,...", help="Frames per key frame.")
    ] = "4,8,12",
    gaps: Annotated[
        int, typer.Option("--gaps", min=0, help="Gaps between key frames of each clip; 0: all.")
    ] = 6,
    codec: options.EvaluatedCodecOption = "closed_loop",
    bits: options.BitsOption = 1067,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    gop: common.GopOption = 32,
    clips: options.ClipsOption = None,
    frames: options.FramesOption = 600,
    json_file: options.RowsJsonOption = None,
    page: options.PageOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """PSNR, LPIPS and run time of interpolated frames. Between clean and between decoded key frames."""
    options.check_outputs(json_file, page, SECTION)
    found = options.open_clips(folder, clips, frames)
    numbers = options.parse_list(strides, "--strides", int)
    from ..evaluate.interpolator_quality import (
        InterpolatorEvaluation,
        default_methods,
        evaluate_interpolators,
        text,
    )
    from ..evaluate.offline_link import LinkMaker
    from ..models.registry import load_tokenizer

    names = default_methods() if methods is None else list(dict.fromkeys(methods.split(",")))
    settings = InterpolatorEvaluation(numbers, gaps, bits, gop)
    model = load_tokenizer(tokenizer, tokenizer_weights)
    maker = LinkMaker(codec, model)
    with progress_bar.WorkProgress(SECTION, "row/s", quiet) as progress:
        document = evaluate_interpolators(names, found, maker, settings, progress.update)
    options.hand_over(document, text(document), json_file, page, SECTION, quiet)


def register(app: typer.Typer) -> None:
    """Add `interpolator` to `resivid evaluate`."""
    app.command("interpolator")(interpolator)
