# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid train`: trains the networks from folders of pictures and clips."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..errors import SettingsError
from . import common

LOG = logging.getLogger(__name__)
train_app = typer.Typer(no_args_is_help=True, help="Train the networks (needs torch, no GNU Radio).")


@train_app.command("tokenizer")
def tokenizer(
    data: Annotated[Path, typer.Option(help="Folder with train_pictures/ and train_clips/ (tar shards).")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for checkpoint and weights; resumed when there.")
    ],
    minutes: Annotated[
        float,
        typer.Option(
            min=0.01,
            help="Minutes of decoder training, over all resumptions; loading and k-means come first.",
        ),
    ] = 60.0,
    batch: Annotated[int, typer.Option(min=1, help="Crops a step.")] = 32,
    crop: Annotated[
        int, typer.Option(min=32, max=256, help="Side of a crop in pixels, a multiple of 16.")
    ] = 128,
    rate: Annotated[float, typer.Option(help="Highest learning rate (AdamW).")] = 5e-4,
    seed: Annotated[int, typer.Option(help="Seed of pictures, prefixes and start weights.")] = 0,
    device: Annotated[str, typer.Option(help="torch device: cpu, cuda, cuda:1 ...")] = "cpu",
    limit: Annotated[
        Optional[int], typer.Option(min=1, help="Use so many pictures and clips only: a trial.")
    ] = None,
    json_file: Annotated[
        Optional[Path], typer.Option("--json", help="Write the checks made on the way.")
    ] = None,
) -> None:
    """k-means codebooks, then the decoder on random prefixes; stops by the clock, goes on where it stopped.

    The frozen loss networks (vgg/small_vgg19_16x_e5, lpips/*squeeze*) are read from the folder RESIVID_WEIGHTS.
    """
    if crop % 16:
        raise SettingsError(f"--crop must be a multiple of 16 pixels, got {crop}")
    import torch

    from ..train.tokenizer import TokenizerTraining, train

    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise SettingsError(f"--device {device}: torch finds no CUDA GPU on this machine")

    # loading and k-means take minutes: without a word they would look like a hang
    logging.getLogger(train.__module__.rpartition(".")[0]).setLevel(logging.INFO)
    settings = TokenizerTraining(minutes=minutes, batch=batch, crop=crop, rate=rate, seed=seed)
    run = train(settings, data, out, device, limit)
    if json_file is not None:
        common.write_json(json_file, json.dumps(run.history, indent=1) + "\n")
    LOG.info("weights: %s", out / "multiscale.safetensors")


def register(app: typer.Typer) -> None:
    """Add `train` to the command line."""
    app.add_typer(train_app, name="train")
