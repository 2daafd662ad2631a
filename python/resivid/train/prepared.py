# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared shards: training data as uint8 tensors in safetensors files, for machines without video decoders.

A shard holds one kind: pictures (raw, or WebP where room is scarce), clips, or states of the closed loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import FormatError, ResividError
from ..models.weight_files import read_metadata, write_tensors
from .image_files import SIDE, decode_exactly, encode_webp
from .loop_states import STATE_SHAPES, LoopStates

if TYPE_CHECKING:
    from .data import TrainingData

FORMAT = "resivid-training-data-1"
MOST_BYTES = 56_000_000  # of a shard
LISTS = ("pictures", "held_out", "clips", "held_out_clips")


def write(data: TrainingData, folder: Path, webp_quality: int = 0) -> list[Path]:
    """All of `data` as shards.

    Args:
        webp_quality: 1 to 100; 0: raw pictures, which need no decoder.
    Returns:
        the files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResividError(f"{folder}: cannot be made ({error.strerror})") from error
    written: list[Path] = []
    for kind in LISTS:
        for part in _parts(_encoded(getattr(data, kind), webp_quality)):
            shapes = torch.tensor([shape for _, shape in part])
            values = torch.from_numpy(np.concatenate([flat for flat, _ in part]))
            lengths = torch.tensor([len(flat) for flat, _ in part])
            tensors = {"values": values, "lengths": lengths, "shapes": shapes}
            written.append(_save(folder, len(written), kind, tensors, webp_quality))
    if data.states is not None:
        size = sum(t[0].numel() * t.element_size() for t in data.states.tensors().values())
        rows = MOST_BYTES // size
        for start in range(0, len(data.states), rows):
            tensors = {k: t[start : start + rows] for k, t in data.states.tensors().items()}
            written.append(_save(folder, len(written), "states", tensors, 0))
    return written


def _save(folder: Path, number: int, kind: str, tensors: dict[str, torch.Tensor], webp: int) -> Path:
    path = folder / f"{kind}-{number:04d}.safetensors"
    write_tensors(path, tensors, {"format": FORMAT, "kind": kind, "webp": str(webp)})
    return path


def _encoded(arrays: Iterable[np.ndarray], webp: int) -> Iterator[tuple[np.ndarray, list[int]]]:
    for array in arrays:
        if not webp:
            yield np.ascontiguousarray(array).reshape(-1), [*array.shape, 0][:4]
            continue
        # a clip becomes one tall picture: WebP holds up to 16,383 pixels a side
        if array.ndim == 4:
            array = array[: 16383 // SIDE]
        tall = array.reshape(-1, *array.shape[-2:])
        yield np.frombuffer(encode_webp(tall, webp), np.uint8), [*array.shape, 0][:4]


def _parts(items: Iterable[tuple[np.ndarray, list[int]]]) -> Iterator[list[tuple[np.ndarray, list[int]]]]:
    part: list[tuple[np.ndarray, list[int]]] = []
    size = 0
    for item in items:
        if part and size + len(item[0]) > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item[0])
    if part:
        yield part


def read(path: Path, data: TrainingData, limit: int = 0) -> None:
    """Add what a shard holds to `data`.

    Args:
        limit: at most so many pictures or clips of each kind in `data`; 0: all.
    Raises:
        WeightsError, FormatError: no prepared shard, or a damaged one.
    """
    metadata = read_metadata(path)
    if metadata.get("format") != FORMAT:
        raise FormatError(f"{path}: no shard of training data ({FORMAT}); `resivid train prepare` makes them")
    from safetensors.torch import load_file

    tensors, kind = load_file(path), metadata.get("kind", "")
    try:
        if kind == "states":
            states = _states(tensors)
            data.states = states if data.states is None else LoopStates.joined([data.states, states])
        elif kind in LISTS:
            _add(getattr(data, kind), tensors, metadata.get("webp") != "0", limit)
        else:
            raise ValueError(f"unknown kind {kind!r:.40}")
    except (KeyError, ValueError, IndexError) as error:
        raise FormatError(f"{path}: damaged ({error})") from error


def _states(tensors: dict[str, torch.Tensor]) -> LoopStates:
    rows = len(tensors["targets"])
    for name, (shape, kind) in STATE_SHAPES.items():
        if tensors[name].shape != (rows, *shape) or tensors[name].dtype != kind:
            raise ValueError(f"{name} has shape {tuple(tensors[name].shape)}")
    return LoopStates(tensors["ycc"], tensors["freshness"], tensors["targets"])


def _add(out: list[np.ndarray], tensors: dict[str, torch.Tensor], webp: bool, limit: int) -> None:
    values, shapes = tensors["values"].numpy(), tensors["shapes"].tolist()
    ends = np.cumsum(tensors["lengths"].numpy())
    if values.dtype != np.uint8 or len(ends) != len(shapes) or ends[-1] != len(values):
        raise ValueError("lengths do not fit")
    start = 0
    for end, shape in zip(ends.tolist(), shapes, strict=True):
        if limit and len(out) >= limit:
            return
        shape = shape if shape[3] else shape[:3]
        array = values[start:end]
        start = end
        if shape[-1] != 3 or min(shape[-3:-1]) < SIDE:
            raise ValueError(f"shape {shape}")
        array = decode_exactly(array.tobytes()) if webp else array
        out.append(array.reshape(shape).copy())
