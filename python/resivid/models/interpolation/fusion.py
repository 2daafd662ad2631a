# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpolator `fusion`: DIS flow both ways, refined and blended by the network of `fusion_net`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from ..precision import fast_dtype
from ..weight_files import sha256_of
from .base import check_arguments
from .classical import consistency, motion_at
from .fusion_net import MULTIPLE, FusionNet, load_network

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


def _tensor(planes: np.ndarray) -> torch.Tensor:
    """(H, W, c) to (1, c, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None]


def load(path: Path, device: str = "cpu") -> FusionInterpolator:
    """The interpolator of a weight file.

    Raises:
        WeightsError: unreadable, of another architecture, or a tensor missing, left over or misshapen.
    """
    return FusionInterpolator(load_network(path), {path.name: sha256_of(path)}, device)


class FusionInterpolator:
    """See `Interpolator`. Times are computed one by one: a frame does not depend on what else is asked for.

    The network mends what coding did. Between sharp key frames it fades out, and what is left is the classical flow.
    """

    name = "fusion"

    def __init__(self, network: FusionNet, weights_sha256: dict[str, str] | None = None, device: str = "cpu"):
        self.weights_sha256, self.device = weights_sha256 or {}, torch.device(device)
        # bfloat16 saves a fifth of the time at no visible loss; flows and pictures keep full precision
        kind = fast_dtype(self.device)
        self.network = network.eval().to(self.device, kind).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def between(self, first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """See `Interpolator.between`."""
        check_arguments(first, last, times)
        height, width = first.shape[:2]
        out = np.empty((len(times), *first.shape), np.uint8)
        if not len(times):
            return out
        pad = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
        first, last = np.pad(first, pad, mode="edge"), np.pad(last, pad, mode="edge")
        flows = FlowPair(first, last)
        sharp = (sharpness(first) + sharpness(last)) / 2
        strength = self._number(min(max((CLEAN - sharp) / (CLEAN - CODED), 0.0), 1.0))
        pictures = [
            _tensor(np.dstack([frame.astype(np.float32) / 255, trust])).to(self.device)
            for frame, trust in zip((first, last), flows.trusts, strict=True)
        ]
        for i, t in enumerate(times):
            motion = _tensor(motion_at(flows.forth, flows.back, t)).to(self.device)
            frame = self.network(*pictures, motion, -motion, self._number(t), strength=strength)[0]
            frame = (frame[:, :height, :width].clamp(0, 1) * 255).round().byte()
            out[i] = frame.permute(1, 2, 0).cpu().numpy()
        return out

    def _number(self, value: float) -> torch.Tensor:
        return torch.full((1, 1, 1, 1), value, device=self.device)
