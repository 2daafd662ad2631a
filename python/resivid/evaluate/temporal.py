# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow-warp error: how much a video flickers beyond its motion (Lai et al., ECCV 2018, equation 5)."""

from __future__ import annotations

import numpy as np

from .known_originals import KnownOriginals
from .structure import PEAK, check_pair

# Where flow and flow back disagree a pixel is hidden in one of the frames: Sundaram, Brox and Keutzer (ECCV 2010), (5).
CONSISTENCY_SHARE, CONSISTENCY_PIXELS = 0.01, 0.5
LEAST_VISIBLE = 0.01  # share of pixels below which a pair of frames says nothing: a cut


class FlowWarpError:
    """Compares each received frame with the one before, moved as the original moves.

    The flow is OpenCV's DIS between the original frames, so that it is the same for every codec.

    Args:
        known: of the originals, where they are compared with more than once.

    Attributes:
        per_frame: for frames 1, 2, ...: mean squared difference of the visible pixels, on a scale where white
            is 1; None across a cut.
    """

    def __init__(self, known: KnownOriginals | None = None) -> None:
        import cv2

        self._known = known or KnownOriginals(0)
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self.per_frame: list[float | None] = []

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Take the next frame.

        Args:
            original, received: uint8 (H, W, 3) RGB.
        Raises:
            ValueError: different shapes, or not uint8.
        """
        import cv2

        check_pair(original, received)
        grey = cv2.cvtColor(original, cv2.COLOR_RGB2GRAY)
        if self._before is not None:
            self.per_frame.append(self._error(grey, *self._before, received))
        self._before = grey, received.copy()

    def mean(self) -> float | None:
        """Over all pairs of frames; None where there is none."""
        values = [value for value in self.per_frame if value is not None]
        return float(np.mean(values)) if values else None

    def _error(
        self, grey: np.ndarray, grey_before: np.ndarray, received_before: np.ndarray, received: np.ndarray
    ) -> float | None:
        back, visible = self._known.get(
            ("flow", len(self.per_frame)), lambda: self._motion(grey, grey_before)
        )
        if visible.mean() < LEAST_VISIBLE:
            return None
        moved = warp(received_before, back)
        difference = (received.astype(np.float32) - moved)[visible] / PEAK
        return float(np.mean(np.square(difference), dtype=np.float64))

    def _motion(self, grey: np.ndarray, grey_before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel was, float32 (H, W, 2), and whether it was visible, bool (H, W)."""
        back = self._flow.calc(grey, grey_before, None)
        return back, _visible(back, self._flow.calc(grey_before, grey, None))


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The picture read at x + flow(x), bilinear, its edge repeated; float32 of the picture's shape."""
    import cv2

    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        picture.astype(np.float32),
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _visible(back: np.ndarray, forth: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels whose way back and forth ends where it began, inside the picture."""
    height, width = back.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    at_x, at_y = x + back[..., 0], y + back[..., 1]
    inside = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    returned = warp(forth, back)
    gap = np.square(back + returned).sum(-1)
    length = np.square(back).sum(-1) + np.square(returned).sum(-1)
    return inside & (gap <= CONSISTENCY_SHARE * length + CONSISTENCY_PIXELS)
