# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tokenizer's prefixes are worth: quality by number of tokens, tokens that change between key frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..codec.registry import load_codec
from ..errors import SettingsError
from ..models.tokenizers.base import Tokenizer
from ..version import __version__
from .clip_means import ClipQuality, mean_and_interval
from .clips import Clip, ClipFolder
from .machine import Stopwatch, machine
from .pages import figure, table
from .sample_sheet import SampleSheet

TOKENS = (16, 41, 82, 128, 256)
STRIDES = (4, 8, 12)
TOKEN_CODEC = "resi_vidtok"  # the one whose units are tokens
GOP = 32  # frames; where a GOP starts, everything is sent and no change is counted
FIRST_TOKENS = 82  # of which changes are counted: a fresh key frame of 1,067 bits
NOISE_LEVELS = 2.0  # standard deviation of the sensor noise, in grey levels
STILL_FRAMES = 8  # key frames of the still scene, one GOP at S = 4

Progress = Callable[[float, int], None]


def no_progress(share: float, count: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class TokenizerEvaluation:
    """What to measure.

    Attributes:
        tokens: prefix lengths, rising; None: those of TOKENS that the tokenizer has.
        every: quality of every n-th frame of a clip.
        seed: of the sensor noise.
    """

    tokens: tuple[int, ...] | None = None
    every: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise SettingsError(f"--every must be at least 1, got {self.every}")

    def counts_for(self, tokenizer: Tokenizer) -> list[int]:
        """Prefix lengths that are measured.

        Raises:
            SettingsError: one was asked for that the tokenizer has not.
        """
        if self.tokens is None:
            return [count for count in TOKENS if count <= tokenizer.num_tokens] or [tokenizer.num_tokens]
        for count in self.tokens:
            if not 0 <= count <= tokenizer.num_tokens:
                raise SettingsError(
                    f"--tokens: expected 0 to {tokenizer.num_tokens} for tokenizer {tokenizer.name}, got {count}"
                )
        return sorted(set(self.tokens))


def evaluate_tokenizer(
    tokenizer: Tokenizer,
    clips: ClipFolder,
    settings: TokenizerEvaluation = TokenizerEvaluation(),
    sheet: SampleSheet | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Measure a tokenizer on the clips of a folder.

    Args:
        sheet: gets a row of each clip's middle frame: the original, then one picture a prefix length.
    Returns:
        The document that `resivid evaluate tokenizer` writes.
    Raises:
        SettingsError: a prefix length beyond the tokenizer's.
        VideoError: a clip cannot be read.
    """
    counts = settings.counts_for(tokenizer)
    quality = {count: ClipQuality() for count in counts}
    times = _Times(counts)
    shares: dict[str, list[float]] = {str(stride): [] for stride in STRIDES}
    shares["still"] = []
    frames_done = 0
    for number, clip in enumerate(clips.read(tokenizer.size)):
        if number == 0:
            tokenizer.decode(tokenizer.encode(clip.frames[:1]))  # the first call of a network is slow
        _measure_prefixes(tokenizer, clip, settings.every, quality, times)
        for stride in STRIDES:
            shares[str(stride)] += _mean_change(changed_shares(tokenizer, clip.frames, stride))
        noisy = still_scene(clip.frames[0], STILL_FRAMES, settings.seed + number)
        shares["still"] += _mean_change(changed_shares(tokenizer, noisy, 1, STILL_FRAMES))
        if sheet is not None:
            middle = clip.frames[len(clip.frames) // 2]
            tokens = tokenizer.encode(middle[None])
            sheet.add([middle, *(tokenizer.decode(tokens[:, :count])[0] for count in counts)])
        frames_done += len(clip.frames)
        progress((number + 1) / len(clips), frames_done)
    changes = {name: mean_and_interval("share", values) for name, values in shares.items()}
    return {
        "tokenizer": tokenizer.name,
        "num_tokens": tokenizer.num_tokens,
        "weights": tokenizer.weights_sha256,
        "folder": clips.name,
        "clips": len(clips),
        "every": settings.every,
        "rows": [
            {"tokens": count, **quality[count].result(), "decode_ms": times.decode[count].ms()}
            for count in counts
        ],
        "changed_share": {name: change["share"] for name, change in changes.items() if name != "still"},
        "changed_share_ci": {name: change["share_ci"] for name, change in changes.items()},
        "changed_share_still": changes["still"]["share"],
        "changed_share_tokens": min(FIRST_TOKENS, tokenizer.num_tokens),
        "still_noise_levels": NOISE_LEVELS,
        "encode_ms": times.encode.ms(),
        "machine": machine(),
        "version": __version__,
        "notes": quality[counts[-1]].notes(),
    }


class _Times:
    """Run times of single pictures; of `decode` by prefix length."""

    def __init__(self, counts: Sequence[int]):
        self.encode = Stopwatch()
        self.decode = {count: Stopwatch() for count in counts}


def _measure_prefixes(
    tokenizer: Tokenizer, clip: Clip, every: int, quality: dict[int, ClipQuality], times: _Times
) -> None:
    for frame in clip.frames[::every]:
        with times.encode:
            tokens = tokenizer.encode(frame[None])
        for count, measured in quality.items():
            with times.decode[count]:
                picture = tokenizer.decode(tokens[:, :count])[0]
            measured.add(frame, picture)
    for measured in quality.values():
        measured.end_clip(clip.name)


def changed_shares(tokenizer: Tokenizer, frames: np.ndarray, stride: int, gop: int = GOP) -> list[float]:
    """Share of the first tokens that differ from the key frame before, one value for each key frame.

    The encoder of TOKEN_CODEC does it with its own hysteresis; key frames that start a GOP are left out.

    Args:
        frames: uint8 (n, size, size, 3) RGB.
        stride, gop: S and N in frames.
    """
    codec = load_codec(TOKEN_CODEC)
    encoder = codec.make_encoder(tokenizer, codec.make_settings(stride=stride, gop=gop))
    shares, before = [], None
    for frame in frames:
        unit = encoder.analyse(frame)
        if unit is None:
            continue
        first = unit.data[:FIRST_TOKENS]
        if before is not None and not unit.gop_start:
            shares.append(float(np.mean(first != before)))
        before = first
    return shares


def still_scene(frame: np.ndarray, count: int, seed: int, levels: float = NOISE_LEVELS) -> np.ndarray:
    """One frame again and again as a sensor sees it: Gaussian noise, rounded, uint8 (count, H, W, 3)."""
    noise = np.random.default_rng(seed).normal(0, levels, (count, *frame.shape))
    return np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)


def _mean_change(shares: list[float]) -> list[float]:
    """A clip's value, or none for a clip too short to have one."""
    return [float(np.mean(shares))] if shares else []


def text(document: dict[str, Any], others: Sequence[dict[str, Any]] = ()) -> str:
    """The document as Markdown tables; `others` are earlier ones to stand beside it."""
    documents = [document, *others]
    rows = [
        (
            _name(each),
            str(row["tokens"]),
            figure(row["psnr_db"], 2, row["psnr_db_ci"]),
            figure(row["ssim"], 3, row["ssim_ci"]),
            figure(row["lpips"], 3, row["lpips_ci"]),
        )
        for each in documents
        for row in each["rows"]
    ]
    changes = [
        (
            _name(each),
            *(_percent(each["changed_share"].get(str(stride))) for stride in STRIDES),
            _percent(each["changed_share_still"]),
            _times_text(each["encode_ms"]),
            _times_text(each["rows"][-1]["decode_ms"]),
        )
        for each in documents
    ]
    changed = [f"changed, S={stride}" for stride in STRIDES]
    head = ("tokenizer", *changed, "still, noise", "encode, ms", "decode, ms")
    return (
        table(("tokenizer", "tokens", "PSNR, dB", "SSIM", "LPIPS-Alex"), rows)
        + f"\nOf the first {document['changed_share_tokens']} tokens; processor time:\n\n"
        + table(head, changes)
    )


def _name(document: dict[str, Any]) -> str:
    digests = "".join(f" {digest[:8]}" for digest in document["weights"].values())
    return f"{document['tokenizer']}{digests}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _times_text(times: dict[str, float] | None) -> str:
    return "–" if times is None else f"{times['processor']:.1f}"
