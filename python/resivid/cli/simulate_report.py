# SPDX-License-Identifier: GPL-3.0-or-later
"""What `resivid simulate` says of its run: a few lines, and a page."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..link.budget import coded_bits

if TYPE_CHECKING:
    from ..evaluate.report import KeyFrameRecord
    from ..flowgraphs.simulate import simulation
    from ..link.statistics import Statistics


# What notes begin with that hold for every run here, or that were asked for: they stay in the document.
OF_EVERY_RUN = ("ssim: mean", "lpips: not computed", "clip:", "latency_ms:", "psnr_db, ssim, lpips, clip:")


def summary(statistics: Statistics, output: Path) -> str:
    """What the run was, in a few lines."""
    s = statistics
    mcs = ", ".join(f"{count} x {label}" for label, count in s.mcs.items())
    quality = [
        f"{name} {value:.{digits}f}{unit}"
        for name, value, digits, unit in (
            ("PSNR", s.psnr_db, 2, " dB"),
            ("SSIM", s.ssim, 3, ""),
            ("LPIPS", s.lpips, 3, ""),
        )
        if value is not None
    ]
    lines = [
        f"{output}: {s.frames} frames, {s.key_frames} key frames, {s.symbols_mean:.0f} symbols each, "
        f"CBR {s.cbr_total:.3g}",
        f"{s.blocks_failed} of {s.blocks} blocks failed, SNR estimate {_db(s.snr_est_db)}; {mcs}",
        f"prefix {s.k_mean:.1f} tokens, {s.updates_mean:.1f} updates a key frame"
        + "".join(f"; {q}" for q in quality),
    ]
    return "\n".join(lines + [f"note: {note}" for note in s.notes if not note.startswith(OF_EVERY_RUN)])


def _db(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} dB"


def write_page(path: Path, source: str, output: Path, flowgraph: simulation, statistics: Statistics) -> None:
    """The report of `--report`: pictures, plots, settings and figures as one page.

    Raises:
        ResividError: it cannot be written.
    """
    from ..evaluate.report import ReportData, write_report

    rate = statistics.fps or 1.0
    data = ReportData(
        title=Path(source).name,
        statistics=statistics.to_dict(),
        key_frames=_key_frames(flowgraph),
        psnr_per_frame=flowgraph.comparison.psnr_per_frame,
        pictures=[(index / rate, sent, received) for index, sent, received in flowgraph.comparison.samples],
        settings=statistics.settings,
        command_line=shlex.join(["resivid", *sys.argv[1:]]),
        video=os.path.relpath(output, path.parent),
        mcs_labels=[row.label for row in flowgraph.settings.link.table.rows],
    )
    write_report(path, data)


def _key_frames(flowgraph: simulation) -> list[KeyFrameRecord]:
    from ..evaluate.report import KeyFrameRecord

    rows = flowgraph.settings.link.table.rows
    return [
        KeyFrameRecord(
            frame=decoded.frame,
            mcs=rows[decoded.mcs].label,
            snr_db=decoded.snr_db,
            crc_ok=decoded.crc_ok,
            prefix=packed.prefix,
            updates=packed.updates,
            bits_header=packed.bits_header,
            bits_body=packed.bits_body,
            bits_crc=flowgraph.statistics.bits_crc(decoded.mcs, decoded.symbols),
            bits_coded=coded_bits(decoded.symbols, rows[decoded.mcs]),
        )
        for packed, decoded in flowgraph.statistics.blocks()
    ]


def settings_of(flowgraph: simulation) -> dict[str, object]:
    """Option to plain value, those left at None apart; the codec by its name."""
    link = flowgraph.settings.link
    values = {**vars(flowgraph.settings), **vars(link), "codec": link.codec_name}
    names = [f.name for part in (flowgraph.settings, link) for f in fields(part) if f.name != "link"]
    return {name: _plain(values[name]) for name in names if values[name] is not None}


def _plain(value: object) -> object:
    """Of a number, text or None itself, of a settings class and a list what they hold, of all else its text."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
