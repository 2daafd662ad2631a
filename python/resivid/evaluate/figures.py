# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of measurements as files, drawn without a display."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import MissingPackageError, ResividError, SettingsError

SUFFIXES = (".png", ".svg", ".pdf")


def check_figure_path(path: str | Path) -> None:
    """Refuse a file that could not be written, before the long run.

    Raises:
        SettingsError: no ending of SUFFIXES.
        ResividError: the folder does not exist.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise SettingsError(f"{path}: a plot's name must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ResividError(f"{path}: folder {path.parent} does not exist")


def new_figure(rows: int, columns: int, **sharing: Any) -> tuple[Any, Any]:
    """A figure and its axes, [row][column]; each axis has a grid.

    Raises:
        MissingPackageError: matplotlib is not there.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingPackageError("plots need matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(1.5 + 2.8 * columns if columns > 1 else 8, 1 + 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **sharing)
    for axis in axes.flat:
        axis.grid(True, alpha=0.3)
    return figure, axes


def save_figure(figure: Any, path: str | Path) -> None:
    """Write the figure; the final name never holds half a file.

    Raises:
        ResividError: it cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        figure.savefig(part, dpi=110)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ResividError(f"{path}: cannot be written ({error.strerror})") from error
