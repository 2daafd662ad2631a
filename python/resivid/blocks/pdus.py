# SPDX-License-Identifier: GPL-3.0-or-later
"""PDUs from and to the codec's objects: the one place that converts.

A PDU is its metadata, of Python int, float, bool and str only, and its data, a uint8 or uint16 vector:
`pmt.to_pmt` of GNU Radio 3.10.5 raises on bytes, NumPy scalars and int64 arrays, and some of its readers
take one number type for another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pmt

from ..codec.base import Payload, Unit

DONE = pmt.cons(
    pmt.intern("done"), pmt.from_long(1)
)  # on port `system` it ends a block, and then those behind it
END_OF_FAILED_STREAM = -1  # frame count of an end unit whose sender could not go on

_MAKERS = {np.dtype(np.uint8): pmt.init_u8vector, np.dtype(np.uint16): pmt.init_u16vector}
_READERS = (
    (pmt.is_u8vector, pmt.u8vector_elements, np.uint8),
    (pmt.is_u16vector, pmt.u16vector_elements, np.uint16),
)


def from_parts(metadata: dict[str, Any], data: np.ndarray) -> pmt.pmt_base:
    """A PDU of plain metadata and a uint8 or uint16 array (n,)."""
    if data.dtype not in _MAKERS or data.ndim != 1:
        raise ValueError(f"data must be uint8 or uint16 (n,), got {data.dtype} {data.shape}")
    entries = pmt.make_dict()
    for key, value in metadata.items():
        entries = pmt.dict_add(entries, pmt.intern(key), pmt.to_pmt(_plain(key, value)))
    return pmt.cons(entries, _MAKERS[data.dtype](data.size, data.tolist()))


def to_parts(pdu: pmt.pmt_base) -> tuple[dict[str, Any], np.ndarray]:
    """Metadata and data of a PDU.

    Raises:
        ValueError: it is no PDU of this module.
    """
    if not pmt.is_pair(pdu) or not (pmt.is_dict(pmt.car(pdu)) or pmt.is_null(pmt.car(pdu))):
        raise ValueError(f"expected a PDU, got {_short(pdu)}")
    metadata = {} if pmt.is_null(pmt.car(pdu)) else pmt.to_python(pmt.car(pdu))
    vector = pmt.cdr(pdu)
    for fits, elements, dtype in _READERS:
        if fits(vector):
            return metadata, np.array(elements(vector), dtype=dtype)
    raise ValueError(f"expected uint8 or uint16 data, got {_short(vector)}")


def from_unit(unit: Unit) -> pmt.pmt_base:
    """PDU `tokens`: the unit's fields and its data."""
    metadata = {
        "frame": unit.first_frame,
        "frames": unit.num_frames,
        "gop_start": unit.gop_start,
        "end": unit.end,
    }
    return from_parts(metadata, unit.data)


def to_unit(pdu: pmt.pmt_base) -> Unit:
    """Inverse of `from_unit`.

    Raises:
        ValueError: not a PDU, or a field is missing or of another type.
    """
    metadata, data = to_parts(pdu)
    return Unit(
        first_frame=_field(metadata, "frame", int),
        num_frames=_field(metadata, "frames", int, 1),
        gop_start=_field(metadata, "gop_start", bool, False),
        end=_field(metadata, "end", bool, False),
        data=data,
    )


def from_payload(payload: Payload, mcs: int) -> pmt.pmt_base:
    """PDU `payload` for the coding: the bits, and nothing that the receiver may not know."""
    metadata = {"frame": payload.first_frame, "gop_start": payload.gop_start, "mcs": mcs}
    return from_parts(metadata, payload.bits)


def from_end(num_frames: int) -> pmt.pmt_base:
    """PDU `payload` that ends the stream: one item, since a stream packet cannot be empty."""
    return from_parts({"end": True, "frames": num_frames}, np.zeros(1, np.uint8))


def to_payload(pdu: pmt.pmt_base) -> tuple[Payload | Unit, dict[str, Any]]:
    """What the decoder sends: a `Payload`, or the end `Unit`, and the metadata with the link's figures.

    Raises:
        ValueError: not a PDU, or a field is missing or of another type.
    """
    metadata, data = to_parts(pdu)
    if _field(metadata, "end", bool, False):
        frames = _field(metadata, "frames", int)
        return Unit(first_frame=max(frames, 0), num_frames=frames, end=True), metadata
    figures = {key: _field(metadata, key, kind) for key, kind in _FIGURES.items()}
    first_frame, gop_start = _field(metadata, "frame", int), _field(metadata, "gop_start", bool, False)
    return Payload(bits=data, first_frame=first_frame, gop_start=gop_start), figures


_FIGURES = {"mcs": int, "crc_ok": bool, "snr_db": float, "iterations": int, "symbols": int}


def from_report(unit_id: int, crc_ok: bool, restart: bool) -> pmt.pmt_base:
    """Message `report`: a dictionary with the arguments of `CodecEncoder.report`."""
    entries = pmt.make_dict()
    for key, value in (("frame", unit_id), ("crc_ok", crc_ok), ("restart", restart)):
        entries = pmt.dict_add(entries, pmt.intern(key), pmt.to_pmt(value))
    return entries


def to_report(message: pmt.pmt_base) -> tuple[int, bool, bool]:
    """Inverse of `from_report`.

    Raises:
        ValueError: no dictionary, or a field is missing or of another type.
    """
    if not pmt.is_dict(message) or pmt.is_null(message):
        raise ValueError(f"expected a dictionary, got {_short(message)}")
    fields = pmt.to_python(message)
    return (
        _field(fields, "frame", int),
        _field(fields, "crc_ok", bool),
        _field(fields, "restart", bool, False),
    )


def from_frame(frame: np.ndarray, index: int) -> pmt.pmt_base:
    """PDU `frames`: one picture, uint8 (H, W, 3) RGB, row by row."""
    height, width, _ = frame.shape
    return from_parts({"frame": index, "height": height, "width": width}, frame.reshape(-1))


def to_frame(pdu: pmt.pmt_base) -> tuple[np.ndarray, int]:
    """Inverse of `from_frame`: the picture and its index."""
    metadata, data = to_parts(pdu)
    shape = (_field(metadata, "height", int), _field(metadata, "width", int), 3)
    return data.reshape(shape), _field(metadata, "frame", int)


def to_integer(message: pmt.pmt_base) -> int:
    """The integer that a message holds.

    Raises:
        ValueError: it holds something else, a real number included.
    """
    if not pmt.is_integer(message):
        raise ValueError(f"expected an integer, got {_short(message)}")
    return pmt.to_long(message)


def _field(metadata: dict[str, Any], key: str, kind: type, *default: Any) -> Any:
    value = metadata.get(key, *default)
    right = type(value) is kind or (kind is float and type(value) is int)
    if not right:
        raise ValueError(f"metadata {key!r} must be {kind.__name__}, got {value!r}")
    return kind(value)


def _plain(key: str, value: Any) -> Any:
    if type(value) not in (int, float, bool, str):
        raise ValueError(f"metadata {key!r} must be int, float, bool or str, got {type(value).__name__}")
    return value


def _short(message: pmt.pmt_base) -> str:
    text = str(message)
    return text if len(text) <= 60 else text[:57] + "..."
