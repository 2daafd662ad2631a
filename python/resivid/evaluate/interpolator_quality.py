# SPDX-License-Identifier: GPL-3.0-or-later
"""How near interpolated frames come to the real ones, between clean and between received key frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingPackageError, SettingsError, WeightsError
from ..models.interpolation.base import Interpolator
from ..models.registry import INTERPOLATORS, load_interpolator
from ..version import __version__
from .clip_means import ClipQuality
from .clips import ClipFolder, bits_at, spread_evenly
from .machine import Stopwatch, machine
from .offline_link import LinkMaker
from .pages import figure, table

STRIDES = (4, 8, 12)
CLEAN, DECODED = "clean", "decoded"
_BASELINES = ("hold", "blend", "flow")  # first in the table


@dataclass(frozen=True)
class InterpolatorEvaluation:
    """What to measure.

    Attributes:
        strides: S in frames.
        gaps: gaps between key frames of each clip, spread evenly over it; 0: all of them.
        bits: payload bits of a key frame at S = 8, in proportion at other strides.
        gop: N in frames.
    """

    strides: tuple[int, ...] = STRIDES
    gaps: int = 6
    bits: int = 1067
    gop: int = 32

    def __post_init__(self) -> None:
        if not self.strides or min(self.strides) < 2:
            raise SettingsError("--strides: between key frames there are frames from stride 2 on")
        if self.gaps < 0 or self.bits < 1:
            raise SettingsError("--gaps must be at least 0 and --bits at least 1")


@dataclass(frozen=True)
class Gap:
    """Two neighbouring key frames, as sent and as received, and the S - 1 frames between them.

    Attributes:
        ends: input (CLEAN, DECODED) to both key frames.
        between: uint8 (S - 1, H, W, 3).
    """

    clip: str
    ends: dict[str, tuple[np.ndarray, np.ndarray]]
    between: np.ndarray


def default_methods() -> list[str]:
    """All of the registry, the simple ones first."""
    return [*_BASELINES, *(name for name in INTERPOLATORS if name not in _BASELINES)]


def evaluate_interpolators(
    methods: Sequence[str],
    clips: ClipFolder,
    maker: LinkMaker,
    settings: InterpolatorEvaluation = InterpolatorEvaluation(),
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> dict[str, Any]:
    """Measure interpolators on the clips of a folder.

    Args:
        methods: names of the registry, each by itself or as NAME=FILE with its weights.
        maker: of the codec whose receiver gives the decoded key frames; no block is lost.
    Returns:
        The document that `resivid evaluate interpolator` writes; a method without its weights has one row that
        says why.
    Raises:
        SettingsError: an unknown method, or clips too short for a stride.
        VideoError: a clip cannot be read.
    """
    models, rows = _load(methods)
    notes: list[str] = []
    done, total = 0, 2 * len(settings.strides) * len(models)
    for stride in settings.strides:
        gaps = [
            gap
            for clip in clips.read(maker.size)
            for gap in _gaps(clip.name, clip.frames, stride, maker, settings)
        ]
        if not gaps:
            raise SettingsError(
                f"no clip has a gap between two key frames at S = {stride}: take longer clips or more --frames"
            )
        for name, model in models.items():
            for source in (CLEAN, DECODED):
                row, notes = _measure(model, gaps, source)
                rows.append({"method": name, "stride": stride, "input": source, **row})
                done += 1
                progress(done / total, done)
    return {
        "rows": rows,
        "folder": clips.name,
        "clips": len(clips),
        "gaps": settings.gaps,
        "codec": maker.codec,
        "bits": {str(stride): bits_at(stride, settings.bits) for stride in settings.strides},
        "weights": {k: v for model in models.values() for k, v in model.weights_sha256.items()},
        "codec_weights": maker.weights,
        "machine": machine(),
        "version": __version__,
        "notes": notes,
    }


def _load(methods: Sequence[str]) -> tuple[dict[str, Interpolator], list[dict[str, Any]]]:
    """The methods that can be had, and a row for each that cannot."""
    models, missing = {}, []
    for method in methods:
        name, _, file = method.partition("=")
        try:
            models[name] = load_interpolator(name, Path(file) if file else None)
        except (WeightsError, MissingPackageError) as error:
            if file:
                raise
            nothing = dict.fromkeys(("stride", "input", "psnr_db", "lpips", "ms_per_frame"))
            missing.append({"method": name, **nothing, "missing": _reason(name, error)})
    return models, missing


def _reason(name: str, error: Exception) -> str:
    """Why a method is missing, with the option of this command that helps."""
    return str(error).replace("--interpolator-weights", f"--methods {name}=FILE")


def _gaps(
    clip: str, frames: np.ndarray, stride: int, maker: LinkMaker, settings: InterpolatorEvaluation
) -> Iterator[Gap]:
    num_gaps = (len(frames) - 1) // stride
    chosen = spread_evenly(num_gaps, settings.gaps or num_gaps) if num_gaps else []
    ends = {key for gap in chosen for key in (gap * stride, (gap + 1) * stride)}
    link = maker.link(stride, bits_at(stride, settings.bits), settings.gop)
    received = {}
    for index in range(max(ends, default=-1) + 1):
        picture = link.send(frames[index], show=index in ends)
        if picture is not None:
            received[index] = picture
    for gap in chosen:
        first, last = gap * stride, (gap + 1) * stride
        pairs = {CLEAN: (frames[first], frames[last]), DECODED: (received[first], received[last])}
        yield Gap(clip, pairs, frames[first + 1 : last])


def _measure(model: Interpolator, gaps: Sequence[Gap], source: str) -> tuple[dict[str, Any], list[str]]:
    """Quality over all frames of all gaps, each clip counting once, and run time a frame."""
    quality, watch, num_frames = ClipQuality(), Stopwatch(), 0
    if gaps:
        model.between(*gaps[0].ends[source], [0.5])  # the first call of a network is slow
    for number, gap in enumerate(gaps):
        times = [(i + 1) / (len(gap.between) + 1) for i in range(len(gap.between))]
        with watch:
            made = model.between(*gap.ends[source], times)
        num_frames += len(made)
        for original, frame in zip(gap.between, made, strict=True):
            quality.add(original, frame)
        if number + 1 == len(gaps) or gaps[number + 1].clip != gap.clip:
            quality.end_clip(gap.clip)
    times_ms = watch.ms(num_frames) or {}
    speed = {"ms_per_frame": times_ms.get("mean"), "processor_ms_per_frame": times_ms.get("processor")}
    return {**quality.result(), **speed}, quality.notes()


def text(document: dict[str, Any]) -> str:
    """The document as a Markdown table: a row for each method and stride."""
    rows = document["rows"]
    found = {(row["method"], row["stride"], row["input"]): row for row in rows}
    lines = []
    for row in rows:
        if row["input"] == CLEAN:
            decoded = found[row["method"], row["stride"], DECODED]
            lines.append(
                (
                    str(row["stride"]),
                    row["method"],
                    *(
                        cell
                        for each in (row, decoded)
                        for cell in (figure(each["psnr_db"], 2), figure(each["lpips"], 3))
                    ),
                    figure(row["processor_ms_per_frame"], 1),
                )
            )
    head = ("S", "method", "clean, dB", "LPIPS-Alex", "decoded, dB", "LPIPS-Alex", "processor ms a frame")
    missing = [f"\n{row['method']}: {row['missing']}\n" for row in rows if "missing" in row]
    return table(head, lines) + "".join(missing)
