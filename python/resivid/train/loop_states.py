# SPDX-License-Identifier: GPL-3.0-or-later
"""States of the closed loop as a channel leaves them: made once from random films, then trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..models.tokenizers.moving_state import AGE_SIDE, GRIDS, SIDE, PictureState, apply
from .codebooks import CodebookUse
from .films import Films, Job, in_order, leak_of_refresh, make_planner, reduced

BUDGETS = (300, 532, 800, 1067, 1067, 1600)  # bits a key frame
LOST = 0.02  # share of key frames that never arrive
LEAKY_SHARE = 0.25  # of the films: their state leaks, as with `--memory refresh`
LEAKY_GOP = 4  # key frames of its GOP
STATE_SHAPES = {
    "ycc": ((3, SIDE, SIDE), torch.float16),
    "freshness": ((len(GRIDS), AGE_SIDE, AGE_SIDE), torch.uint8),
    "targets": ((3, 256, 256), torch.uint8),
}
Row = tuple[np.ndarray, np.ndarray, np.ndarray]  # ycc, freshness and target of one state


@dataclass
class LoopStates:
    """States and the pictures that they stand for, on one device.

    Attributes:
        ycc: half (n, 3, SIDE, SIDE), as in `PictureState`.
        freshness: uint8 (n, len(GRIDS), AGE_SIDE, AGE_SIDE), 255 is 1.
        targets: uint8 (n, 3, 256, 256) RGB.
    """

    ycc: torch.Tensor
    freshness: torch.Tensor
    targets: torch.Tensor

    @classmethod
    def of(cls, rows: Sequence[Row]) -> LoopStates:
        """States row by row, as `films` gives them."""
        return cls(*(torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)))

    @classmethod
    def joined(cls, parts: Sequence[LoopStates]) -> LoopStates:
        """All states of several sets."""
        return cls(*(torch.cat([p.tensors()[name] for p in parts]) for name in STATE_SHAPES))

    def tensors(self) -> dict[str, torch.Tensor]:
        """By name, as `STATE_SHAPES`."""
        return {name: getattr(self, name) for name in STATE_SHAPES}

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device | str) -> LoopStates:
        """The same on a device."""
        return LoopStates(*(t.to(device) for t in self.tensors().values()))

    def rows(self, chosen: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """State pictures, freshness maps and targets in [0, 1], float."""
        return (
            self.ycc[chosen].float(),
            self.freshness[chosen].float() / 255,
            self.targets[chosen].float() / 255,
        )

    def sample(self, count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`rows` of `count` random states, mirrored half of the time."""
        device = self.targets.device
        chosen = torch.from_numpy(rng.integers(len(self), size=count)).to(device)
        mirrored = torch.from_numpy(rng.random(count) < 0.5).to(device)[:, None, None, None]
        ycc, freshness, target = (torch.where(mirrored, t.flip(3), t) for t in self.rows(chosen))
        return ycc, freshness, target


@torch.inference_mode()
def walk(codebooks: list[torch.Tensor], job: Job) -> tuple[list[Row], list[np.ndarray]]:
    """The closed loop over a film: states after most key frames, with losses and a random budget.

    Returns:
        the states, and the codes that were sent of each level.
    """
    frames, rng = job.key_frames(), job.rng
    planner, state, before = make_planner(codebooks), PictureState(), None
    budget = int(rng.choice(BUDGETS))
    leaky = rng.random() < LEAKY_SHARE
    rows: list[Row] = []
    codes: list[list[np.ndarray]] = [[] for _ in GRIDS]
    for index, frame in enumerate(frames):
        now, target = reduced(frame)
        leak = leak_of_refresh(index, LEAKY_GOP) if leaky else None
        update = planner.plan(state, target, budget, now, before, leak).update
        before = now
        if index == 0 or rng.random() >= LOST:  # feedback: the transmitter knows what was lost
            state = apply(state, update, codebooks, leak)
        for level, one in zip(codes, update.levels, strict=True):
            level.append(one.values)
        if index == 0 or rng.random() < 0.7:
            rows.append(_row(state, frame))
    return rows, [np.concatenate(level) for level in codes]


def _row(state: PictureState, frame: np.ndarray) -> Row:
    freshness = (state.freshness * 255).round().byte().numpy()
    return state.ycc.half().numpy(), freshness, np.ascontiguousarray(frame.transpose(2, 0, 1))


def make_states(
    films: Films, codebooks: list[torch.Tensor], count: int, workers: int = 0, use: CodebookUse | None = None
) -> LoopStates:
    """`count` states of the closed loop over films.

    Args:
        workers: processes; with fewer than two this one does it.
        use: counts the codes that were sent.
    """
    rows: list[Row] = []
    results = in_order(films, walk, codebooks, workers)
    while len(rows) < count:
        more, codes = next(results)
        rows += more
        for level, values in enumerate(codes):
            if use is not None:
                use.add(level, torch.from_numpy(values))
    results.close()
    return LoopStates.of(rows[:count])
