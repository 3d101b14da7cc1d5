"""Street lamps at night: how much of their light reaches the ground."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from training.world.geometry import CityGeometry
from training.world.solids import RoundKind

LAMP_CELL_M = 1.0
LAMP_RGB = (1.0, 0.8, 0.52)


def lamp_map(geometry: CityGeometry, device: torch.device) -> Tensor:
    """Return the lamps' light on the ground, north up, cells of 1 m: about 1 below a lamp."""
    size = round(2 * geometry.half_m / LAMP_CELL_M)
    points = np.zeros((size, size), np.float32)
    poles = geometry.rounds.center[geometry.rounds.kind == RoundKind.POLE]
    col = np.clip((poles[:, 0] + geometry.half_m) / LAMP_CELL_M, 0, size - 1).astype(np.int64)
    row = np.clip((geometry.half_m - poles[:, 1]) / LAMP_CELL_M, 0, size - 1).astype(np.int64)
    np.add.at(points, (row, col), 1.0)
    pool, spread = (cv2.GaussianBlur(points, (0, 0), sigma) for sigma in (3.0, 9.0))
    light = pool * (2 * np.pi * 3.0**2) * 0.7 + spread * (2 * np.pi * 9.0**2) * 0.3
    return torch.from_numpy(np.minimum(light, 1.3)).to(device)
