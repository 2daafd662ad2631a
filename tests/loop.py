# SPDX-License-Identifier: GPL-3.0-or-later
"""A tokenizer for the closed loop without a network, small settings, and a radio that loses what it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from gnuradio.resivid.codec.closed_loop import ClosedLoopDecoder, ClosedLoopEncoder, ClosedLoopSettings
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS, PictureState
from gnuradio.resivid.models.tokenizers.pyramid import to_rgb
from toy import ToyInterpolator, ToyTokenizer


def cosine_codes() -> torch.Tensor:
    """Codes (72, 48): the six lowest cosines of a 4x4 patch, two sizes, two signs, each of three colours."""
    axis = (torch.arange(4.0) + 0.5) * np.pi / 4
    waves = torch.stack([torch.cos(i * axis) for i in range(4)])
    codes = []
    for colour in range(3):
        for u, v in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)):
            patch = torch.zeros(3, 4, 4)
            patch[colour] = torch.outer(waves[u], waves[v])
            codes += [size * patch.reshape(-1) for size in (-0.25, -0.08, 0.08, 0.25)]
    return torch.stack(codes)


class LoopTokenizer(ToyTokenizer):
    """The toy tokenizer with codebooks for the closed loop; the picture is the state itself, enlarged."""

    def __init__(self) -> None:
        super().__init__(256)
        self.codebooks = [cosine_codes() for _ in GRIDS]

    def picture(self, state: PictureState) -> np.ndarray:
        rgb = (to_rgb(state.ycc[None])[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return rgb.repeat(2, 0).repeat(2, 1)


def tokenizer(weights: Path | None, device: str) -> LoopTokenizer:
    """For the registry: `--tokenizer loop:tokenizer`."""
    return LoopTokenizer()


def ends(settings: ClosedLoopSettings) -> tuple[ClosedLoopEncoder, ClosedLoopDecoder]:
    """Encoder and decoder of one link."""
    model = LoopTokenizer()
    return ClosedLoopEncoder(model, settings), ClosedLoopDecoder(model, ToyInterpolator(), settings)


def smooth_clip(num_frames: int, seed: int = 1, drift: tuple[int, int] = (4, 2)) -> np.ndarray:
    """Blurred coloured noise that drifts (x, y) pixels a frame, uint8 (num_frames, 256, 256, 3)."""
    import cv2

    texture = np.random.default_rng(seed).integers(0, 256, (256, 256, 3)).astype(np.float32)
    texture = np.roll(cv2.GaussianBlur(np.tile(texture, (3, 3, 1)), (0, 0), 12), 0)[256:512, 256:512]
    texture = 255 * (texture - texture.min()) / np.ptp(texture)
    return np.stack(
        [np.roll(texture, (drift[1] * t, drift[0] * t), (0, 1)) for t in range(num_frames)]
    ).astype(np.uint8)


def same(a: PictureState, b: PictureState) -> bool:
    """Equal to the last bit."""
    return torch.equal(a.ycc, b.ycc) and torch.equal(a.freshness, b.freshness)


def exchange(
    encoder: ClosedLoopEncoder,
    decoder: ClosedLoopDecoder,
    frames: np.ndarray,
    lost: Sequence[bool],
    delay: int = 1,
    budget_bits: int = 500,
) -> Iterator[bool]:
    """Key frames over a link whose reports come `delay` key frames later, as in `token_packer`.

    Yields:
        after each block: whether it started from nothing. When all are yielded, all reports have come.
    """
    reports: deque[tuple[int, bool, bool]] = deque()
    for frame, is_lost in zip(frames, lost, strict=True):
        unit = encoder.analyse(frame)
        assert unit is not None
        if len(reports) == delay:
            encoder.report(*reports.popleft())
        payload = encoder.pack(unit, budget_bits)
        decoder.unpack(None if is_lost else payload)
        reports.append((unit.first_frame, not is_lost, decoder.wants_restart))
        yield payload.gop_start
    while reports:
        encoder.report(*reports.popleft())
