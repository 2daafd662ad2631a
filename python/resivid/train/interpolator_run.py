# SPDX-License-Identifier: GPL-3.0-or-later
"""A training run of the interpolator: batches of windows between key frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..models.interpolation.fusion_net import FusionNet, save
from .distributed import Workers
from .gaps import Gaps
from .run import ALONE, Batch, Run, fill_network, read_checkpoint
from .settings import InterpolatorTraining


class InterpolatorRun(Run):
    """See `Run`.

    Args:
        settings: of the run.
        workers: this process among those of the run.
        start: network to start from; None: a fresh one.
    """

    WEIGHTS = "fusion.safetensors"
    settings: InterpolatorTraining
    average: FusionNet

    def __init__(
        self, settings: InterpolatorTraining, workers: Workers = ALONE, start: FusionNet | None = None
    ):
        torch.manual_seed(settings.seed)
        network = FusionNet(settings.network)
        if start is not None:
            fill_network(network, start.state_dict(), "the start weights")
        super().__init__(settings, network, workers)

    def batch(self, gaps: Gaps) -> Batch:
        """What `FusionNet.forward` takes, and the real frames; mirrored, upside down and backwards at times."""
        s, rng = self.settings, self.rng
        height, width = gaps.targets.shape[-2:]
        gap = rng.integers(len(gaps), size=s.batch)
        kind = (rng.random(s.batch) < s.clean_share).astype(np.int64)
        inside = rng.integers(gaps.times.shape[1], size=s.batch)
        corners = rng.integers(0, (width - s.crop + 1, height - s.crop + 1), (s.batch, 2))
        turns = rng.random((s.batch, 3)) < 0.5
        parts = [
            window(gaps, *choice, s.crop)
            for choice in zip(gap.tolist(), kind.tolist(), inside.tolist(), corners, turns, strict=True)
        ]
        return tuple(torch.stack(part) for part in zip(*parts, strict=True))

    @classmethod
    def resume(cls, settings: InterpolatorTraining, path: Path, workers: Workers = ALONE) -> InterpolatorRun:
        """Go on from a checkpoint.

        Raises:
            FormatError: no checkpoint of such a run.
            SettingsError: its network has other widths or blocks.
        """
        run = cls(settings, workers)
        run.restore(read_checkpoint(path, "an interpolator"), path)
        return run

    def export(self, path: Path) -> None:
        """The averaged network as a weight file of the interpolator."""
        save(path, self.average, self.notes())


def window(
    gaps: Gaps, gap: int, kind: int, inside: int, corner: np.ndarray, turns: np.ndarray, side: int
) -> tuple[torch.Tensor, ...]:
    """One row of a batch.

    Args:
        kind: 0 for decoded key frames, 1 for clean ones.
        inside: which of the frames between.
        corner: x and y of the window.
        turns: whether it is mirrored, upside down, backwards.
        side: of the window.
    Returns:
        first and last (4, H, W), forth and back (2, side, side), time (1, 1, 1), corner (2,), target
        (3, side, side), all float.
    """
    views = torch.cat([gaps.pictures[gap, kind].float() / 255, gaps.trusts[gap, kind, :, None].float()], 1)
    flows = gaps.flows[gap, kind].float().view(2, 2, *views.shape[2:])
    target, time = gaps.targets[gap, inside].float() / 255, gaps.times[gap, inside].view(1, 1, 1)
    for turned, axis, flow_axis in ((turns[0], -1, 0), (turns[1], -2, 1)):
        if turned:
            views, flows, target = views.flip(axis), flows.flip(axis), target.flip(axis)
            flows[:, flow_axis] = -flows[:, flow_axis]
    if turns[2]:
        views, flows, time = views.flip(0), flows.flip(0), 1 - time
    x, y = (int(v) for v in corner)
    flows, target = (part[..., y : y + side, x : x + side] for part in (flows, target))
    return (*views, *flows, time, torch.tensor([x, y], dtype=time.dtype, device=time.device), target)
