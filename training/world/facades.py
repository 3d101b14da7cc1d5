"""The facades of a city's buildings: durable, the same at both dates and from every view."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from model_core.types import FloatArray
from training.world.families import FacadeFamily
from training.world.lots import BuildingFacts

GUTTED_GLASS = 0.04
"""Of rooms that stand open: no glass, no curtain."""


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


def draw_facades(
    buildings: Sequence[BuildingFacts], family: FacadeFamily, rng: np.random.Generator
) -> FloatArray:
    """Return one row of ``Facade`` columns a building; colours are in [0, 1].

    Roof and facade colours are drawn independently of each other. Ruins come last among the
    buildings and draw from a generator of their own, so that the others wear what they wore.
    """
    own = np.random.default_rng(len(buildings))
    rows = [
        _gutted(_draw_facade(facts, family, own), own)
        if facts.ruin
        else _draw_facade(facts, family, rng)
        for facts in buildings
    ]
    return np.array(rows, np.float32).reshape(-1, len(Facade))


def _gutted(row: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the facade without its front: dark rooms between dusty slabs and columns."""
    dust = np.array([0.58, 0.55, 0.5]) * rng.uniform(0.75, 1.1)
    row[0:3] = 0.4 * row[0:3] + 0.6 * dust
    row[3:6], row[6:9], row[9:12] = row[0:3] * 0.85, 0.1, dust * 0.8
    row[Facade.WINDOW_W], row[Facade.WINDOW_H], row[Facade.SILL] = 0.88, 0.78, 0.04
    row[Facade.GLASS] = GUTTED_GLASS
    row[Facade.BLANK], row[Facade.CONTRAST] = 0.12, 0.3
    row[[Facade.SHOP, Facade.BALCONY, Facade.SHUTTER, Facade.BAND]] = 0.0
    return row


def _tint(rgb: Sequence[float], spread: float, rng: np.random.Generator) -> FloatArray:
    color = np.array(rgb) / 255.0 * rng.uniform(0.82, 1.12) + rng.normal(0, spread, 3)
    return np.asarray(np.clip(color, 0.04, 0.97), np.float32)


def _draw_facade(
    facts: BuildingFacts, family: FacadeFamily, rng: np.random.Generator
) -> FloatArray:
    row = np.zeros(len(Facade), np.float32)
    walls, roofs = family.walls, family.roofs
    wall = _tint(walls[int(rng.integers(len(walls)))], 0.03, rng)
    base = wall * rng.uniform(0.6, 1.0)
    if rng.random() < 0.4:
        base = _tint(walls[int(rng.integers(len(walls)))], 0.03, rng)
    row[0:3], row[3:6] = wall, base
    row[6:9] = rng.choice([0.92, 0.8, 0.35, 0.2]) * rng.uniform(0.85, 1.0, 3)
    row[9:12] = _tint(roofs[int(rng.integers(len(roofs)))], 0.02, rng)
    row[12:15] = rng.uniform(0.05, 0.95, 3)
    curtain = rng.random() < (0.25 if facts.floors > 6 else family.curtain_wall)
    tall = family.tall_windows > 0 and rng.random() < family.tall_windows
    wide = facts.mix.industrial or (facts.floors > 4 and rng.random() < 0.4)
    row[Facade.BAY_M] = rng.uniform(*family.wide_bay_m) if wide else rng.uniform(*family.bay_m)
    row[Facade.FLOOR_M] = facts.floor_m
    row[Facade.BASE_M] = facts.floor_m + (0.6 if facts.shop else 0.1)
    row[Facade.WINDOW_W] = 0.94 if curtain else rng.uniform(*family.window_width)
    row[Facade.WINDOW_H] = (
        0.9 if curtain else rng.uniform(*family.window_height) + (0.16 if tall else 0)
    )
    row[Facade.SILL] = 0.05 if curtain else rng.uniform(*family.sill) - (0.12 if tall else 0)
    row[Facade.SHOP] = float(facts.shop)
    row[Facade.TEXTURE] = family.textures[int(rng.integers(len(family.textures)))]
    row[Facade.CONTRAST] = rng.uniform(0.05, 0.16)
    row[Facade.BALCONY] = (
        rng.choice([0.0, rng.uniform(*family.balcony)]) if facts.floors > 2 else 0.0
    )
    row[Facade.SHUTTER] = float(rng.random() < family.shutters)
    row[Facade.BLANK] = 0.6 if facts.mix.industrial else rng.choice([0.0, 0.05, 0.15])
    row[Facade.OFFSET_U], row[Facade.OFFSET_Z] = rng.uniform(0, 512, 2)
    row[Facade.KEY] = facts.seed % 65536
    row[Facade.BAND] = float(rng.random() < family.bands)
    row[Facade.GLASS] = rng.uniform(0.12, 0.4)
    return row
