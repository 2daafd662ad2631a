# SPDX-License-Identifier: GPL-3.0-or-later
"""State of a training run and its step: networks, averaged network, optimisers, clock and random generator."""

from __future__ import annotations

import copy
import json
import math
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import FormatError, SettingsError
from ..models.tokenizers.moving_state import GRIDS
from ..models.tokenizers.multiscale import HYSTERESIS, LEVELS, prefix_pyramid, save, state_of_tokens
from ..models.tokenizers.pyramid import to_ycc
from ..models.tokenizers.refiner import Refiner
from .codebooks import CodebookUse
from .config import to_mapping
from .crops import PictureBank
from .discriminator import PatchDiscriminator, hinge
from .distributed import Workers
from .loop_states import LoopStates
from .losses import PictureLoss
from .settings import TokenizerTraining
from .states import crop_states, random_prefixes, stale_states

ALONE = Workers(0, 1, torch.device("cpu"))
_WARM_UP = 200  # steps to the full learning rate
_LARGEST_NORM = 1.0  # of the gradient
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # state pictures, freshness maps, targets


class Run:
    """One training run; a checkpoint holds all of it.

    Args:
        settings: of the run.
        codebooks: float (num_codes, 48), one for each of GRIDS.
        workers: this process among those of the run.
        start: network to start from; None: a fresh one.
    """

    def __init__(
        self,
        settings: TokenizerTraining,
        codebooks: list[torch.Tensor],
        workers: Workers = ALONE,
        start: Refiner | None = None,
    ):
        torch.manual_seed(settings.seed)
        self.settings, self.codebooks, self.workers = settings, codebooks, workers
        self.device = workers.device
        self.pyramid = prefix_pyramid([book.to(self.device) for book in codebooks])
        self.use = CodebookUse([len(book) for book in codebooks])
        self.loop_states: LoopStates | None = None
        self.loop_use: CodebookUse | None = None
        self.network = Refiner(settings.network)
        if start is not None:
            _fill(self.network, start.state_dict(), "the start weights")
        self.network = self.network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.discriminator = PatchDiscriminator().to(self.device) if settings.losses.adversarial else None
        if self.discriminator is not None:
            self.critic = torch.optim.AdamW(
                self.discriminator.parameters(), lr=settings.losses.adversarial_rate, betas=(0.5, 0.9)
            )
            self._judge = workers.parallel(self.discriminator)
        self._forward: Any = workers.parallel(self.network)
        if settings.compile:
            self._forward = torch.compile(self._forward)
        self.rng = np.random.default_rng([settings.seed, workers.rank])
        self.step, self.seconds, self.best = 0, 0.0, math.inf
        self.history: list[dict] = []

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        return self.settings.progress(self.step, self.seconds)

    @property
    def rate(self) -> float:
        """Learning rate of the next step: a short rise, then half a cosine down to zero."""
        rise = min(1, (self.step + 1) / _WARM_UP)
        return self.settings.rate * rise * 0.5 * (1 + math.cos(math.pi * self.progress))

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

    def train_step(self, batch: Batch, loss: PictureLoss) -> dict[str, torch.Tensor]:
        """One step of the optimiser; returns the loss terms."""
        ycc, freshness, target = batch
        rate, progress = self.rate, self.progress
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        judged = self.discriminator is not None and progress >= self.settings.losses.adversarial_from
        with self._precision():
            output = self._forward(ycc, freshness)
            terms = loss(output, target)
            if judged:
                self._add_adversarial(terms, output)
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)
        self.optimiser.step()
        if judged:
            terms["discriminator"] = self._train_discriminator(output.detach(), target)
        self.step += 1
        self._follow()
        return {name: term.detach() for name, term in terms.items()}

    def _precision(self) -> AbstractContextManager:
        if self.settings.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _add_adversarial(self, terms: dict[str, torch.Tensor], output: torch.Tensor) -> None:
        assert self.discriminator is not None
        self.discriminator.requires_grad_(False)
        terms["adversarial"] = -self.discriminator(output).float().mean()
        terms["loss"] = terms["loss"] + self.settings.losses.adversarial * terms["adversarial"]

    def _train_discriminator(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        assert self.discriminator is not None
        self.discriminator.requires_grad_(True)
        with self._precision():
            scores = self._judge(torch.cat([real, made.to(real.dtype)])).float()
            doubt = hinge(scores[: len(real)], scores[len(real) :])
        self.critic.zero_grad(set_to_none=True)
        doubt.backward()
        self.critic.step()
        return doubt.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """The averaged network moves towards the trained one."""
        decay = min(self.settings.average, self.step / (self.step + 50))
        for a, p in zip(self.average.parameters(), self.network.parameters(), strict=True):
            a.lerp_(p, 1 - decay)

    def save_checkpoint(self, path: Path) -> None:
        """Everything that resuming needs, written under a temporary name first; called by all processes."""
        generators = self.workers.gathered(self.rng.bit_generator.state)
        if not self.workers.first:
            return
        state = {
            "codebooks": self.codebooks,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "generators": json.dumps(generators),
            "history": json.dumps(self.history),
            "config": json.dumps(to_mapping(self.settings.network)),
        }
        if self.discriminator is not None:
            state |= {"discriminator": self.discriminator.state_dict(), "critic": self.critic.state_dict()}
        part = path.with_name(path.name + ".part")
        torch.save(state, part)
        part.replace(path)

    @classmethod
    def resume(cls, settings: TokenizerTraining, path: Path, workers: Workers = ALONE) -> Run:
        """Go on from a checkpoint.

        Raises:
            FormatError: no checkpoint of such a run.
            SettingsError: its network has other widths or blocks.
        """
        state = _read(path)
        run = cls(settings, state["codebooks"], workers)
        _fill(run.network, state["network"], str(path))
        run.average.load_state_dict(state["average"])
        run.optimiser.load_state_dict(state["optimiser"])
        run.step, run.seconds = state["step"], state["seconds"]
        run.best, run.history = state.get("best", math.inf), json.loads(state["history"])
        if run.discriminator is not None and "discriminator" in state:
            run.discriminator.load_state_dict(state["discriminator"])
            run.critic.load_state_dict(state["critic"])
        generators = json.loads(state.get("generators", "[]"))
        if len(generators) == workers.world:
            run.rng.bit_generator.state = generators[workers.rank]
        else:  # another number of processes
            run.rng = np.random.default_rng([settings.seed, workers.rank, run.step])
        return run

    def export(self, path: Path) -> None:
        """The averaged network and the codebooks as a weight file of the tokenizer."""
        settings = json.dumps(to_mapping(self.settings))
        notes = {"training": settings, "steps": str(self.step), "seconds": f"{self.seconds:.0f}"}
        save(path, self.codebooks, self.average, notes)


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises pickle, zip, EOF, key and runtime errors for a broken file
        raise FormatError(
            f"{path}: no readable checkpoint ({type(error).__name__}); without it the run starts anew"
        ) from error
    needed = {"codebooks", "network", "average", "optimiser", "step", "seconds", "history"}
    if not isinstance(state, dict) or not needed <= state.keys():
        raise FormatError(f"{path}: no checkpoint of a tokenizer's training")
    return state


def _fill(network: torch.nn.Module, state: dict[str, torch.Tensor], source: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise SettingsError(
            f"{source}: its network has other widths or blocks than the settings (network)"
        ) from error
