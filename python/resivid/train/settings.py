# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of training runs: what their YAML files may say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import SettingsError
from ..models.interpolation.fusion_net import FusionConfig
from ..models.tokenizers.refiner import RefinerConfig
from .config import setting

CONFIG, CHECKPOINT, BEST = "config.yaml", "checkpoint.pt", "best.safetensors"


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term of the loss; a term of weight 0 is not computed and its network not loaded.

    Attributes:
        l1, l2: mean absolute and mean squared error of RGB in [0, 1].
        vgg: relative L1 of small-VGG features.
        lpips: LPIPS-Squeeze.
        lpips_vgg: LPIPS-VGG of every fourth picture of a batch; VGG16 is dear on a CPU.
        adversarial: patch discriminator, hinge loss: length of its gradient at the picture in shares of that
            of all other terms; from `adversarial_from` of the run on.
        adversarial_from: share of the run.
        adversarial_rate: learning rate of the discriminator.
    """

    l1: float = setting(4.0, 0, 1e6)
    l2: float = setting(0.0, 0, 1e6)
    vgg: float = setting(0.3, 0, 1e6)
    lpips: float = setting(1.2, 0, 1e6)
    lpips_vgg: float = setting(0.0, 0, 1e6)
    adversarial: float = setting(0.0, 0, 1e6)
    adversarial_from: float = setting(2 / 3, 0, 1)
    adversarial_rate: float = setting(2e-4, 0, 1)


@dataclass(frozen=True)
class RunSettings:
    """What every run has.

    Attributes:
        data: folder of pictures, videos, tar shards or prepared shards.
        start: weight file that the run starts from.
        minutes: length of the whole run, over all resumptions; the learning rate ends at zero with it.
        steps: the same in steps of the optimiser; 0: by minutes.
        batch: crops a step and device.
        crop: side of a crop in pixels, a multiple of 16; 256 trains on whole pictures.
        rate: highest learning rate (AdamW).
        average: decay of the averaged network, which is what is exported.
        limit: use at most so many pictures and clips; 0: all.
        check_minutes: minutes between two checks on held-out pictures, with sample sheet and checkpoint.
        check_steps: the same in steps; 0: by minutes.
        check_pictures: held-out pictures of a check.
        device: torch device; "auto": a GPU when there is one.
        precision: bf16 autocast, or fp32.
        compile: torch.compile of the network.
    """

    data: Path | None = None
    start: Path | None = None
    minutes: float = setting(60.0, 1e-3, 1e7)
    steps: int = setting(0, 0, 10**9)
    batch: int = setting(32, 1, 65536)
    crop: int = setting(128, 32, 256)
    rate: float = setting(5e-4, 0, 1)
    average: float = setting(0.999, 0, 1)
    limit: int = setting(0, 0, 10**9)
    seed: int = setting(0, 0, 2**31 - 1)
    check_minutes: float = setting(10.0, 1e-3, 1e7)
    check_steps: int = setting(0, 0, 10**9)
    check_pictures: int = setting(64, 1, 4096)
    device: str = "auto"
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False
    losses: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if self.crop % 16:
            raise SettingsError(f"crop: expected a multiple of 16 pixels from 32 to 256, got {self.crop}")

    @property
    def hoarders(self) -> str:
        """Settings to lower where memory is short while loading."""
        return "limit"

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(1.0, step / self.steps if self.steps else seconds / (60 * self.minutes))


@dataclass(frozen=True)
class TokenizerTraining(RunSettings):
    """Settings of a run of the multi-scale tokenizer.

    Attributes:
        start: its network and its codebooks are taken.
        shift_px: camera movement between two key frames, standard deviation in pixels and axis.
        stale_share: share of training states that still hold old tokens beyond the new prefix.
        clip_step: every n-th frame of the training clips joins the pictures.
        loop_share: share of a batch that are states of the closed loop; the rest are prefixes of one picture.
        loop_states: how many of them are made before training.
        loop_refresh_steps: they are made anew every so many steps; 0: never.
        workers: processes that make them; 0: this one.
        codebook_pictures: random windows for k-means.
        refit_codebooks: films of the closed loop to whose residuals the codebooks are fitted again before
            training; 0: none.
    """

    shift_px: float = setting(6.0, 0, 64)
    stale_share: float = setting(0.4, 0, 1)
    clip_step: int = setting(12, 1, 10000)
    loop_share: float = setting(0.6, 0, 1)
    loop_states: int = setting(4000, 1, 10**7)
    loop_refresh_steps: int = setting(0, 0, 10**9)
    workers: int = setting(0, 0, 256)
    codebook_pictures: int = setting(6144, 64, 10**7)
    refit_codebooks: int = setting(0, 0, 10**6)
    network: RefinerConfig = field(default_factory=RefinerConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        widths, blocks = self.network.widths, self.network.blocks
        if min(widths) < 1 or max(widths) > 2048 or min(blocks) < 0 or max(blocks) > 64:
            raise SettingsError(
                f"network: expected widths from 1 to 2048 and blocks from 0 to 64, got {widths} and {blocks}"
            )

    @property
    def hoarders(self) -> str:
        """Settings to lower when memory is short, for a message."""
        return "limit or loop_states"


@dataclass(frozen=True)
class InterpolatorTraining(RunSettings):
    """Settings of a run of the interpolator `fusion`.

    Attributes:
        tokenizer: weights of the tokenizer that codes the key frames; None: those of the package.
        least_stride, most_stride: S, frames from one key frame to the next, drawn anew for each clip.
        bits: of a key frame at S = 8 and in proportion at others, times 0.6 to 2 by chance.
        gaps: pairs of key frames that are made before training.
        targets: frames between them that are kept of each.
        clean_share: share of a batch whose key frames are the clips' own.
    """

    batch: int = setting(12, 1, 65536)
    tokenizer: Path | None = None
    least_stride: int = setting(4, 2, 32)
    most_stride: int = setting(12, 2, 32)
    bits: int = setting(1067, 64, 10**6)
    gaps: int = setting(900, 1, 10**6)
    targets: int = setting(3, 1, 32)
    clean_share: float = setting(0.25, 0, 1)
    network: FusionConfig = field(default_factory=FusionConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_stride < self.least_stride:
            raise SettingsError(
                f"most_stride: expected at least least_stride ({self.least_stride}), got {self.most_stride}"
            )
        widths, blocks = self.network.widths, self.network.blocks
        if min(widths) < 1 or max(widths) > 1024 or min(blocks) < 0 or max(blocks) > 32:
            raise SettingsError(
                f"network: expected widths from 1 to 1024 and blocks from 0 to 32, got {widths} and {blocks}"
            )

    @property
    def hoarders(self) -> str:
        """Settings to lower when memory is short, for a message."""
        return "limit or gaps"
