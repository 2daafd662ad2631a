# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench modem`: key frames that the burst modem loses, and what it takes noise for."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from ..errors import SettingsError
from ..link.mcs_table import load_mcs_table
from . import bench_options as options
from . import common, progress_bar

SYMBOL_RATE = 2703.75  # of the profile `voice`
CPU_SECONDS = 4.0


def modem(
    rows: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[ROW]...", help="Rows of the table, number or label; all by default."),
    ] = None,
    mcs_table: common.McsTableOption = "air",
    symbols: Annotated[int, typer.Option("--symbols", min=64, max=65536, help="Payload of a frame.")] = 629,
    impair: Annotated[
        Optional[list[str]],
        typer.Option(
            "--impair",
            metavar="NAME",
            help="none, carrier, clock, radio (both), phase-noise, all, or perfect (no modem); several allowed; all by default.",
        ),
    ] = None,
    above: Annotated[
        str,
        typer.Option(
            "--above", metavar="DB", help="Es/N0 above the row's threshold: A, A,B,C or FROM:TO:STEP."
        ),
    ] = "1",
    frames: Annotated[
        int, typer.Option("--frames", min=1, max=10_000_000, help="Key frames for each point.")
    ] = 1000,
    noise_seconds: Annotated[
        float,
        typer.Option(
            "--noise", min=0, help="Receive so many seconds of noise, and of foreign QPSK, instead."
        ),
    ] = 0.0,
    cpu_rate: Annotated[
        float,
        typer.Option(
            "--cpu", min=0, metavar="RATE", help="Processor time at so many samples a second, instead."
        ),
    ] = 0.0,
    seed: options.SeedOption = 0,
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Key frames lost over a simulated radio. Acquisition, carrier, clock and phase noise, by row of the table."""
    from ..evaluate import modem_quality as quality

    table = load_mcs_table(mcs_table, symbols)
    kinds = impair or [*quality.IMPAIRMENTS, quality.PERFECT]
    unknown = [kind for kind in kinds if kind not in quality.IMPAIRMENTS and kind != quality.PERFECT]
    if unknown:
        raise SettingsError(f"--impair: no {unknown[0]!r}; known: {', '.join(quality.IMPAIRMENTS)}, perfect")
    above_db = options.parse_range(above, "--above")
    options.check_outputs(json=json_file, csv=csv_file, plot=plot)
    bench = quality.ModemBench(table, symbols, seed)
    if cpu_rate:
        from ..evaluate.modem_speed import SIGNALS, receiver_share

        points = [
            receiver_share(table, symbols, SYMBOL_RATE, cpu_rate, signal, CPU_SECONDS, seed)
            for signal in SIGNALS
        ]
    elif noise_seconds:
        points = [bench.false_frames(kind, noise_seconds, SYMBOL_RATE) for kind in ("noise", "qpsk")]
    else:
        chosen = [common.parse_mcs(text, table) or 0 for text in rows or map(str, range(len(table.rows)))]
        with progress_bar.WorkProgress("modem", "frame/s", quiet) as progress:
            points = list(quality.measure(bench, chosen, kinds, above_db, frames, progress.update))
    options.write_rows(points, json_file, csv_file)
    if plot is not None:
        quality.plot(plot, points)
    if not quiet and str(json_file) != "-":
        print(_text(points, quality.loss_db))


def _text(points: list[dict[str, Any]], loss_db: Any) -> str:
    """A line a point, and the implementation losses that the points show."""
    if "signal" in points[0]:
        return "\n".join(", ".join(f"{key} {value}" for key, value in point.items()) for point in points)
    lines = [
        "row              Es/N0   impairment    sent  lost              95 %  missed  false  SNR bias  ms/frame"
    ]
    for p in points:
        lines.append(
            f"{p['mcs']:15} {p['snr_db']:6.2f}   {p['impairment']:11} {p['frames_sent']:6}  "
            f"{p['frames_sent'] - p['frames_received']:4} {100 * p['frame_loss']:6.2f} %  <{100 * p['loss_high']:5.2f} %"
            f"  {p['frames_missed']:6}  {p['frames_false']:5}  {p['snr_bias_db'] or 0:5.2f} dB  {p['sync_ms']:8.2f}"
        )
    for kind in dict.fromkeys(p["impairment"] for p in points):
        for label, loss in (loss_db(points, kind) if kind != "perfect" else {}).items():
            lines.append(f"loss against perfect synchronisation, {kind}, {label}: {loss:.2f} dB")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add `modem` to `resivid bench`."""
    app.command("modem")(modem)
