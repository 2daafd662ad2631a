# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench adaptation`: rows and block errors over a changing channel, with and without the outer loop."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..link.budget import payload_bits
from ..link.mcs_table import load_mcs_table
from . import bench_options as options
from . import channel_options, common, progress_bar

VARIANTS = {"estimates alone": False, "with outer loop": True}


def adaptation(
    trace: Annotated[
        str,
        typer.Option(
            "--snr-trace",
            metavar="FILE.csv|NAME",
            help="Es/N0 over key frames: constant, step, ramp, fading or a CSV file.",
        ),
    ] = "step",
    snr: Annotated[
        float, typer.Option("--snr", min=-100, max=100, help="The middle of a made trace, in dB.")
    ] = 4.0,
    interval: Annotated[
        float,
        typer.Option("--interval", min=1e-6, max=1e6, help="Seconds a key frame, for traces over time."),
    ] = 8 / 30,
    snr_bias_db: channel_options.SnrBiasOption = 0.0,
    blocks: Annotated[
        int, typer.Option("--blocks", min=1, max=1_000_000, help="Key frames; the trace is repeated.")
    ] = 4000,
    symbols: Annotated[
        int, typer.Option("--symbols", min=17, max=1 << 20, help="Channel symbols of a key frame.")
    ] = 629,
    mcs_table: common.McsTableOption = "table1",
    hysteresis_db: Annotated[float, typer.Option("--hysteresis-db", min=0, max=40)] = 0.5,
    window: Annotated[
        int, typer.Option("--window", min=1, max=65536, help="Estimates in the selector's mean.")
    ] = 8,
    jump_db: channel_options.JumpOption = 2.0,
    feedback_delay: Annotated[
        int,
        typer.Option(
            "--feedback-delay", min=1, max=1024, help="Key frames until a row that was chosen is used."
        ),
    ] = 1,
    seed: options.SeedOption = 0,
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Bits and failed blocks while the noise changes. Random blocks are sent through coding and noise, once with the SNR
    estimates alone and once with the outer loop."""
    import numpy as np

    options.check_outputs(json=json_file, csv=csv_file, plot=plot)
    table = load_mcs_table(mcs_table, symbols)
    recorded = channel_options.snr_trace(trace, (snr,), seed)
    assert recorded is not None
    snr_db = np.resize(recorded.at_key_frames(interval), blocks)
    from .. import phy
    from ..evaluate import adaptation as study

    bits = [payload_bits(symbols, row) for row in table.rows]
    settings = {
        "trace": trace,
        "snr_bias_db": snr_bias_db,
        "feedback_delay": feedback_delay,
        "jump_db": jump_db,
    }
    runs, rows = {}, []
    for name, outer_loop in VARIANTS.items():
        selector = phy.mcs_selector(
            table.thresholds_db(),
            hysteresis_db,
            window,
            snr_bias_db=snr_bias_db,
            target_bler=table.target_bler if outer_loop else 0.0,
            jump_db=jump_db,
        )
        with progress_bar.WorkProgress(name, "block/s", quiet) as progress:
            run = study.run_adaptation(
                study.CodedLink(table, symbols, seed), selector, snr_db, feedback_delay, progress.update
            )
        runs[name] = run
        rows.append(study.summary(run, table, bits, variant=name, **settings))
    options.write_rows(rows, json_file, csv_file)
    if plot is not None:
        study.plot(plot, runs, table)
    if not quiet and str(json_file) != "-":
        print(_text(rows))


def _text(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""
    return "\n".join(
        f"{row['variant']:16}  {row['errors']} of {row['blocks']} blocks failed: BLER {row['bler']:.2g}, target "
        f"{row['target_bler']:g}; {row['arrived_bits']:.0f} payload bits a key frame arrived"
        for row in rows
    )


def register(app: typer.Typer) -> None:
    """Add `adaptation` to `resivid bench`."""
    app.command("adaptation")(adaptation)
