# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the search codes and those that it looks at, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ResividError
from ...models.interpolation.base import Interpolator
from ...models.interpolation.cuts import is_cut
from ..known_originals import KnownOriginals
from ..metrics import load_lpips, lpips_from, lpips_taps, psnr_db
from ..prepared_clips import PreparedClip
from .encoder import scaled

if TYPE_CHECKING:
    from torch import Tensor

JUDGE_EVERY = 6  # frames; what is reported is measured on all of them
BATCH = 8  # pairs of pictures in the network at a time
MOST_KEPT_BYTES = 80 << 20  # of scaled pictures in memory
MOST_FEATURE_BYTES = 160 << 20  # of originals in memory: 64 pictures of 256x256


class ClipSource:
    """A clip's pictures at any size, kept while they are small."""

    def __init__(self, clip: PreparedClip, size: int = 256):
        self.clip, self.size = clip, size
        self._kept: dict[tuple[int, int], list[np.ndarray]] = {}
        self._judged: list[np.ndarray] | None = None

    def pictures(self, size: int, every: int) -> Iterable[np.ndarray]:
        """Every n-th picture, reduced to `size`."""
        key = size, every
        if key not in self._kept:
            pictures = scaled(self.clip.frames(self.size), size, every)
            if 3 * size * size * -(-self.clip.num_frames // every) > MOST_KEPT_BYTES:
                return pictures
            self._kept = {key: list(pictures)}  # one at a time: the search goes setting by setting
        return self._kept[key]

    def judged(self) -> Iterable[np.ndarray]:
        """The originals of the frames that the search looks at."""
        if self._judged is None:
            frames = islice(self.clip.frames(self.size), 0, None, JUDGE_EVERY)
            if 3 * self.size**2 * -(-self.clip.num_frames // JUDGE_EVERY) > MOST_KEPT_BYTES:
                return frames
            self._judged = list(frames)
        return self._judged


class Judge:
    """PSNR and LPIPS-Alex of a few frames."""

    def __init__(self) -> None:
        self._network: Any = None
        self._clip: tuple[str, int] | None = None
        self._known = KnownOriginals(0)
        try:
            self._network = load_lpips()
        except ResividError:
            pass
        self.name = "psnr" if self._network is None else "psnr, lpips-alex"

    def measure(self, source: ClipSource, pictures: Iterable[np.ndarray]) -> dict[str, float | None]:
        """Means; a few pictures at a time are in memory.

        Args:
            source: whose originals they are compared with.
            pictures: as many as `source.judged()`.
        """
        pairs = zip(source.judged(), pictures, strict=True)
        psnr: list[float] = []
        distances: list[np.ndarray] = []
        for number in count():
            batch = list(islice(pairs, BATCH))
            if not batch:
                break
            psnr += [min(psnr_db(a, b), 100.0) for a, b in batch]
            if self._network is not None:
                originals, shown = (np.stack(part) for part in zip(*batch, strict=True))
                taps = self._taps_of(source, number, originals)
                distances.append(lpips_from(self._network, taps, shown))
        mean = float(np.mean(np.concatenate(distances))) if distances else None
        return {"psnr_db": float(np.mean(psnr)), "lpips": mean}

    def _taps_of(self, source: ClipSource, batch: int, originals: np.ndarray) -> Sequence[Tensor]:
        """Of a batch of originals; the first batches of the last clip are kept."""
        clip = source.clip.digest, source.size
        if clip != self._clip:
            self._clip, self._known = clip, KnownOriginals(MOST_FEATURE_BYTES)
        return self._known.get(batch, lambda: lpips_taps(self._network, originals))


def judged_pictures(
    coded: Iterable[tuple[int, np.ndarray]],
    every: int,
    step: int,
    num_frames: int,
    interpolator: Interpolator,
) -> Iterator[np.ndarray]:
    """Every n-th frame of what `watch` shows, without making the others.

    Args:
        coded: frame index and picture of all coded frames, in order, none missing.
        every: frames per coded frame.
        step: n.
        num_frames: T.
    """
    wanted, before = 0, None
    for index, picture in coded:
        between = list(range(wanted, index, step))
        if before is not None and between:
            start = index - every
            if between[0] == start:
                yield before
                between = between[1:]
                wanted += step
            if between:
                times = [(i - start) / every for i in between]
                if is_cut(before, picture):  # as `Screen` shows it
                    yield from (before if time < 0.5 else picture for time in times)
                else:
                    yield from interpolator.between(before, picture, times)
                wanted += step * len(between)
        before = picture
    if before is not None:  # the last coded picture is held
        yield from repeat(before, len(range(wanted, num_frames, step)))
