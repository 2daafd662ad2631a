# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker of the evaluation does: one point of one clip, or one setting of the classical search."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..link.mcs_table import McsTable
from ..models.interpolation.base import Interpolator
from ..models.registry import load_interpolator, load_tokenizer
from ..models.tokenizers.base import Tokenizer
from ..video.sampler import num_key_frames
from ..video.writer import VideoWriter
from .classical.byte_link import Block, Radio, cut_to_budget, delay_s, deliver
from .classical.encoder import AccessUnit, total_bits
from .classical.receiver import CONCEALMENTS, survivors, watch
from .classical.search import ClipSource, Judge, Ladder, best, search
from .classical.settings import PAPER, ClassicalSetting, candidates
from .points import BLOCK_STRIDE, OURS, PAPER_X265, PICKS, Evaluation, Point
from .prepared_clips import PreparedClip
from .video_quality import VideoQuality

VIDEO_CRF = 16  # of the pictures that a report shows; figures are measured before


@dataclass(frozen=True)
class PointJob:
    """One video sent once.

    Attributes:
        clip, clip_number: which video.
        point, evaluation: how.
        cache: folder of the classical search.
        videos: folder for what the viewer sees.
        key: name of the result.
    """

    clip: PreparedClip
    clip_number: int
    point: Point
    evaluation: Evaluation
    cache: Path
    videos: Path
    key: str

    def __call__(self) -> dict[str, Any]:
        """Run it.

        Returns:
            One row of the results, and what figures over time need.
        """
        _one_thread()
        seed = self.point.seed(self.evaluation, self.clip_number)
        run = _ours if self.point.method == OURS else _classical
        if self.point.measures == "join":
            from .late_join import join_classical, join_ours

            run = join_ours if self.point.method == OURS else join_classical
        return head(self, seed) | run(self, seed)


@dataclass(frozen=True)
class LadderJob:
    """One setting of the classical search on one clip, for all bit budgets that points need."""

    clip: PreparedClip
    setting: ClassicalSetting
    budgets: tuple[int, ...]
    evaluation: Evaluation
    cache: Path

    def __call__(self) -> None:
        """Fill the cache."""
        _one_thread()
        evaluation = self.evaluation
        _, interpolator = models(evaluation)
        for budget in sorted(self.budgets, reverse=True):
            search(
                source_of(self.clip, evaluation), [self.setting], budget, interpolator, self.cache, _judge()
            )


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
        "repeat": point.repeat,
        "measures": point.measures,
        "seed": seed,
        "key": job.key,
    }


def _one_thread() -> None:
    """torch sums in another order with another number of threads; results are to be equal to the last digit."""
    import torch

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@functools.cache
def _models(tokenizer: str, weights: Path | None, interpolator: str, other: Path | None) -> tuple[Any, Any]:
    return load_tokenizer(tokenizer, weights), load_interpolator(interpolator, other)


def models(evaluation: Evaluation) -> tuple[Tokenizer, Interpolator]:
    """Tokenizer and interpolator, loaded once in each process."""
    link = evaluation.link
    return _models(link.tokenizer, link.weights, link.interpolator, link.interpolator_weights)


@functools.cache
def _judge() -> Judge:
    return Judge()


@functools.lru_cache(maxsize=1)
def _source(clip: PreparedClip, size: int) -> ClipSource:
    return ClipSource(clip, size)


def source_of(clip: PreparedClip, evaluation: Evaluation) -> ClipSource:
    """The clip's scaled pictures; those of the last clip are kept."""
    return _source(clip, evaluation.link.size)


def _ours(job: PointJob, seed: int) -> dict[str, Any]:
    """The flowgraph of `resivid simulate`."""
    from ..flowgraphs.simulate import SimulationSettings, simulation

    link = job.point.link(job.evaluation)
    tokenizer, interpolator = models(job.evaluation)
    row = link.table.index(job.point.mcs) if job.point.mcs else None
    settings = SimulationSettings(
        link=link, snr_db=(job.point.snr_db,), channel=job.point.channel, seed=seed, mcs=row, metrics=False
    )
    watcher = Watcher(job)
    with watcher:
        flowgraph = simulation(
            job.clip.path,
            None,
            settings,
            tokenizer,
            interpolator,
            on_frame=lambda index, frame: watcher.add(frame),
        )
        statistics = flowgraph.run().to_dict()
    blocks = flowgraph.statistics.blocks()
    wanted = (
        "key_frames",
        "bits_header",
        "bits_body",
        "bits_crc",
        "k_mean",
        "updates_mean",
        "mcs",
        "stage_ms",
    )
    return watcher.result() | {
        "setting": f"{link.codec_name}, S={link.stride}",
        "cbr_sent": statistics["cbr_total"],
        "symbols": round(statistics["symbols_mean"] * statistics["blocks"]),
        "bler": statistics["bler"],
        "blocks": statistics["blocks"],
        "delay_s": 2
        * link.stride
        / job.clip.fps,  # a key frame's symbols last S frames, interpolation waits S
        "bits_capacity": sum(link.payload_bits[decoded.mcs] for _, decoded in blocks),
        **{name: statistics[name] for name in wanted},
        "stage_ms_per_frame": {
            name: 1e3 * seconds / statistics["frames"]
            for name, seconds in flowgraph.statistics.stage_seconds().items()
        },
        "series_blocks": {
            "prefix": [packed.prefix for packed, _ in blocks],
            "updates": [packed.updates for packed, _ in blocks],
            "arrived": [decoded.crc_ok for _, decoded in blocks],
        },
    }


def radio_of(point: Point, evaluation: Evaluation, seed: int) -> Radio:
    """The link that a classical stream goes over: blocks of ours at BLOCK_STRIDE."""
    link = point.link(evaluation)
    row = link.table.index(point.mcs) if point.mcs else None
    return Radio(link.table, link.symbols, point.snr_db, point.channel, seed, row)


def num_blocks(clip: PreparedClip) -> int:
    """Blocks of a classical stream: as many as ours has key frames."""
    return num_key_frames(clip.num_frames, BLOCK_STRIDE)


def budget_of(point: Point, evaluation: Evaluation, clip: PreparedClip, seed: int) -> int:
    """Bits that a classical stream may cost at a point."""
    radio = radio_of(point, evaluation, seed)
    if radio.adapts:
        return sum(block.bits for block in radio.run(num_blocks(clip)))
    return num_blocks(clip) * point.link(evaluation).payload_bits[radio.start_row]


@dataclass(frozen=True)
class ClassicalStream:
    """A stream that fits its budget, or what a transmitter can send of it."""

    setting: ClassicalSetting
    quality: float
    units: list[AccessUnit]
    left_out: int


def stream_of(job: PointJob, bits: int) -> ClassicalStream:
    """The stream that the point's method sends; where none fits, as much as goes of the smallest one."""
    source = source_of(job.clip, job.evaluation)
    _, interpolator = models(job.evaluation)

    def ladder(setting: ClassicalSetting) -> Ladder:
        return Ladder(source, setting, interpolator, job.cache, _judge())

    if job.point.method == PAPER_X265:
        setting, quality = PAPER, ladder(PAPER).fit(bits)
    else:
        settings = candidates(job.evaluation.search, job.point.distances)
        choices = search(source, settings, bits, interpolator, job.cache, _judge())
        if choices:
            choice = best(choices, PICKS[job.point.method])
            setting, quality = choice.setting, choice.quality
        else:  # the one that comes nearest
            setting = min(settings, key=lambda each: ladder(each).bits(each.encoder.worst))
            quality = None
    if quality is not None:
        return ClassicalStream(setting, quality, ladder(setting).encode(quality), 0)
    units = ladder(setting).encode(setting.encoder.worst)
    sent = cut_to_budget(units, bits, job.clip.num_frames)
    return ClassicalStream(setting, setting.encoder.worst, sent, len(units) - len(sent))


def _classical(job: PointJob, seed: int) -> dict[str, Any]:
    """Encode for the link's bits, lose what it loses, show what is left; the kinder of two concealments counts."""
    link, clip = job.point.link(job.evaluation), job.clip
    blocks = radio_of(job.point, job.evaluation, seed).run(num_blocks(clip))
    bits = sum(block.bits for block in blocks)
    stream = stream_of(job, bits)
    arrived = deliver(stream.units, blocks)
    _, interpolator = models(job.evaluation)
    shown = []
    for concealment in CONCEALMENTS if not all(arrived) else CONCEALMENTS[:1]:
        kept = survivors(stream.units, arrived, concealment)
        watcher = Watcher(job)
        with watcher:
            for frame in watch(kept, stream.setting, link.size, clip.num_frames, interpolator):
                watcher.add(frame)
        shown.append(watcher.result() | {"concealment": concealment})
    better = min(shown, key=lambda row: -row["psnr_db"] if row["lpips"] is None else row["lpips"])
    if better is not shown[-1] and job.point.keep_video:  # the file holds the last one
        with Watcher(job) as watcher:
            for frame in watch(
                survivors(stream.units, arrived, CONCEALMENTS[0]),
                stream.setting,
                link.size,
                clip.num_frames,
                interpolator,
            ):
                watcher.add(frame)
    return better | _classical_columns(job, stream, blocks, link.table, arrived)


def _classical_columns(
    job: PointJob, stream: ClassicalStream, blocks: list[Block], table: McsTable, arrived: list[bool]
) -> dict[str, Any]:
    link, clip = job.point.link(job.evaluation), job.clip
    bits = sum(block.bits for block in blocks)
    rows = [table.rows[block.row].label for block in blocks]
    notes = []
    if stream.left_out:
        notes.append(
            f"{stream.left_out} pictures were not sent: at its lowest quality {stream.setting.name} needs more bits; "
            "the last picture is held"
        )
    return {
        "setting": f"{stream.setting.name}, crf {stream.quality:g}",
        "cbr_sent": link.symbols / (3 * link.size**2 * BLOCK_STRIDE),
        "symbols": link.symbols * len(blocks),
        "bler": float(np.mean([not block.arrived for block in blocks])),
        "blocks": len(blocks),
        "delay_s": delay_s(stream.units, bits, clip.num_frames, clip.fps, stream.setting.every),
        "bits_capacity": bits,
        "bits_body": total_bits(stream.units),
        "pictures_left_out": stream.left_out,
        "pictures_lost": arrived.count(False),
        "mcs": {label: rows.count(label) for label in dict.fromkeys(rows)},
        "notes_method": notes,
    }


class Watcher:
    """Measures the frames that a viewer sees, in step with the originals, and keeps them where they are wanted."""

    def __init__(self, job: PointJob):
        self._job = job
        self._quality = VideoQuality(job.clip.fps)
        self._originals: Iterator[np.ndarray] = iter(())
        self._writer: VideoWriter | None = None

    def __enter__(self) -> Watcher:
        size = self._job.evaluation.link.size
        self._originals = self._job.clip.frames(size)
        if self._job.point.keep_video:
            from fractions import Fraction

            path = self._job.videos / f"{self._job.key}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = VideoWriter(path, Fraction(self._job.clip.rate), size, size, VIDEO_CRF)
            self._writer.__enter__()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def add(self, frame: np.ndarray) -> None:
        """The next frame, uint8 (H, W, 3)."""
        self._quality.add(next(self._originals), frame)
        if self._writer is not None:
            self._writer.write(frame)

    def result(self) -> dict[str, Any]:
        """Metrics, their notes, and both curves over time."""
        found = self._quality.result()
        return found | {
            "frames": self._quality.num_frames,
            "series": self._quality.per_frame(),
            "weights": self._quality.weights_sha256,
            "video_file": f"{self._job.key}.mp4" if self._writer is not None else None,
        }


Job = PointJob | LadderJob
Progress = Callable[[float, int], None]


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
