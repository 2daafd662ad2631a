# SPDX-License-Identifier: GPL-3.0-or-later
"""Two evaluations side by side: the same points on the same videos, with paired bootstrap intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FormatError, ResividError
from .link_tables import DIGITS, NAMES, by_video, cbr_text, channel_text, in_all, label, point_of
from .link_verdicts import paired_interval, verdict
from .pages import figure, table

COMPARED = ("lpips", "psnr_db", "ssim", "ms_ssim", "warp_error", "clip", "vmaf")
MOST_BYTES = 1 << 30
NEEDED = {
    "rows": ("video", "method", "cbr", "snr_db", "stride", "key_distances", "measures"),
    "clips": ("name", "digest"),
}
# What should be the same in both: what it is called, and where it stands in a document; None: of the whole video.
SAME = (
    ("--size", ("settings", "link", "size")),
    ("--seconds", ("seconds",)),
    ("--seed", ("seed",)),
    ("--search", ("settings", "search")),
)


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
    if not isinstance(document, dict) or not all(
        isinstance(found := document.get(part), list)
        and all(isinstance(each, dict) and all(name in each for name in needed) for each in found)
        for part, needed in NEEDED.items()
    ):
        raise FormatError(f"{path}: is no results.json of resivid evaluate")
    return document


def other_pictures(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Names of the videos of both that are not sure to show the same: cut or scaled otherwise, or another file."""
    digests_a, digests_b = (_digests(document) for document in (a, b))
    return [
        name
        for name in digests_a
        if name in digests_b and not (len(digests_a[name]) == 1 and digests_a[name] == digests_b[name])
    ]


def _digests(document: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for clip in document["clips"]:
        found.setdefault(str(clip["name"]), set()).add(str(clip["digest"]))
    return found


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """What was not the same in both runs beside what is compared, such as "seed 0 and 5"."""
    found = []
    for name, where in SAME:
        values = []
        for document in (a, b):
            value: Any = document
            for key in where:
                value = value.get(key) if isinstance(value, dict) else None
            values.append(value)
        if values[0] != values[1]:
            found.append(f"{name} " + " and ".join("all" if v is None else str(v) for v in values))
    return found


def compare(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """For each point and metric of both: means over the common videos, and the difference B less A.

    Videos that do not show the same in both (`other_pictures`) are left out.

    Returns:
        Rows of `point`, `metric`, `a`, `b`, `gap` (see `paired_interval`), `verdict` of B.
    """
    out = []
    apart = set(other_pictures(a, b))
    kept = [[row for row in document["rows"] if row["video"] not in apart] for document in (a, b)]
    points = {point_of(row): row for row in kept[0] if row["measures"] == "video"}
    for point, example in points.items():
        rows_a, rows_b = ([row for row in rows if point_of(row) == point] for rows in kept)
        for metric in COMPARED:
            found_a, found_b = by_video(rows_a, metric), by_video(rows_b, metric)
            gap = paired_interval(found_a, found_b)
            if gap is None:
                continue
            common = in_all((found_a, found_b))
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
    lines, apart, differs = compare(a, b), other_pictures(a, b), "; ".join(differences(a, b))
    if not lines:
        reasons = [f"other pictures under one name: {', '.join(apart)}"] if apart else []
        reasons += [f"the runs differ: {differs}"] if differs else []
        said = f" ({'; '.join(reasons)})" if reasons else ""
        raise ResividError(f"{first} and {second} have no point and video in common{said}")
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
    if differs:
        named += f"The runs differ: {differs}\n"
    if apart:
        named += f"Left out, other pictures under one name: {', '.join(apart)}\n"
    return f"{named}\n{table(head, rows)}"
