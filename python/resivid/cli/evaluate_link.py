# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate FOLDER -o OUT`: the paper's figures and honest baselines; `--compare` judges two runs."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..errors import ResividError, SettingsError
from ..models import defaults
from . import common, progress_bar
from . import evaluate_options as options
from .bench_options import parse_range
from .simulate import log_to_stderr

FiguresOption = Annotated[
    Optional[str],
    typer.Option(
        "--figures", metavar="NAME,...", help="Of cbr (3), snr (4), sheet (5), loss, join; all by default."
    ),
]
MethodsOption = Annotated[
    Optional[str],
    typer.Option("--methods", metavar="NAME,...", help="Of ours, x265, lpips, psnr; all by default."),
]
METHOD_WORDS = {
    "ours": "ours",
    "x265": "x265 as in the paper",
    "lpips": "classical by LPIPS",
    "psnr": "classical by PSNR",
}


def link(
    folder: Annotated[
        Optional[Path], typer.Argument(metavar="FOLDER", help="Folder of videos of any size and rate.")
    ] = None,
    output: Annotated[
        Optional[Path],
        typer.Option(
            "--output", "-o", metavar="OUT", help="Folder of report.html, results.json and figures/."
        ),
    ] = None,
    compare: Annotated[
        Optional[tuple[Path, Path]],
        typer.Option("--compare", metavar="A.json B.json", help="Two results side by side; nothing is run."),
    ] = None,
    limit: Annotated[Optional[int], typer.Option("--limit", min=1, help="The first so many videos.")] = None,
    seconds: Annotated[
        Optional[float], typer.Option("--seconds", min=0.1, help="The first so many seconds of each.")
    ] = None,
    figures: FiguresOption = None,
    methods: MethodsOption = None,
    search: Annotated[
        str,
        typer.Option(
            "--search", metavar="NAME", help="Classical settings that are tried: full, or quick for a trial."
        ),
    ] = "full",
    strides: Annotated[str, typer.Option("--strides", metavar="S,S,...", help="Of figure 3.")] = "4,8,12",
    cbrs: Annotated[
        Optional[str],
        typer.Option("--cbrs", metavar="R,R,...", help="Of figure 3, from 2e-4 to 1.9e-3 by default."),
    ] = None,
    snrs: Annotated[
        str, typer.Option("--snrs", metavar="DB", help="Of figure 4: A,B,C or FROM:TO:STEP.")
    ] = "-2:10:2",
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=100, help="Channels drawn at each point with losses.")
    ] = 2,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    interpolator: common.InterpolatorOption = "flow",
    interpolator_weights: common.InterpolatorWeightsOption = None,
    codec: common.CodecOption = "auto",
    memory: common.MemoryOption = "feedback",
    mcs_table: common.McsTableOption = "table1",
    gop: common.GopOption = 32,
    size: common.SizeOption = 256,
    seed: Annotated[int, typer.Option("--seed", min=0, max=(1 << 31), help="Video n has seed + n.")] = 0,
    workers: Annotated[
        Optional[int],
        typer.Option(
            "--workers", min=0, max=256, help="Processes; 0: this one, without Dask; all cores by default."
        ),
    ] = None,
    scheduler: Annotated[
        Optional[str],
        typer.Option(
            "--scheduler", metavar="tcp://HOST:PORT", help="A Dask cluster that sees the same files."
        ),
    ] = None,
    cache: Annotated[
        Optional[Path],
        typer.Option(
            "--cache", metavar="DIR", help="Prepared clips and classical search; OUT/cache by default."
        ),
    ] = None,
    page: Annotated[
        Optional[Path],
        typer.Option(
            "--page", metavar="FILE.md", help="Renew the sections <!-- evaluate cbr --> ... of this page."
        ),
    ] = None,
    quiet: options.QuietOption = False,
) -> None:
    """Section IV of the paper on a folder of videos. Figures, baselines over the same link, one report."""
    if compare is not None:
        from ..evaluate.comparing import compare_files

        print(compare_files(*compare), end="")
        return
    if folder is None or output is None:
        raise SettingsError("evaluate needs FOLDER and --output OUT, or --compare A.json B.json")
    log_to_stderr()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers are many; results do not depend on their number
    from ..evaluate.link_checks import check_evaluation, check_packages
    from ..evaluate.link_evaluation import Folders, evaluate_videos, find_videos
    from ..evaluate.link_page import check_link_page, renew_link_page
    from ..evaluate.points import FIGURES, Evaluation
    from ..flowgraphs.settings import LinkSettings

    check_packages()
    output = output.absolute()  # as all paths: workers of a cluster have working directories of their own
    folders = Folders(output, _absolute(cache) or output / "cache")
    paths = find_videos(folder.absolute(), limit, folders)
    if page is not None:
        check_link_page(page)
    settings = LinkSettings(
        size=size,
        gop=gop,
        mcs_table=str(Path(mcs_table).absolute()) if mcs_table.endswith((".yaml", ".yml")) else mcs_table,
        codec=codec,
        memory=memory,
        tokenizer=tokenizer,
        weights=_absolute(tokenizer_weights),
        interpolator=interpolator,
        interpolator_weights=_absolute(interpolator_weights),
    )
    evaluation = Evaluation(
        link=settings,
        strides=options.parse_list(strides, "--strides", int),
        snrs_db=tuple(parse_range(snrs, "--snrs")),
        repeats=repeats,
        seed=seed,
        search=search,
        methods=_methods(methods),
        figures=FIGURES if figures is None else tuple(figures.split(",")),
        cbrs=Evaluation.cbrs if cbrs is None else tuple(cbrs.split(",")),
    )
    check_evaluation(evaluation)
    _make(output)
    try:
        with (
            progress_bar.WorkProgress("evaluate", "job/s", quiet) as progress,
            _runner(workers, scheduler) as runner,
        ):
            document = evaluate_videos(paths, evaluation, folders, runner, seconds, progress)
    except KeyboardInterrupt:
        raise ResividError(
            "interrupted; what is finished is kept, and the same command goes on from there"
        ) from None
    document["command"] = shlex.join(["resivid", *sys.argv[1:]])
    from ..evaluate.link_output import write_all

    text = write_all(document, folders)
    if page is not None:
        renew_link_page(page, document)
    if not quiet:
        print(text, end="")


def _methods(words: str | None) -> tuple[str, ...]:
    chosen = list(METHOD_WORDS) if words is None else words.split(",")
    unknown = [word for word in chosen if word not in METHOD_WORDS]
    if unknown:
        raise SettingsError(f"--methods: expected some of {', '.join(METHOD_WORDS)}, got {unknown[0]!r}")
    return tuple(METHOD_WORDS[word] for word in METHOD_WORDS if word in chosen)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResividError(f"{output}: is no folder that can be made ({error.strerror})") from error
    if not os.access(output, os.W_OK):
        raise ResividError(f"{output}: cannot be written")


def _runner(workers: int | None, scheduler: str | None):
    from contextlib import nullcontext

    from ..evaluate.sweep import DaskRunner, ThisProcess

    if scheduler is None and workers == 0:
        return nullcontext(ThisProcess())
    return DaskRunner(workers or len(os.sched_getaffinity(0)), scheduler)


def register(app: typer.Typer) -> None:
    """Add `link`, the command that runs where none is named."""
    app.command("link")(link)
