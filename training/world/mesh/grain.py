"""Noise of this renderer alone: smooth between the nodes of a lattice, not a sum of waves."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

_SIZE = 256


@functools.lru_cache(maxsize=16)
def grain_table(device: torch.device, family: int) -> Tensor:
    """Return the lattice's values (65536,), uniform in [0, 1); families share nothing."""
    values = np.random.default_rng([417, family]).random(_SIZE * _SIZE).astype(np.float32)
    return torch.from_numpy(values).to(device)


def grain(table: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return noise in [-1, 1] at points, smooth, a lattice cell a unit."""
    col, row = x.floor(), y.floor()
    u, v = x - col, y - row
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    c0, r0 = col.int() & (_SIZE - 1), (row.int() & (_SIZE - 1)) * _SIZE
    c1, r1 = (c0 + 1) & (_SIZE - 1), (r0 + _SIZE) & (_SIZE * _SIZE - 1)
    low = torch.lerp(table[r0 + c0], table[r0 + c1], u)
    high = torch.lerp(table[r1 + c0], table[r1 + c1], u)
    return 2 * torch.lerp(low, high, v) - 1


def toss(table: Tensor, key: Tensor) -> Tensor:
    """Return a uniform number in [0, 1) for every whole-numbered key."""
    return table[((key * 40503 + 977) >> 3) & (_SIZE * _SIZE - 1)]
