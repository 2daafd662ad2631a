# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the multi-scale tokenizer: codebooks by k-means, then the decoder on random prefixes.

Zero-out training (section III-C1): each picture of a batch loses its tail, so one decoder serves every
prefix. The run stops by wall-clock time and goes on where it stopped.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..models.tokenizers.moving_state import GRIDS, SIDE
from ..models.tokenizers.multiscale import (
    HYSTERESIS,
    MultiscaleTokenizer,
    load,
    prefix_pyramid,
    save,
    state_of_tokens,
)
from ..models.tokenizers.pyramid import resize, to_ycc
from ..models.tokenizers.refiner import Refiner, RefinerConfig
from .codebooks import fit_codebooks
from .data import centre_squares, load_clips, load_pictures, random_squares
from .loop_states import LoopStates, make_states
from .losses import PictureLoss
from .states import crop_states, random_prefixes, stale_states

LOG = logging.getLogger(__name__)
CHECK_PREFIXES = (16, 41, 82, 149, 277, 405)


@dataclass(frozen=True)
class TokenizerTraining:
    """Settings of a run.

    Attributes:
        minutes: length of the whole run, over all resumptions; the learning rate ends at zero with it.
        batch: crops a step.
        crop: side of a crop in pixels, a multiple of 16; 256 trains on whole pictures.
        rate: highest learning rate (AdamW).
        shift_px: camera movement between two key frames, standard deviation in pixels and axis.
        stale_share: share of training states that still hold old tokens beyond the new prefix.
        clip_step: every n-th frame of the training clips joins the pictures.
        loop_share: share of a batch that are states of the closed loop; the rest are prefixes of one picture.
        loop_states: how many of them are made before training.
    """

    minutes: float = 60.0
    batch: int = 32
    crop: int = 128
    rate: float = 5e-4
    shift_px: float = 6.0
    stale_share: float = 0.4
    clip_step: int = 12
    loop_share: float = 0.6
    loop_states: int = 4000
    seed: int = 0
    check_every_s: float = 600.0
    network: RefinerConfig = field(default_factory=RefinerConfig)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """uint8 (n, H, W, 3) to float (n, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def fresh_codebooks(pictures: list[np.ndarray], count: int, seed: int) -> list[torch.Tensor]:
    """k-means codebooks of `count` random windows, one for each of GRIDS."""

    def batches() -> list[torch.Tensor]:
        rng = np.random.default_rng(seed)
        return [
            resize(to_ycc(to_tensor(random_squares(pictures, 64, rng)[0])), SIDE) for _ in range(count // 64)
        ]

    return fit_codebooks(list(GRIDS), batches, SIDE, seed=seed)


class Run:
    """One training run: its network, averaged network, optimiser and clock; a checkpoint holds them all."""

    def __init__(
        self,
        settings: TokenizerTraining,
        codebooks: list[torch.Tensor],
        device: str = "cpu",
        start: Refiner | None = None,
    ):
        torch.manual_seed(settings.seed)
        self.settings, self.codebooks, self.device = settings, codebooks, torch.device(device)
        self.pyramid = prefix_pyramid(codebooks)
        self.loop_states = LoopStates()
        self.network = Refiner(settings.network)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.network = self.network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.step, self.seconds = 0, 0.0
        self.history: list[dict] = []

    def batch(self, pictures: list[np.ndarray], rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """State pictures, freshness maps and targets of one step."""
        s = self.settings
        looped = round(s.loop_share * s.batch) if len(self.loop_states) else 0
        now, before = random_squares(pictures, s.batch - looped, rng, shift_px=s.shift_px)
        target = to_tensor(now)
        old = self.pyramid.encode(to_ycc(to_tensor(before)))
        tokens = self.pyramid.encode(to_ycc(target), old, HYSTERESIS)
        tokens = random_prefixes(stale_states(tokens, old, s.stale_share, rng), rng)
        parts = [(*state_of_tokens(self.pyramid, tokens), target)]
        if looped:
            parts.append(self.loop_states.sample(looped, rng))
        ycc, freshness, target = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return crop_states(ycc, freshness, target, s.crop, rng)

    def train_step(self, batch: tuple[torch.Tensor, ...], loss: PictureLoss) -> dict[str, float]:
        """One step of the optimiser; returns the loss terms."""
        ycc, freshness, target = (t.to(self.device) for t in batch)
        progress = min(1.0, self.seconds / (60 * self.settings.minutes))
        rate = self.settings.rate * min(1, (self.step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16):
            terms = loss(self.network(ycc, freshness), target)
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(0.999, self.step / (self.step + 50))
        for a, p in zip(self.average.parameters(), self.network.parameters(), strict=True):
            a.lerp_(p.detach(), 1 - decay)
        return {k: float(v.detach()) for k, v in terms.items()}

    def save_checkpoint(self, path: Path) -> None:
        """Everything that resuming needs, written under a temporary name first."""
        part = path.with_name(path.name + ".part")
        torch.save(
            {
                "codebooks": self.codebooks,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "history": json.dumps(self.history),
            },
            part,
        )
        part.replace(path)

    @classmethod
    def resume(cls, settings: TokenizerTraining, path: Path, device: str = "cpu") -> Run:
        """Go on from a checkpoint."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        run = cls(settings, state["codebooks"], device)
        run.network.load_state_dict(state["network"])
        run.average.load_state_dict(state["average"])
        run.optimiser.load_state_dict(state["optimiser"])
        run.step, run.seconds = state["step"], state["seconds"]
        run.history = json.loads(state["history"])
        return run

    def export(self, path: Path) -> None:
        """The averaged network and the codebooks as a weight file of the tokenizer."""
        settings = json.dumps(asdict(self.settings))
        save(path, self.codebooks, self.average, {"training": settings, "steps": str(self.step)})

    def check(self, held_out: np.ndarray, loss: PictureLoss) -> dict[str, dict[str, float]]:
        """PSNR and LPIPS-Squeeze on held-out pictures for each prefix length."""
        tokenizer = MultiscaleTokenizer(self.codebooks, copy.deepcopy(self.average))
        tokens, truth, result = tokenizer.encode(held_out), to_tensor(held_out), {}
        for length in CHECK_PREFIXES:
            got = to_tensor(tokenizer.decode(tokens[:, :length]))
            mse = (got - truth).square().mean((1, 2, 3))
            with torch.no_grad():
                lpips = loss.lpips(got, truth).mean()
            result[str(length)] = {
                "psnr_db": round(float((-10 * mse.log10()).mean()), 3),
                "lpips_squeeze": round(float(lpips), 4),
            }
        return result


def prepare(
    settings: TokenizerTraining, data: Path, limit: int | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Training pictures (clips' frames among them) and held-out squares."""
    pictures = load_pictures(data, limit)
    train = pictures.train
    for clip in load_clips(data, settings.clip_step, limit=limit):
        train.extend(clip)
    LOG.info("%d training pictures with the clips' frames", len(train))
    return train, centre_squares(pictures.held_out[:64] or train[:16])


def train(
    settings: TokenizerTraining,
    data: Path,
    folder: Path,
    device: str = "cpu",
    limit: int | None = None,
    start: Path | None = None,
) -> Run:
    """Train for `settings.minutes`, resuming from `folder` when a checkpoint is there.

    Args:
        data: folder with train_pictures/ and train_clips/.
        folder: checkpoint, log and the exported weights go here.
        limit: use at most so many pictures and clips: a trial.
        start: weight file whose codebooks and network the run starts from; not read when it is resumed.
    Returns:
        the run; its weights stand in `folder`/multiscale.safetensors.
    """
    loss = PictureLoss()  # first, because its weights may be missing
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, weights = folder / "checkpoint.pt", folder / "multiscale.safetensors"
    LOG.info("loading the pictures")
    pictures, held_out = prepare(settings, data, limit)
    if checkpoint.is_file():
        run = Run.resume(settings, checkpoint, device)
        LOG.info("resumed at step %d, %.0f s", run.step, run.seconds)
    elif start is not None:
        tokenizer = load(start)
        run = Run(settings, tokenizer.codebooks, device, tokenizer.network.float())
    else:
        LOG.info("k-means codebooks, some minutes")
        count = min(6144, max(64, 2 * len(pictures) // 64 * 64))
        run = Run(settings, fresh_codebooks(pictures, count, settings.seed), device)
    if settings.loop_share > 0:
        LOG.info("making %d states of the closed loop, some minutes", settings.loop_states)
        maker = MultiscaleTokenizer(run.codebooks, Refiner(settings.network))
        run.loop_states = make_states(
            maker,
            load_clips(data, 4, limit=limit),
            pictures,
            settings.loop_states if limit is None else min(settings.loop_states, 4 * limit),
            np.random.default_rng([settings.seed, run.step]),
        )
    loss.to(run.device)
    try:
        _loop(run, pictures, held_out, loss, checkpoint, weights)
    finally:
        run.save_checkpoint(checkpoint)
        run.export(weights)
    return run


def _loop(
    run: Run,
    pictures: list[np.ndarray],
    held_out: np.ndarray,
    loss: PictureLoss,
    checkpoint: Path,
    weights: Path,
) -> None:
    """Steps until the time is up; checks, saves and exports every `check_every_s`."""
    total = 60 * run.settings.minutes
    rng = np.random.default_rng([run.settings.seed, run.step])
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    mean: dict[str, float] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=total, completed=int(run.seconds))
        last_check = run.seconds
        while run.seconds < total:
            start = time.monotonic()
            terms = run.train_step(run.batch(pictures, rng), loss)
            run.seconds += time.monotonic() - start
            mean = {k: 0.99 * mean.get(k, v) + 0.01 * v for k, v in terms.items()}
            shown = " ".join(f"{k} {v:.4f}" for k, v in mean.items())
            bar.update(task, completed=run.seconds, description=f"step {run.step} {shown}")
            if run.seconds - last_check >= run.settings.check_every_s or run.seconds >= total:
                last_check = run.seconds
                entry = {"step": run.step, "seconds": round(run.seconds), **mean}
                run.history.append({**entry, "held_out": run.check(held_out, loss)})
                LOG.info("%s", json.dumps(run.history[-1]))
                run.save_checkpoint(checkpoint)
                run.export(weights)
