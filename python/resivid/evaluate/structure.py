# SPDX-License-Identifier: GPL-3.0-or-later
"""Structural similarity of pictures: SSIM (Wang et al. 2004) and MS-SSIM (Wang, Simoncelli and Bovik 2003)."""

from __future__ import annotations

import numpy as np

PEAK = 255.0
SSIM_SIGMA, SSIM_RADIUS = 1.5, 5  # Gaussian window of 11x11 pixels
WINDOW = 2 * SSIM_RADIUS + 1
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # table of the 2003 paper, finest scale first
SMALLEST_MS_SSIM_SIDE = WINDOW * 2 ** (len(SCALE_WEIGHTS) - 1)
# Taken from all values before they are squared: 24 bits then do for variances, at twice the speed of 53.
CENTRE = np.float32(128)


def ssim(reference: np.ndarray, frame: np.ndarray) -> float:
    """Structural similarity of Wang et al. (2004), on each RGB channel, then averaged.

    Gaussian window 11x11, sigma 1.5, K1 = 0.01, K2 = 0.03, population covariance, mean over the positions where
    the window fits.

    Args:
        reference, frame: uint8 (H, W, 3), sides at least 11.
    Returns:
        At most 1, which equal pictures reach.
    Raises:
        ValueError: different shapes, not uint8, or smaller than the window.
    """
    check_pair(reference, frame)
    if min(reference.shape[:2]) < WINDOW:
        raise ValueError(f"frame: sides must be at least {WINDOW} pixels, got {frame.shape}")
    return float(np.mean(_similarity(_centred(reference), _centred(frame))[0]))


def ms_ssim(reference: np.ndarray, frame: np.ndarray) -> float:
    """Multi-scale structural similarity: five scales, halved by means of 2x2 pixels.

    On each RGB channel the product of the contrast terms of all scales but the coarsest and of the SSIM of that one, each
    a mean over the positions where the window fits, to the power of its weight; a negative mean counts as 0. Then the mean
    over the channels.

    Args:
        reference, frame: uint8 (H, W, 3), sides at least 176.
    Returns:
        0 to 1, which equal pictures reach.
    Raises:
        ValueError: different shapes, not uint8, or too small.
    """
    return ssim_and_ms_ssim(reference, frame)[1]


def ssim_and_ms_ssim(reference: np.ndarray, frame: np.ndarray) -> tuple[float, float]:
    """What `ssim` and `ms_ssim` return, for which the finest scale is looked at once.

    Raises:
        ValueError: as `ms_ssim`.
    """
    check_pair(reference, frame)
    if min(reference.shape[:2]) < SMALLEST_MS_SSIM_SIDE:
        raise ValueError(f"frame: sides must be at least {SMALLEST_MS_SSIM_SIDE} pixels, got {frame.shape}")
    x, y = _centred(reference), _centred(frame)
    product = np.ones(reference.shape[2])
    finest, structure = _similarity(x, y)
    for weight in SCALE_WEIGHTS[:-1]:
        product *= np.maximum(structure, 0) ** weight
        x, y = _halved(x), _halved(y)
        coarsest, structure = _similarity(x, y)
    product *= np.maximum(coarsest, 0) ** SCALE_WEIGHTS[-1]
    return float(np.mean(finest)), float(np.mean(product))


def check_pair(reference: np.ndarray, frame: np.ndarray) -> None:
    """Refuse what is no pair of pictures.

    Raises:
        ValueError: different shapes, or not uint8.
    """
    if reference.dtype != np.uint8 or frame.dtype != np.uint8:
        raise ValueError(f"frame: expected uint8 pictures, got {reference.dtype} and {frame.dtype}")
    if reference.shape != frame.shape:
        raise ValueError(f"frame: expected the shape of the reference {reference.shape}, got {frame.shape}")


def _centred(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) - CENTRE


def _similarity(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over positions, (channels,), of luminance times structure, and of structure (contrast, correlation) alone.

    Args:
        x, y: of `_centred`, or reduced from it.
    """
    import cv2

    inside = slice(SSIM_RADIUS, -SSIM_RADIUS)

    def mean(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (WINDOW, WINDOW), SSIM_SIGMA)[inside, inside]

    mean_x, mean_y = mean(x), mean(y)
    variances = mean(x * x + y * y) - (mean_x * mean_x + mean_y * mean_y)  # only their sum is needed
    covariance = mean(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + CENTRE, mean_y + CENTRE
    squares, product = mean_x * mean_x + mean_y * mean_y, mean_x * mean_y
    c1, c2 = np.float32((0.01 * PEAK) ** 2), np.float32((0.03 * PEAK) ** 2)
    luminance = (2 * product + c1) / (squares + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    return (luminance * structure).mean((0, 1), np.float64), structure.mean((0, 1), np.float64)


def _halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    cut = picture[:height, :width]
    return (cut[::2, ::2] + cut[1::2, ::2] + cut[::2, 1::2] + cut[1::2, 1::2]) / 4
