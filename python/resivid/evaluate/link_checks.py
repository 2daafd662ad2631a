# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses before anything is run what would fail point by point, or after the last of them."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from ..errors import MissingPackageError, SettingsError
from ..link.budget import symbols_per_key_frame
from ..models.tokenizers.base import Tokenizer
from .job_models import models
from .points import OURS, PICKS, Evaluation, Point, plan

PACKAGES = ("matplotlib", "jinja2")  # of figures and report


def check_packages() -> None:
    """Refuse a run whose figures or report cannot be made.

    Raises:
        MissingPackageError: a package is not installed.
    """
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingPackageError(
            f"evaluate needs {' and '.join(absent)} for its figures and report: pip install {' '.join(absent)}"
        )


def check_evaluation(evaluation: Evaluation) -> None:
    """Refuse settings with which points cannot be run, whatever the videos.

    Raises:
        SettingsError: a CBR that is no number or too small for a figure, a size that the tokenizer does not take, a row
            that the MCS table lacks, or whatever else a point's link refuses.
        WeightsError, PluginError, MissingPackageError: a network cannot be loaded.
    """
    size = evaluation.link.size
    if size % 2:
        raise SettingsError(f"--size must be even, got {size}")
    if evaluation.link.gop < 1:
        raise SettingsError(f"--gop must be at least 1, got {evaluation.link.gop}")
    for option, cbrs in (
        ("--cbrs", evaluation.cbrs),
        ("snr_cbrs", evaluation.snr_cbrs),
        ("snr_classical_cbrs", evaluation.snr_classical_cbrs),
        ("sheet_cbr", (evaluation.sheet_cbr,)),
        ("sheet_classical_cbr", (evaluation.sheet_classical_cbr,)),
    ):
        for cbr in cbrs:
            try:
                symbols_per_key_frame(cbr, 1, size, size)
            except ValueError as error:
                raise SettingsError(f"{option}: {error}") from error
    tokenizer, _ = models(evaluation)
    if OURS in evaluation.methods:
        evaluation.link.check_size(tokenizer)
    planned = {"table1": [Point()]} | plan(evaluation)
    seen = set()
    for name, points in planned.items():
        for point in points:
            # what its link depends on
            about = (point.method, point.cbr, point.stride, point.mcs, point.distances, point.memory)
            if about in seen:
                continue
            seen.add(about)
            try:
                _check_point(point, evaluation, None if name == "table1" else tokenizer)
            except ValueError as error:
                what = "Table I" if name == "table1" else f"--figures {name}, {point.method}"
                raise SettingsError(f"{what}: {error}") from error


def _check_point(point: Point, evaluation: Evaluation, tokenizer: Tokenizer | None) -> None:
    """Without a tokenizer only what all links need."""
    link = point.link(evaluation)
    row = link.table.index(point.mcs) if point.mcs else None
    if point.method in PICKS:
        evaluation.candidates(point.distances)
    elif point.method == OURS and tokenizer is not None:
        replace(link, tokenizer=tokenizer.name).check_budget(row)  # as `simulation` does
