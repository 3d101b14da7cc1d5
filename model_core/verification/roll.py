"""The roll of a camera from the vertical edges of what it saw."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from model_core.types import ImageU8

MAX_ROLL_DEG = 30.0
_WORKING_SIDE_PX = 640
_BIN_DEG = 0.5
_SMOOTHING_DEG = 2.0
_MIN_PROMINENCE = 2.7
_EDGE_SHARE = 0.3


def estimate_roll_deg(grey: ImageU8) -> float:
    """Return the roll that makes an image's vertical edges vertical, 0 where there is no telling.

    Walls, windows, poles and trunks stand upright, so the directions of strong edges have a sharp
    peak there; in built scenes it is found within about 2 degrees.

    Args:
        grey: uint8 (H, W), as the camera took it.

    Returns:
        Degrees within +-30, positive when the camera is turned clockwise seen from behind it.
    """
    scale = _WORKING_SIDE_PX / max(grey.shape)
    if scale < 1.0:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cast(ImageU8, cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    strength = np.hypot(across, down)
    edge = strength > np.quantile(strength, 1.0 - _EDGE_SHARE)
    if not edge.any():
        return 0.0
    weights = np.minimum(strength[edge], np.quantile(strength, 0.98))
    slant_deg = (np.degrees(np.arctan2(down[edge], across[edge])) + 90.0) % 180.0 - 90.0
    bins = np.arange(-45.0, 45.0 + _BIN_DEG, _BIN_DEG)
    counts, _ = np.histogram(slant_deg, bins, weights=weights)
    reach = np.arange(-3 * _SMOOTHING_DEG, 3 * _SMOOTHING_DEG + _BIN_DEG, _BIN_DEG)
    counts = np.convolve(counts, np.exp(-0.5 * (reach / _SMOOTHING_DEG) ** 2), "same")
    centres = (bins[:-1] + bins[1:]) / 2
    counts_near = np.where(np.abs(centres) <= MAX_ROLL_DEG, counts, 0.0)
    peak = int(counts_near.argmax())
    if counts[peak] < _MIN_PROMINENCE * max(float(np.median(counts)), 1e-9):
        return 0.0
    return float(-centres[peak])
