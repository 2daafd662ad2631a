# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes clip.mp4: ten seconds of moving, zoomed and layered photographs from scikit-image.

    python apps/demo/make_clip.py apps/demo/clip.mp4

Needs the `evaluate` packages of pyproject.toml. Origin and licence of each photograph: README.md beside this file.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import av
import cv2
import numpy as np
from skimage import data

SIZE, RATE, SECONDS = 256, 30, 10
CANVAS = 2 * SIZE  # drawn twice as large and averaged down, so that slow motion is free of shimmer
FADE_FRAMES = 12


@dataclass(frozen=True)
class View:
    """What the camera sees of a photograph: centre (x, y) and width in its pixels, roll in degrees."""

    x: float
    y: float
    width: float
    roll: float = 0.0


@dataclass(frozen=True)
class Move:
    """A camera move over one photograph, with the sway of a hand: `sway` in its pixels."""

    picture: np.ndarray
    start: View
    end: View
    sway: float = 3.0


def matrix_at(move: Move, time: float) -> np.ndarray:
    """Affine map (2, 3) from photograph to canvas at `time` in 0..1 of the move."""
    ease = time * time * (3 - 2 * time)
    a, b = move.start, move.end
    x, y, width, roll = (
        from_value + ease * (to_value - from_value)
        for from_value, to_value in zip((a.x, a.y, a.width, a.roll), (b.x, b.y, b.width, b.roll), strict=True)
    )
    x += move.sway * np.sin(7.3 * time)
    y += 0.6 * move.sway * np.sin(11.1 * time + 1)
    matrix = cv2.getRotationMatrix2D((x, y), roll, CANVAS / width)
    matrix[:, 2] += CANVAS / 2 - np.array([x, y])
    return matrix


def draw(move: Move, time: float) -> np.ndarray:
    """The photograph as the camera sees it: float32 (CANVAS, CANVAS, 3)."""
    seen = cv2.warpAffine(
        move.picture,
        matrix_at(move, time),
        (CANVAS, CANVAS),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.clip(seen.astype(np.float32), 0, 255)


def lay_print(scene: np.ndarray, move: Move, time: float) -> np.ndarray:
    """Lay a photographic print with a white border and a soft shadow over the scene."""
    height, width = move.picture.shape[:2]
    border = width // 14
    shape = np.full((height, width), 255, np.uint8)
    photo = cv2.copyMakeBorder(move.picture, *[border] * 4, cv2.BORDER_CONSTANT, value=(244, 242, 236))
    shape = cv2.copyMakeBorder(shape, *[border] * 4, cv2.BORDER_CONSTANT, value=255)
    matrix = matrix_at(move, time)
    size = (CANVAS, CANVAS)
    cover = cv2.warpAffine(shape, matrix, size)[..., None] / np.float32(255)
    shadow = cv2.GaussianBlur(np.roll(cover, (14, 10), (0, 1)), (0, 0), 12)[..., None]
    darker = scene * (1 - 0.55 * shadow)
    return darker * (1 - cover) + cv2.warpAffine(photo, matrix, size).astype(np.float32) * cover


def lay_stars(scene: np.ndarray, move: Move, time: float) -> np.ndarray:
    """Let stars shine through the dark, blue upper part of the scene."""
    stars = draw(move, time)
    red = cv2.GaussianBlur(scene[..., 0], (0, 0), 6)
    sky = np.clip((70 - red) / 40, 0, 1) * np.linspace(1, 0, CANVAS, dtype=np.float32)[:, None]
    return 255 - (255 - scene) * (255 - 0.9 * stars * sky[..., None]) / 255


def shots() -> list:
    """The four shots, each a function of time in 0..1 that gives a float32 picture (CANVAS, CANVAS, 3)."""
    portrait = Move(data.astronaut(), View(256, 255, 480), View(238, 185, 370, -2))
    table = Move(data.coffee(), View(300, 205, 385, -4), View(285, 190, 300, 5))
    photo = Move(data.chelsea()[:, 60:400], View(-330, -330, 1150, 12), View(-85, -105, 1000, 4), 4.0)
    cat = Move(data.chelsea(), View(215, 155, 285), View(262, 128, 215, 3), 4.0)
    rocket = Move(data.rocket(), View(255, 245, 330), View(365, 195, 400, -1), 2.0)
    stars = Move(data.hubble_deep_field(), View(420, 420, 560), View(540, 380, 620), 2.0)
    return [
        lambda time: draw(portrait, time),
        lambda time: lay_print(draw(table, time), photo, time),
        lambda time: draw(cat, time),
        lambda time: lay_stars(draw(rocket, time), stars, time),
    ]


def frames() -> np.ndarray:
    """The clip, uint8 RGB (RATE * SECONDS, SIZE, SIZE, 3); neighbouring shots fade into each other."""
    scenes = shots()
    total = RATE * SECONDS
    length = total / len(scenes)
    clip = np.zeros((total, SIZE, SIZE, 3), np.uint8)
    for index in range(total):
        weights = [
            np.clip(
                (min(index - s * length, (s + 1) * length - 1 - index) + FADE_FRAMES / 2) / FADE_FRAMES, 0, 1
            )
            for s in range(len(scenes))
        ]
        weights[0], weights[-1] = [
            1.0 if at_edge else w
            for at_edge, w in ((index < length / 2, weights[0]), (index > total - length / 2, weights[-1]))
        ]
        mixed = sum(
            w * scenes[s]((index - s * length + FADE_FRAMES) / (length + 2 * FADE_FRAMES))
            for s, w in enumerate(weights)
            if w > 0
        ) / sum(weights)
        clip[index] = np.round(cv2.resize(mixed, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    return clip


def write(path: str, clip: np.ndarray) -> None:
    """Write H.264 in BT.709, 4:2:0."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", RATE, options={"crf": "20", "preset": "veryslow"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.color_primaries = stream.codec_context.color_trc = (
            stream.codec_context.colorspace
        ) = 1
        stream.codec_context.color_range = 1
        for picture in clip:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_clip.py OUTPUT.mp4")
    write(sys.argv[1], frames())
