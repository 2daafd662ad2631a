# SPDX-License-Identifier: GPL-3.0-or-later
"""For each clip and bit budget: the classical setting of the best LPIPS, and that of the best PSNR."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ResividError
from ...link.statistics import write_text_atomically
from ...models.interpolation.base import Interpolator
from ...video.reader import _import_av
from ..metrics import load_lpips, lpips, psnr_db
from ..prepared_clips import PreparedClip
from .encoder import AccessUnit, encode, scaled, total_bits
from .receiver import decode
from .settings import ClassicalSetting

JUDGE_EVERY = 6  # frames; what is reported is measured on all of them
CACHE_VERSION = 1
BATCH = 8  # pairs of pictures in the network at a time
MOST_KEPT_BYTES = 80 << 20  # of scaled pictures in memory


@dataclass(frozen=True)
class Choice:
    """A setting at the best quality that fits a budget.

    Attributes:
        setting, quality: what to encode with.
        bits: of the stream.
        psnr_db, lpips: of every sixth frame, without losses; LPIPS is None where its weights are missing.
    """

    setting: ClassicalSetting
    quality: float
    bits: int
    psnr_db: float
    lpips: float | None


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


class Ladder:
    """Bits and quality of one clip with one setting by constant rate factor; kept in a file.

    Args:
        source: the clip.
        setting: the setting.
        interpolator: as ours.
        folder: of the cache.
        judge: picture quality; see `Judge`.
    """

    def __init__(
        self,
        source: ClipSource,
        setting: ClassicalSetting,
        interpolator: Interpolator,
        folder: Path,
        judge: Judge,
    ):
        self._source, self.setting, self._interpolator = source, setting, interpolator
        self._judge = judge
        self._path = folder / source.clip.digest[:16] / f"{setting.name}-{interpolator.name}.json"
        av = _import_av()
        head = {
            "version": CACHE_VERSION,
            "clip": source.clip.digest,
            "setting": asdict(setting),
            "encoder": f"{setting.encoder.name}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}",
            "interpolator": {interpolator.name: interpolator.weights_sha256},
            "judge": judge.name,
        }
        self._kept = self._read(head)
        self._streams: dict[str, list[AccessUnit]] = {}  # what was encoded: a fit's stream is judged next

    def encode(self, quality: float) -> list[AccessUnit]:
        """The stream at this quality."""
        name = f"{quality:g}"
        if name not in self._streams:
            pictures = self._source.pictures(self.setting.size, self.setting.every)
            self._streams[name] = encode(pictures, self.setting, quality, self._source.clip.fps)
            self._kept["bits"][name] = total_bits(self._streams[name])
        return self._streams[name]

    def bits(self, quality: float) -> int:
        """Size of the stream."""
        known = self._kept["bits"]
        if f"{quality:g}" not in known:
            self.encode(quality)
            self._save()
        return int(known[f"{quality:g}"])

    def fit(self, budget_bits: int) -> float | None:
        """The lowest constant rate factor whose stream fits, next to one whose stream does not; None when none fits.

        Closes in from what is known, at the place where the logarithm of the bits would meet the budget on a line. The answer
        is kept: where bits do not fall steadily, others fit too, and later encodings would lead to them.
        """
        kept = self._kept["fits"]
        if str(budget_bits) not in kept:
            kept[str(budget_bits)] = self._find(budget_bits)
            self._save()
        return kept[str(budget_bits)]

    def _find(self, budget_bits: int) -> float | None:
        encoder = self.setting.encoder
        top = round((encoder.worst - encoder.best) / encoder.step)

        def quality(rung: int) -> float:
            return encoder.best + rung * encoder.step

        if self.bits(quality(top)) > budget_bits:
            return None
        known = {
            round((float(text) - encoder.best) / encoder.step): n for text, n in self._kept["bits"].items()
        }
        high = min(rung for rung, n in known.items() if n <= budget_bits)
        low = max((rung for rung, n in known.items() if n > budget_bits and rung < high), default=-1)
        while high - low > 1:
            if low < 0:
                doublings = math.log2(budget_bits / max(known[high], 1))
                middle = max(high - 1 - math.ceil(doublings * encoder.doubling / encoder.step), 0)
            else:
                share = math.log(known[low] / budget_bits) / math.log(known[low] / max(known[high], 1))
                middle = min(max(round(low + share * (high - low)), low + 1), high - 1)
            known[middle] = self.bits(quality(middle))
            if known[middle] <= budget_bits:
                high = middle
            else:
                low = middle
        return quality(high)

    def kept_fit(self, budget_bits: int) -> float | None:
        """What the cache says of `fit`.

        Raises:
            LookupError: it has not been searched yet.
        """
        return self._kept["fits"][str(budget_bits)]

    def kept_choice(self, budget_bits: int) -> Choice | None:
        """What the cache says of a budget: the setting's choice; None when it does not fit.

        Raises:
            LookupError: it has not been searched yet.
        """
        quality = self.kept_fit(budget_bits)
        if quality is None:
            return None
        found = self._kept["judged"][f"{quality:g}"]
        bits = self._kept["bits"][f"{quality:g}"]
        return Choice(self.setting, quality, bits, found["psnr_db"], found["lpips"])

    def choice(self, quality: float) -> Choice:
        """The setting at this quality, judged."""
        known = self._kept["judged"]
        if f"{quality:g}" not in known:
            known[f"{quality:g}"] = self._measure(self.encode(quality))
            self._save()
        found = known[f"{quality:g}"]
        return Choice(self.setting, quality, self.bits(quality), found["psnr_db"], found["lpips"])

    def _measure(self, units: Sequence[AccessUnit]) -> dict[str, float | None]:
        source = self._source
        pictures = judged_pictures(
            decode(units, self.setting, source.size),
            self.setting.every,
            JUDGE_EVERY,
            source.clip.num_frames,
            self._interpolator,
        )
        return self._judge.measure(source.judged(), pictures)

    def _read(self, head: dict[str, Any]) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if {key: kept.get(key) for key in head} == head:
                return {"fits": {}} | kept
        except (OSError, ValueError):
            pass
        return head | {"bits": {}, "judged": {}, "fits": {}}

    def _save(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResividError(f"{self._path.parent}: cannot be made ({error.strerror})") from error
        write_text_atomically(self._path, json.dumps(self._kept) + "\n")


class Judge:
    """PSNR and LPIPS-Alex of a few frames."""

    def __init__(self) -> None:
        self._network: Any = None
        try:
            self._network = load_lpips()
        except ResividError:
            pass
        self.name = "psnr" if self._network is None else "psnr, lpips-alex"

    def measure(
        self, originals: Iterable[np.ndarray], pictures: Iterable[np.ndarray]
    ) -> dict[str, float | None]:
        """Means; a few pictures at a time are in memory."""
        pairs = zip(originals, pictures, strict=True)
        psnr: list[float] = []
        distances: list[np.ndarray] = []
        while batch := list(islice(pairs, BATCH)):
            psnr += [min(psnr_db(a, b), 100.0) for a, b in batch]
            if self._network is not None:
                distances.append(lpips(self._network, *(np.stack(part) for part in zip(*batch, strict=True))))
        mean = float(np.mean(np.concatenate(distances))) if distances else None
        return {"psnr_db": float(np.mean(psnr)), "lpips": mean}


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
                yield from interpolator.between(before, picture, [(i - start) / every for i in between])
                wanted += step * len(between)
        before = picture
    if before is not None:  # the last coded picture is held
        yield from repeat(before, len(range(wanted, num_frames, step)))


def search(
    source: ClipSource,
    settings: Sequence[ClassicalSetting],
    budget_bits: int,
    interpolator: Interpolator,
    folder: Path,
    judge: Judge,
) -> list[Choice]:
    """Every setting at its best quality for the budget; those that cannot go so low are left out.

    Args:
        source: the clip.
        settings: of `candidates`.
        budget_bits: of the whole clip.
        folder: of the cache; what it holds is not done again.
    Raises:
        MissingPackageError: an encoder is not there.
    """
    found = []
    for setting in settings:
        ladder = Ladder(source, setting, interpolator, folder, judge)
        quality = ladder.fit(budget_bits)
        if quality is not None:
            found.append(ladder.choice(quality))
    return found


def best(choices: Sequence[Choice], metric: str) -> Choice:
    """The choice of the lowest LPIPS ("lpips") or the highest PSNR ("psnr_db"); without LPIPS the latter.

    Raises:
        ResividError: no setting fits the budget.
    """
    if not choices:
        raise ResividError("no classical setting fits so few bits")
    if metric == "lpips" and all(choice.lpips is not None for choice in choices):
        return min(choices, key=lambda choice: (choice.lpips, -choice.psnr_db, choice.setting.name))
    return max(choices, key=lambda choice: (choice.psnr_db, choice.setting.name))
