# SPDX-License-Identifier: GPL-3.0-or-later
"""A training run of the multi-scale tokenizer: codebooks, and batches of prefixes and of closed-loop states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..models.tokenizers.moving_state import GRIDS
from ..models.tokenizers.multiscale import HYSTERESIS, LEVELS, prefix_pyramid, save, state_of_tokens
from ..models.tokenizers.pyramid import to_ycc
from ..models.tokenizers.refiner import Refiner
from .codebooks import CodebookUse
from .crops import PictureBank
from .distributed import Workers
from .loop_states import LoopStates
from .run import ALONE, Batch, Run, fill_network, read_checkpoint
from .settings import TokenizerTraining
from .states import crop_states, random_prefixes, stale_states


class TokenizerRun(Run):
    """See `Run`.

    Args:
        settings: of the run.
        codebooks: float (num_codes, 48), one for each of GRIDS.
        workers: this process among those of the run.
        start: network to start from; None: a fresh one.
    """

    WEIGHTS = "multiscale.safetensors"
    settings: TokenizerTraining
    average: Refiner

    def __init__(
        self,
        settings: TokenizerTraining,
        codebooks: list[torch.Tensor],
        workers: Workers = ALONE,
        start: Refiner | None = None,
    ):
        torch.manual_seed(settings.seed)
        network = Refiner(settings.network)
        if start is not None:
            fill_network(network, start.state_dict(), "the start weights")
        super().__init__(settings, network, workers)
        self.codebooks = codebooks
        self.pyramid = prefix_pyramid([book.to(self.device) for book in codebooks])
        self.use = CodebookUse([len(book) for book in codebooks])
        self.loop_states: LoopStates | None = None
        self.loop_use: CodebookUse | None = None

    def batch(self, bank: PictureBank) -> Batch:
        """State pictures, freshness maps and targets of one step."""
        s, rng = self.settings, self.rng
        states = self.loop_states
        looped = round(s.loop_share * s.batch) if states is not None and len(states) else 0
        now, before = bank.squares(s.batch - looped, rng, shift_px=s.shift_px)
        target = now.float() / 255
        old = self.pyramid.encode(to_ycc(before.float() / 255))
        tokens = self.pyramid.encode(to_ycc(target), old, HYSTERESIS)
        self._count(tokens)
        tokens = random_prefixes(stale_states(tokens, old, s.stale_share, rng), rng)
        parts = [(*state_of_tokens(self.pyramid, tokens), target)]
        if looped and states is not None:
            parts.append(states.sample(looped, rng))
        ycc, freshness, target = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return crop_states(ycc, freshness, target, s.crop, rng)

    def _count(self, tokens: torch.Tensor) -> None:
        start = 0
        for grid in LEVELS:
            self.use.add(GRIDS.index(grid), tokens[:, start : start + grid * grid])
            start += grid * grid

    def more_state(self) -> dict[str, Any]:
        """See `Run.more_state`: the codebooks."""
        return {"codebooks": self.codebooks}

    @classmethod
    def resume(cls, settings: TokenizerTraining, path: Path, workers: Workers = ALONE) -> TokenizerRun:
        """Go on from a checkpoint.

        Raises:
            FormatError: no checkpoint of such a run.
            SettingsError: its network has other widths or blocks.
        """
        state = read_checkpoint(path, "a tokenizer", "codebooks")
        run = cls(settings, state["codebooks"], workers)
        run.restore(state, path)
        return run

    def export(self, path: Path) -> None:
        """The averaged network and the codebooks as a weight file of the tokenizer."""
        save(path, self.codebooks, self.average, self.notes())
