# SPDX-License-Identifier: GPL-3.0-or-later
"""What a codec's memory is worth under losses: means, recovery after a burst, a late receiver, a still scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..version import __version__
from ..video.sampler import is_key_frame
from .clip_means import METRICS, ClipQuality, mean_and_interval
from .clips import Clip, ClipFolder, bits_at
from .machine import machine
from .offline_link import LinkMaker, OfflineLink

MEMORIES = ("gop", "refresh", "feedback")
BURST = 4  # blocks lost one after the other
FOLLOWED = 12  # key frames that are looked at after a burst, and after a receiver has joined
STILL_FRAMES = 121  # 4 s at 30 frame/s and the first one
CURVE_METRICS = ("psnr_db", "lpips")


@dataclass(frozen=True)
class MemoryEvaluation:
    """What to measure.

    Attributes:
        memories: of `--memory`; a codec without this option is measured once.
        losses: share of blocks that are lost, each by itself.
        delays: feedback delays d in key frames, for the memory "feedback"; the first one holds for burst, late
            receiver and still scene.
        stride, gop: S and N in frames.
        bits: payload bits of a key frame at S = 8, in proportion at other strides.
        repeats: passes over each clip with new losses.
        seed: of the losses.
    """

    memories: tuple[str, ...] = MEMORIES
    losses: tuple[float, ...] = (0.0, 0.01, 0.05)
    delays: tuple[int, ...] = (1, 2, 3, 4)
    stride: int = 8
    gop: int = 32
    bits: int = 1067
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.memories if name not in MEMORIES]
        if unknown or not self.memories:
            raise SettingsError(f"--memories: expected some of {', '.join(MEMORIES)}, got {unknown}")
        if not self.losses or not all(0 <= loss < 1 for loss in self.losses):
            raise SettingsError(f"--losses: expected shares from 0 to below 1, got {list(self.losses)}")
        if not self.delays or min(self.delays) < 1:
            raise SettingsError(f"--delays: expected key frames from 1 on, got {list(self.delays)}")
        if self.repeats < 1 or self.bits < 1 or self.stride < 1:
            raise SettingsError("--repeats, --bits and --stride must be at least 1")


@dataclass(frozen=True)
class _Way:
    """One way to outlive losses: the memory's name, the codec's option for it, and the delay of reports."""

    memory: str
    options: dict[str, str]
    delay: int


class _Bench:
    """Runs links over clips and measures their key frames."""

    def __init__(self, maker: LinkMaker, settings: MemoryEvaluation):
        self.settings, self._maker = settings, maker
        self._bits = bits_at(settings.stride, settings.bits)

    def link(self, way: _Way) -> OfflineLink:
        return self._maker.link(self.settings.stride, self._bits, self.settings.gop, way.delay, **way.options)

    def receiver(self, way: _Way) -> Any:
        return self._maker.receiver(self.settings.stride, self.settings.gop, **way.options)

    def key_frames(self, frames: np.ndarray) -> Iterator[tuple[int, int]]:
        """Number and index of each key frame."""
        keys = (index for index in range(len(frames)) if is_key_frame(index, self.settings.stride))
        return enumerate(keys)


def evaluate_memory(
    maker: LinkMaker,
    clips: ClipFolder,
    settings: MemoryEvaluation = MemoryEvaluation(),
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> dict[str, Any]:
    """Measure key frames under losses, on the clips of a folder, without a radio.

    Args:
        maker: of the codec.
    Returns:
        The document that `resivid evaluate memory` writes.
    Raises:
        SettingsError: settings that the codec refuses.
        VideoError: a clip cannot be read.
    """
    bench = _Bench(maker, settings)
    memories = settings.memories if maker.has_memory else ("none",)
    ways = [way for name in memories for way in _ways(name, settings.delays)]
    tables = [
        _Losses(bench, way, loss) for way in ways for loss in settings.losses if _counts(way, loss, ways)
    ]
    followers = [_Follower(bench, way) for way in ways if way.delay == _first_delay(way, ways)]
    total = len(clips) * (len(tables) + len(followers))
    done = 0
    parts: list[_Losses | _Follower] = [*tables, *followers]
    for number, clip in enumerate(clips.read(maker.size)):
        for part in parts:
            part.take(number, clip)
            done += 1
            progress(done / total, done)
    return {
        "codec": maker.codec,
        "rows": [part.result() for part in tables],
        "burst": [part.burst.result() for part in followers],
        "late_receiver": [part.joined.result() for part in followers],
        "still": [part.still_result() for part in followers],
        "folder": clips.name,
        "clips": len(clips),
        "stride": settings.stride,
        "gop": settings.gop,
        "bits": bits_at(settings.stride, settings.bits),
        "burst_blocks": BURST,
        "still_seconds": (STILL_FRAMES - 1) / 30,
        "repeats": settings.repeats,
        "seed": settings.seed,
        "weights": maker.weights,
        "machine": machine(),
        "version": __version__,
        "notes": tables[0].quality.notes() + _too_short(followers[0].burst.result()["clips"], settings),
    }


def _too_short(clips: int, settings: MemoryEvaluation) -> list[str]:
    """A line where no clip was long enough for a burst and for a late receiver."""
    if clips:
        return []
    frames = (2 * max(settings.gop // settings.stride, 1) + BURST - 1 + FOLLOWED) * settings.stride + 1
    return [f"burst, late receiver: not measured, they need clips of at least {frames} frames"]


def loss_draws(count: int, seed: Sequence[int]) -> np.ndarray:
    """Numbers in [0, 1), one a block; those below the loss rate are lost.

    Equal for every memory, and what is lost at 1 % is lost at 5 % too. Stratified (one in each 1/count, in random
    order), so that count blocks lose as many as the rate says, rounded up or down: few clips must do.
    """
    generator = np.random.default_rng(list(seed))
    return (generator.permutation(count) + generator.random(count)) / count


def _ways(memory: str, delays: Sequence[int]) -> list[_Way]:
    """A memory that hears no reports does not depend on their delay."""
    options = {} if memory == "none" else {"memory": memory}
    return [_Way(memory, options, delay) for delay in (delays if memory == "feedback" else delays[:1])]


def _first_delay(way: _Way, ways: Sequence[_Way]) -> int:
    return next(each.delay for each in ways if each.memory == way.memory)


def _counts(way: _Way, loss: float, ways: Sequence[_Way]) -> bool:
    """Without losses all delays give the same."""
    return loss > 0 or way.delay == _first_delay(way, ways)


class _Losses:
    """One row: blocks lost by chance."""

    def __init__(self, bench: _Bench, way: _Way, loss: float):
        self._bench, self._way, self._loss = bench, way, loss
        self.quality = ClipQuality()
        self._blocks = self._lost = 0

    def take(self, number: int, clip: Clip) -> None:
        settings = self._bench.settings
        for repeat in range(settings.repeats if self._loss else 1):
            chance = loss_draws(
                len(list(self._bench.key_frames(clip.frames))), (settings.seed, repeat, number)
            )
            link = self._bench.link(self._way)
            for index, frame in enumerate(clip.frames):
                arrives = bool(chance[index // settings.stride] >= self._loss)
                picture = link.send(frame, arrives)
                if picture is not None:
                    self.quality.add(frame, picture)
                    self._blocks += 1
                    self._lost += not arrives
        self.quality.end_clip(clip.name)

    def result(self) -> dict[str, Any]:
        delay = self._way.delay if self._way.memory == "feedback" else None
        head = {"memory": self._way.memory, "loss": self._loss, "feedback_delay": delay}
        return head | {"blocks": self._blocks, "blocks_lost": self._lost, **self.quality.result()}


class _Curve:
    """Quality over key frames since an event, beside a link without it; clips too short are left out."""

    def __init__(self, way: _Way):
        self._way = way
        self.measured, self.undisturbed = ClipQuality(), ClipQuality()

    def result(self) -> dict[str, Any]:
        delay = self._way.delay if self._way.memory == "feedback" else None
        curves: dict[str, Any] = {"memory": self._way.memory, "feedback_delay": delay}
        for name, quality in (("", self.measured), ("undisturbed_", self.undisturbed)):
            clips = quality.per_clip().values()
            for metric in CURVE_METRICS:
                values = [clip[metric] for clip in clips if clip[metric]]
                curves[name + metric] = np.mean(values, axis=0).tolist() if values else None
            curves["clips"] = len(clips)
        return curves


class _Follower:
    """One memory after a burst, for a late receiver, and in a still scene."""

    def __init__(self, bench: _Bench, way: _Way):
        self._bench, self._way = bench, way
        self.burst, self.joined = _Curve(way), _Curve(way)
        self._still = ClipQuality()

    def take(self, number: int, clip: Clip) -> None:
        self._still_scene(clip)
        gop_keys = max(self._bench.settings.gop // self._bench.settings.stride, 1)
        event = 2 * gop_keys + number % gop_keys  # every place in a GOP has its turn
        last = event + BURST - 1 + FOLLOWED
        keys = list(self._bench.key_frames(clip.frames))
        if len(keys) <= last:
            return
        frames = clip.frames[: keys[last][1] + 1]
        pictures = self._run(frames, event)
        burst = self._run(frames, event, lost=range(event, event + BURST))
        joined = self._run(frames, event, join=event)
        for curve, after, start in (
            (self.burst, burst, event + BURST - 1),  # the last lost block is key frame 0
            (self.joined, joined, event),
        ):
            for key in range(start, start + FOLLOWED + 1):
                original = frames[keys[key][1]]
                curve.measured.add(original, after[key])
                curve.undisturbed.add(original, pictures[key])
            curve.measured.end_clip(clip.name)
            curve.undisturbed.end_clip(clip.name)

    def _run(
        self, frames: np.ndarray, shown_from: int, lost: Sequence[int] = (), join: int | None = None
    ) -> dict[int, np.ndarray]:
        """The receiver's pictures of the key frames from `shown_from` on.

        Args:
            lost: key frames whose blocks are lost.
            join: the key frame with which another receiver takes the place of the first one.
        """
        link = self._bench.link(self._way)
        pictures = {}
        for key, index in self._bench.key_frames(frames):
            if key == join:
                link.decoder = self._bench.receiver(self._way)
            for between in frames[index - self._bench.settings.stride + 1 : index] if key else ():
                link.send(between)
            picture = link.send(frames[index], key not in lost, show=key >= shown_from)
            if picture is not None:
                pictures[key] = picture
        return pictures

    def _still_scene(self, clip: Clip) -> None:
        link = self._bench.link(self._way)
        for index in range(STILL_FRAMES):
            picture = link.send(clip.frames[0])
            if picture is not None and index in (0, _last_key(STILL_FRAMES, self._bench.settings.stride)):
                self._still.add(clip.frames[0], picture)
        self._still.end_clip(clip.name)

    def still_result(self) -> dict[str, Any]:
        """The first picture, the one after 4 s, and by how much it is better."""
        row: dict[str, Any] = {"memory": self._way.memory}
        for metric in METRICS:
            pairs = [values[metric] for values in self._still.per_clip().values() if values[metric]]
            for position, name in ((0, "first"), (-1, "last")):
                row |= mean_and_interval(f"{name}_{metric}", [values[position] for values in pairs])
        return row


def _last_key(num_frames: int, stride: int) -> int:
    return (num_frames - 1) // stride * stride
