# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of a run: CSV always, a PNG where matplotlib is installed, TensorBoard where that is."""

from __future__ import annotations

import csv
import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
TERMS = ("loss", "l1", "l2", "vgg", "lpips_squeeze", "lpips_vgg", "adversarial", "discriminator")
TABLES = {
    "curves.csv": ("step", "seconds", "rate", *TERMS),
    "checks.csv": ("step", "seconds", "psnr_db", "lpips_squeeze"),  # and what a row is called, third
    "codebooks.csv": ("step", "seconds", "grid", "tokens", "share_in_use", "perplexity"),
}


class Curves:
    """Tables that grow with the run; rows beyond the step that it resumed from are taken out.

    Args:
        folder: of the run.
        step: that the run starts or goes on from.
        rows: what a row of a check is called, such as "tokens".
    """

    def __init__(self, folder: Path, step: int, rows: str = "tokens"):
        self._folder, self._rows = folder, rows
        self._columns = {name: list(columns) for name, columns in TABLES.items()}
        self._columns["checks.csv"].insert(2, rows)
        for name in TABLES:
            kept = [row for row in read_rows(folder / name) if _number(row["step"]) <= step]
            self._write(name, kept, new=True)
        self._board: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def terms(self, step: int, seconds: float, rate: float, terms: Mapping[str, float]) -> None:
        """Mean loss terms since the last call."""
        row = {"step": step, "seconds": round(seconds, 1), "rate": f"{rate:.3e}"}
        self._write("curves.csv", [{**row, **{k: f"{v:.5g}" for k, v in terms.items()}}])
        self._scalars("train", step, {**terms, "rate": rate})

    def check(self, step: int, seconds: float, check: Mapping[str, Any]) -> None:
        """Results of `Checker`; draws the PNG anew."""
        head = {"step": step, "seconds": round(seconds, 1)}
        self._write("checks.csv", [{**head, self._rows: k, **v} for k, v in check["held_out"].items()])
        self._write("codebooks.csv", [{**head, "grid": k, **v} for k, v in check["codebooks"].items()])
        for name, row in {**check["held_out"], **check["codebooks"]}.items():
            self._scalars("held_out" if "psnr_db" in row else "codebook", step, row, f"_{name}")
        if importlib.util.find_spec("matplotlib") is not None:
            plot(self._folder, self._rows)

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._board is not None:
            self._board.close()

    def _scalars(self, group: str, step: int, values: Mapping[str, float], suffix: str = "") -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}{suffix}", value, step)

    def _write(self, name: str, rows: list[dict[str, Any]], new: bool = False) -> None:
        with (self._folder / name).open("w" if new else "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns[name], extrasaction="ignore", lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a table; none where there is no readable file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if row.get("step")]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def plot(folder: Path, rows_named: str) -> None:
    """curves.png: loss terms, then PSNR and LPIPS-Squeeze on held-out pictures, over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    trained, checks = read_rows(folder / "curves.csv"), read_rows(folder / "checks.csv")
    for term in TERMS:
        points = [(_number(row["step"]), _number(row[term])) for row in trained if row[term]]
        if points:
            left.plot(
                *zip(*points, strict=True), label=term, linewidth=1, marker="." if len(points) == 1 else ""
            )
    left.set_title("training loss and its terms")
    for axes, column, title in (
        (middle, "psnr_db", "held out: PSNR, dB"),
        (right, "lpips_squeeze", "held out: LPIPS-Squeeze"),
    ):
        for name in dict.fromkeys(row[rows_named] for row in checks):
            rows = [row for row in checks if row[rows_named] == name and row[column]]
            if rows:
                steps, values = ([_number(r[k]) for r in rows] for k in ("step", column))
                axes.plot(steps, values, label=name, marker=".")
        axes.set_title(title)
    for axes in (left, middle, right):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small")
    figure.savefig(folder / "curves.png", dpi=80)
