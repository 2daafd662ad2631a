# SPDX-License-Identifier: GPL-3.0-or-later
"""Random films for the closed loop: clips, and photographs that a camera moves over; several processes if wanted."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from ..codec.registry import load_codec
from ..errors import MissingPackageError
from ..models.tokenizers.moving_state import Leak, reduce_frame, target_of
from .image_files import has_opencv

FILM_LENGTH = 6  # key frames of a film made from a photograph
CLIP_SHARE = 0.4  # of the films are clips, which have more key frames
STRIDES = (1, 2, 3)  # clip frames from one key frame to the next
R = TypeVar("R")
Work = Callable[[list[torch.Tensor], "Job"], R]


def film(
    picture: np.ndarray, rng: np.random.Generator, length: int = FILM_LENGTH, side: int = 256
) -> np.ndarray:
    """A camera that drifts and zooms over a photograph, uint8 (length, side, side, 3).

    Args:
        picture: uint8 (H, W, 3), at least `side` pixels a side.
    """
    import cv2

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


class Pictures(Protocol):
    """A list of uint8 (H, W, 3) pictures, or a `PictureBank`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...


@dataclass
class Job:
    """What one film is made from.

    Attributes:
        source: a clip's key frames, uint8 (n, 256, 256, 3), or a photograph, uint8 (H, W, 3).
        rng: for the film and for what is done with it.
    """

    source: np.ndarray
    rng: np.random.Generator

    def key_frames(self) -> np.ndarray:
        """uint8 (n, 256, 256, 3), mirrored half of the time."""
        frames = self.source if self.source.ndim == 4 else film(self.source, self.rng)
        return frames[:, :, ::-1] if self.rng.random() < 0.5 else frames


class Films:
    """Random films of clips and photographs.

    Args:
        clips: uint8 (n, 256, 256, 3) each.
        photographs: uint8 (H, W, 3) each.
        seed: of all films; a film depends on it and on its number alone.
    """

    def __init__(self, clips: Sequence[np.ndarray], photographs: Pictures, seed: Sequence[int]):
        if not has_opencv():
            raise MissingPackageError(
                "states of the closed loop need OpenCV: prepare them elsewhere (`resivid train prepare --states`) "
                "or set loop_share: 0"
            )
        self._clips, self._photographs, self._seed = clips, photographs, list(seed)

    def job(self, number: int) -> Job:
        """Film `number`."""
        rng = np.random.default_rng([*self._seed, number])
        if len(self._clips) and (not len(self._photographs) or rng.random() < CLIP_SHARE):
            source = self._clips[rng.integers(len(self._clips))][:: int(rng.choice(STRIDES))]
        else:
            source = self._photographs[rng.integers(len(self._photographs))]
        return Job(source, rng)


def reduced(frame: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """A key frame as the closed loop sees it: uint8 (SIDE, SIDE, 3) RGB, and YCC (3, SIDE, SIDE)."""
    picture = reduce_frame(frame)
    return picture, target_of(picture)


def make_planner(codebooks: list[torch.Tensor]) -> Any:
    """What chooses the updates of the closed loop; needs OpenCV."""
    module: Any = load_codec("closed_loop")
    return module.make_planner(codebooks)


def leak_of_refresh(index: int, gop: int) -> Leak | None:
    """What leaks before key frame `index` with `--memory refresh` and `gop` key frames a GOP; needs OpenCV."""
    module: Any = load_codec("closed_loop")
    return module.leak_before(index, module.make_settings(stride=1, gop=gop, memory="refresh"))


def in_order(
    films: Films, work: Work[R], codebooks: list[torch.Tensor], workers: int
) -> Generator[R, None, None]:
    """What `work` makes of films 0, 1, 2 and on without end, in that order for any number of processes.

    Args:
        work: a function of a module: (codebooks, job) to anything.
        workers: processes of one thread each; with fewer than two this one does it.
    """
    numbers = itertools.count()
    if workers < 2:
        yield from (work(codebooks, films.job(number)) for number in numbers)
    # not forked: OpenMP and CUDA do not outlive a fork
    plain = [book.numpy() for book in codebooks]
    with multiprocessing.get_context("spawn").Pool(workers, _start, (plain, work)) as pool:
        while True:
            jobs = [films.job(number) for number in itertools.islice(numbers, 4 * workers)]
            yield from pool.imap(_film, jobs)


_WORK: Callable[[Job], Any] | None = None  # of a child process


def _start(codebooks: list[np.ndarray], work: Work[Any]) -> None:
    global _WORK
    torch.set_num_threads(1)
    _WORK = functools.partial(work, [torch.from_numpy(book) for book in codebooks])


def _film(job: Job) -> Any:
    assert _WORK is not None
    return _WORK(job)
