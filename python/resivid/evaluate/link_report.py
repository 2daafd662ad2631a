# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluation's report: one HTML file with figures, winners and players, readable without a network."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..part_files import write_text_atomically
from ..video.reader import VideoReader
from ..video.writer import VideoWriter
from .clip_times import frame_s
from .data_urls import DataUrls
from .link_evaluation import Folders
from .link_style import Drawn
from .link_tables import DIGITS, NAMES, SHOWN, TITLES, cbr_text, cell, label, points_of, rows_of, videos_text
from .link_verdicts import claim, gap_text, winners
from .metrics import NO_CLIP
from .pages import figure, html_page

TEMPLATE = "link_report.html"
MOST_PLAYERS = 12  # videos; a browser reads them all when it opens the page
MOST_BYTES = 64 << 20  # of the files within the page, half of them figures at most
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
    figures, left_out = _figures(folders, drawn, DataUrls(MOST_BYTES // 2))
    players, without_player = _players(document, folders, DataUrls(MOST_BYTES // 2))
    text = html_page(
        TEMPLATE,
        document=document,
        headline=headline(document),
        figures=figures,
        left_out=left_out,
        winners=[(title, _winner_rows(document, name, axis)) for title, name, axis in WINNER_TABLES],
        claims=claim(document) if document["figures"].get("snr") else [],
        tables=[(title, points_of(document, name)) for name, title in TITLES.items()],
        metrics=[(name, NAMES[name]) for name in SHOWN],
        digits=DIGITS,
        names=NAMES,
        figure=figure,
        cell=cell,
        gap_text=gap_text,
        videos_text=videos_text,
        cbr_text=cbr_text,
        players=players,
        without_player=without_player,
        most_players=MOST_PLAYERS,
        most_mib=MOST_BYTES >> 21,
        notes=_notes(document),
    )
    write_text_atomically(path, text)


WINNER_TABLES = (("By CBR (figure 3)", "cbr", "cbr"), ("By SNR (figure 4)", "snr", "snr_db"))


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
                + ("; ".join(parts) or "not to be said from so few videos")
                + "."
            )
    return said


VERDICTS = {"better": "ours is better", "open": "no difference to be told", "worse": "ours is worse"}


def _winner_rows(document: dict[str, Any], name: str, axis: str) -> list[dict[str, Any]]:
    rows = winners(rows_of(document, name), axis)
    return [row | {"at": f"{row[axis]:g} dB" if axis == "snr_db" else cbr_text(row[axis])} for row in rows]


def _notes(document: dict[str, Any]) -> list[str]:
    """Each note once, those of the rows without their numbers of frames."""
    found = list(document["notes"])
    for row in document["rows"]:
        found += [note for note in row.get("notes", ()) if "frames equal" not in note and note != NO_CLIP]
        found += [
            f"{row['video']}, CBR {cbr_text(row['cbr'])}, {note}" for note in row.get("notes_method", ())
        ]
    return list(dict.fromkeys(found))


def _figures(
    folders: Folders, drawn: Sequence[Drawn], urls: DataUrls
) -> tuple[list[tuple[Drawn, str]], list[Drawn]]:
    """The figures with their data URLs, and those for which there is no room."""
    shown, left_out = [], []
    for about in drawn:
        path = folders.output / "figures" / f"{about.name}.png"
        if urls.room_for([path]):
            shown.append((about, urls.take(path, "image/png")))
        else:
            left_out.append(about)
    return shown, left_out


def _players(
    document: dict[str, Any], folders: Folders, urls: DataUrls
) -> tuple[list[dict[str, Any]], list[str]]:
    """Videos side by side, heading, text and data URL of each; the names of those for which there is no room."""
    size = document["settings"]["link"]["size"]
    shown = rows_of(document, "sheet")
    players: list[dict[str, Any]] = []
    left_out = []
    for clip in document["clips"]:
        rows = [row for row in shown if row["video"] == clip["name"] and row["video_file"]]
        files = [(folders.videos / row["video_file"], row) for row in rows]
        files = [(path, row) for path, row in files if path.is_file()]
        if not files:
            continue
        if len(players) == MOST_PLAYERS or not urls.room_for([path for path, _ in files]):
            left_out.append(clip["name"])
            continue
        original = _original(clip, folders, document["clip_files"][clip["name"]], size)
        if not urls.room_for([original, *(path for path, _ in files)]):
            left_out.append(clip["name"])
            continue
        videos = [{"heading": "original", "text": "", "url": urls.take(original, "video/mp4")}]
        videos += [
            {"heading": label(row), "text": _player_text(row), "url": urls.take(path, "video/mp4")}
            for path, row in files
        ]
        players.append({"name": clip["name"], "videos": videos, "step": frame_s(clip)})
    return players, left_out


def _player_text(row: dict[str, Any]) -> str:
    values = []
    for metric in ("psnr_db", "lpips"):
        if row[metric] is not None:
            name, _, unit = NAMES[metric].partition(", ")
            values.append(f"{name} {figure(row[metric], DIGITS[metric])} {unit}".strip())
    return f"CBR {cbr_text(row['cbr_sent'])}; {'; '.join(values)}; {row['setting']}"


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
