# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's section IV on a folder of videos: clips, points, searches, rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MissingPackageError, ResividError, VideoError
from ..version import __version__
from .classical.encoder import require_encoder
from .classical.settings import PAPER, ClassicalSetting, candidates
from .classical_point import budget_of
from .clips import SUFFIXES
from .job_models import models
from .jobs import Job, LadderJob, PointJob, as_document
from .machine import machine
from .points import OURS, PAPER_X265, PICKS, Evaluation, Point, folder_of_points, plan, unique
from .prepared_clips import PreparedClip, prepare_clip, to_document
from .sweep import PointStore, Runner, sweep
from .table1 import table1

log = logging.getLogger(__name__)

SERIES = ("series", "series_blocks", "series_join")


@dataclass(frozen=True)
class Folders:
    """Where things are kept: results of points, what viewers see, prepared clips, the cache of the search."""

    output: Path
    cache: Path

    @property
    def clips(self) -> Path:
        return self.cache / "clips"

    @property
    def search(self) -> Path:
        return self.cache / "classical"

    @property
    def videos(self) -> Path:
        return self.output / "videos"


def find_videos(folder: Path, limit: int | None = None) -> list[Path]:
    """The videos of a folder and of the folders in it, by name.

    Raises:
        VideoError: there is no such folder, or no video in it.
    """
    if not folder.is_dir():
        raise VideoError(f"{folder}: is no folder")
    found = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not found:
        raise VideoError(f"{folder}: holds no video ({', '.join('*' + s for s in SUFFIXES)})")
    return found[:limit]


def evaluate_videos(
    paths: Sequence[Path],
    evaluation: Evaluation,
    folders: Folders,
    runner: Runner,
    seconds: float | None = None,
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> dict[str, Any]:
    """Run all points on all videos.

    Args:
        paths: of `find_videos`.
        seconds: take the first so many seconds of each; None: all.
        runner: where the jobs run.
        progress: called with the share done and the number of jobs done.
    Returns:
        The document of results: `rows`, one for each video and point; `series` by the rows' keys; `figures`: name to the
        keys of its rows; what it takes to repeat the run.
    Raises:
        VideoError: not one video can be read.
        ResividError: results cannot be kept.
    """
    clips, notes = prepare_all(paths, folders.clips, evaluation.link.size, seconds)
    missing = missing_methods(evaluation)
    notes += list(missing.values())
    planned = {
        name: [point for point in points if point.method not in missing]
        for name, points in plan(evaluation).items()
    }
    tokenizer, interpolator = models(evaluation)
    weights = {
        OURS: tokenizer.weights_sha256 | interpolator.weights_sha256,
        PAPER_X265: dict(interpolator.weights_sha256),
    }
    keys: dict[tuple[str, Point], str] = {}
    for number, clip in enumerate(clips):
        for point in unique(planned):
            used = weights[OURS if point.method == OURS else PAPER_X265]
            keys[clip.digest, point] = point.key(evaluation, clip.digest, number, used)
    store = PointStore(folder_of_points(folders.output))
    jobs = _jobs(clips, planned, evaluation, folders, keys, store)
    found, failures = sweep(jobs, store, runner, progress)
    series = {row["key"]: {name: row[name] for name in SERIES if name in row} for row in found}
    return {
        "rows": [{name: value for name, value in row.items() if name not in SERIES} for row in found],
        "series": series,
        "figures": {
            name: list(dict.fromkeys(keys[clip.digest, point] for point in points for clip in clips))
            for name, points in planned.items()
        },
        "table1": table1(Point().link(evaluation).symbols, seed=evaluation.seed),
        "clips": [to_document(clip) for clip in clips],
        "clip_files": {clip.name: clip.path.name for clip in clips},
        "settings": as_document(evaluation),
        "seconds": seconds,
        "command": "",
        "missing": failures,
        "weights": weights[OURS],
        "seed": evaluation.seed,
        "machine": machine(),
        "version": __version__,
        "notes": notes,
    }


def prepare_all(
    paths: Sequence[Path], folder: Path, size: int, seconds: float | None
) -> tuple[list[PreparedClip], list[str]]:
    """The clips that can be read, and a line for each that cannot.

    Raises:
        VideoError: not one can be read.
    """
    clips: list[PreparedClip] = []
    notes = []
    for path in paths:
        try:
            clip = prepare_clip(path, folder, size, seconds)
        except VideoError as error:
            notes.append(f"left out: {error}")
            log.warning("%s", notes[-1])
            continue
        if clip.digest in {other.digest for other in clips}:
            notes.append(f"left out: {path} shows the same as another video")
            continue
        clips.append(clip)
    if not clips:
        raise VideoError("; ".join(notes))
    if len({clip.rate for clip in clips}) > 1:
        rates = ", ".join(sorted({f"{clip.fps:g}" for clip in clips}))
        notes.append(
            f"frame rates differ ({rates} frame/s): CBR counts symbols a frame, so equal CBR is not equal bit rate"
        )
    return clips, notes


def missing_methods(evaluation: Evaluation) -> dict[str, str]:
    """Method to the reason why it cannot be run here."""
    missing = {}
    for method in evaluation.methods:
        wanted = (
            [] if method == OURS else [PAPER] if method == PAPER_X265 else candidates(evaluation.search, (0,))
        )
        problems = {}
        for setting in {setting.codec: setting for setting in wanted}.values():
            try:
                require_encoder(setting)
            except MissingPackageError as error:
                problems[setting.codec] = str(error)
        if wanted and len(problems) == len({setting.codec for setting in wanted}):
            missing[method] = f"{method}: not run, {'; '.join(problems.values())}"
    return missing


def _jobs(
    clips: Sequence[PreparedClip],
    planned: dict[str, list[Point]],
    evaluation: Evaluation,
    folders: Folders,
    keys: dict[tuple[str, Point], str],
    store: PointStore,
) -> list[Job]:
    """Figure by figure: the searches that its points need, then the points."""
    jobs: list[Job] = []
    seen: set[str] = set()
    for points in planned.values():
        ladders: dict[tuple[int, ClassicalSetting], set[int]] = {}
        sent: list[Job] = []
        for number, clip in enumerate(clips):
            for point in points:
                key = keys[clip.digest, point]
                if key in seen:
                    continue
                seen.add(key)
                sent.append(PointJob(clip, number, point, evaluation, folders.search, folders.videos, key))
                if point.method in PICKS and store.get(key) is None:
                    try:
                        budget = budget_of(point, evaluation, clip, point.seed(evaluation, number))
                    except ResividError:  # the point's own job says why
                        continue
                    for setting in candidates(evaluation.search, point.distances):
                        ladders.setdefault((number, setting), set()).add(budget)
        jobs += [
            LadderJob(clips[number], setting, tuple(sorted(budgets)), evaluation, folders.search)
            for (number, setting), budgets in ladders.items()
        ]
        jobs += sent
    return jobs
