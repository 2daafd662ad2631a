# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench radio`: frame loss of the whole receiver over the loopback radio."""

from __future__ import annotations

import math
from typing import Annotated, Any, Optional

import typer

from ..errors import SettingsError
from ..link.air import PROFILES
from . import bench_options as options
from . import common, progress_bar


def radio(
    above: Annotated[
        str,
        typer.Option(
            "--above", metavar="DB", help="Es/N0 over each row's threshold: A, A,B or FROM:TO:STEP."
        ),
    ] = "1",
    impairments: Annotated[
        Optional[list[str]],
        typer.Option(
            "--impairment",
            metavar="NAME",
            help="Several allowed; all says how it holds; none and offsets by default.",
        ),
    ] = None,
    rows: Annotated[
        Optional[list[str]],
        typer.Option("--mcs", metavar="ROW", help="Row of the table; several allowed; all by default."),
    ] = None,
    frames: Annotated[
        int, typer.Option("--frames", min=1, max=100_000, help="Frames for each point.")
    ] = 1000,
    cbr: common.CbrOption = PROFILES["voice"].cbr,
    mcs_table: common.McsTableOption = "air",
    sample_rate: Annotated[
        str, typer.Option("--sample-rate", metavar="HZ", help="Samples a second of both radios.")
    ] = "48k",
    seed: options.SeedOption = 0,
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Frames lost and false ones between two processes. Transmitter, loopback radio and receiver, without networks."""
    from ..evaluate import radio_bench
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.settings import LinkSettings
    from ..radio.settings import parse_hz

    options.check_outputs(json=json_file, csv=csv_file, plot=plot)
    link = LinkSettings(cbr=cbr, mcs_table=mcs_table)
    symbol_rate = LiveSettings(link).symbol_rate(30)
    known = radio_bench.IMPAIRMENTS
    chosen = impairments or ["none", "offsets"]
    chosen = list(known) if chosen == ["all"] else chosen
    for name in chosen:
        if name not in known:
            raise SettingsError(f"--impairment: no {name!r}; known: all, {', '.join(known)}")
    numbers = [common.parse_mcs(text, link.table) for text in rows] if rows else range(len(link.table.rows))
    points = [
        radio_bench.RadioPoint(
            row=int(number or 0),
            label=link.table.rows[int(number or 0)].label,
            snr_db=round(link.table.rows[int(number or 0)].snr_db + margin_db, 4),
            impairment=impairment,
            frames=frames,
            cbr=str(link.cbr),
            mcs_table=mcs_table,
            symbol_rate=symbol_rate,
            sample_rate=parse_hz(sample_rate, "--sample-rate"),
            seed=seed,
        )
        for impairment in chosen
        for number in numbers
        for margin_db in options.parse_range(above, "--above")
    ]
    with progress_bar.WorkProgress("radio", "frame/s", quiet) as progress:
        measured = list(radio_bench.measure(points, progress.update))
    options.write_rows(measured, json_file, csv_file)
    if plot is not None:
        radio_bench.plot(plot, measured)
    if not quiet and str(json_file) != "-":
        print(_text(measured))


def _text(rows: list[dict[str, Any]]) -> str:
    lines = [
        "mcs               Es/N0  impairment   sent  received  lost, %  false  estimate  latency  CPU share"
    ]
    for row in rows:
        lost = 100 * (1 - row["frames_received"] / row["frames_sent"])
        estimate = "-" if row["snr_est_db"] is None else f"{row['snr_est_db']:.2f}"
        lines.append(
            f"{row['mcs']:16} {row['snr_db']:6.2f}  {row['impairment']:11} {row['frames_sent']:5}  "
            f"{row['frames_received']:8}  {lost:7.2f}  {row['frames_false']:5}  {estimate:>8}  "
            f"{row['latency_ms'] or math.nan:5.0f} ms  {row['cpu_share']:9.3f}"
        )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add `radio` to `resivid bench`."""
    app.command("radio")(radio)
