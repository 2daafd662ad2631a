# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench phy`: speed of every stage of the physical layer, beside other libraries."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import MissingPackageError
from . import bench_options as options
from . import progress_bar

if TYPE_CHECKING:
    from ..evaluate.phy_peers import Missing
    from ..evaluate.phy_speed import Speed


def phy(
    json_file: options.RowsJsonOption = None,
    csv_file: options.CsvOption = None,
    peers: Annotated[
        bool, typer.Option("--peers/--no-peers", help="Measure other LDPC libraries in the same run.")
    ] = True,
    cores: Annotated[
        bool, typer.Option("--all-cores/--one-core", help="Measure once more with all cores busy.")
    ] = True,
    quiet: options.QuietOption = False,
) -> None:
    """Speed of every stage of the physical layer. Mbit/s of information bits for each core, by processor time."""
    options.check_outputs(json=json_file, csv=csv_file)
    try:
        from ..evaluate.phy_peers import Missing, measure_peers
        from ..evaluate.phy_speed import all_cores, measure_all
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"resivid bench phy: {error}; `resivid doctor` says what to install"
        ) from error

    with progress_bar.WorkProgress("phy", "row/s", quiet) as progress:
        speeds = measure_all()
        progress.update(0.4, len(speeds))
        if cores:
            speeds += all_cores(partial(measure_all, brief=True))
        progress.update(0.7, len(speeds))
        others = list(measure_peers()) if peers else []
        speeds += [other for other in others if not isinstance(other, Missing)]
        progress.update(1.0, len(speeds))
    missing = [other for other in others if isinstance(other, Missing)]
    options.write_rows([asdict(speed) for speed in speeds], json_file, csv_file)
    if not quiet and str(json_file) != "-":
        print(_text(speeds, missing))


def _text(speeds: list[Speed], missing: list[Missing]) -> str:
    lines = [
        f"{'stage':22}  {'code':29}  {'implementation':29}  {'cores':>5}  {'iterations':>10}  "
        f"{'Mbit/s a core':>13}  {'us a block':>10}"
    ]
    for s in speeds:
        name = f"{s.implementation} {s.variant}".strip()
        iterations = "" if not s.iterations else f"{s.iterations:.1f} {s.stop}"
        lines.append(
            f"{s.stage:22}  {s.code:29}  {name:29}  {s.cores:5}  {iterations:>10}  {s.mbps_per_core:13.4g}  "
            f"{s.info_bits / s.mbps_per_core:10.4g}"
        )
    lines += [f"{m.implementation}: not measured, {m.reason}" for m in missing]
    return "\n".join([*lines, *_ratios(speeds)])


def _ratios(speeds: list[Speed]) -> list[str]:
    """How many times as fast as each other library, at about k = 1,024 and rate 1/2."""
    from ..evaluate.phy_speed import COMPARED

    decoders = [s for s in speeds if s.stage == "decoder" and s.cores == 1]
    own = [s for s in decoders if s.implementation == "resivid" and s.code == COMPARED.name]
    lines = []
    for other in (s for s in decoders if s.implementation != "resivid"):
        same = [s for s in own if s.stop == other.stop]
        ratios = "; ".join(f"{s.variant}: {_round(s.mbps_per_core / other.mbps_per_core)}" for s in same)
        stop = "10 iterations" if other.stop == "fixed" else f"early stop at {other.snr_db:g} dB"
        lines.append(f"times as fast as {other.implementation} ({other.code}, {stop}): {ratios}")
    return lines


def _round(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def register(app: typer.Typer) -> None:
    """Add `phy` to `resivid bench`."""
    app.command("phy")(phy)
