# SPDX-License-Identifier: GPL-3.0-or-later
"""A point of ours: the flowgraph of `resivid simulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .job_models import models
from .viewer import Viewer

if TYPE_CHECKING:
    from .jobs import PointJob


def run_ours(job: PointJob, seed: int) -> dict[str, Any]:
    """Columns of the row of a point of ours."""
    from ..flowgraphs.simulate import SimulationSettings, simulation

    link = job.point.link(job.evaluation)
    tokenizer, interpolator = models(job.evaluation)
    row = link.table.index(job.point.mcs) if job.point.mcs else None
    settings = SimulationSettings(
        link=link, snr_db=(job.point.snr_db,), channel=job.point.channel, seed=seed, mcs=row, metrics=False
    )
    viewer = Viewer(job)
    with viewer:
        flowgraph = simulation(
            job.clip.path,
            None,
            settings,
            tokenizer,
            interpolator,
            on_frame=lambda index, frame: viewer.add(frame),
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
    columns = viewer.result() | {
        "setting": f"{link.codec_name}, S={link.stride}",
        "cbr_sent": statistics["cbr_total"],
        "symbols": round(statistics["symbols_mean"] * statistics["blocks"]),
        "bler": statistics["bler"],
        "blocks": statistics["blocks"],
        # a key frame's symbols last S frames, and the S - 1 frames before it wait for it
        "delay_s": (2 * link.stride - 1) / job.clip.fps,
        "bits_capacity": sum(link.payload_bits[decoded.mcs] for _, decoded in blocks),
        **{name: statistics[name] for name in wanted},
        "stage_ms_per_frame": {
            name: 1e3 * seconds / statistics["frames"]
            for name, seconds in flowgraph.statistics.stage_seconds().items()
        },
    }
    if job.point.keep_video:
        columns["series_blocks"] = {
            "prefix": [packed.prefix for packed, _ in blocks],
            "updates": [packed.updates for packed, _ in blocks],
            "arrived": [decoded.crc_ok for _, decoded in blocks],
        }
    return columns
