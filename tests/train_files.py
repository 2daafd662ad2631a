# SPDX-License-Identifier: GPL-3.0-or-later
"""Small training data, start weights and settings: a run of seconds, without the frozen loss networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS
from gnuradio.resivid.models.tokenizers.multiscale import save
from gnuradio.resivid.models.tokenizers.refiner import Refiner, RefinerConfig

SMALL = RefinerConfig(widths=(8, 8, 8, 4), blocks=(1, 1, 1, 1))
CONFIG = """\
batch: 3
crop: 32
precision: fp32
loop_states: 8
check_steps: 1000
check_pictures: 2
device: cpu
network: {widths: [8, 8, 8, 4], blocks: [1, 1, 1, 1]}
"""


def picture(seed: int, height: int = 260, width: int = 280) -> np.ndarray:
    """Blurred coloured noise, uint8 (height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def png(array: np.ndarray) -> bytes:
    """uint8 (H, W, 3) RGB as PNG."""
    return cv2.imencode(".png", array[:, :, ::-1])[1].tobytes()


def picture_folder(folder: Path, count: int = 4) -> Path:
    """A folder of PNG pictures."""
    folder.mkdir()
    for i in range(count):
        (folder / f"{i}.png").write_bytes(png(picture(i)))
    return folder


def start_weights(path: Path) -> Path:
    """A weight file of few random codes and a small network."""
    torch.manual_seed(5)
    save(path, [0.2 * torch.randn(40, 48) for _ in GRIDS], Refiner(SMALL), {})
    return path


def config_file(folder: Path, more: str = "", losses: str = "l1: 4") -> Path:
    """A configuration with data and start weights in `folder`, without losses that need networks."""
    data, start = folder / "data", folder / "start.safetensors"
    if not data.exists():
        picture_folder(data)
    start_weights(start)
    path = folder / "run.yaml"
    path.write_text(f"data: {data}\nstart: {start}\n{CONFIG}losses: {{vgg: 0, lpips: 0, {losses}}}\n{more}")
    return path
