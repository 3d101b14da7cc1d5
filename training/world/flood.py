"""Flood water: a level plain over most of a district, dry where the ground rises."""

from __future__ import annotations

import torch
from torch import Tensor

_DRY_ABOVE, _SHORE = 0.55, 0.2
MUD_RGB = (0.33, 0.29, 0.22)


def water_height(xy: Tensor, phase: tuple[float, float], level_m: Tensor) -> Tensor:
    """Return the height of the water over the ground at points, 0 where it is dry.

    Args:
        xy: (..., 2) metres east and north.
        phase: The city's ``slope_phase``, which places its rises.
        level_m: (...) how high the water stands where the ground is low.
    """
    rise = (xy[..., 0] / 23 + phase[0]).sin() + (xy[..., 1] / 31 + phase[1]).sin()
    return level_m * ((_DRY_ABOVE - rise / 2) / _SHORE).clamp(0, 1)


def reach_water(
    xy: Tensor, direction: Tensor, height_m: Tensor, tangent: Tensor, level_m: Tensor,
    phase: tuple[float, float],
) -> Tensor:  # fmt: skip
    """Return the distance at which lines of sight meet the water, infinite where none does.

    Args:
        xy: (V, 2) cameras.
        direction: (V, W, 2) of the columns.
        height_m: (V,) of the cameras over the ground.
        tangent: (V, W, R) of the lines of sight.
        level_m: (V,) of the water, 0 where a view has none.
        phase: See ``water_height``.
    """
    down = (-tangent).clamp_min(1e-4)
    eye, level = height_m[:, None, None], level_m[:, None, None]
    reach = (eye - level) / down
    water = level
    for _ in range(2):  # the plain is flat, so the shore alone moves between rounds
        spot = xy[:, None, None] + direction[:, :, None] * reach[..., None].clamp_max(400.0)
        water = water_height(spot, phase, level)
        reach = (eye - water) / down
    met = (tangent < -1e-4) & (water > 0.02)
    return torch.where(met, reach, torch.inf)
