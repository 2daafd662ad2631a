# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames to the access units of x265 or SVT-AV1, and how many bits they cost on the link."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import MissingPackageError, ResividError
from ...video.reader import _import_av, _reason
from .isolation import kept_scheduling, zeroed_memory
from .settings import SVT_AV1, ClassicalSetting

START_CODE = re.compile(rb"\x00?\x00\x00\x01")  # ITU-T H.265 annex B
# What says how to decode and nothing of a picture; the receiver knows it beforehand, as it knows the settings of ours, and as
# RFC 7798 7.1 has it in the session description. H.265 7.4.2.2: VPS, SPS, PPS; AV1 6.2.2: sequence header, and the
# temporal delimiter, which frames the data as start codes do.
PARAMETER_SETS = (32, 33, 34)
SILENT_OBUS = (1, 2)


@dataclass(frozen=True)
class AccessUnit:
    """What one coded picture sends.

    Attributes:
        frame: index in the video of the picture that it shows.
        data: as the decoder takes it.
        bits: what it costs on the link: all but framing and parameter sets.
        key: decoding can start here.
        disposable: no other picture needs it.
    """

    frame: int
    data: bytes
    bits: int
    key: bool
    disposable: bool


def require_encoder(setting: ClassicalSetting) -> None:
    """Refuse a codec that this PyAV does not bring.

    Raises:
        MissingPackageError: with its name.
    """
    av = _import_av()
    for name, mode in ((setting.encoder.name, "w"), (setting.encoder.decoder, "r")):
        try:
            av.Codec(name, mode)
        except ValueError as error:
            raise MissingPackageError(
                f"{name}: this PyAV ({av.__version__}) does not bring it; the wheel from PyPI does"
            ) from error


def av_version() -> str:
    """Of PyAV, which brings the encoders."""
    return str(_import_av().__version__)


def scaled(frames: Iterable[np.ndarray], size: int, every: int) -> Iterator[np.ndarray]:
    """Every n-th frame, reduced by means of areas to uint8 (size, size, 3)."""
    import cv2

    for index, frame in enumerate(frames):
        if index % every == 0:
            same = frame.shape[0] == size
            yield frame if same else cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA)


def encode(
    pictures: Iterable[np.ndarray], setting: ClassicalSetting, quality: float, fps: float
) -> list[AccessUnit]:
    """Code pictures.

    Args:
        pictures: of `scaled`.
        setting: how.
        quality: constant rate factor.
        fps: of the video, before frames were left out.
    Returns:
        The access units in the order in which they are sent.
    Raises:
        MissingPackageError: the encoder is not there.
        ResividError: the encoder fails.
    """
    require_encoder(setting)
    os.environ.setdefault("SVT_LOG", "1")  # errors only
    av = _import_av()
    context = av.CodecContext.create(setting.encoder.name, "w")
    context.width = context.height = setting.size
    context.pix_fmt = setting.encoder.pixels
    context.framerate = (Fraction(fps) / setting.every).limit_denominator(1 << 16)
    context.time_base = 1 / context.framerate
    context.thread_count = 1
    context.options = setting.options(quality)
    units = []
    try:
        with zeroed_memory():
            with kept_scheduling():
                context.open()
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame = frame.reformat(format=setting.encoder.pixels, dst_colorspace="ITU709")
                frame.pts, frame.time_base = number, context.time_base
                units += [_access_unit(packet, setting) for packet in context.encode(frame)]
            units += [_access_unit(packet, setting) for packet in context.encode(None)]
    except (av.FFmpegError, OSError) as error:
        raise ResividError(f"{setting.encoder.name}: cannot encode ({_reason(error)})") from error
    return units


def total_bits(units: Iterable[AccessUnit]) -> int:
    """What a stream costs on the link."""
    return sum(unit.bits for unit in units)


def picture_bytes(data: bytes, codec: str) -> int:
    """Size of an access unit without framing and parameter sets.

    Args:
        data: of the encoder: NAL units with start codes, or OBUs with sizes.
        codec: X265 or SVT_AV1.
    """
    if codec == SVT_AV1:
        return sum(len(obu) for kind, obu in _obus(data) if kind not in SILENT_OBUS)
    return sum(len(nal) for nal in START_CODE.split(data) if nal and nal[0] >> 1 & 0x3F not in PARAMETER_SETS)


def _obus(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each OBU, AV1 5.3."""
    start = 0
    while start < len(data):
        head = data[start]
        place = start + 1 + (head >> 2 & 1)  # the extension
        size = shift = 0
        while True:  # leb128, AV1 4.10.5
            size |= (data[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if not data[place - 1] & 0x80:
                break
        yield head >> 3 & 0xF, data[start : place + size]
        start = place + size


def _access_unit(packet: Any, setting: ClassicalSetting) -> AccessUnit:
    data = bytes(packet)
    bits = 8 * picture_bytes(data, setting.codec)
    return AccessUnit(packet.pts * setting.every, data, bits, packet.is_keyframe, packet.is_disposable)
