# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of the whole chain: both ends and the channel between them, as one flowgraph."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..flowgraphs.settings import LinkSettings
from ..flowgraphs.simulate import SimulationSettings, simulation
from ..version import __version__
from ..video.reader import VideoReader
from ..video.writer import VideoWriter
from .machine import machine
from .offline_link import OfflineLink
from .pages import figure, table

REAL_TIME = 30.0  # frame/s
INCLUDED = (
    "reading and scaling the video, key-frame sampling, tokenizer, packing, CRC, LDPC, QAM, AWGN, SNR estimate, "
    "soft demapping, LDPC decoding, MCS selection, unpacking, token state, picture network, interpolation; "
    "not the writing of a file, nor metrics, nor the loading of the networks"
)


def write_moving_clip(path: Path, num_frames: int, size: int, seed: int = 0) -> None:
    """A clip to run on where there is no other: smooth coloured noise that drifts, and a square that crosses it.

    Args:
        path: *.mp4.
        size: side in pixels, even.
    Raises:
        VideoError: the file cannot be written.
    """
    import cv2

    noise = np.random.default_rng(seed).normal(0, 1, (2 * size, 2 * size, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3) + 12 * cv2.GaussianBlur(noise, (0, 0), 24)
    texture = (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    side = size // 5
    with VideoWriter(path, Fraction(30), size, size) as writer:
        for number in range(num_frames):
            left = number % size
            frame = texture[left // 2 : left // 2 + size, left : left + size].copy()
            place = (3 * number) % (size - side)
            frame[place : place + side, side : 2 * side] = (230, 60, 20)
            writer.write(frame)


def measure_pipeline(
    path: str | Path, settings: SimulationSettings, threads: int | None = None
) -> dict[str, Any]:
    """Send a video through the chain as fast as it goes.

    Args:
        path: file or URL that FFmpeg reads.
        settings: of the chain; metrics are left out whatever they say.
        threads: of each network; None: torch's own choice.
    Returns:
        The document that `resivid bench pipeline` writes.
    Raises:
        ResividError: what ended the run early.
    """
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    link = settings.link
    tokenizer, interpolator = link.load_tokenizer(), link.load_interpolator()
    flowgraph = simulation(path, None, settings, tokenizer, interpolator)
    _warm_up(path, link, tokenizer, interpolator)
    wall, cpu = time.perf_counter(), time.process_time()
    statistics = flowgraph.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    frames = statistics.frames
    return {
        "fps": frames / wall,
        "real_time_ratio": frames / wall / REAL_TIME,
        "stage_ms": statistics.stage_ms,
        "stage_ms_per_frame": {
            name: 1e3 * seconds / frames for name, seconds in flowgraph.statistics.stage_seconds().items()
        },
        "cpu_ms_per_frame": 1e3 * cpu / frames,
        "seconds": wall,
        "frames": frames,
        "key_frames": statistics.key_frames,
        "blocks_failed": statistics.blocks_failed,
        "stride": link.stride,
        "codec": link.codec_name,
        "tokenizer": link.tokenizer,
        "interpolator": link.interpolator,
        "torch_threads": torch.get_num_threads(),
        "included": INCLUDED,
        "machine": machine(),
        "weights": statistics.weights,
        "version": __version__,
        "notes": ["fps: wall clock; other work on the machine lowers it"],
    }


def _warm_up(path: str | Path, link: LinkSettings, tokenizer: Any, interpolator: Any) -> None:
    """Two key frames through a codec of its own: the first call of a network is slow."""
    encoder, decoder = link.make_encoder(tokenizer), link.make_decoder(tokenizer, interpolator)
    if encoder.units_to_plan > 1:
        return
    chain = OfflineLink(encoder, decoder, max(link.payload_bits))
    with VideoReader(path, link.size) as frames:
        for _, frame in zip(range(link.stride + 1), frames, strict=False):
            chain.send(frame)


def text(document: dict[str, Any]) -> str:
    """The document as a Markdown table."""
    per_frame = document["stage_ms_per_frame"]
    rows = [
        (name, *(figure(times[key], 2) for key in ("mean", "p95")), figure(per_frame[name], 2))
        for name, times in document["stage_ms"].items()
    ]
    rows.append(("all, processor time", "", "", figure(document["cpu_ms_per_frame"], 2)))
    head = (
        f"{document['fps']:.1f} frame/s at S={document['stride']}, {document['real_time_ratio']:.2f} of real time "
        f"at {REAL_TIME:g} frame/s; codec {document['codec']}, interpolator {document['interpolator']}, "
        f"{document['torch_threads']} threads a network\n"
    )
    return head + "\n" + table(("stage", "mean, ms a call", "p95", "ms a frame"), rows)
