# SPDX-License-Identifier: GPL-3.0-or-later
"""What the subcommands of `resivid bench` share: options, ranges of numbers, workers, files of rows."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import MissingPackageError, SettingsError
from ..part_files import write_text_atomically
from . import outputs

if TYPE_CHECKING:
    from ..evaluate.bler import Point, Results
    from ..evaluate.workers import DaskWorkers, LocalWorkers

MAX_VALUES = 1000  # of a range
MAX_DB = 200  # beyond, 10^(SNR/10) says nothing about any channel

SymbolsOption = Annotated[
    Optional[int],
    typer.Option("--symbols", min=1, max=1 << 20, help="Channel symbols of a key frame; k follows by row."),
]
KernelOption = Annotated[
    Optional[str], typer.Option("--kernel", metavar="NAME", help="Decoder kernel; the link's own by default.")
]
IterationsOption = Annotated[
    Optional[int],
    typer.Option(
        "--iterations", min=1, max=1000, help="Most iterations of the decoder; the link's own by default."
    ),
]
GuessesOption = Annotated[
    Optional[int],
    typer.Option(
        "--guesses",
        min=0,
        max=1024,
        help="Bits tried the other way in a block that fails; 0: none; the link's own by default.",
    ),
]
TargetOption = Annotated[
    float, typer.Option("--target", min=1e-6, max=0.5, help="Block error rate of interest.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=(1 << 63) - 1, help="Seed of payloads and noise.")
]
SchedulerOption = Annotated[
    Optional[str],
    typer.Option(
        "--scheduler", metavar="tcp://HOST:PORT", help="Run on a Dask cluster instead of this machine."
    ),
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=0, max=256, help="Cores of this machine to use; 0: all.")
]
ResultsOption = Annotated[
    Optional[Path],
    typer.Option("--results", metavar="FILE", help="Keep counts here, and go on from what it holds."),
]
RowsJsonOption = Annotated[
    Optional[Path], typer.Option("--json", metavar="FILE", help="Write the rows here; - is standard output.")
]
CsvOption = Annotated[Optional[Path], typer.Option("--csv", metavar="FILE", help="Write the rows here.")]
PlotOption = Annotated[
    Optional[Path], typer.Option("--plot", metavar="FILE", help="Write a plot here (.png, .svg or .pdf).")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no table.")]


def parse_range(text: str, option: str) -> list[float]:
    """Numbers of dB: "3", "1,2,3" or "FROM:TO:STEP", the end included.

    Raises:
        SettingsError: something else, more than MAX_VALUES of them, or beyond MAX_DB.
    """
    try:
        if ":" in text:
            first, last, step = (float(word) for word in text.split(":"))
            if not (step > 0 and abs(first) <= MAX_DB and abs(last) <= MAX_DB):
                raise ValueError(text)
            count = math.floor((last - first) / step + 1e-9) + 1
            values = [round(first + i * step, 6) for i in range(min(count, MAX_VALUES + 1))]
        else:
            values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not 0 < len(values) <= MAX_VALUES or not all(abs(v) <= MAX_DB for v in values):
        raise SettingsError(
            f"{option}: expected dB as a number, A,B,C or FROM:TO:STEP, at most {MAX_VALUES} from -{MAX_DB} to "
            f"{MAX_DB}, got {text!r}"
        )
    return values


def template(
    kernel: str | None, iterations: int | None, guesses: int | None, seed: int, known_snr: bool = False
) -> Point:
    """A point without a block: decoder and seed; the link's own decoder where nothing is given."""
    from .. import phy
    from ..evaluate.bler import Point

    return Point(
        mcs="",
        bits_per_symbol=2,
        rate_1024=1,
        info_bits=0,
        symbols=0,
        snr_db=0.0,
        kernel=kernel or phy.DEFAULT_LDPC_KERNEL,
        max_iterations=iterations or phy.DEFAULT_LDPC_ITERATIONS,
        known_snr=known_snr,
        seed=seed,
        guesses=phy.DEFAULT_LDPC_GUESSES if guesses is None else guesses,
    )


def make_workers(scheduler: str | None, threads: int) -> DaskWorkers | LocalWorkers:
    """Where to run."""
    from ..evaluate.workers import DaskWorkers, LocalWorkers

    return LocalWorkers(threads) if scheduler is None else DaskWorkers(scheduler)


def open_results(path: Path | None) -> Results:
    """The file of results, or none; refused at once when the library for intervals is missing."""
    try:
        from ..evaluate.bler import Results
    except ModuleNotFoundError as error:
        raise MissingPackageError('resivid bench needs SciPy: pip install "scipy<1.14"') from error
    return Results(path)


def check_outputs(plot: Path | None = None, **paths: Path | None) -> None:
    """Refuse outputs that cannot be written before the long run.

    Args:
        plot: of `--plot`.
        paths: what the command line calls every other output, and its path.
    Raises:
        SettingsError: two of them are the same file, or the plot's name has an unknown ending.
        ResividError: a folder does not exist or cannot be written.
    """
    from ..evaluate.figures import check_plot_path

    outputs.check_distinct(plot=plot, **paths)
    for path in (plot, *paths.values()):
        outputs.check_folder(path)
    if plot is not None:
        check_plot_path(plot)


def write_rows(rows: Sequence[dict[str, Any]], json_file: Path | None, csv_file: Path | None) -> None:
    """Write rows as a JSON list and as CSV, where a file is given."""
    if json_file is not None:
        lines = ",\n".join(" " + json.dumps(row) for row in rows)
        outputs.write_json(json_file, f"[\n{lines}\n]\n")
    if csv_file is not None:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text_atomically(csv_file, text.getvalue())
