# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex baseband of a link as a SigMF recording: data, and what each key frame in it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gnuradio import blocks, gr

from ..errors import ResividError
from ..part_files import part_path, write_text_atomically
from ..radio.libraries import library
from ..radio.sigmf_files import DATA, recording_files
from ..version import __version__

ITEM_BYTES = 8  # cf32_le


@dataclass(frozen=True)
class Annotation:
    """A stretch of the recording: first item, number of items, a label and a remark."""

    start: int
    count: int
    label: str
    comment: str


class IqRecording:
    """Writes what flows into `sink`; both files get their names when `finish` is called.

    Args:
        path: NAME, NAME.sigmf, NAME.sigmf-data or NAME.sigmf-meta; the files are NAME.sigmf-data and -meta.
        description: one line for the metadata.
    Raises:
        MissingPackageError: the package sigmf is not there.
        ResividError: the folder does not exist or cannot be written.
    """

    def __init__(self, path: str | Path, description: str):
        library("sigmf")
        self.data, self.meta = recording_files(path)
        self.description = description
        folder = self.data.parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise ResividError(f"{path}: folder {folder} does not exist or cannot be written")
        # The ending stays: the library takes data files by it.
        self._part = part_path(self.data, DATA)
        self.sink = blocks.file_sink(gr.sizeof_gr_complex, str(self._part))

    def finish(self, symbol_rate: float, annotations: Sequence[Annotation]) -> None:
        """Write the metadata and give both files their names.

        Args:
            symbol_rate: items a second.
            annotations: in order; what lies behind the last one is cut off, as the end marker is.
        Raises:
            ResividError: a file cannot be written.
        """
        self.sink.close()
        length = annotations[-1].start + annotations[-1].count if annotations else 0
        try:
            if self._part.stat().st_size > ITEM_BYTES * length:
                os.truncate(self._part, ITEM_BYTES * length)
            text = self._metadata(symbol_rate, annotations)
            self._part.replace(self.data)
        except OSError as error:
            self.discard()
            raise ResividError(f"{self.data}: cannot be written ({error.strerror})") from error
        write_text_atomically(self.meta, text)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.sink.close()
        self._part.unlink(missing_ok=True)

    def _metadata(self, symbol_rate: float, annotations: Sequence[Annotation]) -> str:
        sigmf = library("sigmf")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        recording = sigmf.SigMFFile(
            data_file=str(self._part) if annotations else None,
            global_info={
                "core:datatype": "cf32_le",
                "core:sample_rate": symbol_rate,
                "core:description": self.description,
                "core:recorder": f"gr-resivid {__version__}",
            },
        )
        recording.add_capture(0, metadata={"core:datetime": now})
        for a in annotations:
            remarks = {"core:label": a.label, "core:comment": a.comment}
            recording.add_annotation(a.start, a.count, metadata=remarks)
        recording.validate()
        return recording.dumps(pretty=True) + "\n"
