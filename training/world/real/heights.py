"""Heights of buildings where the source has none: by storeys, neighbours or size."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from model_core.types import FloatArray
from training.world.real.city import RealBuilding

STOREY_M = 3.1
_BASE_M = 0.8
_NEAR_M = 80.0
_AROUND_M = 40.0
_LEAST_KNOWN = 3


class HeightFrom(IntEnum):
    """Where a height comes from."""

    MEASURED = 0
    LEVELS = 1
    NEIGHBOURS = 2
    SIZE = 3


def fill_heights(
    buildings: Sequence[RealBuilding], center: FloatArray, area_m2: FloatArray, seed: int
) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Return every building's height in metres (n,) and where it comes from (n,).

    Args:
        buildings: n buildings.
        center: (n, 2) metres.
        area_m2: (n,) of their footprints.
        seed: Of what is drawn.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(buildings)]))
    height = np.full(len(buildings), np.nan, np.float32)
    origin = np.full(len(buildings), HeightFrom.SIZE, np.uint8)
    for k, building in enumerate(buildings):
        if building.height_m is not None:
            height[k], origin[k] = building.height_m, HeightFrom.MEASURED
        elif building.levels is not None:
            height[k] = _BASE_M + building.levels * STOREY_M
            origin[k] = HeightFrom.LEVELS
    known = np.flatnonzero(np.isfinite(height))
    block = rng.normal(0, 0.7, (64, 64))
    for k in np.flatnonzero(~np.isfinite(height)).tolist():
        away = np.hypot(*(center[known] - center[k]).T)
        alike = np.abs(np.log(area_m2[known] / area_m2[k])) < 0.9
        near = known[(away < _NEAR_M) & alike]
        if len(near) >= _LEAST_KNOWN:
            height[k] = max(2.2, np.median(height[near]) * np.exp(rng.normal(0, 0.12)))
            origin[k] = HeightFrom.NEIGHBOURS
        else:
            cell = (center[k] // 120).astype(int) % 64
            built = _built_around(center, area_m2, k)
            height[k] = _by_size(float(area_m2[k]), built, float(block[cell[0], cell[1]]), rng)
    return height, origin


def _built_around(center: FloatArray, area_m2: FloatArray, k: int) -> float:
    """Return the share of the surroundings that buildings take."""
    near = np.abs(center - center[k]).max(axis=1) < _AROUND_M
    return float(area_m2[near].sum() / (2 * _AROUND_M) ** 2)


def _by_size(area_m2: float, built: float, block: float, rng: np.random.Generator) -> float:
    """Return a height drawn for a footprint; dense blocks are taller, and alike within."""
    if area_m2 < 35:
        return float(rng.uniform(2.3, 3.1))
    if area_m2 > 900 and built < 0.35:
        return float(rng.uniform(5.0, 11.0))
    floors = 1.2 + 4.5 * built + block + rng.normal(0, 0.4) + (0.6 if area_m2 > 300 else 0.0)
    floors = int(np.clip(round(floors), 1, 2 if area_m2 < 80 else 8))
    return float(_BASE_M + floors * STOREY_M * rng.uniform(0.92, 1.1))
