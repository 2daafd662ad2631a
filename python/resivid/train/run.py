# SPDX-License-Identifier: GPL-3.0-or-later
"""State of any training run and its step: networks, averaged network, optimisers, clock and random generator."""

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
from .config import to_mapping
from .discriminator import PatchDiscriminator, balanced_gradient, hinge
from .distributed import Workers
from .losses import PictureLoss
from .settings import RunSettings

ALONE = Workers(0, 1, torch.device("cpu"))
_WARM_UP = 200  # steps to the full learning rate
_LARGEST_NORM = 1.0  # of the gradient
_CRITIC_AHEAD = (
    150  # steps in which the discriminator learns before anyone heeds it: its first gradients are noise
)
Batch = tuple[torch.Tensor, ...]  # what the network takes, and last the pictures that it should give


class Run:
    """One training run; a checkpoint holds all of it. Each kind of network has its own subclass.

    Args:
        settings: of the run.
        network: to train, on the CPU; every run of the same settings must begin with the same one.
        workers: this process among those of the run.
    """

    WEIGHTS = ""  # file name of the exported weights

    def __init__(self, settings: RunSettings, network: torch.nn.Module, workers: Workers = ALONE):
        self.settings, self.workers, self.device = settings, workers, workers.device
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
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
        self.critic_steps = 0
        self.history: list[dict] = []

    def export(self, path: Path) -> None:
        """The averaged network as a weight file."""
        raise NotImplementedError

    def leave(self) -> None:
        """No more steps: lets go of what the processes share."""
        self._forward = self.network
        if self.discriminator is not None:
            self._judge = self.discriminator

    def notes(self) -> dict[str, str]:
        """What a weight file says of its run; of a path only its last name, for such files are handed on."""
        given = vars(self.settings)
        named = {key: given[key].name for key in given if isinstance(given[key], Path)}
        settings = json.dumps({**to_mapping(self.settings), **named})
        return {"training": settings, "steps": str(self.step), "seconds": f"{self.seconds:.0f}"}

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        return self.settings.progress(self.step, self.seconds)

    @property
    def rate(self) -> float:
        """Learning rate of the next step: a short rise, then half a cosine down to zero."""
        rise = min(1, (self.step + 1) / _WARM_UP)
        return self.settings.rate * rise * 0.5 * (1 + math.cos(math.pi * self.progress))

    def train_step(self, batch: Batch, loss: PictureLoss) -> dict[str, torch.Tensor]:
        """One step of the optimiser; returns the loss terms."""
        *inputs, target = batch
        rate, progress = self.rate, self.progress
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        critic_learns = self.discriminator is not None and progress >= self.settings.losses.adversarial_from
        judged = self.critic_steps >= _CRITIC_AHEAD
        with self._precision():
            output = self._forward(*inputs)
            terms = loss(output, target, self.rng)
            if judged:
                terms["adversarial"] = self._adversarial(output)
        self.optimiser.zero_grad(set_to_none=True)
        if judged:
            strength = self.settings.losses.adversarial
            output.backward(balanced_gradient(output, terms["loss"], terms["adversarial"], strength))
        else:
            terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)
        self.optimiser.step()
        if critic_learns:
            terms["discriminator"] = self._train_discriminator(output.detach(), target)
        self.step += 1
        self._follow()
        return {name: term.detach() for name, term in terms.items()}

    def _precision(self) -> AbstractContextManager:
        if self.settings.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _adversarial(self, output: torch.Tensor) -> torch.Tensor:
        """What the discriminator finds wrong with the made pictures; the smaller, the more real they look."""
        assert self.discriminator is not None
        self.discriminator.requires_grad_(False)
        return -self.discriminator(output).float().mean()

    def _train_discriminator(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        assert self.discriminator is not None
        self.discriminator.requires_grad_(True)
        with self._precision():
            scores = self._judge(torch.cat([real, made.to(real.dtype)])).float()
            doubt = hinge(scores[: len(real)], scores[len(real) :])
        self.critic.zero_grad(set_to_none=True)
        doubt.backward()
        self.critic.step()
        self.critic_steps += 1
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
        state = self.more_state() | {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "generators": json.dumps(generators),
            "history": json.dumps(self.history),
        }
        if self.discriminator is not None:
            state |= {
                "discriminator": self.discriminator.state_dict(),
                "critic": self.critic.state_dict(),
                "critic_steps": self.critic_steps,
            }
        part = path.with_name(path.name + ".part")
        torch.save(state, part)
        part.replace(path)

    def more_state(self) -> dict[str, Any]:
        """What a checkpoint of this kind of run holds beside the common parts."""
        return {}

    def restore(self, state: dict[str, Any], path: Path) -> None:
        """Go on from what `read_checkpoint` gave of `path`.

        Raises:
            SettingsError: its network has other widths or blocks.
        """
        fill_network(self.network, state["network"], str(path))
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.best, self.history = state.get("best", math.inf), json.loads(state["history"])
        if self.discriminator is not None and "discriminator" in state:
            self.discriminator.load_state_dict(state["discriminator"])
            self.critic.load_state_dict(state["critic"])
            self.critic_steps = state.get("critic_steps", _CRITIC_AHEAD)
        generators = json.loads(state.get("generators", "[]"))
        if len(generators) == self.workers.world:
            self.rng.bit_generator.state = generators[self.workers.rank]
        else:  # another number of processes
            self.rng = np.random.default_rng([self.settings.seed, self.workers.rank, self.step])


def read_checkpoint(path: Path, kind: str, *more: str) -> dict[str, Any]:
    """What a run saved.

    Args:
        kind: of the run, for messages.
        more: names of `Run.more_state` that must be there.
    Raises:
        FormatError: no checkpoint of such a run.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises pickle, zip, EOF, key and runtime errors for a broken file
        raise FormatError(
            f"{path}: no readable checkpoint ({type(error).__name__}); without it the run starts anew"
        ) from error
    needed = {"network", "average", "optimiser", "step", "seconds", "history", *more}
    if not isinstance(state, dict) or not needed <= state.keys():
        raise FormatError(f"{path}: no checkpoint of the training of {kind}")
    return state


def fill_network(network: torch.nn.Module, state: dict[str, torch.Tensor], source: str) -> None:
    """Load a state into a network.

    Raises:
        SettingsError: the settings ask for another network.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise SettingsError(
            f"{source}: its network has other widths or blocks than the settings (network)"
        ) from error
