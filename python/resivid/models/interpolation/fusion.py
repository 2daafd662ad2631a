# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpolator `fusion`: DIS flow both ways, refined and blended by the network of `fusion_net`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from ..precision import fast_dtype
from ..weight_files import sha256_of
from .classical import consistency, motion_at
from .fusion_net import MULTIPLE, FusionNet, load_network
from .network import NetworkInterpolator, PictureAt

# Sharpness of key frames up to which the network counts in full, and from which on not at all. Of 112 key frames of eight
# clips 98 % lie below 0.693 when decoded, the median at 0.63, and at 0.80 when clean.
CODED, CLEAN = 0.70, 0.76


def sharpness(picture: np.ndarray) -> float:
    """What lies between deviations of 1 and 2 pixels over what lies between 2 and 4: coding takes the first.

    Args:
        picture: uint8 (H, W, 3) RGB.
    Returns:
        Ratio of standard deviations; 0 for a picture of one colour.
    """
    grey = picture.astype(np.float32).mean(-1)
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (1, 2, 4))
    return float((fine - middle).std() / max((middle - coarse).std(), 1e-6))


class FlowPair:
    """DIS flow between two pictures, both ways.

    Args:
        first, last: uint8 (H, W, 3) RGB.

    Attributes:
        forth, back: float32 (H, W, 2), first to last and last to first, x then y, in pixels.
        trusts: float32 (H, W) of each picture: how well its flow and the flow back agree.
    """

    def __init__(self, first: np.ndarray, last: np.ndarray):
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey0, grey1 = (cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (first, last))
        self.forth, self.back = dis.calc(grey0, grey1, None), dis.calc(grey1, grey0, None)
        self.trusts = consistency(self.forth, self.back), consistency(self.back, self.forth)


def load(path: Path, device: str = "cpu") -> FusionInterpolator:
    """The interpolator of a weight file.

    Raises:
        WeightsError: unreadable, of another architecture, or a tensor missing, left over or misshapen.
    """
    return FusionInterpolator(load_network(path), {path.name: sha256_of(path)}, device)


class FusionInterpolator(NetworkInterpolator):
    """See `NetworkInterpolator`.

    The network mends what coding did. Between sharp key frames it fades out, and what is left is the classical flow.
    """

    name = "fusion"

    def __init__(self, network: FusionNet, weights_sha256: dict[str, str] | None = None, device: str = "cpu"):
        # bfloat16 saves a fifth of the time at no visible loss; flows and pictures keep full precision
        dtype = fast_dtype(torch.device(device))
        super().__init__(network, MULTIPLE, weights_sha256, device, dtype)

    def _prepared(self, first: np.ndarray, last: np.ndarray) -> PictureAt:
        flows = FlowPair(first, last)
        sharp = (sharpness(first) + sharpness(last)) / 2
        strength = self._number(min(max((CLEAN - sharp) / (CLEAN - CODED), 0.0), 1.0))
        ends = [
            self._tensor(np.dstack([frame.astype(np.float32) / 255, trust]))
            for frame, trust in zip((first, last), flows.trusts, strict=True)
        ]

        def picture_at(t: float) -> torch.Tensor:
            motion = self._tensor(motion_at(flows.forth, flows.back, t))
            return self.network(*ends, motion, -motion, self._number(t), strength=strength)

        return picture_at

    def _number(self, value: float) -> torch.Tensor:
        return torch.full((1, 1, 1, 1), value, device=self.device)
