# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench calibrate` and `resivid bench tables`: thresholds of MCS tables, and what tables carry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..errors import SettingsError
from ..link.budget import coded_bits
from ..link.mcs_file import McsFile, read_mcs_file
from ..part_files import write_text_atomically
from ..version import __version__
from . import bench_options as options
from . import progress_bar

NAMES = ["table1", "calibrated", "air"]


def calibrate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.yaml", help="MCS table to write.")],
    mcs_table: Annotated[
        str,
        typer.Option("--mcs-table", metavar="NAME|FILE", help="Table whose rows are measured anew."),
    ] = "calibrated",
    air: Annotated[
        Optional[Path],
        typer.Option("--air", metavar="FILE.yaml", help="Write the 16 best rows for preambles here."),
    ] = None,
    symbols: Annotated[
        int,
        typer.Option(
            "--symbols",
            min=1,
            max=1 << 20,
            help="Key frame in symbols that --air is chosen for; its sizes are measured to half the deviation.",
        ),
    ] = 629,
    kernel: options.KernelOption = None,
    iterations: options.IterationsOption = None,
    guesses: options.GuessesOption = None,
    target: options.TargetOption = 0.002,
    deviation_db: Annotated[
        float,
        typer.Option("--deviation-db", min=0.002, max=1, help="Standard deviation of a threshold in dB."),
    ] = 0.02,
    seed: options.SeedOption = 0,
    threads: options.ThreadsOption = 0,
    scheduler: options.SchedulerOption = None,
    results: options.ResultsOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Measure the thresholds of an MCS table. The Es/N0 where each row meets the target, at the block sizes that the table has."""
    options.check_outputs(output=output, air=air, results=results)
    for path in (output, air):
        if path is not None and path.suffix not in (".yaml", ".yml"):
            raise SettingsError(f"{path}: an MCS table is a file named *.yaml")
    file = read_mcs_file(mcs_table)
    store = options.open_results(results)
    from ..evaluate.bler import measure
    from ..evaluate.calibration import calibrated, find_threshold, sizes_of, to_yaml

    workers = options.make_workers(scheduler, threads)
    total = sum(len(sizes_of(entry)) for entry in file.entries)
    template = options.template(kernel, iterations, guesses, seed)
    with progress_bar.WorkProgress("calibrate", "block/s", quiet) as progress:
        blocks = done = 0

        def measured(point, rule):
            nonlocal blocks
            (result,) = measure(
                [point], rule, workers, store, lambda _, new: progress.update(done / total, blocks + new)
            )
            blocks += result[1].blocks
            return result[1]

        def find(point, start_db):
            nonlocal done
            key_frame = point.info_bits == coded_bits(symbols, point)
            deviation = deviation_db / 2 if key_frame else deviation_db
            threshold = find_threshold(point, measured, target, deviation, start_db)
            done += 1
            return threshold

        new = replace(calibrated(file, find, template), name=output.stem, target_bler=target)
    comments = [
        f"Measured by `resivid bench calibrate`, version {__version__}: kernel {template.kernel}, at most",
        f"{template.max_iterations} iterations and {template.guesses} guesses, SNR estimated by the receiver; deviation {deviation_db} dB,",
        f"half of it for key frames of {symbols} symbols.",
        "thresholds_db: bits into the LDPC encoder (CRC included) to the Es/N0 in dB that gives target_bler.",
        'source: table and index of TS 38.214, or "resivid" for rates of this project.',
    ]
    write_text_atomically(output, to_yaml(new, comments))
    if air is not None:
        _write_air(air, new, symbols, comments)


def _write_air(path: Path, file: McsFile, symbols: int, comments: list[str]) -> None:
    from ..evaluate.calibration import to_yaml
    from ..evaluate.link_gain import choose_air_rows

    more = [
        *comments,
        f"The rows that lose least against all of them at {symbols} symbols; preamble: the one that names the row.",
        "air_lowest_snr_db: Es/N0 in dB below which preambles are not read.",
    ]
    write_text_atomically(path, to_yaml(replace(choose_air_rows(file, symbols), name=path.stem), more))


def tables(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[TABLE]...", help=f"MCS tables, name or file; {' '.join(NAMES)} by default."),
    ] = None,
    symbols: Annotated[
        int, typer.Option("--symbols", min=1, max=1 << 20, help="Channel symbols of a key frame.")
    ] = 629,
    snr: Annotated[str, typer.Option("--snr", metavar="DB", help="Es/N0 in dB: FROM:TO:STEP.")] = "-2:10:0.1",
    json_file: options.RowsJsonOption = None,
    plot: options.PlotOption = None,
) -> None:
    """What a key frame carries with each MCS table. Over Es/N0 that both ends know."""
    from ..evaluate.bler_plot import plot_tables
    from ..evaluate.link_gain import compare_tables, mean_gain

    options.check_outputs(json=json_file, plot=plot)
    rows = compare_tables(names or NAMES, symbols, options.parse_range(snr, "--snr"))
    shown = [name for name in rows[0] if name != "snr_db"]
    options.write_rows(rows, json_file, None)
    if plot is not None:
        plot_tables(plot, rows, shown, symbols)
    if str(json_file) == "-":
        return
    print(f"{'Es/N0':>6}  " + "  ".join(f"{name:>24}" for name in shown) + "   (*: misses the target)")
    for row in rows:
        cells = [
            f"{row[name]['bits']:5} {row[name]['row']:>17}{'*' if row[name]['meets'] is False else ' '}"
            for name in shown
        ]
        print(f"{row['snr_db']:6.1f}  " + "  ".join(cells))
    for name in shown[1:]:
        gain = mean_gain(rows, name, shown[0])
        print(
            f"{name} against {shown[0]}: mean gain {gain['mean']:.1%}; where {shown[0]} meets the target: "
            f"{gain['at_equal_bler']:.1%}, at least {gain['least']:.1%}"
        )


def register(app: typer.Typer) -> None:
    """Add `calibrate` and `tables` to `resivid bench`."""
    app.command("calibrate")(calibrate)
    app.command("tables")(tables)
