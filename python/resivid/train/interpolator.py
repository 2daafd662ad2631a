# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the interpolator `fusion`: frames between key frames that went through the closed loop."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import numpy as np
import torch

from ..models.interpolation.fusion_net import load_network
from ..models.tokenizers.multiscale import load
from ..models.weight_files import locate
from . import loop
from .check import Judge, sheet
from .distributed import Workers
from .gaps import CLEAN, DECODED, Gaps, load_gaps
from .image_files import write_png
from .interpolator_run import InterpolatorRun
from .run import ALONE, Batch
from .settings import InterpolatorTraining

LOG = logging.getLogger(__name__)
SHEET_ROWS = 6


class GapChecker:
    """See `loop.Checker`: the middle of the frames kept of each held-out gap, as the weights would make it."""

    ROWS = "input"

    def __init__(self, held_out: Gaps, device: torch.device):
        self._gaps, self._judge = held_out, Judge(device)

    def __call__(self, run: InterpolatorRun, sheets: Path | None = None) -> dict:
        from ..models.interpolation.fusion import FusionInterpolator

        model = FusionInterpolator(copy.deepcopy(run.average), device=str(run.device))
        inside = self._gaps.times.shape[1] // 2
        wanted = _pictures(self._gaps.targets[:, inside])
        quality, columns = {}, [wanted]
        for kind, name in enumerate((DECODED, CLEAN)):
            ends = _pictures(self._gaps.pictures[:, kind])
            made = np.stack(
                [
                    model.between(first, last, [float(time)])[0]
                    for (first, last), time in zip(ends, self._gaps.times[:, inside], strict=True)
                ]
            )
            quality[name] = self._judge.measure(made, wanted)
            columns += [ends[:, 0], made, ends[:, 1]]
        if sheets is not None:
            sheets.mkdir(exist_ok=True)
            picture = sheet([column[:SHEET_ROWS] for column in columns])
            write_png(sheets / f"step{run.step:07d}_original_decoded_clean.png", picture)
        return {"held_out": quality, "codebooks": {}}

    def score(self, check: dict) -> float:
        """LPIPS-Squeeze between decoded key frames, or the negative PSNR."""
        return self._judge.score(check["held_out"][DECODED])


def _pictures(planes: torch.Tensor) -> np.ndarray:
    """uint8 (..., 3, H, W) to (..., H, W, 3)."""
    return np.ascontiguousarray(planes.movedim(-3, -1).cpu().numpy())


class GapFeed:
    """See `loop.Feed`."""

    def __init__(self, gaps: Gaps, run: InterpolatorRun):
        self._gaps, self._run = gaps.to(run.device), run

    def refresh(self) -> None:
        """Gaps are made once."""

    def batch(self) -> Batch:
        """See `loop.Feed`: one batch of gaps."""
        return self._run.batch(self._gaps)


class InterpolatorTask:
    """See `loop.Task`."""

    def __init__(self, settings: InterpolatorTraining):
        self.settings = settings

    def load(self) -> None:
        """See `loop.Task.load`."""
        LOG.info("key frames through the closed loop, some minutes")
        tokenizer = load(locate("multiscale.safetensors", self.settings.tokenizer))
        self._gaps, self._held_out = load_gaps(self.settings, tokenizer)

    def begin(self, device: torch.device) -> InterpolatorRun:
        """See `loop.Task.begin`."""
        start = self.settings.start
        return InterpolatorRun(self.settings, ALONE, load_network(start) if start is not None else None)

    def resume(self, path: Path, crew: Workers) -> InterpolatorRun:
        """See `loop.Task.resume`."""
        return InterpolatorRun.resume(self.settings, path, crew)

    def prepare(self, run: InterpolatorRun) -> tuple[GapFeed, GapChecker]:
        """See `loop.Task.prepare`."""
        return GapFeed(self._gaps, run), GapChecker(self._held_out, run.device)


def train(
    settings: InterpolatorTraining,
    folder: Path,
    time_limit: float | None = None,
    step_limit: int | None = None,
) -> InterpolatorRun:
    """Train the interpolator; see `loop.train`."""
    return loop.train(InterpolatorTask(settings), folder, time_limit, step_limit)
