# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver that joins a running transmission: quality over the time since then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.registry import load_interpolator
from .classical.receiver import GREY, decode
from .classical_point import budget_of, stream_of
from .job_models import models
from .metrics import MetricsAccumulator
from .offline_link import OfflineLink
from .points import BLOCK_STRIDE

if TYPE_CHECKING:
    from .jobs import PointJob

FOLLOWED_S = 4.0


def join_frame(job: PointJob) -> int:
    """The frame at which the receiver joins: after a third of the clip, at another place in the GOP for each clip."""
    blocks = job.clip.num_frames // 3 // BLOCK_STRIDE
    return BLOCK_STRIDE * (blocks + job.clip_number % 4)


def measured_frames(job: PointJob) -> list[int]:
    """Frames at which quality is looked at: every eighth since the join."""
    start = join_frame(job)
    end = min(job.clip.num_frames, start + round(FOLLOWED_S * job.clip.fps) + 1)
    return list(range(start, end, BLOCK_STRIDE))


def join_ours(job: PointJob, seed: int) -> dict[str, Any]:
    """Another receiver takes the place of the first one; its reports go back where the codec has a way back."""
    link, (tokenizer, _) = job.point.link(job.evaluation), models(job.evaluation)
    hold = load_interpolator("hold")
    row = link.table.index(job.point.mcs)
    ends = OfflineLink(
        link.make_encoder(tokenizer), link.make_decoder(tokenizer, hold), link.payload_bits[row]
    )
    wanted, start = measured_frames(job), join_frame(job)
    pictures = {}
    for index, frame in enumerate(job.clip.frames(link.size)):
        if index > wanted[-1]:
            break
        if index == start:
            ends.decoder = link.make_decoder(tokenizer, hold)
        picture = ends.send(frame, show=index in wanted)
        if picture is not None and index in wanted:
            pictures[index] = picture
    return _curve(job, [pictures[index] for index in wanted]) | {
        "setting": f"{link.codec_name}, S={link.stride}"
    }


def join_classical(job: PointJob, seed: int) -> dict[str, Any]:
    """Nothing can be shown before the next key frame; then all is as for everyone."""
    size, start = job.evaluation.link.size, join_frame(job)
    stream = stream_of(job, budget_of(job.point, job.evaluation, job.clip, seed))
    entry = next((i for i, unit in enumerate(stream.units) if unit.key and unit.frame >= start), None)
    shown = decode([] if entry is None else stream.units[entry:], stream.setting, size)
    picture, pictures = np.full((size, size, 3), GREY, np.uint8), []
    following = next(shown, None)
    for index in measured_frames(job):
        while following is not None and following[0] <= index:
            picture, following = following[1], next(shown, None)
        pictures.append(picture)
    return _curve(job, pictures) | {"setting": f"{stream.setting.name}, crf {stream.quality:g}"}


def _curve(job: PointJob, pictures: list[np.ndarray]) -> dict[str, Any]:
    """Time since the join in s, PSNR and LPIPS of key frames."""
    metrics, wanted = MetricsAccumulator(), measured_frames(job)
    at = dict(zip(wanted, pictures, strict=True))
    for index, original in enumerate(job.clip.frames(job.evaluation.link.size)):
        if index in at:
            metrics.add(original, at[index])
        if index >= wanted[-1]:
            break
    found = metrics.result()
    return {
        "series_join": {
            "seconds": [(index - wanted[0]) / job.clip.fps for index in wanted],
            "psnr_db": metrics.psnr_per_frame,
            "lpips": metrics.lpips_per_frame,
        },
        "notes": [*found["notes"], "late join: quality is a curve over time, so these rows have no means"],
    }
