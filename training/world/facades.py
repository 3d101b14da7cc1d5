"""The facades of a city's buildings: durable, the same at both dates and from every view."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from model_core.types import FloatArray
from training.world.lots import BuildingFacts
from training.world.styles import Split


class Facade(IntEnum):
    """The columns of the facade table."""

    WALL_R = 0
    WALL_G = 1
    WALL_B = 2
    BASE_R = 3
    BASE_G = 4
    BASE_B = 5
    TRIM_R = 6
    TRIM_G = 7
    TRIM_B = 8
    ROOF_R = 9
    ROOF_G = 10
    ROOF_B = 11
    SIGN_R = 12
    SIGN_G = 13
    SIGN_B = 14
    BAY_M = 15
    FLOOR_M = 16
    BASE_M = 17
    WINDOW_W = 18
    WINDOW_H = 19
    SILL = 20
    SHOP = 21
    TEXTURE = 22
    CONTRAST = 23
    BALCONY = 24
    SHUTTER = 25
    BLANK = 26
    OFFSET_U = 27
    OFFSET_Z = 28
    KEY = 29
    BAND = 30
    GLASS = 31


_WALLS: dict[Split, tuple[tuple[int, int, int], ...]] = {
    "train": (
        (214, 204, 184), (190, 176, 150), (160, 84, 64), (136, 70, 56), (226, 220, 210),
        (176, 172, 166), (204, 178, 128), (214, 160, 120), (150, 146, 140), (120, 116, 112),
        (186, 196, 176), (166, 182, 196), (232, 214, 150), (200, 140, 120), (96, 84, 76),
        (238, 236, 230),
    ),
    "demo": (
        (222, 190, 160), (170, 104, 78), (206, 206, 196), (148, 160, 140), (196, 150, 96),
        (126, 132, 146), (230, 224, 196), (182, 128, 112), (110, 92, 78), (210, 176, 176),
        (160, 170, 184), (228, 204, 132), (140, 90, 80), (186, 182, 172),
    ),
}  # fmt: skip
_ROOFS = (
    (150, 74, 54), (120, 60, 48), (96, 92, 92), (70, 72, 78), (170, 110, 80), (130, 126, 118),
    (112, 84, 66), (180, 176, 168), (84, 96, 88), (60, 58, 60), (160, 150, 140), (110, 120, 132),
)  # fmt: skip


def draw_facades(
    buildings: Sequence[BuildingFacts], split: Split, rng: np.random.Generator
) -> FloatArray:
    """Return one row of ``Facade`` columns a building; colours are in [0, 1].

    Roof and facade colours are drawn independently of each other.
    """
    rows = [_draw_facade(facts, split, rng) for facts in buildings]
    return np.array(rows, np.float32).reshape(-1, len(Facade))


def _tint(rgb: Sequence[float], spread: float, rng: np.random.Generator) -> FloatArray:
    color = np.array(rgb) / 255.0 * rng.uniform(0.82, 1.12) + rng.normal(0, spread, 3)
    return np.asarray(np.clip(color, 0.04, 0.97), np.float32)


def _draw_facade(facts: BuildingFacts, split: Split, rng: np.random.Generator) -> FloatArray:
    row = np.zeros(len(Facade), np.float32)
    walls = _WALLS[split]
    wall = _tint(walls[int(rng.integers(len(walls)))], 0.03, rng)
    base = wall * rng.uniform(0.6, 1.0)
    if rng.random() < 0.4:
        base = _tint(walls[int(rng.integers(len(walls)))], 0.03, rng)
    row[0:3], row[3:6] = wall, base
    row[6:9] = rng.choice([0.92, 0.8, 0.35, 0.2]) * rng.uniform(0.85, 1.0, 3)
    row[9:12] = _tint(_ROOFS[int(rng.integers(len(_ROOFS)))], 0.02, rng)
    row[12:15] = rng.uniform(0.05, 0.95, 3)
    curtain = rng.random() < (0.25 if facts.floors > 6 else 0.06)
    tall = split == "demo" and rng.random() < 0.4
    wide = facts.mix.industrial or (facts.floors > 4 and rng.random() < 0.4)
    row[Facade.BAY_M] = rng.uniform(3.5, 6.0) if wide else rng.uniform(1.8, 3.4)
    row[Facade.FLOOR_M] = facts.floor_m
    row[Facade.BASE_M] = facts.floor_m + (0.6 if facts.shop else 0.1)
    row[Facade.WINDOW_W] = 0.94 if curtain else rng.uniform(0.35, 0.72)
    row[Facade.WINDOW_H] = 0.9 if curtain else rng.uniform(0.42, 0.62) + (0.16 if tall else 0)
    row[Facade.SILL] = 0.05 if curtain else rng.uniform(0.18, 0.36) - (0.12 if tall else 0)
    row[Facade.SHOP] = float(facts.shop)
    row[Facade.TEXTURE] = rng.integers(0, 4)
    row[Facade.CONTRAST] = rng.uniform(0.05, 0.16)
    row[Facade.BALCONY] = rng.choice([0.0, rng.uniform(0.2, 0.6)]) if facts.floors > 2 else 0.0
    row[Facade.SHUTTER] = float(rng.random() < 0.25)
    row[Facade.BLANK] = 0.6 if facts.mix.industrial else rng.choice([0.0, 0.05, 0.15])
    row[Facade.OFFSET_U], row[Facade.OFFSET_Z] = rng.uniform(0, 512, 2)
    row[Facade.KEY] = facts.seed % 65536
    row[Facade.BAND] = float(rng.random() < 0.4)
    row[Facade.GLASS] = rng.uniform(0.12, 0.4)
    return row
