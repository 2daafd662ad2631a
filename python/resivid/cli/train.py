# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid train`: trains the networks from folders of pictures and clips."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..errors import SettingsError
from .configuration import PrintConfigOption, variable_of

LOG = logging.getLogger(__name__)
train_app = typer.Typer(no_args_is_help=True, help="Train the networks (needs torch, no GNU Radio).")

OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="Folder of the run; it goes on when one is there.")
]


ConfigOption = Annotated[
    Optional[Path],
    typer.Option(
        metavar="FILE.yaml", help="Settings of the run; default: config.yaml of the folder, if there."
    ),
]
DataOption = Annotated[
    Optional[Path], typer.Option(help="Folder of pictures, videos, tar shards or prepared shards.")
]
StartOption = Annotated[
    Optional[Path], typer.Option(metavar="WEIGHTS", help="Start from what a weight file holds.")
]
MinutesOption = Annotated[
    Optional[float], typer.Option(help="Minutes of training in all, over all resumptions.")
]
StepsOption = Annotated[Optional[int], typer.Option(help="Steps in all, instead of minutes.")]
TimeLimitOption = Annotated[
    Optional[float],
    typer.Option(min=0.0, metavar="MINUTES", help="End this part, loading included, with a checkpoint."),
]
StepLimitOption = Annotated[Optional[int], typer.Option(min=0, help="The same after so many steps.")]
BatchOption = Annotated[Optional[int], typer.Option(help="Crops a step and device.")]
CropOption = Annotated[
    Optional[int], typer.Option(help="Side of a crop in pixels, a multiple of 16, 32 to 256.")
]
RateOption = Annotated[Optional[float], typer.Option(help="Highest learning rate (AdamW).")]
SeedOption = Annotated[Optional[int], typer.Option(help="Seed of all that is random.")]
DeviceOption = Annotated[Optional[str], typer.Option(help="torch device: auto, cpu, cuda, cuda:1 ...")]
LimitOption = Annotated[Optional[int], typer.Option(help="Use so many pictures and clips only: a trial.")]
ChecksOption = Annotated[Optional[Path], typer.Option("--json", help="Write the checks made on the way.")]


@train_app.command("tokenizer")
def tokenizer(
    context: typer.Context,
    out: OutOption,
    config: ConfigOption = None,
    data: DataOption = None,
    start: StartOption = None,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    time_limit: TimeLimitOption = None,
    step_limit: StepLimitOption = None,
    batch: BatchOption = None,
    crop: CropOption = None,
    rate: RateOption = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    limit: LimitOption = None,
    json_file: ChecksOption = None,
    print_config: PrintConfigOption = False,
) -> None:
    """Codebooks by k-means, then the decoder. It learns on random prefixes and states of the closed loop.

    Options go before the configuration file; the settings in effect are written to config.yaml beside the weights.
    The frozen loss networks (vgg/small_vgg19_16x_e5, lpips/*squeeze*) are read from the folder RESIVID_WEIGHTS.
    With torchrun it trains on as many devices as there are processes.
    """
    from ..train.settings import TokenizerTraining

    if print_config:
        return _print_settings(TokenizerTraining, context)
    settings = _settings(TokenizerTraining, context.params)
    from ..train.tokenizer import train

    _run(train, settings, out, time_limit, step_limit, json_file)


@train_app.command("interpolator")
def interpolator(
    context: typer.Context,
    out: OutOption,
    config: ConfigOption = None,
    data: DataOption = None,
    start: StartOption = None,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    time_limit: TimeLimitOption = None,
    step_limit: StepLimitOption = None,
    batch: BatchOption = None,
    crop: CropOption = None,
    rate: RateOption = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    limit: LimitOption = None,
    json_file: ChecksOption = None,
    print_config: PrintConfigOption = False,
) -> None:
    """The interpolator `fusion`. It learns on videos whose key frames went through the closed loop.

    Everything else is as with `resivid train tokenizer`.
    """
    from ..train.settings import InterpolatorTraining

    if print_config:
        return _print_settings(InterpolatorTraining, context)
    settings = _settings(InterpolatorTraining, context.params)
    from ..train.interpolator import train

    _run(train, settings, out, time_limit, step_limit, json_file)


def _settings(kind: type, given: dict[str, Any]) -> Any:
    """Settings of the file with the options' values in the place of its own.

    Args:
        kind: class of the settings.
        given: the command's parameters, those that are no settings among them.
    """
    from ..train.config import from_mapping, merged

    _, base = _file_settings(kind, given)
    return from_mapping(kind, merged(base, _option_settings(kind, given)), "options")


def _file_settings(kind: type, given: dict[str, Any]) -> tuple[Path | None, dict[str, Any]]:
    """The configuration file, if any, and what it sets."""
    from ..train.config import from_mapping, read_yaml
    from ..train.settings import CHECKPOINT, CONFIG

    file, out = given["config"], given["out"]
    if file is None and out is not None and (out / CONFIG).is_file() and (out / CHECKPOINT).is_file():
        file = out / CONFIG
    base = {} if file is None else read_yaml(file)
    from_mapping(kind, base, str(file))  # first alone, so that mistakes name their place
    return file, base


def _option_settings(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {k: v for k, v in given.items() if k in names and v is not None}


def _print_settings(kind: type, context: typer.Context) -> None:
    """The settings in force as a file for --config, each with where it comes from."""
    import yaml

    from ..train.config import to_mapping

    file, base = _file_settings(kind, context.params)
    options = _option_settings(kind, context.params)
    print(f"# resivid train {context.info_name}")
    for name, value in to_mapping(_settings(kind, context.params)).items():
        origin = str(file) if name in base else "default"
        if name in options:
            source = context.get_parameter_source(name)
            variable = source is not None and source.name == "ENVIRONMENT"
            origin = f"variable {variable_of(name)}" if variable else "command line"
        first, *more = yaml.safe_dump({name: value}, sort_keys=False).splitlines()
        print("\n".join([f"{first}  # {origin}", *more]))


def _run(
    train: Callable[..., Any],
    settings: Any,
    out: Path,
    time_limit: float | None,
    step_limit: int | None,
    json_file: Path | None,
) -> None:
    # loading and k-means take minutes: without a word they would look like a hang
    if os.environ.get("RANK", "0") == "0":
        logging.getLogger(train.__module__.rpartition(".")[0]).setLevel(logging.INFO)
    run = train(settings, out, time_limit, step_limit)
    if run.workers.first:
        if json_file is not None:
            from . import outputs

            outputs.write_json(json_file, json.dumps(run.history, indent=1) + "\n")
        from ..train.settings import BEST

        best = out / BEST
        LOG.info(
            "weights: %s%s", out / run.WEIGHTS, f"; best on held-out data: {best}" if best.is_file() else ""
        )


@train_app.command("prepare")
def prepare(
    data: Annotated[Path, typer.Argument(help="Folder of pictures, videos or tar shards.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards, each under 60 MB.")],
    limit: Annotated[
        int, typer.Option(min=0, help="Keep so many pictures and clips, by chance; 0: all.")
    ] = 0,
    webp: Annotated[
        int,
        typer.Option(
            min=0, max=100, help="Store pictures as WebP of this quality; 0: raw, no decoder needed."
        ),
    ] = 0,
    states: Annotated[
        int, typer.Option(min=0, help="Also make so many states of the closed loop (300 kB each).")
    ] = 0,
    weights: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Weights whose codebooks make the states.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make the states.")] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Training data as tensors. For machines without OpenCV, PyAV or GNU Radio."""
    if states and weights is None:
        raise SettingsError("--states needs --weights, whose codebooks make the states")
    from ..train.prepare import prepare as run

    files = run(
        data,
        out,
        limit=limit,
        webp_quality=webp,
        states=states,
        weights=weights,
        workers=workers,
        seed=seed,
    )
    print(f"{len(files)} shards in {out}, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB")


def register(app: typer.Typer) -> None:
    """Add `train` to the command line."""
    app.add_typer(train_app, name="train")
