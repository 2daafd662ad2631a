# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of the evaluation: what is sent how over which channel, and which figure shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from ..errors import SettingsError
from ..flowgraphs.settings import LinkSettings
from ..link.channel_settings import ChannelSettings
from .classical.settings import LONG, SEARCHES, ClassicalSetting, candidates, paper

RESULT_VERSION = 2  # of what a point's file holds; another number makes all points new
FIGURES = ("cbr", "snr", "sheet", "loss", "join")
OURS, PAPER_X265, BEST_LPIPS, BEST_PSNR = (
    "ours",
    "x265 as in the paper",
    "classical by LPIPS",
    "classical by PSNR",
)
PICKS = {BEST_LPIPS: "lpips", BEST_PSNR: "psnr_db"}
CLASSICAL_LINK = ("cbr", "size", "gop", "mcs_table", "interpolator")  # what a classical chain takes of ours
BLOCK_STRIDE = 8  # classical streams use blocks of our key frames at this stride


@dataclass(frozen=True)
class Evaluation:
    """What the whole evaluation is made of.

    Attributes:
        link: of ours; cbr and stride are those of each point.
        strides: S of figure 3.
        cbrs: of figure 3, for all methods.
        snr_cbrs: of ours in figure 4; snr_classical_cbrs: of the paper's baseline there.
        snrs_db: of figure 4.
        fixed_snr_db, fixed_mcs: of figures 3 and 5.
        sheet_cbr, sheet_classical_cbr: of figure 5.
        losses: share of lost blocks. burst: mean losses in a row of the second curve.
        fading_snrs_db: mean Es/N0 of the Rayleigh channel with a new gain for each block.
        repeats: channels drawn for each clip at points with losses.
        seed: of everything random; clip number n has seed + n.
        search: how far the search for the best classical setting goes.
        methods: those that are run.
        figures: those that are made.
    """

    link: LinkSettings = field(default_factory=LinkSettings)
    strides: tuple[int, ...] = (4, 8, 12)
    cbrs: tuple[str, ...] = ("2e-4", "3e-4", "4e-4", "5e-4", "8e-4", "1.3e-3", "1.9e-3")
    snr_cbrs: tuple[str, ...] = ("4e-4", "5e-4")
    snr_classical_cbrs: tuple[str, ...] = ("1.3e-3", "1.9e-3")
    snrs_db: tuple[float, ...] = (-2, 0, 2, 4, 6, 8, 10)
    fixed_snr_db: float = 6.0
    fixed_mcs: str = "16QAM 434/1024"
    sheet_cbr: str = "4e-4"
    sheet_classical_cbr: str = "1.3e-3"
    losses: tuple[float, ...] = (0.01, 0.03, 0.1)
    burst: float = 4.0
    fading_snrs_db: tuple[float, ...] = (6.0, 12.0)
    repeats: int = 2
    seed: int = 0
    search: str = "full"
    methods: tuple[str, ...] = (OURS, PAPER_X265, BEST_LPIPS, BEST_PSNR)
    figures: tuple[str, ...] = FIGURES

    def __post_init__(self) -> None:
        for option, chosen, known in (
            ("--figures", self.figures, FIGURES),
            ("--methods", self.methods, (OURS, PAPER_X265, BEST_LPIPS, BEST_PSNR)),
            ("--search", (self.search,), tuple(SEARCHES)),
        ):
            if not chosen or not set(chosen) <= set(known):
                raise SettingsError(f"{option}: expected some of {', '.join(known)}, got {list(chosen)}")
        if self.repeats < 1:
            raise SettingsError(f"--repeats must be at least 1, got {self.repeats}")

    @property
    def paper(self) -> ClassicalSetting:
        """How the paper's baseline is coded."""
        return paper(self.link.size, self.link.gop)

    def candidates(self, distances: Sequence[int]) -> tuple[ClassicalSetting, ...]:
        """The settings that the classical search tries with these key distances."""
        return candidates(self.search, distances, self.link.size)


@dataclass(frozen=True)
class Point:
    """One video sent once.

    Attributes:
        method: OURS, PAPER_X265, BEST_LPIPS or BEST_PSNR.
        cbr: R.
        stride: S of ours; classical chains choose their own frame rate.
        snr_db: Es/N0 in dB, in the mean where the channel fades.
        mcs: label of the row to stay with; "": adapted.
        loss_rate, burst_length, fading: of `ChannelSettings`.
        distances: key distances that the classical search may take.
        memory: of ours, as in `LinkSettings`; "": that of the evaluation.
        repeat: number of the channel drawn.
        measures: "video": the whole video; "join": key frames since a receiver has joined.
        keep_video: keep what the viewer sees.
    """

    method: str = OURS
    cbr: str = "4e-4"
    stride: int = BLOCK_STRIDE
    snr_db: float = 6.0
    mcs: str = ""
    loss_rate: float = 0.0
    burst_length: float = 0.0
    fading: str = "none"
    distances: tuple[int, ...] = (LONG,)
    memory: str = ""
    repeat: int = 0
    measures: Literal["video", "join"] = "video"
    keep_video: bool = False

    @property
    def channel(self) -> ChannelSettings:
        """What there is beside the noise."""
        return ChannelSettings(
            fading=self.fading,  # type: ignore[arg-type]
            loss_rate=self.loss_rate,
            burst_length=self.burst_length,
        )

    def link(self, evaluation: Evaluation) -> LinkSettings:
        """Both ends of ours at this point, or the blocks that a classical stream uses."""
        memory: Any = self.memory or evaluation.link.memory
        return replace(evaluation.link, cbr=self.cbr, stride=self.stride, memory=memory)

    def seed(self, evaluation: Evaluation, clip_number: int) -> int:
        """Of the channel."""
        return evaluation.seed + clip_number + 1000 * self.repeat

    def key(self, evaluation: Evaluation, clip_digest: str, clip_number: int, tools: dict[str, str]) -> str:
        """Name of the point's file: equal for equal results.

        Args:
            tools: what the method uses and what measures it: weight file to SHA-256, library to version.
        """
        link = asdict(self.link(evaluation))
        named = [name for name in link if "weights" not in name] if self.method == OURS else CLASSICAL_LINK
        about = {
            "version": RESULT_VERSION,
            "point": asdict(self) | {"snr_db": float(self.snr_db)},  # -2 and -2.0 are one
            "link": {name: str(link[name]) for name in named},
            "clip": clip_digest,
            "seed": self.seed(evaluation, clip_number),
            "tools": tools,
            "search": evaluation.search if self.method in PICKS else "",
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]


def plan(evaluation: Evaluation) -> dict[str, list[Point]]:
    """Figure to its points, in the order in which they are best computed."""
    makers = {
        "sheet": _sheet,
        "cbr": _cbr,
        "snr": _snr,
        "loss": _loss,
        "join": _join,
    }
    return {
        name: [point for point in maker(evaluation) if point.method in evaluation.methods]
        for name, maker in makers.items()
        if name in evaluation.figures
    }


def unique(planned: Mapping[str, Sequence[Point]]) -> list[Point]:
    """Each point once."""
    return list(dict.fromkeys(point for points in planned.values() for point in points))


def _fixed(evaluation: Evaluation, **changes: Any) -> Point:
    return replace(Point(snr_db=evaluation.fixed_snr_db, mcs=evaluation.fixed_mcs), **changes)


def _sheet(evaluation: Evaluation) -> Iterator[Point]:
    """Figure 5, and all that is drawn over time."""
    yield _fixed(evaluation, cbr=evaluation.sheet_cbr, keep_video=True)
    yield _fixed(evaluation, method=PAPER_X265, cbr=evaluation.sheet_classical_cbr, keep_video=True)
    yield _fixed(evaluation, method=BEST_LPIPS, cbr=evaluation.sheet_cbr, keep_video=True)


def _cbr(evaluation: Evaluation) -> Iterator[Point]:
    """Figure 3."""
    sheet = set(_sheet(evaluation))
    for cbr in sorted(evaluation.cbrs, key=lambda text: abs(Fraction(text) - Fraction(evaluation.sheet_cbr))):
        for stride in evaluation.strides:
            yield _shared(sheet, _fixed(evaluation, cbr=cbr, stride=stride))
        for method in (PAPER_X265, BEST_LPIPS, BEST_PSNR):
            yield _shared(sheet, _fixed(evaluation, method=method, cbr=cbr))


def _snr(evaluation: Evaluation) -> Iterator[Point]:
    """Figure 4: adapted to the channel."""
    for snr_db in evaluation.snrs_db:
        for cbr in evaluation.snr_cbrs:
            yield Point(cbr=cbr, snr_db=snr_db)
        for cbr in evaluation.snr_classical_cbrs:
            yield Point(PAPER_X265, cbr, snr_db=snr_db)
        for cbr in evaluation.snr_cbrs:
            yield Point(BEST_LPIPS, cbr, snr_db=snr_db)


def _loss(evaluation: Evaluation) -> Iterator[Point]:
    """Quality over block error rate: independent losses, bursts, Rayleigh fading."""
    gop = evaluation.link.gop
    contenders = [
        _fixed(evaluation, cbr=evaluation.sheet_cbr),
        *_one_way(evaluation, _fixed(evaluation, cbr=evaluation.sheet_cbr)),
        _fixed(evaluation, method=PAPER_X265, cbr=evaluation.sheet_classical_cbr),
        _fixed(evaluation, method=BEST_LPIPS, cbr=evaluation.sheet_cbr),
        _fixed(evaluation, method=BEST_LPIPS, cbr=evaluation.sheet_cbr, distances=(gop,)),
    ]
    sheet = set(_sheet(evaluation))
    for contender in contenders:
        yield _shared(sheet, contender)
        for repeat in range(evaluation.repeats):
            for burst in (0.0, evaluation.burst):
                for loss in evaluation.losses:
                    yield replace(contender, loss_rate=loss, burst_length=burst, repeat=repeat)
            for snr_db in evaluation.fading_snrs_db:
                yield replace(contender, fading="rayleigh", snr_db=snr_db, mcs="", repeat=repeat)


def _join(evaluation: Evaluation) -> Iterator[Point]:
    """Quality over the time since a receiver has joined."""
    ours = _fixed(evaluation, cbr=evaluation.sheet_cbr, measures="join")
    yield ours
    yield from _one_way(evaluation, ours)
    yield _fixed(evaluation, method=PAPER_X265, cbr=evaluation.sheet_classical_cbr, measures="join")
    for distance in (LONG, evaluation.link.gop):
        yield _fixed(
            evaluation, method=BEST_LPIPS, cbr=evaluation.sheet_cbr, distances=(distance,), measures="join"
        )


def _one_way(evaluation: Evaluation, ours: Point) -> Iterator[Point]:
    """The point without a return channel, which no classical chain has, where the evaluation's own has one."""
    if evaluation.link.codec_options.get("memory") == "feedback":
        yield replace(ours, memory="refresh")


def _shared(known: set[Point], point: Point) -> Point:
    """The point of figure 5 where it is the same but for the kept video."""
    kept = replace(point, keep_video=True)
    return kept if kept in known else point


def folder_of_points(output: Path) -> Path:
    """Where the results of single points are kept."""
    return output / "points"
