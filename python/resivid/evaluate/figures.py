# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of measurements as files, drawn without a display."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import MissingPackageError, ResividError, SettingsError
from ..part_files import part_path

FORMATS = (".png", ".svg", ".pdf")


def check_plot_path(path: Path) -> None:
    """Refuse a plot of an unknown kind, or in a folder that is not there, before the long run.

    Raises:
        SettingsError: another suffix than those of `FORMATS`.
        ResividError: the folder does not exist.
    """
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(
            f"--plot: expected a file named {', '.join('*' + f for f in FORMATS)}, got {path}"
        )
    if not path.parent.is_dir():
        raise ResividError(f"{path}: folder {path.parent} does not exist")


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **sharing: Any
) -> tuple[Any, Any]:
    """A figure and its axes, an array (rows, columns), each with a quiet grid.

    Args:
        width, height: in inches.
        rows, columns: of axes.
        sharing: `sharex` and `sharey` of `Figure.subplots`.
    Raises:
        MissingPackageError: Matplotlib is not there.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingPackageError("--plot needs Matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **sharing)
    for axis in axes.flat:
        axis.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(figure: Any, path: Path) -> None:
    """Write the figure; the final name never holds half a file.

    Raises:
        ResividError: it cannot be written.
    """
    part = part_path(path, path.suffix)
    try:
        figure.savefig(part, dpi=110, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ResividError(f"{path}: cannot be written ({error.strerror})") from error
