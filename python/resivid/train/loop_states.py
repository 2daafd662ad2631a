# SPDX-License-Identifier: GPL-3.0-or-later
"""States of the closed loop as a channel leaves them: made once from clips and photographs, then trained on.

A photograph becomes a short film by a camera that moves over it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ..codec.closed_loop.encoder import ClosedLoopEncoder
from ..codec.closed_loop.settings import ClosedLoopSettings
from ..models.tokenizers.moving_state import PictureState
from ..models.tokenizers.multiscale import MultiscaleTokenizer

LOG = logging.getLogger(__name__)
BUDGETS = (300, 532, 800, 1067, 1067, 1600)  # bits a key frame
LOST = 0.02  # share of key frames that never arrive
FILM_LENGTH = 6  # key frames of a film made from a photograph


@dataclass
class LoopStates:
    """States and the pictures that they stand for.

    Attributes:
        states: uint8, `PictureState.to_bytes` of each.
        targets: uint8 (256, 256, 3) RGB each.
    """

    states: list[np.ndarray] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.states)

    def sample(self, count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """State pictures, freshness maps and targets of `count` random rows, mirrored half of the time."""
        chosen = rng.integers(len(self), size=count)
        states = [PictureState.from_bytes(self.states[i]) for i in chosen]
        ycc = torch.stack([s.ycc for s in states])
        freshness = torch.stack([s.freshness for s in states])
        target = torch.stack(
            [torch.from_numpy(self.targets[i]).permute(2, 0, 1).float() / 255 for i in chosen]
        )
        mirrored = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
        ycc, freshness, target = (torch.where(mirrored, t.flip(3), t) for t in (ycc, freshness, target))
        return ycc, freshness, target


def film(
    picture: np.ndarray, rng: np.random.Generator, length: int = FILM_LENGTH, side: int = 256
) -> np.ndarray:
    """A camera that drifts and zooms over a photograph, uint8 (length, side, side, 3).

    Args:
        picture: uint8 (H, W, 3), at least `side` pixels a side.
    """
    height, width = picture.shape[:2]
    zoom = rng.uniform(0.72, 1.0) * min(height, width) / side  # pixels of the photograph per pixel
    growth = np.exp(rng.normal(0, 0.015))
    centre = np.array([rng.uniform(0.4, 0.6) * width, rng.uniform(0.4, 0.6) * height])
    speed = rng.normal(0, 5, 2) * (rng.random() < 0.7)
    frames = np.empty((length, side, side, 3), np.uint8)
    for i in range(length):
        matrix = np.array([[zoom, 0, centre[0] - zoom * side / 2], [0, zoom, centre[1] - zoom * side / 2]])
        frames[i] = cv2.warpAffine(
            picture,
            matrix,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        centre, zoom = centre + speed * zoom, zoom * growth
        speed = speed + rng.normal(0, 1, 2)
    return frames


def walk(
    tokenizer: MultiscaleTokenizer, frames: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[int, PictureState]]:
    """Index and state after each key frame of a film, with losses and a random budget."""
    settings = ClosedLoopSettings(stride=1)
    encoder = ClosedLoopEncoder(tokenizer, settings)
    budget = int(rng.choice(BUDGETS))
    for index, frame in enumerate(frames):
        unit = encoder.analyse(frame)
        assert unit is not None
        encoder.pack(unit, budget)
        encoder.report(unit.first_frame, bool(index == 0 or rng.random() >= LOST))
        yield index, encoder.state


def make_states(
    tokenizer: MultiscaleTokenizer,
    clips: list[np.ndarray],
    photographs: list[np.ndarray],
    count: int,
    rng: np.random.Generator,
    strides: tuple[int, ...] = (1, 2, 3),
) -> LoopStates:
    """About `count` states, half from clips, half from films over photographs.

    Args:
        clips: uint8 (n, 256, 256, 3) each, every fourth frame.
        photographs: uint8 (H, W, 3) each.
        strides: clip frames from one key frame to the next.
    """
    states = LoopStates()
    while len(states) < count:
        if clips and rng.random() < 0.4:
            clip = clips[rng.integers(len(clips))]
            frames = clip[:: int(rng.choice(strides))]
        else:
            frames = film(photographs[rng.integers(len(photographs))], rng)
        if rng.random() < 0.5:
            frames = frames[:, :, ::-1]
        for index, state in walk(tokenizer, frames, rng):
            if index == 0 or rng.random() < 0.7:
                states.states.append(state.to_bytes())
                states.targets.append(np.ascontiguousarray(frames[index]))
    return states
