# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interpolators that are networks share: padding, the loop over times, rounding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from .base import check_arguments

PictureAt = Callable[[float], torch.Tensor]  # of a time: (1, 3, H, W) in [0, 1]


class NetworkInterpolator(ABC):
    """See `Interpolator`. Times are computed one by one: a frame does not depend on what else is asked for.

    Args:
        network: as loaded; put on the device here.
        multiple: the sides of the pictures that it takes are multiples of this.
        dtype: of its weights; None: as they are.
    """

    name: str

    def __init__(
        self,
        network: nn.Module,
        multiple: int,
        weights_sha256: dict[str, str] | None = None,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
    ):
        self.weights_sha256, self.device = weights_sha256 or {}, torch.device(device)
        self.network = network.eval().to(self.device, dtype).to(memory_format=torch.channels_last)
        self._multiple = multiple

    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """See `Interpolator.between`."""
        out = np.empty((len(times), *first.shape), np.uint8)
        for i, picture in enumerate(self.each(first, last, times)):
            out[i] = picture
        return out

    def each(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> Iterator[np.ndarray]:
        """The frames of `between`, one after the other: see `one_by_one`."""
        check_arguments(first, last, times)
        if not len(times):
            return
        height, width = first.shape[:2]
        with torch.inference_mode():  # never across a yield: others run in this thread then
            picture_at = self._prepared(self._padded(first), self._padded(last))
        for t in times:
            with torch.inference_mode():
                picture = picture_at(t)[0, :, :height, :width]
                frame = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
            yield frame

    @abstractmethod
    def _prepared(self, first: np.ndarray, last: np.ndarray) -> PictureAt:
        """What all times have in common is done here once.

        Args:
            first, last: uint8 (H, W, 3), padded.
        """

    def _padded(self, frame: np.ndarray) -> np.ndarray:
        below, right = (-side % self._multiple for side in frame.shape[:2])
        return np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")

    def _tensor(self, planes: np.ndarray) -> torch.Tensor:
        """(H, W, c), of which uint8 means [0, 255], to float (1, c, H, W) on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].to(self.device)
        return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor
