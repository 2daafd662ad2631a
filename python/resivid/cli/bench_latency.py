# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid bench latency`: from the camera to the screen, stage by stage."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ..link.air import PROFILES
from ..models import defaults
from . import bench_options as options
from . import common, outputs, progress_bar


def latency(
    source: Annotated[
        str, typer.Argument(metavar="[IN]", help="As of `resivid tx`; a test picture by default.")
    ] = "test",
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=3600, help="To send.")] = 60.0,
    cbr: common.CbrOption = PROFILES["voice"].cbr,
    stride: common.StrideOption = 8,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    interpolator: common.InterpolatorOption = defaults.INTERPOLATOR,
    sample_rate: Annotated[
        str, typer.Option("--sample-rate", metavar="HZ", help="Samples a second of both radios.")
    ] = "2M",
    json_file: common.JsonOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """How long a picture takes at each stage. `tx` and `rx` with networks, over the loopback radio in real time."""
    from ..evaluate.latency_bench import measure
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.settings import LinkSettings
    from ..radio.settings import parse_hz

    outputs.check_folder(json_file)
    parse_hz(sample_rate, "--sample-rate")
    settings = LiveSettings(LinkSettings(cbr=cbr, stride=stride, mcs_table="air"))
    both = ["--cbr", cbr, "--stride", str(stride), "--tokenizer", tokenizer]
    with progress_bar.WorkProgress("latency", "s", quiet) as progress:
        result = measure(
            seconds, source, sample_rate, both, ["--interpolator", interpolator], settings, progress.update
        )
    if json_file is not None:
        outputs.write_json(json_file, json.dumps(result, indent=2) + "\n")
    if not quiet and str(json_file) != "-":
        print(_text(result))


def _text(result: dict[str, Any]) -> str:
    lines = [f"{'median of key frames':46} ms   age"]
    lines += [f"{row['stage']:42} {row['ms']:6.0f} {row['age_ms']:5.0f}" for row in result["stages"]]
    lines.append(
        f"{'frames that wait for their key frame':42} {result['wait_ms']:6.0f} {result['latency_ms']:5.0f}"
    )
    lines.append(
        f"95 %: {result['p95_ms']:.0f} ms; {result['sent']} key frames sent, {result['late']} late, "
        f"{result['underflows']} underflows; {result['received']} received, {result['failed']} failed, "
        f"{result['missing']} missing, {result['dropped']} left out at the screen, {result['overflows']} overflows"
    )
    if result["limits"]:
        lines.append(f"The machine is too slow or too busy: {result['limits']}.")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add `latency` to `resivid bench`."""
    app.command("latency")(latency)
