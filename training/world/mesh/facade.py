"""Facades as this renderer draws them: panes behind a sash, lintels, doors, shop windows, signs.

Bays, storeys and colours are the building's own and last; how a window looks is this file's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.world.city import City
from training.world.facades import GUTTED_GLASS, Facade
from training.world.mesh.grain import grain, toss


@dataclass(frozen=True)
class Wall:
    """P points on walls: ``row`` and ``side`` of a box, ``place_m`` along ``length_m``, ``z``."""

    row: Tensor
    side: Tensor
    place_m: Tensor
    length_m: Tensor
    z: Tensor

    def at(self, chosen: Tensor) -> Wall:
        """Return some of the points."""
        return Wall(*(values[chosen] for values in vars(self).values()))


@dataclass(frozen=True)
class _Bays:
    """Where P points lie among windows: ``bay`` and ``floor`` numbers (-1 the ground floor).

    ``across`` and ``rise`` metres from the bay's middle and from the floor, ``wide_m`` and
    ``tall_m`` its size, ``key`` a number of its own.
    """

    floor: Tensor
    across: Tensor
    rise: Tensor
    wide_m: Tensor
    tall_m: Tensor
    key: Tensor


def paint_facade(city: City, table: Tensor, wall: Wall, pixel_m: Tensor, sky: Tensor) -> Tensor:
    """Return the albedo (P, 3) of buildings' walls.

    Args:
        city: The city.
        table: The noise of this renderer.
        wall: The points.
        pixel_m: (P,) how wide a pixel is there.
        sky: (P, 3) what panes mirror.
    """
    facts = city.facades.T[city.boxes.owner[wall.row]]
    bays = _find_bays(facts, wall)
    color = _plaster(facts, table, wall, bays, pixel_m)
    soft = pixel_m.clamp_min(0.03)
    fits = bays.rise - wall.z + city.boxes.eave_m[wall.row] + 0.6 >= bays.tall_m
    blank = toss(table, bays.key) < facts[:, Facade.BLANK]
    edge = _inside_window(facts, bays)
    open_ = (edge / soft + 0.5).clamp(0, 1) * (fits & ~blank)
    color = torch.lerp(color, _pane(facts, table, bays, edge, soft, sky), open_[:, None])
    under = ((edge + 0.16) / soft + 0.5).clamp(0, 1) * (bays.rise > 0.75 * bays.tall_m)
    lintel = (under * (1 - open_) * (fits & ~blank)) * (0.2 / soft).clamp_max(1)
    color = color * (1 - 0.18 * lintel)[:, None]
    color = _balconies(facts, table, bays, color, fits)
    return _street_level(facts, table, bays, wall, color, soft).clamp(0.02, 1)


def _find_bays(facts: Tensor, wall: Wall) -> _Bays:
    base, storey = facts[:, Facade.BASE_M], facts[:, Facade.FLOOR_M]
    low = wall.z < base
    floor = torch.where(low, -1.0, ((wall.z - base) / storey).floor())
    rise = torch.where(low, wall.z, wall.z - base - floor * storey)
    wide = wall.length_m / (wall.length_m / facts[:, Facade.BAY_M]).round().clamp_min(1)
    bay = (wall.place_m / wide).floor()
    key = facts[:, Facade.KEY].long() * 4 + wall.side
    key = (key * 613 + bay.long() * 7 + floor.long() * 101) % 1_000_003
    across = wall.place_m - (bay + 0.5) * wide
    return _Bays(floor, across, rise, wide, torch.where(low, base, storey), key)


def _plaster(facts: Tensor, table: Tensor, wall: Wall, bays: _Bays, pixel_m: Tensor) -> Tensor:
    low = (bays.floor < 0)[:, None]
    color = torch.where(low, facts[:, 3:6], facts[:, 0:3])
    own = facts[:, Facade.OFFSET_U] + 37.0 * wall.side
    x, z = wall.place_m, wall.z
    near = 0.12 / pixel_m.clamp_min(0.12)
    blotch = grain(table, x * 0.6 + own, z * 0.5) + 0.6 * grain(table, x * 2.4, z * 1.9 + own)
    stone = toss(table, (x * 2.2 + (z * 3.6).floor() * 0.5).floor().long() * 91
                 + (z * 3.6).floor().long() * 57) - 0.5  # fmt: skip
    rough = grain(table, x * 11 + own, z * 11)
    coarse = torch.where(facts[:, Facade.TEXTURE] % 2 == 1, 1.8 * stone, rough) * near
    drip = grain(table, x * 3.3 + own, z * 0.25).clamp_min(0)
    contrast = facts[:, Facade.CONTRAST]
    return color * (1 + contrast * (0.6 * blotch + coarse - 0.5 * drip))[:, None]


def _inside_window(facts: Tensor, bays: _Bays) -> Tensor:
    """Return how many metres inside its window's border each point lies, negative outside."""
    middle = (facts[:, Facade.SILL] + facts[:, Facade.WINDOW_H] / 2) * bays.tall_m
    beside = facts[:, Facade.WINDOW_W] * bays.wide_m / 2 - bays.across.abs()
    above = facts[:, Facade.WINDOW_H] * bays.tall_m / 2 - (bays.rise - middle).abs()
    return torch.minimum(beside, above)


def _pane(
    facts: Tensor, table: Tensor, bays: _Bays, edge: Tensor, soft: Tensor, sky: Tensor
) -> Tensor:
    """Return glass, blinds and sashes (P, 3)."""
    share = (bays.rise / bays.tall_m).clamp(0, 1)
    deep = facts[:, Facade.GLASS] * (0.6 + 0.7 * toss(table, bays.key + 31))
    glass = deep[:, None] + sky * (0.08 + 0.22 * share**2)[:, None]
    drawn = 1 - 0.75 * toss(table, bays.key + 53)
    blind = (toss(table, bays.key + 71) < 0.4) & (share > drawn)
    blind &= facts[:, Facade.GLASS] > GUTTED_GLASS
    cloth = 0.5 + 0.35 * toss(table, bays.key + 83)
    slat = 1 - 0.12 * ((bays.rise * 8) % 1 < 0.3) * (0.12 / soft).clamp_max(1)
    glass = torch.where(blind[:, None], (cloth * slat * 0.85)[:, None], glass)
    bar = 0.035 - torch.minimum((bays.across.abs() - bays.wide_m * 0.12).abs(), edge)
    transom = 0.035 - (share - 0.68).abs() * bays.tall_m
    sash = (torch.maximum(bar, transom) / soft + 0.5).clamp(0, 1) * (0.12 / soft).clamp_max(1)
    return torch.lerp(glass, facts[:, 6:9] * 0.9, sash[:, None])


def _balconies(facts: Tensor, table: Tensor, bays: _Bays, color: Tensor, fits: Tensor) -> Tensor:
    has = (toss(table, bays.key + 97) < facts[:, Facade.BALCONY]) & fits & (bays.floor >= 0)
    slab = has & (bays.rise < 0.18)
    rail = has & ~slab & (bays.rise < 1.0) & (bays.across.abs() < 0.42 * bays.wide_m)
    color = torch.where(slab[:, None], facts[:, 0:3] * 0.75, color)
    return torch.where(rail[:, None], 0.5 * color + 0.5 * facts[:, 6:9] * 0.6, color)


def _street_level(
    facts: Tensor, table: Tensor, bays: _Bays, wall: Wall, color: Tensor, soft: Tensor
) -> Tensor:
    """Return the colours with doors, shop windows and signs on the ground floor."""
    low = bays.floor < 0
    shop = low & (facts[:, Facade.SHOP] > 0)
    pick = toss(table, bays.key + 11)
    door = low & (pick < 0.2) & (bays.across.abs() < 0.55) & (wall.z < 2.15)
    wood = 0.12 + 0.45 * toss(table, bays.key + 13)
    tint = torch.stack([wood, wood * 0.85, wood * 0.7], -1)
    show = shop & ~door & (bays.across.abs() < 0.45 * bays.wide_m)
    show &= (wall.z > 0.4) & (wall.z < 2.6)
    goods = toss(table, bays.key + (wall.place_m * 3).long() * 5 + (wall.z * 3).long() * 77)
    inside = 0.16 + 0.4 * goods * (0.3 / soft).clamp_max(1) + 0.1 * facts[:, Facade.GLASS]
    color = torch.where(show[:, None], inside[:, None] + 0.15 * facts[:, 12:15], color)
    board = shop & (wall.z > 2.75) & (wall.z < facts[:, Facade.BASE_M] - 0.1)
    board &= toss(table, facts[:, Facade.KEY].long() + (wall.place_m / 5).long()) < 0.8
    ink = ((wall.place_m * 4) % 1 < 0.55) & ((wall.z * 5) % 1 < 0.7) & (soft < 0.3)
    pale = (1 - facts[:, 12:15]).clamp(0.1, 0.95)
    sign = torch.where((ink & (goods > 0.35))[:, None], pale, facts[:, 12:15])
    color = torch.where(board[:, None], sign, color)
    return torch.where(door[:, None], tint, color)
