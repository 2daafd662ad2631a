# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation leaves in its folder: results.json, results.csv, figures/, report.html."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from ..errors import ResividError
from ..part_files import write_text_atomically
from .link_evaluation import COLUMNS, Folders
from .link_figures import draw_all
from .link_report import write_link_report
from .link_summary import summary_text

FURTHER_COLUMNS = (
    *("stride", "cbr_sent", "ms_ssim", "warp_error", "vmaf", "delay_s", "adapted", "loss_rate"),
    *("burst_length", "fading", "repeat", "measures", "symbols", "bits_capacity", "bits_header", "bits_body"),
    *("bits_crc", "frames", "seed", "key"),
)


def write_all(document: dict[str, Any], folders: Folders) -> str:
    """Write results, figures and report.

    Returns:
        The tables as text.
    Raises:
        ResividError: something cannot be written; what was computed stays.
    """
    output = folders.output
    write_text_atomically(output / "results.json", json.dumps(document, indent=1, allow_nan=False) + "\n")
    write_text_atomically(output / "results.csv", to_csv(document["rows"]))
    figures = output / "figures"
    try:
        figures.mkdir(exist_ok=True)
    except OSError as error:
        raise ResividError(f"{figures}: cannot be made ({error.strerror})") from error
    drawn = draw_all(document, folders)
    write_link_report(output / "report.html", document, folders, drawn)
    return summary_text(document)


def to_csv(rows: list[dict[str, Any]]) -> str:
    """The rows' columns; an empty field where there is no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS + FURTHER_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
