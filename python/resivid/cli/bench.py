# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench`: measures the physical layer: block error rates, thresholds, tables, speed, SNR, modem, adaptation."""

from __future__ import annotations

import typer

from . import (
    bench_adaptation,
    bench_bler,
    bench_latency,
    bench_modem,
    bench_phy,
    bench_pipeline,
    bench_radio,
    bench_snr,
    bench_soak,
    bench_tables,
)

bench_app = typer.Typer(
    no_args_is_help=True,
    help="Measure the physical layer and the whole chain. Block error rates, thresholds, speed, estimates.",
)
for module in (
    bench_bler,
    bench_tables,
    bench_phy,
    bench_snr,
    bench_modem,
    bench_adaptation,
    bench_pipeline,
    bench_radio,
    bench_latency,
    bench_soak,
):
    module.register(bench_app)


def register(app: typer.Typer) -> None:
    """Add `bench` to the command line."""
    app.add_typer(bench_app, name="bench")
