# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure 5: for each video one column a second; original, ours and baselines below each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import VideoError
from ..video.reader import VideoReader
from .clip_times import last_frame_s
from .figures import new_figure
from .link_evaluation import Folders
from .link_tables import cbr_text, label, rows_of

MOST_COLUMNS = 10


def draw_sheets(document: dict[str, Any], folders: Folders) -> Iterator[tuple[str, str, Any]]:
    """Name, title and figure of each video whose received pictures were kept."""
    size = document["settings"]["link"]["size"]
    for clip in document["clips"]:
        rows = [
            row for row in rows_of(document, "sheet") if row["video"] == clip["name"] and row["video_file"]
        ]
        if not rows:
            continue
        original = folders.clips / document["clip_files"][clip["name"]]
        times = list(range(int(last_frame_s(clip)) + 1))[:MOST_COLUMNS]
        lines = [("original", _pictures(original, size, times))]
        for row in rows:
            heading = f"{label(row)}\nCBR {cbr_text(row['cbr_sent'])}, {row['psnr_db']:.1f} dB"
            if row["lpips"] is not None:
                heading += f"\nLPIPS {row['lpips']:.3f}"
            lines.append((heading, _pictures(folders.videos / row["video_file"], size, times)))
        yield f"figure5_{clip['name']}", f"Figure 5: {clip['name']}", _sheet(lines, times)


def _pictures(path: Path, size: int, seconds: list[int]) -> list[np.ndarray | None]:
    """The picture at each second; None where the file does not reach so far, or is gone."""
    found: list[np.ndarray | None] = []
    try:
        with VideoReader(path, size) as reader:
            wanted = [round(second * reader.rate) for second in seconds]
            for index, frame in enumerate(reader):
                if index in wanted:
                    found.append(frame)
                if len(found) == len(wanted):
                    break
    except VideoError:
        pass
    return found + [None] * (len(seconds) - len(found))


def _sheet(lines: list[tuple[str, list[np.ndarray | None]]], seconds: list[int]) -> Any:
    figure, axes = new_figure(1.5 * len(seconds) + 2.2, 1.55 * len(lines) + 0.2, len(lines), len(seconds))
    for row, (heading, pictures) in enumerate(lines):
        for column, picture in enumerate(pictures):
            axis = axes[row, column]
            axis.grid(False)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
            if picture is not None:
                axis.imshow(picture)
            if row == 0:
                axis.set_title(f"{seconds[column]} s", fontsize="small")
        axes[row, 0].set_ylabel(heading, fontsize="x-small", rotation=0, ha="right", va="center")
    return figure
