# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture metrics that other packages bring: means over the frames of a video."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np

from ..plugins import load_plugin, plugin_names

Metric = Callable[[np.ndarray, np.ndarray], float]  # original and received, uint8 (H, W, 3), to a number


class PluginMetrics:
    """Means of every installed metric; one that raises or gives no finite number ends alone, with the reason."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._sums: dict[str, float] = {}
        self._num_frames = 0
        self._reasons: dict[str, str] = {}
        for name in plugin_names("metric"):
            try:
                self._metrics[name] = cast(Metric, load_plugin("metric", name))
            except ValueError as error:
                self._reasons[name] = str(error)

    def add(self, original: np.ndarray, received: np.ndarray) -> None:
        """Count the next frame of both, uint8 (H, W, 3)."""
        self._num_frames += 1
        for name, metric in list(self._metrics.items()):
            try:
                value = float(metric(original, received))
                if not math.isfinite(value):
                    raise ValueError(f"got {value}")
                self._sums[name] = self._sums.get(name, 0.0) + value
            except Exception as error:  # of somebody else's function
                del self._metrics[name]
                self._reasons[name] = f"frame {self._num_frames - 1}: {type(error).__name__}: {error}"

    def result(self) -> tuple[dict[str, float | None], list[str]]:
        """Mean by name, None where there is none, and the reasons for `notes`."""
        means: dict[str, float | None] = {name: None for name in self._reasons}
        if self._num_frames:
            means |= {name: self._sums[name] / self._num_frames for name in self._metrics}
        return means, [f"{name}: not computed, {reason}" for name, reason in self._reasons.items()]
