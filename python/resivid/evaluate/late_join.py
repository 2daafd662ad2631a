# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver that joins a running transmission: quality over the time since then."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ResividError
from ..models.registry import load_interpolator
from .classical.receiver import GREY, watch
from .classical_point import budget_of, stream_of
from .job_models import models
from .metrics import MetricsAccumulator
from .offline_link import OfflineLink
from .points import BLOCK_STRIDE

if TYPE_CHECKING:
    from .jobs import PointJob

FOLLOWED_S = 4.0
LEAST_FOLLOWED = 1  # frames that are looked at after that of the join


def join_frame(job: PointJob) -> int:
    """The frame at which the receiver joins: after a third of the clip, at another place in the GOP for each clip.

    In a short clip it is earlier, so that there is something to follow.

    Raises:
        ResividError: the clip is too short even for a join at its second key frame.
    """
    frames = job.clip.num_frames
    latest = (frames - 1) // BLOCK_STRIDE - LEAST_FOLLOWED
    if latest < 1:
        least = BLOCK_STRIDE * (1 + LEAST_FOLLOWED) + 1
        raise ResividError(f"late join: {frames} frames are too few, at least {least} are needed")
    return BLOCK_STRIDE * max(1, min(frames // 3 // BLOCK_STRIDE + job.clip_number % 4, latest))


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
    """Grey before the next key frame, where nothing can be shown; then all is as for everyone."""
    size, start = job.evaluation.link.size, join_frame(job)
    wanted = measured_frames(job)
    stream = stream_of(job, budget_of(job.point, job.evaluation, job.clip, seed))
    entry = next((i for i, unit in enumerate(stream.units) if unit.key and unit.frame >= start), None)
    units = [] if entry is None else stream.units[entry:]
    first = units[0].frame if units else job.clip.num_frames
    nothing = np.full((size, size, 3), GREY, np.uint8)
    _, interpolator = models(job.evaluation)
    shown = watch(units, stream.setting, size, job.clip.num_frames, interpolator)
    pictures = [
        nothing if index < first else frame
        for index, frame in enumerate(islice(shown, wanted[-1] + 1))
        if index in wanted
    ]
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
