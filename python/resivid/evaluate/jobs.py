# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker of the evaluation does: one point of one clip, or one setting of the classical search."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .classical.ladder import Bars, Ladder
from .classical.settings import ClassicalSetting
from .classical_point import run_classical
from .job_models import judge, models, one_thread, source_of
from .late_join import join_classical, join_ours
from .our_point import run_ours
from .points import OURS, PICKS, Evaluation, Point
from .prepared_clips import PreparedClip

# What measures ours, and a classical chain.
RUNS = {"video": (run_ours, run_classical), "join": (join_ours, join_classical)}


@dataclass(frozen=True)
class PointJob:
    """One video sent once.

    Attributes:
        clip, clip_number: which video.
        point, evaluation: how.
        cache: folder of the classical search.
        videos: folder for what the viewer sees.
        key: name of the result.
        contenders: settings among which the best classical one is; (): all of the search.
    """

    clip: PreparedClip
    clip_number: int
    point: Point
    evaluation: Evaluation
    cache: Path
    videos: Path
    key: str
    contenders: tuple[ClassicalSetting, ...] = ()

    def __call__(self) -> dict[str, Any]:
        """Run it.

        Returns:
            One row of the results, and what figures over time need.
        """
        one_thread()
        seed = self.point.seed(self.evaluation, self.clip_number)
        ours, classical = RUNS[self.point.measures]
        run = ours if self.point.method == OURS else classical
        return head(self, seed) | run(self, seed)


@dataclass(frozen=True)
class LadderJob:
    """One setting on one clip, for all bit budgets of a round of the classical search.

    Attributes:
        asks: bit budgets, and the bars that are to be reached with each; see `Ladder.fit`.
        judged: whether the pictures are measured too.
    """

    clip: PreparedClip
    setting: ClassicalSetting
    asks: tuple[tuple[int, Bars], ...]
    evaluation: Evaluation
    cache: Path
    judged: bool = True

    def ladder(self) -> Ladder:
        """Where it leaves what it finds."""
        source, (_, interpolator) = source_of(self.clip, self.evaluation), models(self.evaluation)
        return Ladder(source, self.setting, interpolator, self.cache, judge())

    def __call__(self) -> None:
        """Fill the cache."""
        one_thread()
        ladder = self.ladder()
        for budget, bars in sorted(self.asks, reverse=True):
            quality = ladder.fit(budget, bars)
            if quality is not None and self.judged:
                ladder.choice(quality)


def head(job: PointJob, seed: int) -> dict[str, Any]:
    """The columns of a row that say what was run."""
    point = job.point
    return {
        "video": job.clip.name,
        "method": point.method,
        "cbr": float(point.cbr),
        "stride": point.stride if point.method == OURS else None,
        "snr_db": point.snr_db,
        "adapted": not point.mcs,
        "loss_rate": point.loss_rate,
        "burst_length": point.burst_length,
        "fading": point.fading,
        "key_distances": list(point.distances) if point.method in PICKS else None,
        "memory": _memory(job),
        "repeat": point.repeat,
        "measures": point.measures,
        "seed": seed,
        "key": job.key,
    }


def _memory(job: PointJob) -> str | None:
    """How the state of ours outlives losses; None where there is no such choice."""
    options = job.point.link(job.evaluation).codec_options if job.point.method == OURS else {}
    return options.get("memory")


Job = PointJob | LadderJob


def describe(job: Job) -> str:
    """For messages."""
    if isinstance(job, LadderJob):
        return f"{job.clip.name}, {job.setting.name}"
    point = job.point
    return f"{job.clip.name}, {point.method}, CBR {point.cbr}, {point.snr_db:g} dB"


def as_document(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation's settings for results."""
    document = asdict(evaluation)
    document["link"] = {
        key: str(value) if isinstance(value, Path) else value for key, value in document["link"].items()
    }
    return document
