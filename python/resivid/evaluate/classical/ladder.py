# SPDX-License-Identifier: GPL-3.0-or-later
"""One setting on one clip: which quality fits which bits, and how good it is; kept in a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ResividError
from ...models.interpolation.base import Interpolator
from ...part_files import write_text_atomically
from .encoder import AccessUnit, av_version, encode, total_bits
from .judging import JUDGE_EVERY, ClipSource, Judge, judged_pictures
from .receiver import decode, enlarged
from .settings import ClassicalSetting

CACHE_VERSION = 2
UNCODED_BITS = 1 << 62  # of a stream without any loss: more than any budget
NEAR = 1.5  # times the budget: a stream of so many bits says whether its setting has a chance
Bars = tuple[tuple[str, float], ...]  # what is to be reached: names of metrics and their values

# A finer quantizer is now and then a little worse: how much a setting must be behind.
MARGINS = {"lpips": 0.01, "psnr_db": 0.2}
SIGNS = {"lpips": 1, "psnr_db": -1}  # times the value: the lower the better


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


class Ladder:
    """Bits and quality of one clip with one setting by constant rate factor.

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
        head = {
            "version": CACHE_VERSION,
            "clip": source.clip.digest,
            "setting": asdict(setting),
            "size": source.size,
            "encoder": f"{setting.encoder.name} of PyAV {av_version()}",
            "interpolator": {interpolator.name: interpolator.weights_sha256},
            "judge": judge.name,
        }
        mark = hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()[:8]
        self._path = folder / source.clip.digest[:16] / f"{setting.name}-{mark}.json"
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

    def fit(self, budget_bits: int, bars: Bars = ()) -> float | None:
        """The lowest constant rate factor whose stream fits, next to one whose stream does not; None when none fits.

        Closes in from what is known, at the place where the logarithm of the bits would meet the budget on a line. The answer
        is kept: where bits do not fall steadily, others fit too, and later encodings would lead to them.

        Args:
            budget_bits: of the whole clip.
            bars: with them it ends with None as soon as `limit` has an answer.
        """
        kept = self._kept["fits"]
        if str(budget_bits) not in kept:
            if bars and self.limit(budget_bits, bars) is None:
                self._measure_ceiling()
            if bars and self.limit(budget_bits, bars) is not None:
                return None
            found = self._find(budget_bits, bars)
            if found is None and self.limit(budget_bits, bars) is not None:
                return None
            kept[str(budget_bits)] = found
            self._save()
        return kept[str(budget_bits)]

    def limit(self, budget_bits: int, bars: Bars) -> Choice | None:
        """What is known of more bits than the budget, if it is behind the bars even so; else None.

        The judged stream of the fewest bits above the budget, or the setting's pictures before they are coded.
        """
        bits = self._kept["bits"]
        above = [name for name in self._kept["judged"] if bits[name] > budget_bits]
        known = [self._kept_choice(float(min(above, key=bits.__getitem__)))] if above else []
        if self._kept["ceiling"] is not None:
            known.append(
                Choice(self.setting, self.setting.encoder.best, UNCODED_BITS, **self._kept["ceiling"])
            )
        return next((choice for choice in known if is_behind(choice, bars)), None)

    def _find(self, budget_bits: int, bars: Bars) -> float | None:
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
            if bars and low >= 0 and known[low] <= NEAR * budget_bits:
                if is_behind(self.choice(quality(low)), bars):
                    return None
                bars = ()  # it has a chance
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

    def kept(self, budget_bits: int, bars: Bars = ()) -> tuple[Choice | None, Choice | None]:
        """What the cache says of a budget: the setting's choice, None when it does not fit or has no chance; its `limit`.

        Raises:
            LookupError: it has not been searched yet.
        """
        if str(budget_bits) not in self._kept["fits"]:
            limit = self.limit(budget_bits, bars)
            if limit is not None:
                return None, limit
        quality = self.kept_fit(budget_bits)
        return None if quality is None else self._kept_choice(quality), None

    def choice(self, quality: float) -> Choice:
        """The setting at this quality, judged."""
        known = self._kept["judged"]
        if f"{quality:g}" not in known:
            units = self.encode(quality)
            known[f"{quality:g}"] = self._measure(decode(units, self.setting, self._source.size))
            self._save()
        return self._kept_choice(quality)

    def _kept_choice(self, quality: float) -> Choice:
        found = self._kept["judged"][f"{quality:g}"]
        bits = int(self._kept["bits"][f"{quality:g}"])
        return Choice(self.setting, quality, bits, found["psnr_db"], found["lpips"])

    def _measure_ceiling(self) -> None:
        """Judge what the setting shows when nothing is lost in coding: small pictures enlarged, and those between them."""
        if self._kept["ceiling"] is None:
            every, size = self.setting.every, self._source.size
            shown = (enlarged(picture, size) for picture in self._source.pictures(self.setting.size, every))
            self._kept["ceiling"] = self._measure((every * i, picture) for i, picture in enumerate(shown))
            self._save()

    def _measure(self, coded: Iterable[tuple[int, np.ndarray]]) -> dict[str, float | None]:
        source = self._source
        pictures = judged_pictures(
            coded,
            self.setting.every,
            JUDGE_EVERY,
            source.clip.num_frames,
            self._interpolator,
        )
        return self._judge.measure(source, pictures)

    def _read(self, head: dict[str, Any]) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if {key: kept.get(key) for key in head} == head:
                return {"fits": {}, "ceiling": None} | kept
        except (OSError, ValueError):
            pass
        return head | {"bits": {}, "judged": {}, "fits": {}, "ceiling": None}

    def _save(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResividError(f"{self._path.parent}: cannot be made ({error.strerror})") from error
        write_text_atomically(self._path, json.dumps(self._kept) + "\n")


def is_behind(choice: Choice, bars: Bars) -> bool:
    """Whether a choice misses every bar by more than the metric's margin; never where there are none."""
    values = [(getattr(choice, metric), metric, bar) for metric, bar in bars]
    return bool(bars) and all(
        value is not None and SIGNS[metric] * (value - bar) > MARGINS[metric] for value, metric, bar in values
    )
