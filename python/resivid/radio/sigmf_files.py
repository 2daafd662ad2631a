# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF recordings of received samples: written as they come, read back in place of a radio."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, ResividError
from ..part_files import write_text_atomically
from ..version import __version__
from .libraries import library

log = logging.getLogger(__name__)

DATA, META = ".sigmf-data", ".sigmf-meta"
MAX_META_BYTES = 64 << 20
# SigMF's name of a sample format, as NumPy reads one axis of it, and the value of full scale
FORMATS = {
    "cf32_le": ("<f4", 1.0),
    "ci16_le": ("<i2", 32768.0),
    "ci8": ("i1", 128.0),
    "ci8_le": ("i1", 128.0),
    "cu8": ("u1", 128.0),
    "cu8_le": ("u1", 128.0),
}


@dataclass(frozen=True)
class SigmfRecording:
    """A recording that can be replayed.

    Attributes:
        data: file of samples.
        sample_rate: samples a second.
        frequency_hz: of its centre; None when the recording does not say.
        datatype: SigMF's name of the sample format.
        num_samples: whole samples in the file.
    """

    data: Path
    sample_rate: float
    frequency_hz: float | None
    datatype: str
    num_samples: int

    def open(self) -> Callable[[int], np.ndarray]:
        """A reader for `sample_source`."""
        dtype, full_scale = FORMATS[self.datatype]
        size = 2 * np.dtype(dtype).itemsize
        file = self.data.open("rb")
        left = self.num_samples

        def read(most: int) -> np.ndarray:
            nonlocal left
            raw = np.frombuffer(file.read(size * min(most, left)), dtype)
            raw = raw[: len(raw) // 2 * 2]
            left -= len(raw) // 2
            if dtype == "<f4":
                return raw.view("<c8")
            middle = 127.5 if dtype == "u1" else 0.0
            return ((raw.astype(np.float32) - middle) / np.float32(full_scale)).view(np.complex64)

        return read


def recording_files(path: str | Path) -> tuple[Path, Path]:
    """Names of data and metadata for what the user calls the recording."""
    path = Path(path)
    stem = path.name.removesuffix(DATA).removesuffix(META).removesuffix(".sigmf")
    if not stem:
        raise ResividError(f"{path}: expected the name of a recording")
    return path.with_name(stem + DATA), path.with_name(stem + META)


def read_recording(path: str | Path) -> SigmfRecording:
    """Look at a recording; one that was cut short is taken as far as it goes, with a warning in the log.

    Raises:
        FormatError: a file is missing, the metadata are malformed, or the samples are of a format that is not read.
    """
    data, meta = recording_files(path)
    fields = _read_meta(meta)
    info = fields.get("global")
    if not isinstance(info, dict):
        raise FormatError(f"{meta}: no SigMF metadata, the object `global` is missing")
    datatype, rate = info.get("core:datatype"), info.get("core:sample_rate")
    if not isinstance(datatype, str) or datatype not in FORMATS or info.get("core:num_channels", 1) != 1:
        raise FormatError(f"{meta}: samples of {datatype!r}: expected one channel of {', '.join(FORMATS)}")
    if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 1 <= rate <= 1e9:
        raise FormatError(f"{meta}: core:sample_rate must be 1 to 1e9, got {rate!r}")
    if not data.is_file():
        raise FormatError(f"{data}: no such file, though {meta.name} is there")
    size = 2 * np.dtype(FORMATS[datatype][0]).itemsize
    num_bytes = data.stat().st_size
    if num_bytes < size:
        raise FormatError(f"{data}: is empty")
    num_samples = num_bytes // size
    if num_bytes % size or _promised(fields) > num_samples:
        log.warning("%s: truncated; its %d whole samples are replayed", data, num_samples)
    return SigmfRecording(data, float(rate), _frequency(fields), datatype, num_samples)


def _read_meta(meta: Path) -> dict[str, Any]:
    try:
        if meta.stat().st_size > MAX_META_BYTES:
            raise FormatError(f"{meta}: is too large for SigMF metadata")
        fields = json.loads(meta.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"{meta}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{meta}: is no JSON ({error})") from error
    if not isinstance(fields, dict):
        raise FormatError(f"{meta}: no SigMF metadata, expected an object")
    return fields


def _entries(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = fields.get(name)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _whole(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0


def _promised(fields: dict[str, Any]) -> int:
    """Samples that captures and annotations speak of."""
    starts = [_whole(c.get("core:sample_start")) for c in _entries(fields, "captures")]
    ends = [
        _whole(a.get("core:sample_start")) + _whole(a.get("core:sample_count"))
        for a in _entries(fields, "annotations")
    ]
    return max([*starts, *ends], default=0)


def _frequency(fields: dict[str, Any]) -> float | None:
    for capture in _entries(fields, "captures"):
        value = capture.get("core:frequency")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e13:
            return float(value)
    return None


class SigmfWriter:
    """Files for samples that a GNU Radio file sink writes to `data`; `finish` adds the metadata.

    Args:
        path: NAME, NAME.sigmf-data or NAME.sigmf-meta.
        sample_rate: samples a second.
        frequency_hz: of the centre of the band.
        description: one line.
        hardware: what received; empty when unknown.
    Raises:
        MissingPackageError: the package sigmf is not there.
        ResividError: the folder does not exist.
    """

    def __init__(
        self, path: str | Path, sample_rate: float, frequency_hz: float, description: str, hardware: str = ""
    ):
        self._sigmf = library("sigmf")
        self.data, self.meta = recording_files(path)
        if not self.data.parent.is_dir():
            raise ResividError(f"{path}: folder {self.data.parent} does not exist")
        self._info = {
            "core:datatype": "cf32_le",
            "core:sample_rate": sample_rate,
            "core:description": description,
            "core:recorder": f"gr-resivid {__version__}",
            **({"core:hw": hardware} if hardware else {}),
        }
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._capture = {"core:datetime": started, "core:frequency": frequency_hz}

    def finish(self) -> None:
        """Write the metadata, with the checksum of the data; nothing when no sample came.

        Raises:
            ResividError: a file cannot be written.
        """
        if not self.data.is_file() or self.data.stat().st_size == 0:
            self.data.unlink(missing_ok=True)
            return
        recording = self._sigmf.SigMFFile(data_file=str(self.data), global_info=self._info)
        recording.add_capture(0, metadata=self._capture)
        recording.validate()
        write_text_atomically(self.meta, recording.dumps(pretty=True) + "\n")
