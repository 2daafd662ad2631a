# SPDX-License-Identifier: GPL-3.0-or-later
"""A point of a classical chain: encode for the link's bits, lose what it loses, show what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..link.mcs_table import McsTable
from ..video.sampler import num_key_frames
from .classical.byte_link import Block, Radio, cut_to_budget, delay_s, deliver
from .classical.encoder import AccessUnit, total_bits
from .classical.ladder import Ladder
from .classical.receiver import CONCEALMENTS, survivors, watch
from .classical.search import best, search
from .classical.settings import ClassicalSetting
from .job_models import judge, models, source_of
from .points import BLOCK_STRIDE, PAPER_X265, PICKS, Evaluation, Point
from .prepared_clips import PreparedClip
from .viewer import Viewer

if TYPE_CHECKING:
    from .jobs import PointJob


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
        return Ladder(source, setting, interpolator, job.cache, judge())

    if job.point.method == PAPER_X265:
        setting = job.evaluation.paper
        quality = ladder(setting).fit(bits)
    else:
        settings = job.contenders or job.evaluation.candidates(job.point.distances)
        choices = search(source, settings, bits, interpolator, job.cache, judge())
        if choices:
            choice = best(choices, PICKS[job.point.method])
            setting, quality = choice.setting, choice.quality
        else:  # the one that comes nearest
            setting = min(settings, key=lambda each: ladder(each).bits(each.encoder.worst))
            quality = None
    if quality is not None:
        return ClassicalStream(setting, quality, ladder(setting).encode(quality), 0)
    units = ladder(setting).encode(setting.encoder.worst)
    sent = cut_to_budget(units, bits)
    return ClassicalStream(setting, setting.encoder.worst, sent, len(units) - len(sent))


def run_classical(job: PointJob, seed: int) -> dict[str, Any]:
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
        viewer = Viewer(job)
        with viewer:
            for frame in watch(kept, stream.setting, link.size, clip.num_frames, interpolator):
                viewer.add(frame)
        shown.append(viewer.result() | {"concealment": concealment})
    better = min(shown, key=lambda row: -row["psnr_db"] if row["lpips"] is None else row["lpips"])
    if better is not shown[-1] and job.point.keep_video:  # the file holds the last one
        with Viewer(job) as viewer:
            for frame in watch(
                survivors(stream.units, arrived, CONCEALMENTS[0]),
                stream.setting,
                link.size,
                clip.num_frames,
                interpolator,
            ):
                viewer.add(frame)
    return better | _columns(job, stream, blocks, link.table, arrived)


def _columns(
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
