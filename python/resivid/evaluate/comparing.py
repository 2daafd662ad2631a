# SPDX-License-Identifier: GPL-3.0-or-later
"""Two evaluations side by side: the same points on the same videos, with paired bootstrap intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FormatError, ResividError
from .link_tables import (
    DIGITS,
    NAMES,
    by_video,
    cbr_text,
    channel_text,
    label,
    paired_interval,
    point_of,
    verdict,
)
from .pages import figure, table

COMPARED = ("lpips", "psnr_db", "ssim", "ms_ssim", "warp_error", "clip", "vmaf")
MOST_BYTES = 1 << 30


def read_results(path: Path) -> dict[str, Any]:
    """A results.json of `resivid evaluate`.

    Raises:
        ResividError: it cannot be read.
        FormatError: it is something else.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FormatError(f"{path}: larger than {MOST_BYTES >> 20} MiB")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResividError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise FormatError(f"{path}: is no results.json of resivid evaluate") from error
    rows = document.get("rows") if isinstance(document, dict) else None
    needed = ("video", "method", "cbr", "snr_db", "stride", "key_distances", "measures")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(name in row for name in needed) for row in rows
    ):
        raise FormatError(f"{path}: is no results.json of resivid evaluate")
    return document


def compare(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """For each point and metric of both: means over the common videos, and the difference B less A.

    Returns:
        Rows of `point`, `metric`, `a`, `b`, `gap` (see `paired_interval`), `verdict` of B.
    """
    out = []
    points = {point_of(row): row for row in a["rows"] if row["measures"] == "video"}
    for point, example in points.items():
        rows_a, rows_b = ([row for row in document["rows"] if point_of(row) == point] for document in (a, b))
        for metric in COMPARED:
            found_a, found_b = by_video(rows_a, metric), by_video(rows_b, metric)
            gap = paired_interval(found_a, found_b)
            if gap is None:
                continue
            common = [video for video in found_a if video in found_b]
            mean_a, mean_b = (sum(found[v] for v in common) / len(common) for found in (found_a, found_b))
            out.append(
                {
                    "point": example,
                    "metric": metric,
                    "a": mean_a,
                    "b": mean_b,
                    "gap": gap,
                    "verdict": verdict(metric, gap),
                }
            )
    return out


def compare_files(first: Path, second: Path) -> str:
    """A Markdown table of two results files.

    Raises:
        ResividError: a file cannot be read, or the two have no point and video in common.
    """
    a, b = read_results(first), read_results(second)
    lines = compare(a, b)
    if not lines:
        raise ResividError(f"{first} and {second} have no point and video in common")
    rows = [
        (
            label(line["point"]),
            cbr_text(line["point"]["cbr"]),
            f"{line['point']['snr_db']:g}",
            channel_text(line["point"]),
            NAMES[line["metric"]],
            figure(line["a"], DIGITS[line["metric"]]),
            figure(line["b"], DIGITS[line["metric"]]),
            figure(line["gap"]["difference"], DIGITS[line["metric"]], line["gap"]["ci"]),
            line["verdict"] or "–",
            str(line["gap"]["videos"]),
        )
        for line in lines
    ]
    head = ("method", "CBR", "SNR, dB", "loss", "metric", "A", "B", "B less A", "B is", "videos")
    named = "".join(
        f"{letter}: {path}, version {document.get('version', '?')}, weights "
        + (
            ", ".join(f"{name} {digest[:12]}" for name, digest in document.get("weights", {}).items())
            or "none"
        )
        + "\n"
        for letter, path, document in (("A", first, a), ("B", second, b))
    )
    return f"{named}\n{table(head, rows)}"
