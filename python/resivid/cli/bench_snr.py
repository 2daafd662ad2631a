# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench snr`: bias and deviation of the SNR estimates."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from ..errors import SettingsError
from ..link.mcs_table import MODULATIONS
from . import bench_options as options
from . import progress_bar


def snr(
    modulations: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[MODULATION]...", help=f"Of {', '.join(MODULATIONS)}; all by default."),
    ] = None,
    symbols: Annotated[
        Optional[list[int]],
        typer.Option(
            "--symbols", min=1, max=1 << 20, help="Block length; several allowed; 314, 629, 943 by default."
        ),
    ] = None,
    snr_range: Annotated[
        str, typer.Option("--snr", metavar="DB", help="Es/N0 in dB: A, A,B,C or FROM:TO:STEP.")
    ] = "-6:25:1",
    blocks: Annotated[
        int, typer.Option("--blocks", min=2, max=1_000_000, help="Random blocks for each point.")
    ] = 400,
    seed: options.SeedOption = 0,
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Bias and deviation of the SNR estimates over AWGN. Beside the bounds of Cramer and Rao."""
    unknown = [name for name in modulations or [] if name not in MODULATIONS]
    if unknown:
        raise SettingsError(f"no modulation {unknown[0]!r}; known: {', '.join(MODULATIONS)}")
    snr_db = options.parse_range(snr_range, "--snr")
    options.check_outputs(json=json_file, csv=csv_file, plot=plot)
    from ..evaluate import snr_accuracy

    with progress_bar.WorkProgress("snr", "block/s", quiet) as progress:
        rows = snr_accuracy.measure(
            modulations or tuple(MODULATIONS),
            symbols or snr_accuracy.DEFAULT_SYMBOLS,
            snr_db,
            blocks,
            seed,
            progress.update,
        )
    options.write_rows(rows, json_file, csv_file)
    if plot is not None:
        snr_accuracy.plot(plot, rows)
    if not quiet and str(json_file) != "-":
        print(_text(rows))


def _text(rows: list[dict[str, Any]]) -> str:
    """The worst of each modulation and block length, for people."""
    lines = [
        "modulation  symbols  largest bias  largest deviation  its bound  symbols known: bias  deviation  bound"
    ]
    for key in dict.fromkeys((row["modulation"], row["symbols"]) for row in rows):
        points = [row for row in rows if (row["modulation"], row["symbols"]) == key]
        biased = max(points, key=lambda row: abs(row["bias_db"]))
        loose = max(points, key=lambda row: row["deviation_db"])
        lines.append(
            f"{key[0]:10}  {key[1]:7}  {biased['bias_db']:+6.2f} dB at {biased['snr_db']:3g}  "
            f"{loose['deviation_db']:5.2f} dB at {loose['snr_db']:3g}  {loose['bound_db']:6.2f} dB  "
            f"{max((row['known_bias_db'] for row in points), key=abs):+16.2f} dB  "
            f"{max(row['known_deviation_db'] for row in points):6.2f} dB  {points[0]['known_bound_db']:.2f} dB"
        )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add `snr` to `resivid bench`."""
    app.command("snr")(snr)
