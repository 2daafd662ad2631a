# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for a browser: bounded in size, made once however many look."""

from __future__ import annotations

import struct

import numpy as np

from .monitor import Pictures

MAX_SIDE = 1024  # pixels; larger pictures are scaled down
JPEG_QUALITY = 90
HEADER = struct.Struct(">II")  # frame index, bytes of the received picture; the rest is the original


def bounded(picture: np.ndarray) -> np.ndarray:
    """The picture, uint8 (H, W, 3), with no side above MAX_SIDE."""
    import cv2

    height, width = picture.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def to_jpeg(picture: np.ndarray) -> bytes:
    """An RGB picture, uint8 (H, W, 3), as JPEG without chroma subsampling."""
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encoded(".jpg", bounded(picture), options)


def to_png(picture: np.ndarray) -> bytes:
    """An RGB picture, uint8 (H, W, 3), as PNG: every pixel as it was received."""
    return _encoded(".png", picture, [])


def to_message(pictures: Pictures) -> bytes:
    """The binary message of the page: HEADER, received JPEG, original JPEG or nothing."""
    received = to_jpeg(pictures.received)
    original = b"" if pictures.original is None else to_jpeg(pictures.original)
    return HEADER.pack(pictures.frame & 0xFFFFFFFF, len(received)) + received + original


def _encoded(suffix: str, picture: np.ndarray, options: list[int]) -> bytes:
    import cv2

    done, data = cv2.imencode(suffix, picture[:, :, ::-1], options)
    if not done:
        raise ValueError(f"picture {picture.shape} cannot be encoded as {suffix}")
    return data.tobytes()
