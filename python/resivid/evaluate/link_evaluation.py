# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's section IV on a folder of videos: clips, points, searches, rows."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ..errors import SettingsError, VideoError
from ..link.mcs_table import read_mcs_file
from ..version import __version__
from .classical.encoder import av_version
from .classical.settings import LONG
from .classical_rounds import Searches, usable
from .clips import SUFFIXES
from .job_models import lpips_weights, measuring, models
from .jobs import Job, PointJob, as_document, describe
from .link_checks import check_evaluation
from .machine import machine
from .points import BEST_LPIPS, OURS, PAPER_X265, Evaluation, Point, folder_of_points, plan, unique
from .prepared_clips import PreparedClip, prepare_clip, to_document
from .provenance import libraries, measuring_weights
from .sweep import PointStore, Runner, sweep
from .table1 import table1

log = logging.getLogger(__name__)

# What every row has, None where it is not measured.
COLUMNS = ("video", "method", "setting", "cbr", "snr_db", "psnr_db", "ssim", "lpips", "clip", "bler")
SERIES = ("series", "series_blocks", "series_join")


class Progress(Protocol):
    """Who watches: a stage begins; so much of it is done, and so many of its jobs."""

    def stage(self, title: str) -> None:
        """A stage of this title begins."""
        ...

    def update(self, share: float, count: int) -> None:
        """Share of the stage that is done, 0 to 1, and its jobs done."""
        ...


@dataclass(frozen=True)
class Folders:
    """Where things are kept: results of points, what viewers see, prepared clips, the cache of the search."""

    output: Path
    cache: Path

    @property
    def clips(self) -> Path:
        """Prepared clips."""
        return self.cache / "clips"

    @property
    def search(self) -> Path:
        """Results of the search for the best classical setting."""
        return self.cache / "classical"

    @property
    def videos(self) -> Path:
        """What viewers see."""
        return self.output / "videos"


def find_videos(folder: Path, limit: int | None = None, folders: Folders | None = None) -> list[Path]:
    """The videos of a folder and of the folders in it, by name.

    Args:
        limit: the first so many; None: all.
        folders: what an evaluation writes; what lies there is no input of it, whatever an earlier run has left.
    Raises:
        VideoError: there is no such folder, or no video in it.
        SettingsError: it is a folder that the evaluation writes videos to.
    """
    if not folder.is_dir():
        raise VideoError(f"{folder}: is no folder")
    apart = _written_inside(folder, folders) if folders is not None else []
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(path.parent.resolve().is_relative_to(each) for each in apart)
    )
    if not found:
        raise VideoError(f"{folder}: holds no video ({', '.join('*' + s for s in SUFFIXES)})")
    return found[:limit]


def _written_inside(folder: Path, folders: Folders) -> list[Path]:
    """Of the folders that an evaluation writes those in the folder of its videos, which may itself be one of them."""
    videos = folder.resolve()
    kept = [path.resolve() for path in (folders.videos, folders.clips)]
    if any(videos.is_relative_to(each) for each in kept):
        raise SettingsError(f"{folder}: the evaluation keeps its own videos there; choose another --output")
    written = [folders.output.resolve(), folders.cache.resolve(), *kept]
    return [each for each in written if each != videos and each.is_relative_to(videos)]


def evaluate_videos(
    paths: Sequence[Path],
    evaluation: Evaluation,
    folders: Folders,
    runner: Runner,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run all points on all videos.

    Args:
        paths: of `find_videos`.
        seconds: take the first so many seconds of each; None: all.
        runner: where the jobs run.
        progress: is told of each stage.
    Returns:
        The document of results: `rows`, one for each video and point; `series` by the rows' keys; `figures`: name to the
        keys of its rows; what it takes to repeat the run.
    Raises:
        SettingsError: points cannot be run with these settings; nothing was begun.
        VideoError: not one video can be read.
        ResividError: results cannot be kept.
    """
    check_evaluation(evaluation)
    clips, notes = prepare_all(paths, folders.clips, evaluation.link.size, seconds)
    missing, absent = missing_methods(evaluation)
    notes += absent
    planned = {
        name: [point for point in points if point.method not in missing]
        for name, points in plan(evaluation).items()
    }
    tokenizer, interpolator = models(evaluation)
    weights = tokenizer.weights_sha256 | interpolator.weights_sha256
    table = hashlib.sha256(repr(read_mcs_file(evaluation.link.mcs_table)).encode()).hexdigest()
    shared = measuring() | {"MCS table": table}
    tools = {
        OURS: weights | shared,
        PAPER_X265: interpolator.weights_sha256 | shared | {"PyAV": av_version()},
    }
    keys: dict[tuple[str, Point], str] = {}
    for number, clip in enumerate(clips):
        for point in unique(planned):
            used = tools[OURS if point.method == OURS else PAPER_X265]
            keys[clip.digest, point] = point.key(evaluation, clip.digest, number, used)
    work = _Work(clips, evaluation, folders, runner, progress, keys)
    for name, points in planned.items():
        work.figure(name, points)
    names = {keys[clip.digest, point]: clip.name for clip in clips for point in unique(planned)}
    # an earlier run may have known the video by another name
    found = [row | {"video": names[row["key"]]} for row in work.rows.values()]
    failures = work.failures
    measured_by, differences = measuring_weights(found)
    series = {row["key"]: {name: row[name] for name in SERIES if name in row} for row in found}
    return {
        "rows": [
            {name: row.get(name) for name in COLUMNS}
            | {name: value for name, value in row.items() if name not in SERIES}
            for row in found
        ],
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
        "weights": weights | measured_by,
        "libraries": libraries(found),
        "seed": evaluation.seed,
        "machine": machine(),
        "version": __version__,
        "notes": notes + differences,
    }


class _Work:
    """Figure by figure: the searches that its points need, then the points; each point once.

    Attributes:
        rows: key to result.
        failures: a line for each job that failed.
    """

    def __init__(
        self,
        clips: Sequence[PreparedClip],
        evaluation: Evaluation,
        folders: Folders,
        runner: Runner,
        progress: Progress | None,
        keys: Mapping[tuple[str, Point], str],
    ):
        self._clips, self._evaluation, self._folders = clips, evaluation, folders
        self._runner, self._progress, self._keys = runner, progress, keys
        self._store = PointStore(folder_of_points(folders.output), folders.videos)
        self._searches = Searches(clips, evaluation, folders.search)
        self.rows: dict[str, dict[str, Any]] = {}
        self.failures: list[str] = []

    def figure(self, name: str, points: Sequence[Point]) -> None:
        """Compute what of its points is not there yet."""
        wanted = [(number, point) for number in range(len(self._clips)) for point in points]
        todo = [each for each in wanted if self._key(*each) not in self.rows]
        missed = {each for each in todo if self._store.get(self._key(*each)) is None}
        needed = [each for each in todo if each in missed]
        self._searches.finished(each for each in todo if each not in missed)
        self._searches.run(needed, lambda jobs, count: self._sweep(f"{name}, search {count}", jobs))
        jobs = []
        for each in todo:
            job, unknown = self._job(*each, each in missed), self._searches.failed(*each)
            if each in missed and unknown:  # what else was found would be a weaker baseline
                self._fail(f"{describe(job)}: not run, its search failed for {', '.join(unknown)}")
            else:
                jobs.append(job)
        self._sweep(name, jobs)

    def _key(self, number: int, point: Point) -> str:
        return self._keys[self._clips[number].digest, point]

    def _job(self, number: int, point: Point, missed: bool) -> PointJob:
        tried = self._searches.contenders(number, point) if missed else ()
        folders, clip = self._folders, self._clips[number]
        key = self._key(number, point)
        return PointJob(clip, number, point, self._evaluation, folders.search, folders.videos, key, tried)

    def _sweep(self, title: str, jobs: Sequence[Job]) -> None:
        update = None
        if self._progress is not None:
            self._progress.stage(title)
            update = self._progress.update
        found, failed = sweep(jobs, self._store, self._runner, update)
        self.rows |= {row["key"]: row for row in found}
        for line in failed:
            self._fail(line)

    def _fail(self, line: str) -> None:
        if line not in self.failures:
            self.failures.append(line)


def prepare_all(
    paths: Sequence[Path], folder: Path, size: int, seconds: float | None
) -> tuple[list[PreparedClip], list[str]]:
    """The clips that can be read, each with a name of its own, and a line for each that cannot or is not whole.

    Of clips of equal file names the first keeps its name; the others have the first digits of their digest with it.

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
            continue
        if clip.digest in {other.digest for other in clips}:
            notes.append(f"left out: {path} shows the same as another video")
            continue
        clip = replace(clip, name=_own_name(clip, {other.name for other in clips}))
        if clip.problem:
            notes.append(f"{clip.name}: {clip.problem}")
        clips.append(clip)
    if not clips:
        raise VideoError("; ".join(notes))
    for note in notes:
        log.warning("%s", note)
    if len({clip.rate for clip in clips}) > 1:
        rates = ", ".join(sorted({f"{clip.fps:g}" for clip in clips}))
        notes.append(
            f"frame rates differ ({rates} frame/s): CBR counts symbols a frame, so equal CBR is not equal bit rate"
        )
    return clips, notes


def _own_name(clip: PreparedClip, taken: set[str]) -> str:
    name, digits = clip.name, 8
    while name in taken:
        name = f"{clip.name}-{clip.digest[:digits]}"
        digits += 1
    return name


def missing_methods(evaluation: Evaluation) -> tuple[set[str], list[str]]:
    """Methods that cannot be run here, and what is missing in which method."""
    missing, notes = set(), []
    for method in evaluation.methods:
        if method == OURS:
            continue
        if method == BEST_LPIPS and (problem := lpips_weights()[1]):
            missing.add(method)
            notes.append(f"{method}: not run, {problem}")
            continue
        found, problems = usable(
            [evaluation.paper] if method == PAPER_X265 else evaluation.candidates((LONG,))
        )
        reasons = "; ".join(problems.values())
        if not found:
            missing.add(method)
            notes.append(f"{method}: not run, {reasons}")
        elif problems:
            notes.append(f"{method}: without {', '.join(problems)}, {reasons}")
    return missing, notes
