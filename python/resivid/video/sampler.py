# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames are key frames and which key frame starts a GOP: section III-B.

Frame indices are 0-based here; the paper's key indices 1, 1 + S, ... are 0, S, ... and its GOP g is [gN, (g + 1)N).
"""

from __future__ import annotations


def is_key_frame(index: int, stride: int) -> bool:
    """True for frames 0, S, 2S, ...; every frame when S is 1."""
    return index % stride == 0


def starts_gop(index: int, stride: int, gop: int) -> bool:
    """True where key frame `index` is the first one in its GOP: the one before lies in another GOP.

    Key indices do not restart with the GOP, so its first key frame may come up to S - 1 frames into it.
    """
    return index % gop < stride


def num_key_frames(num_frames: int, stride: int) -> int:
    """Key frames of a video of T frames, ceil(T / S)."""
    return -(-num_frames // stride)


def key_frames_in_gop(number: int, stride: int, gop: int, num_frames: int | None = None) -> int:
    """Key frames of a GOP.

    Args:
        number: 0-based number of the GOP.
        stride: S in frames.
        gop: N in frames.
        num_frames: T; None for an endless video.
    Returns:
        Key indices within [number * N, (number + 1) * N) and below T: 3, 3, 2 for S = 12, N = 32; may be 0.
    """
    first, last = number * gop, (number + 1) * gop
    if num_frames is not None:
        first, last = min(first, num_frames), min(last, num_frames)
    return num_key_frames(last, stride) - num_key_frames(first, stride)


def most_key_frames_in_gop(stride: int, gop: int) -> int:
    """Key frames of the fullest GOP, ceil(N / S): the first GOP is one of these."""
    return -(-gop // stride)
