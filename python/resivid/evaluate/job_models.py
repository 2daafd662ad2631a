# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and pictures that the jobs of one worker share."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from ..errors import ResividError
from ..models.interpolation.base import Interpolator
from ..models.registry import load_interpolator, load_tokenizer
from ..models.tokenizers.base import Tokenizer
from .classical.judging import ClipSource, Judge
from .clip_score import ClipScore
from .known_originals import KnownOriginals, room
from .metrics import load_lpips
from .points import Evaluation
from .prepared_clips import PreparedClip
from .vmaf import find_ffmpeg


def one_thread() -> None:
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
def measuring() -> dict[str, str]:
    """What rows are measured with: weight files to SHA-256, and whether there is VMAF; a metric that was missing is measured
    when it is there."""
    return lpips_weights()[0] | ClipScore().weights_sha256 | {"VMAF": "" if find_ffmpeg()[1] else "libvmaf"}


@functools.cache
def lpips_weights() -> tuple[dict[str, str], str]:
    """LPIPS's weight files to SHA-256, and why it cannot be had here; "" where it can."""
    try:
        return dict(load_lpips().weights_sha256), ""
    except ResividError as error:
        return {}, str(error)


@functools.cache
def judge() -> Judge:
    """The search's judge, its network loaded once in each process."""
    return Judge()


@functools.lru_cache(maxsize=1)
def _source(clip: PreparedClip, size: int) -> ClipSource:
    return ClipSource(clip, size)


def source_of(clip: PreparedClip, evaluation: Evaluation) -> ClipSource:
    """The clip's scaled pictures; those of the last clip are kept."""
    return _source(clip, evaluation.link.size)


@functools.lru_cache(maxsize=1)
def _known(digest: str, size: int) -> KnownOriginals:
    return KnownOriginals(room())


def known_originals(clip: PreparedClip, evaluation: Evaluation) -> KnownOriginals:
    """What is known of the clip's originals; of the last clip it is kept."""
    return _known(clip.digest, evaluation.link.size)
