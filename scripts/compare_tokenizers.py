#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two tokenizers from nothing at equal cost: scripts/compare_tokenizers.py DATA OUT [MINUTES [PICTURES [titok|multiscale]]]

`titok` (a small one) and `multiscale` learn from the same pictures with the same losses for the same processor time,
one after the other; `resivid evaluate tokenizer` then measures OUT/titok.safetensors and OUT/multiscale.safetensors.
k-means counts, reading the data does not. Needs the installed package and the loss networks of RESIVID_WEIGHTS.
"""

from __future__ import annotations

import copy
import logging
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.models.tokenizers import titok
from gnuradio.resivid.models.tokenizers.titok_networks import Titok, TitokConfig
from gnuradio.resivid.train import data as training_data
from gnuradio.resivid.train.codebooks import NUM_CODES, kmeans, nearest
from gnuradio.resivid.train.crops import PictureBank
from gnuradio.resivid.train.losses import PictureLoss
from gnuradio.resivid.train.settings import LossWeights, TokenizerTraining
from gnuradio.resivid.train.tokenizer import fresh_codebooks
from gnuradio.resivid.train.tokenizer_run import TokenizerRun

LOG = logging.getLogger("compare_tokenizers")
LOSSES = LossWeights()
CROP = 128  # pixels along the side of what the feature losses see
LOG_STEPS = 50
# A TiTok for a small budget: linear head instead of the VQGAN decoder, which alone would take most of the time.
SMALL = TitokConfig(
    num_tokens=256,
    num_codes=NUM_CODES,
    encoder_width=192,
    encoder_layers=4,
    decoder_width=192,
    decoder_layers=6,
    head="linear",
    permute=True,
)
TITOK_BATCH, TITOK_RATE = 8, 1e-3
UNQUANTISED = 0.25  # share of the run before the codebook, which k-means then starts from the latents
CODEBOOK_LATENTS = 40_000
COMMITMENT, CODE_DECAY = 0.25, 0.99
RESTART_STEPS = 100  # a code that nobody took for so long moves to a latent of the batch


class Quantiser:
    """Codebook of unit vectors that follows the latents as a moving average; dead codes start anew."""

    def __init__(self, latents: torch.Tensor, generator: torch.Generator):
        self.codes = F.normalize(kmeans(latents, NUM_CODES, 6, generator), dim=-1)
        self._sums, self._counts = self.codes.clone(), torch.ones(NUM_CODES)
        self._age = torch.zeros(NUM_CODES, dtype=torch.int64)

    def __call__(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Nearest codes with the gradient passed straight through, and the commitment loss; (n, L, d) each."""
        flat = latents.detach().flatten(0, 1)
        index, _ = nearest(flat, self.codes)
        chosen = self.codes[index].view_as(latents)
        self._follow(flat, index)
        loss = COMMITMENT * (latents - chosen).square().sum(-1).mean()
        return latents + (chosen - latents).detach(), loss

    def _follow(self, flat: torch.Tensor, index: torch.Tensor) -> None:
        taken = torch.bincount(index, minlength=NUM_CODES)
        self._counts.lerp_(taken.float(), 1 - CODE_DECAY)
        self._sums.lerp_(torch.zeros_like(self._sums).index_add_(0, index, flat), 1 - CODE_DECAY)
        self._age = torch.where(taken > 0, 0, self._age + 1)
        dead = (self._age > RESTART_STEPS).nonzero()[:, 0]
        if len(dead):
            fresh = flat[torch.randint(len(flat), (len(dead),))]
            self._sums[dead], self._counts[dead], self._age[dead] = fresh, 1.0, 0
        self.codes = F.normalize(self._sums, dim=-1)


def train_titok(bank: PictureBank, loss: PictureLoss, seconds: float, path: Path) -> None:
    """TiTok with tail drop (One-D-Piece): without quantisation at first, then with a codebook from k-means."""
    start = time.process_time()
    torch.manual_seed(0)
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    network = Titok(SMALL)
    network.decoder.conv_out.bias.data.fill_(0.5)  # grey
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), lr=TITOK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    quantiser: Quantiser | None = None
    step, sums = 0, np.zeros(2)
    while (share := (time.process_time() - start) / seconds) < 1:
        if quantiser is None and share >= UNQUANTISED:
            quantiser = Quantiser(_latents(network, bank, rng), generator)
            share = (time.process_time() - start) / seconds
        rate = TITOK_RATE * min(1, (step + 1) / 200) * 0.5 * (1 + np.cos(np.pi * min(share, 1)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        target = bank.squares(TITOK_BATCH, rng)[0].float() / 255
        with torch.autocast("cpu", torch.bfloat16):
            vectors, commitment = network.latents(target), torch.zeros(())
            if quantiser is not None:
                vectors, commitment = quantiser(vectors)
            out = network.pictures(vectors[:, : int(rng.integers(1, SMALL.num_tokens + 1))]).float()
            y, x = (int(v) for v in rng.integers(0, SMALL.size - CROP + 1, 2))
            window = (..., slice(y, y + CROP), slice(x, x + CROP))
            pixels = (out - target).abs().mean()
            total = LOSSES.l1 * pixels + loss(out[window], target[window])["loss"] + commitment
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            for a, p in zip(average.parameters(), network.parameters(), strict=True):
                a.lerp_(p, 1 - min(0.999, step / (step + 50)))
        sums += float(total.detach()), float(pixels.detach())
        if step % LOG_STEPS == 0:
            LOG.info("titok step %d, %.0f%%: loss %.3f, l1 %.4f", step, 100 * share, *(sums / LOG_STEPS))
            sums[:] = 0
    assert quantiser is not None
    average.quantize.embedding.weight.data.copy_(quantiser.codes)
    titok.save(path, average)
    LOG.info("titok: %d steps of %d pictures", step, TITOK_BATCH)


@torch.no_grad()
def _latents(network: Titok, bank: PictureBank, rng: np.random.Generator) -> torch.Tensor:
    """What the encoder makes of random windows: (CODEBOOK_LATENTS, code_dim)."""
    count = -(-CODEBOOK_LATENTS // (SMALL.num_tokens * TITOK_BATCH))
    with torch.autocast("cpu", torch.bfloat16):
        parts = [network.latents(bank.squares(TITOK_BATCH, rng)[0].float() / 255) for _ in range(count)]
    return torch.cat(parts).flatten(0, 1)


def train_multiscale(bank: PictureBank, loss: PictureLoss, seconds: float, path: Path) -> None:
    """The tokenizer `multiscale` as `resivid train tokenizer` trains it, on prefixes alone."""
    start = time.process_time()
    settings = TokenizerTraining(minutes=seconds / 60, losses=LOSSES, crop=CROP, loop_share=0.0)
    count = min(settings.codebook_pictures, max(64, 2 * len(bank) // 64 * 64))
    run = TokenizerRun(settings, fresh_codebooks(bank, count, settings.seed))
    LOG.info("multiscale: codebooks after %.0f s", time.process_time() - start)
    while run.progress < 1:
        terms = run.train_step(run.batch(bank), loss)
        run.seconds = time.process_time() - start
        if run.step % LOG_STEPS == 0:
            LOG.info("multiscale step %d, %.0f%%: loss %.3f", run.step, 100 * run.progress, terms["loss"])
    run.export(path)
    LOG.info("multiscale: %d steps of %d crops of %d pixels", run.step, settings.batch, CROP)


def main() -> int:
    """Train both; 2 for wrong use, 1 where data or loss networks are missing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    kinds = {"titok": train_titok, "multiscale": train_multiscale}
    words = sys.argv[1:]
    numbers = all(word.isdecimal() and int(word) for word in words[2:4])
    if not 2 <= len(words) <= 5 or not numbers or not kinds.keys() >= set(words[4:]):
        print(
            "use: scripts/compare_tokenizers.py DATA OUT [MINUTES [PICTURES [titok|multiscale]]]",
            file=sys.stderr,
        )
        return 2
    minutes, pictures = (*map(int, words[2:4]), *(25, 4000)[len(words[2:4]) :])
    names = words[4:] or list(kinds)
    out = Path(words[1])
    try:
        unquantised = LossWeights(l1=0, vgg=LOSSES.vgg, lpips=LOSSES.lpips)
        losses = {"titok": PictureLoss(unquantised), "multiscale": PictureLoss(LOSSES)}
        loaded = training_data.load(Path(words[0]), pictures)
        bank = PictureBank(loaded.training_pictures(TokenizerTraining().clip_step))
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            kinds[name](bank, losses[name], 60.0 * minutes, out / f"{name}.safetensors")
    except ResividError as error:
        print(f"compare_tokenizers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
