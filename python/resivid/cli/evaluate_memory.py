# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate memory`: key frames under losses, with each way to outlive them."""

from __future__ import annotations

from typing import Annotated

import typer

from ..models import defaults
from . import common, progress_bar
from . import evaluate_options as options

SECTION = "evaluate memory"


def memory(
    folder: options.FolderArgument,
    codec: options.EvaluatedCodecOption = "closed_loop",
    memories: Annotated[
        str, typer.Option("--memories", metavar="NAME,...", help="Values of --memory to compare.")
    ] = "gop,refresh,feedback",
    losses: Annotated[
        str, typer.Option("--losses", metavar="P,P,...", help="Shares of blocks that are lost.")
    ] = "0,0.01,0.05",
    delays: Annotated[
        str, typer.Option("--delays", metavar="D,D,...", help="Feedback delays in key frames.")
    ] = "1,2,3,4",
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=1000, help="Passes over each clip with new losses.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the losses.")] = 0,
    stride: common.StrideOption = 8,
    gop: common.GopOption = 32,
    bits: options.BitsOption = 1067,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    clips: options.ClipsOption = None,
    frames: options.FramesOption = 600,
    json_file: options.RowsJsonOption = None,
    page: options.PageOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Key frames with lost blocks. Means, recovery after a burst, a late receiver, a still scene."""
    options.check_outputs(json_file, page, SECTION)
    found = options.open_clips(folder, clips, frames)
    shares = options.parse_list(losses, "--losses", float)
    numbers = options.parse_list(delays, "--delays", int)
    from ..evaluate.memory_quality import MemoryEvaluation, evaluate_memory
    from ..evaluate.memory_tables import text
    from ..evaluate.offline_link import LinkMaker
    from ..models.registry import load_tokenizer

    names = tuple(dict.fromkeys(memories.split(",")))
    settings = MemoryEvaluation(names, shares, numbers, stride, gop, bits, repeats, seed)
    model = load_tokenizer(tokenizer, tokenizer_weights)
    maker = LinkMaker(codec, model)
    with progress_bar.WorkProgress(SECTION, "run/s", quiet) as progress:
        document = evaluate_memory(maker, found, settings, progress.update)
    options.hand_over(document, text(document), json_file, page, SECTION, quiet)


def register(app: typer.Typer) -> None:
    """Add `memory` to `resivid evaluate`."""
    app.command("memory")(memory)
