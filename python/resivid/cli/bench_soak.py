# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench soak`: hours of a receiver over the loopback radio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ResividError
from ..link.air import PROFILES
from . import bench_options as options
from . import common, outputs, progress_bar


def soak(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of the log; a later call with the same goes on.")
    ],
    hours: Annotated[
        float, typer.Option("--hours", min=0, max=1e4, help="Of signal, earlier calls included.")
    ] = 8.0,
    cbr: common.CbrOption = PROFILES["voice"].cbr,
    mcs_table: common.McsTableOption = "air",
    sample_rate: Annotated[
        str, typer.Option("--sample-rate", metavar="HZ", help="Samples a second of both radios.")
    ] = "48k",
    frames: Annotated[
        int, typer.Option("--frames", min=5, max=10_000, help="Of the longest transmission.")
    ] = 1500,
    seed: options.SeedOption = 0,
    json_file: options.RowsJsonOption = None,
    plot: options.PlotOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """One receiver over hours of signal. Random impairments, overflows, plugs pulled, transmitters killed and restarted."""
    from ..evaluate import soak as soaking
    from ..evaluate.figures import check_plot_path
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.settings import LinkSettings
    from ..radio.settings import parse_hz

    outputs.check_distinct(json=json_file, plot=plot)
    if plot is not None:
        check_plot_path(plot)
    link = LinkSettings(cbr=cbr, mcs_table=mcs_table)
    run = soaking.Soak(
        folder, link.table, str(link.cbr), mcs_table, parse_hz(sample_rate, "--sample-rate"),
        LiveSettings(link).symbol_rate(30), seed, frames,
    )  # fmt: skip
    with progress_bar.WorkProgress("soak", "episodes", quiet) as progress:
        run.run(hours, progress.update)
    summary = soaking.summary(run.records)
    if plot is not None:
        soaking.plot(plot, run.records)
    if json_file is not None:
        outputs.write_json(json_file, json.dumps(summary, indent=2) + "\n")
    if not quiet and str(json_file) != "-":
        print(_text(summary))
    if summary["troubles"]:
        raise ResividError(
            f"soak: {len(summary['troubles'])} times trouble, the first: {summary['troubles'][0]}"
        )


def _text(summary: dict[str, Any]) -> str:
    slope, latency = summary["memory_mib_per_hour"], summary["latency_ms"]["p99"]
    return (
        f"{summary['hours']:.2f} hours of signal in {summary['episodes']} transmissions, {summary['killed']} killed, "
        f"{summary['unplugged']} with the plug pulled: {summary['frames_received']} key frames received, "
        f"{summary['frames_false']} false; {len(summary['troubles'])} crashes and stalls; "
        f"memory {'-' if slope is None else f'{slope:+.2f}'} MiB an hour; "
        f"99 % of the latencies under {'-' if latency is None else f'{latency:.0f}'} ms"
    )


def register(app: typer.Typer) -> None:
    """Add `soak` to `resivid bench`."""
    app.command("soak")(soak)
