# SPDX-License-Identifier: GPL-3.0-or-later
"""The access units that arrived to what a viewer sees: decoded, enlarged, interpolated, the last good picture held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from ...codec.screen import Screen
from ...models.interpolation.base import Interpolator
from ...video.reader import _import_av
from .encoder import AccessUnit
from .settings import ClassicalSetting

GREY = 128  # before anything has arrived
Concealment = Literal["decoder", "hold"]
CONCEALMENTS: tuple[Concealment, ...] = ("decoder", "hold")


def decode(
    units: Iterable[AccessUnit], setting: ClassicalSetting, size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Frame index and picture, uint8 (size, size, 3) RGB, in display order.

    What the decoder refuses is missing from the output.
    """
    av = _import_av()
    context = av.CodecContext.create(setting.encoder.decoder, "r")
    context.thread_count = 1
    shown = -1
    for unit in (*units, None):
        for frame in _decoded(av, context, unit):
            if frame.pts is not None and frame.pts > shown:  # what comes again or late is not shown
                shown = frame.pts
                yield frame.pts, _picture(frame, size)


def enlarged(picture: np.ndarray, size: int) -> np.ndarray:
    """A coded picture as it is shown, uint8 (size, size, 3)."""
    import cv2

    if picture.shape[0] == size:
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LANCZOS4)


def survivors(
    units: Sequence[AccessUnit], arrived: Sequence[bool], concealment: Concealment
) -> list[AccessUnit]:
    """What the decoder is given.

    Args:
        arrived: whether each access unit arrived whole.
        concealment: "decoder": all that arrived, the decoder makes of it what it can; "hold": after a loss of a picture
            that others need, nothing until the next key frame.
    """
    kept, broken = [], False
    for unit, whole in zip(units, arrived, strict=True):
        if concealment == "hold":
            broken = not whole if unit.key else broken or not (whole or unit.disposable)
        if whole and not broken:
            kept.append(unit)
    return kept


def watch(
    units: Iterable[AccessUnit],
    setting: ClassicalSetting,
    size: int,
    num_frames: int,
    interpolator: Interpolator,
) -> Iterator[np.ndarray]:
    """Every frame of the video as a viewer sees it, uint8 (size, size, 3); as many as were sent.

    Args:
        units: of `survivors`.
        size: side of the shown pictures in pixels.
        num_frames: T.
    """
    nothing = np.full((size, size, 3), GREY, np.uint8)
    screen = Screen(lambda picture: picture, interpolator, setting.every, nothing)
    for index, picture in decode(units, setting, size):
        yield from screen.show(index, picture)
    yield from screen.finish(num_frames)


def _decoded(av: Any, context: Any, unit: AccessUnit | None) -> list[Any]:
    packet = None
    if unit is not None:
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = unit.frame
    try:
        return list(context.decode(packet))
    except (av.FFmpegError, ValueError):  # a reference is missing, or nothing ever arrived
        return []


def _picture(frame: Any, size: int) -> np.ndarray:
    return enlarged(frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray(), size)
