"""Height maps of a city, for shadows and for the view from above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model_core.types import FloatArray
from training.world.appearance import Sun
from training.world.geometry import CityGeometry
from training.world.solids import BOTH_DATES, BoxKind, Roof, RoundKind

HEIGHT_CELL_M = 0.5


@dataclass(frozen=True)
class HeightMap:
    """What stands on every cell at one date, north up.

    ``solid_m`` (R, R) height of walls and roofs, ``crown_m`` top of the trees (0 where none),
    ``box`` the box's row or -1, ``round_`` the tree's row or -1.
    """

    cell_m: float
    solid_m: Tensor
    crown_m: Tensor
    box: Tensor
    round_: Tensor

    @property
    def top_m(self) -> Tensor:
        """The height of whatever is highest."""
        return torch.maximum(self.solid_m, self.crown_m)


def _window(
    center: FloatArray, reach: float, half_m: float, cell_m: float, size: int
) -> tuple[slice, slice, FloatArray, FloatArray] | None:
    """Return the cells around a point and their offsets east and north of it."""
    col = (center[0] + half_m) / cell_m
    row = (half_m - center[1]) / cell_m
    n = reach / cell_m + 1
    c0, c1 = max(0, int(col - n)), min(size, int(col + n) + 1)
    r0, r1 = max(0, int(row - n)), min(size, int(row + n) + 1)
    if c1 <= c0 or r1 <= r0:
        return None
    east = (np.arange(c0, c1, dtype=np.float32) + 0.5) * cell_m - half_m - center[0]
    north = half_m - (np.arange(r0, r1, dtype=np.float32) + 0.5) * cell_m - center[1]
    return slice(r0, r1), slice(c0, c1), east[None], north[:, None]


def raise_heights(
    geometry: CityGeometry,
    date: int,
    traffic: int | None,
    device: torch.device,
    cell_m: float = HEIGHT_CELL_M,
) -> HeightMap:
    """Return the height map of a date with the cars of one traffic group (None: no cars)."""
    size = round(2 * geometry.half_m / cell_m)
    solid = np.zeros((size, size), np.float32)
    crown = np.zeros((size, size), np.float32)
    box = np.full((size, size), -1, np.int32)
    round_ = np.full((size, size), -1, np.int32)
    shown = {BOTH_DATES, date + 1, traffic if traffic is not None else -1}
    for k in np.flatnonzero(np.isin(geometry.boxes.group, list(shown))):
        _raise_box(geometry, int(k), solid, box, cell_m)
    growing = (RoundKind.TREE, RoundKind.CONIFER, RoundKind.BUSH)
    trees = np.isin(geometry.rounds.kind, growing)
    for k in np.flatnonzero(np.isin(geometry.rounds.group, list(shown)) & trees):
        _raise_tree(geometry, int(k), crown, round_, cell_m)
    parts = (torch.from_numpy(a).to(device) for a in (solid, crown, box, round_))
    return HeightMap(cell_m, *parts)


def _raise_box(
    geometry: CityGeometry, k: int, solid: FloatArray, box: np.ndarray, cell_m: float
) -> None:
    b = geometry.boxes
    half, axis = b.half[k], b.axis[k]
    reach = float(np.hypot(half[0], half[1]))
    found = _window(b.center[k], reach, geometry.half_m, cell_m, len(solid))
    if found is None:
        return
    rows, cols, east, north = found
    u = east * axis[0] + north * axis[1]
    v = north * axis[0] - east * axis[1]
    spare = 0.5 * cell_m if b.kind[k] in (BoxKind.WALL, BoxKind.HEDGE) else 0.0
    inside = (np.abs(u) <= half[0] + spare) & (np.abs(v) <= half[1] + spare)
    z = np.full(u.shape, b.eave_m[k], np.float32)
    if b.roof[k] != Roof.FLAT:
        rise = 1 - np.abs(v) / half[1]
        if b.roof[k] == Roof.HIP:
            rise = np.minimum(rise, (half[0] - np.abs(u)) / half[1])
        z = z + b.rise_m[k] * np.clip(rise, 0, 1)
    better = inside & (z > solid[rows, cols])
    solid[rows, cols][better] = z[better]
    box[rows, cols][better] = k


def _raise_tree(
    geometry: CityGeometry, k: int, crown: FloatArray, round_: np.ndarray, cell_m: float
) -> None:
    r = geometry.rounds
    radius = float(r.radius_m[k])
    found = _window(r.center[k], radius, geometry.half_m, cell_m, len(crown))
    if found is None:
        return
    rows, cols, east, north = found
    away = np.sqrt(east**2 + north**2) / radius
    low, top = float(r.bottom_m[k]), float(r.top_m[k])
    if r.kind[k] == RoundKind.CONIFER:
        z = top - (top - low) * away
    else:
        z = (low + top) / 2 + (top - low) / 2 * np.sqrt(np.clip(1 - away**2, 0, 1))
    better = (away < 1) & (z > crown[rows, cols])
    crown[rows, cols][better] = z[better]
    round_[rows, cols][better] = k


def shifted(values: Tensor, rows: int, cols: int, fill: float = 0.0) -> Tensor:
    """Return a map moved down and right by whole cells."""
    out = torch.full_like(values, fill)
    size_r, size_c = values.shape
    if abs(rows) >= size_r or abs(cols) >= size_c:
        return out
    to_r, from_r = (
        slice(max(rows, 0), size_r + min(rows, 0)),
        slice(max(-rows, 0), size_r - max(rows, 0)),
    )
    to_c, from_c = (
        slice(max(cols, 0), size_c + min(cols, 0)),
        slice(max(-cols, 0), size_c - max(cols, 0)),
    )
    out[to_r, to_c] = values[from_r, from_c]
    return out


def cast_shadows(heights: HeightMap, sun: Sun, reach_m: float = 60.0) -> Tensor:
    """Return the height (R, R) below which a point is in the shade of something else."""
    east, north, up = (float(v) for v in sun.direction())
    flat = max(float(np.hypot(east, north)), 1e-3)
    tan = up / flat
    top = heights.top_m
    shade = torch.zeros_like(top)
    step_m = 1.0
    while step_m < min(reach_m, float(top.max()) / tan + 1):
        rows = round(north / flat * step_m / heights.cell_m)
        cols = round(-east / flat * step_m / heights.cell_m)
        shade = torch.maximum(shade, shifted(top, rows, cols) - step_m * tan)
        step_m += 1.0 if step_m < 15 else 2.0
    return shade
