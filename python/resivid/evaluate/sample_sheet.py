# SPDX-License-Identifier: GPL-3.0-or-later
"""A sheet of pictures, one row a clip, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import ResividError, SettingsError

HEADING = 28  # pixels above the first row
GAP = 4  # pixels between pictures


class SampleSheet:
    """Gathers rows of pictures of one size.

    Args:
        columns: heading of each column.
    """

    def __init__(self, columns: Sequence[str]):
        self._columns = list(columns)
        self._rows: list[np.ndarray] = []

    def add(self, pictures: Sequence[np.ndarray]) -> None:
        """One row: a picture for each column, uint8 (H, W, 3) RGB.

        Raises:
            ValueError: more or fewer pictures than columns.
        """
        if len(pictures) != len(self._columns):
            raise ValueError(f"expected {len(self._columns)} pictures, got {len(pictures)}")
        self._rows.append(np.hstack([_framed(picture) for picture in pictures]))

    def picture(self) -> np.ndarray:
        """The whole sheet, uint8 RGB.

        Raises:
            ValueError: it has no rows.
        """
        import cv2

        if not self._rows:
            raise ValueError("a sample sheet needs at least one row")
        width = self._rows[0].shape[1]
        heading = np.full((HEADING, width, 3), 255, np.uint8)
        for number, text in enumerate(self._columns):
            place = (number * width // len(self._columns) + 2 * GAP, HEADING - 8)
            cv2.putText(heading, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        return np.vstack([heading, *self._rows])

    def write(self, path: Path) -> None:
        """Write the sheet as PNG.

        Raises:
            ResividError: the file cannot be written.
        """
        import cv2

        done, data = cv2.imencode(".png", self.picture()[..., ::-1])
        if not done:
            raise ResividError(f"{path}: the sheet cannot be stored as PNG")
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            raise ResividError(f"{path}: cannot be written ({error.strerror})") from error


def check_sheet_path(path: Path) -> None:
    """Refuse a sheet that cannot be written before the long run.

    Raises:
        SettingsError: the name does not end in .png, or its folder is not there.
    """
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise SettingsError(f"--sheet: expected a file *.png in a folder that exists, got {path}")


def _framed(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)
