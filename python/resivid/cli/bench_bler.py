# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench bler`: block error rates by Monte Carlo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import SettingsError
from ..link.mcs_file import McsEntry, McsFile, read_mcs_file
from . import bench_options as options
from . import common, progress_bar

if TYPE_CHECKING:
    from ..evaluate.bler import Point

DEFAULT_INFO_BITS = 1067
MAX_INFO_BITS = 8448  # one code block of base graph 1


def bler(
    rows: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[ROW]...", help="Rows of the MCS table, number or label; all by default."),
    ] = None,
    table1: Annotated[
        bool, typer.Option("--table1", help="Rows of Table I: the default of --mcs-table.")
    ] = False,
    mcs_table: common.McsTableOption = "table1",
    info_bits: Annotated[
        Optional[list[int]],
        typer.Option(
            "--info-bits",
            min=25,
            max=MAX_INFO_BITS,
            help=f"k: bits into the LDPC encoder, CRC included; may be given several times; {DEFAULT_INFO_BITS} by default.",
        ),
    ] = None,
    symbols: options.SymbolsOption = None,
    snr: Annotated[
        Optional[str],
        typer.Option(
            "--snr",
            metavar="DB",
            help="Es/N0 in dB: A, A,B,C or FROM:TO:STEP; each row's threshold by default.",
        ),
    ] = None,
    above_bound: Annotated[
        Optional[str],
        typer.Option(
            "--above-bound",
            metavar="DB",
            help="Instead of --snr: dB above the normal approximation at the target.",
        ),
    ] = None,
    kernel: options.KernelOption = None,
    iterations: options.IterationsOption = None,
    guesses: options.GuessesOption = None,
    known_snr: Annotated[
        bool, typer.Option("--known-snr", help="The demapper knows the SNR instead of estimating it.")
    ] = False,
    target: options.TargetOption = 0.002,
    precision: Annotated[
        float,
        typer.Option(
            "--precision",
            min=0.01,
            max=1,
            help="Stop a point when half its interval is at most this part of the rate, or all of it below half the target.",
        ),
    ] = 0.2,
    max_blocks: Annotated[
        int, typer.Option("--max-blocks", min=1, help="Stop a point after so many.")
    ] = 100_000,
    seed: options.SeedOption = 0,
    threads: options.ThreadsOption = 0,
    scheduler: options.SchedulerOption = None,
    results: options.ResultsOption = None,
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Block error rates over AWGN by Monte Carlo. With 95 % confidence intervals (Clopper-Pearson)."""
    if table1 and mcs_table != "table1":
        raise SettingsError("--table1 and --mcs-table: give one of them")
    if info_bits and symbols:
        raise SettingsError("--info-bits and --symbols: give one of them")
    if snr and above_bound:
        raise SettingsError("--snr and --above-bound: give one of them")
    options.check_outputs(results=results, json=json_file, csv=csv_file, plot=plot)
    store = options.open_results(results)
    from ..evaluate.bler import StopRule, as_rows, measure
    from ..evaluate.bler_plot import plot_bler

    template = options.template(kernel, iterations, guesses, seed, known_snr)
    entries = _entries(read_mcs_file(mcs_table), rows or [])
    blocks = [b for entry in entries for b in _blocks(entry, info_bits, symbols, template)]
    points = [p for entry, block in blocks for p in _points(entry, block, snr, above_bound, target)]
    rule = StopRule(target, precision, max_blocks)
    workers = options.make_workers(scheduler, threads)
    with progress_bar.WorkProgress("bler", "block/s", quiet) as progress:
        table = as_rows(measure(points, rule, workers, store, progress.update))
    options.write_rows(table, json_file, csv_file)
    if plot is not None:
        plot_bler(plot, table, target)
    if not quiet and str(json_file) != "-":
        print(_text(table, target))


def _entries(file: McsFile, wanted: Sequence[str]) -> list[McsEntry]:
    by_name = {entry.label: entry for entry in file.entries}
    by_name.update({str(number): entry for number, entry in enumerate(file.entries)})
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        known = ", ".join(f"{i} ({entry.label})" for i, entry in enumerate(file.entries))
        raise SettingsError(f"no row {unknown[0]!r} in MCS table {file.name}; rows: {known}")
    return [by_name[name] for name in wanted] or list(file.entries)


def _blocks(
    entry: McsEntry, info_bits: list[int] | None, symbols: int | None, template: Point
) -> list[tuple[McsEntry, Point]]:
    """The block sizes of a row."""
    from ..evaluate.bler import most_info_bits, symbols_for
    from ..evaluate.calibration import point_for

    if symbols is None:
        sizes = [(k, symbols_for(entry, k)) for k in info_bits or [DEFAULT_INFO_BITS]]
    else:
        sizes = [(most_info_bits(entry, symbols), symbols)]
        if not sizes[0][0]:
            raise SettingsError(f"--symbols {symbols} are too few for a payload with {entry.label}")
    return [(entry, point_for(entry, k, n, template)) for k, n in sizes]


def _points(
    entry: McsEntry, block: Point, snr: str | None, above_bound: str | None, target: float
) -> list[Point]:
    """The SNRs of a block size."""
    from ..evaluate.bler import at_snr
    from ..evaluate.normal_approximation import normal_approximation_snr_db

    if snr is not None:
        return [at_snr(block, s) for s in options.parse_range(snr, "--snr")]
    if above_bound is not None:
        bound = normal_approximation_snr_db(block.bits_per_symbol, block.info_bits, block.symbols, target)
        return [at_snr(block, bound + s) for s in options.parse_range(above_bound, "--above-bound")]
    threshold = entry.snr_db(block.info_bits)
    if threshold is None:
        raise SettingsError(f"{entry.label} has no threshold for {block.info_bits} bits: give --snr")
    return [at_snr(block, threshold)]


def _text(rows: list[dict[str, Any]], target: float) -> str:
    """The rows for people."""
    width = max(len(row["mcs"]) for row in rows)
    lines = [
        f"{'MCS':{width}}  {'k':>5}  {'Es/N0':>7}  {'blocks':>7}  {'errors':>6}  {'BLER':>8}  95 % interval"
    ]
    for row in rows:
        below, above = row["ci_high"] < target, row["ci_low"] > target
        verdict = "below" if below else "above" if above else "at"
        lines.append(
            f"{row['mcs']:{width}}  {row['info_bits']:5}  {row['snr_db']:7.2f}  {row['blocks']:7}  "
            f"{row['errors']:6}  {row['bler']:8.2g}  {row['ci_low']:.2g} to {row['ci_high']:.2g}: "
            f"{verdict} {target:g}"
        )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add `bler` to `resivid bench`."""
    app.command("bler")(bler)
