# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluation's report: one HTML file with figures, winners and players, readable without a network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import ResividError
from ..part_files import write_text_atomically
from ..video.reader import VideoReader
from ..video.writer import VideoWriter
from .link_evaluation import Folders
from .link_style import Drawn
from .link_tables import DIGITS, NAMES, SHOWN, cbr_text, channel_text, claim, label, means, rows_of, winners
from .pages import figure, html_page

TEMPLATE = "link_report.html"
MOST_PLAYERS = 12  # videos; each brings about 1 MB into the file
ORIGINAL_CRF = 20


def write_link_report(path: Path, document: dict[str, Any], folders: Folders, drawn: Sequence[Drawn]) -> None:
    """Write the report as one self-contained HTML file, under a temporary name until it is complete.

    Args:
        document: of `evaluate_videos`.
        drawn: the figures, in order; their PNG files are taken in.
    Raises:
        MissingPackageError: jinja2 is not installed.
        ResividError: a file cannot be read or written.
    """
    text = html_page(
        TEMPLATE,
        document=document,
        headline=headline(document),
        figures=[
            (about, _data_url(folders.output / "figures" / f"{about.name}.png", "image/png"))
            for about in drawn
        ],
        winners=[(title, _winner_rows(document, name, axis)) for title, name, axis in WINNER_TABLES],
        claims=claim(document) if document["figures"].get("snr") else [],
        tables=[(title, _means_rows(document, name)) for title, name in MEANS_TABLES],
        metrics=[(name, NAMES[name]) for name in SHOWN],
        digits=DIGITS,
        names=NAMES,
        figure=figure,
        cbr_text=cbr_text,
        players=list(_players(document, folders)),
        notes=_notes(document),
    )
    write_text_atomically(path, text)


WINNER_TABLES = (("By CBR (figure 3)", "cbr", "cbr"), ("By SNR (figure 4)", "snr", "snr_db"))
MEANS_TABLES = (
    ("Figure 5", "sheet"),
    ("Figure 3", "cbr"),
    ("Figure 4", "snr"),
    ("Losses and fading", "loss"),
)


def headline(document: dict[str, Any]) -> list[str]:
    """What the run says of the paper's claim, in sentences; where the baseline wins it says so."""
    lines = claim(document) if document["figures"].get("snr") else []
    said = []
    for metric in ("lpips", "clip"):
        for other, cbr in dict.fromkeys((line["other"], line["other_cbr"]) for line in lines):
            members = [
                line
                for line in lines
                if (line["metric"], line["other"], line["other_cbr"]) == (metric, other, cbr)
            ]
            if not members:
                continue
            counts = {
                word: [f"{m['snr_db']:g}" for m in members if m["verdict"] == word] for word in VERDICTS
            }
            parts = [
                f"{text} at {', '.join(counts[word])} dB" for word, text in VERDICTS.items() if counts[word]
            ]
            said.append(
                f"{NAMES[metric]} of ours at CBR {cbr_text(members[0]['ours_cbr'])} against {other} at CBR {cbr_text(cbr)}: "
                + ("; ".join(parts) or "not to be said from one video")
                + "."
            )
    return said


VERDICTS = {"better": "ours is better", "open": "no difference to be told", "worse": "ours is worse"}


def _winner_rows(document: dict[str, Any], name: str, axis: str) -> list[dict[str, Any]]:
    rows = winners(rows_of(document, name), axis)
    return [row | {"at": f"{row[axis]:g} dB" if axis == "snr_db" else cbr_text(row[axis])} for row in rows]


def _means_rows(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    points = means(rows_of(document, name))
    points.sort(key=lambda p: (p["snr_db"], p["cbr"], channel_text(p), label(p)))
    return [point | {"label": label(point), "channel": channel_text(point)} for point in points]


def _notes(document: dict[str, Any]) -> list[str]:
    """Each note once, those of the rows without their numbers of frames."""
    found = list(document["notes"])
    for row in document["rows"]:
        found += [note for note in row.get("notes", ()) if "frames equal" not in note]
        found += [
            f"{row['video']}, CBR {cbr_text(row['cbr'])}, {note}" for note in row.get("notes_method", ())
        ]
    return list(dict.fromkeys(found))


def _players(document: dict[str, Any], folders: Folders) -> Any:
    """Videos side by side: heading and data URL of each."""
    size = document["settings"]["link"]["size"]
    shown = rows_of(document, "sheet")
    for clip in document["clips"][:MOST_PLAYERS]:
        rows = [row for row in shown if row["video"] == clip["name"] and row["video_file"]]
        files = [(folders.videos / row["video_file"], row) for row in rows]
        files = [(path, row) for path, row in files if path.is_file()]
        if not files:
            continue
        original = _original(clip, folders, document["clip_files"][clip["name"]], size)
        videos = [{"heading": "original", "text": "", "url": _data_url(original, "video/mp4")}]
        for path, row in files:
            values = [
                f"{NAMES[m]} {figure(row[m], DIGITS[m])}" for m in ("psnr_db", "lpips") if row[m] is not None
            ]
            text = f"CBR {cbr_text(row['cbr_sent'])}; {'; '.join(values)}; {row['setting']}"
            videos.append({"heading": label(row), "text": text, "url": _data_url(path, "video/mp4")})
        yield {"name": clip["name"], "videos": videos, "step": 1 / (clip["num_frames"] / _seconds(clip))}


def _seconds(clip: dict[str, Any]) -> float:
    return clip["num_frames"] / float(Fraction(clip["rate"]))


def _original(clip: dict[str, Any], folders: Folders, file: str, size: int) -> Path:
    """The original for browsers, which play no lossless video."""
    path = folders.videos / f"original-{clip['digest'][:16]}.mp4"
    if not path.is_file():
        with (
            VideoReader(folders.clips / file, size) as reader,
            VideoWriter(path, Fraction(clip["rate"]), size, size, ORIGINAL_CRF) as writer,
        ):
            for frame in reader:
                writer.write(frame)
    return path


def _data_url(path: Path, kind: str) -> str:
    try:
        return f"data:{kind};base64," + base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise ResividError(f"{path}: cannot be read ({error.strerror})") from error
