"""The albedo of facades: plaster, brick, windows, shop fronts, balconies, signs, posters."""

from __future__ import annotations

import torch
from torch import Tensor

from training.world.city import City
from training.world.facades import GUTTED_GLASS, Facade
from training.world.families import FACADES
from training.world.noise import NoiseBank, look_up, look_up_own

FIRST_CITY_TEXTURE = 4
LIT_ROOM_MAX = 40.0


class _FacadeColumns:
    """Columns of the facade table at P pixels, each gathered when first asked for."""

    def __init__(self, table: Tensor, owner: Tensor) -> None:
        self._table = table
        self._owner = owner
        self._known: dict[int, Tensor] = {}

    def __getitem__(self, column: int) -> Tensor:
        if column not in self._known:
            self._known[column] = self._table[column][self._owner]
        return self._known[column]

    def at(self, rows: Tensor) -> _FacadeColumns:
        """Return the columns at some of the pixels."""
        return _FacadeColumns(self._table, self._owner[rows])

    def colors(self, first: int) -> Tensor:
        """Return three neighbouring columns, (P, 3)."""
        return torch.stack([self[first + k] for k in range(3)], -1)


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Return colours (P, 3) between two by a share (P,)."""
    return a + (b - a) * share[:, None]


def _muted(color: Tensor) -> Tensor:
    """Return colours nearer to grey."""
    return 0.45 * color + 0.55 * color.mean(-1, keepdim=True)


def facade_albedo(
    city: City,
    row: Tensor,
    side: Tensor,
    place: Tensor,
    length: Tensor,
    z: Tensor,
    *,
    pixel: Tensor,
    sky: Tensor,
    glow: Tensor | None = None,
) -> Tensor:
    """Return the albedo of facades: plaster, windows, shop fronts, balconies, signs.

    ``glow`` (P,) is the albedo of lit rooms, more than 1; None by day.
    """
    f = _FacadeColumns(city.facades, city.boxes.owner[row])
    key = f[Facade.KEY].long() * 4 + side
    base_m, floor_m = f[Facade.BASE_M], f[Facade.FLOOR_M]
    ground_floor = z < base_m
    tall = torch.where(ground_floor, base_m, floor_m)
    floor = torch.where(ground_floor, -1.0, ((z - base_m) / floor_m).floor())
    rise = torch.where(ground_floor, z / base_m, (z - base_m) / floor_m - floor)
    bays = (length / f[Facade.BAY_M]).round().clamp_min(1)
    bay_m = length / bays
    bay = (place / bay_m).floor()
    across = place / bay_m - bay
    cell = key * 977 + bay.long() * 31 + floor.long() * 1217
    wall = _plaster(city, f, key, place, z, pixel, ground_floor)
    eave = city.boxes.eave_m[row]
    upper = torch.where(ground_floor, base_m, base_m + (floor + 1) * floor_m) <= eave + 0.6
    color = _windows(city, f, wall, cell, across, rise, bay_m, tall, upper, pixel, sky, glow)
    low = ground_floor.nonzero().squeeze(1)
    if len(low):
        parts = (t[low] for t in (color, key, cell, place, z, across, pixel))
        color[low] = _shops(city, f.at(low), *parts)
    line = ((z - base_m).abs() < 0.12) | ((z - eave + 0.15).abs() < 0.18)
    trim = (line & (f[Facade.BAND] > 0)).float() * (0.25 / pixel.clamp_min(0.25))
    color = mix(color, f.colors(Facade.TRIM_R), 0.8 * trim)
    return color.clamp(0.02, 1 if glow is None else LIT_ROOM_MAX)


def _plaster(
    city: City, f: _FacadeColumns, key: Tensor, place: Tensor, z: Tensor, pixel: Tensor, low: Tensor
) -> Tensor:
    bank = city.below
    wall = torch.where(low[:, None], f.colors(Facade.BASE_R), f.colors(Facade.WALL_R))
    u0 = f[Facade.OFFSET_U] + (key & 3) * 131
    z0 = f[Facade.OFFSET_Z]
    fine_on = (0.06 / pixel.clamp_min(0.06)).clamp_max(1)
    mid_on = (0.5 / pixel.clamp_min(0.5)).clamp_max(1)
    fine = look_up_own(bank, place * 40, z * 40, key * 5 + 1) * fine_on
    mid = look_up_own(bank, place * 7, z * 7, key * 5 + 2) * mid_on
    wide = look_up(bank.soft, place * 14 + u0 * 3, z * 10 + z0 * 5)
    streak = look_up(bank.rough, place * 16 + z0, z * 0.8 + u0) * mid_on
    style = f[Facade.TEXTURE]
    course = (((z / 0.075).floor().long() * 57 + (place / 0.25 + (z / 0.075).floor() * 0.5)
               .floor().long() * 13) + key)  # fmt: skip
    brick = (bank.draw(course) - 0.5) * 3 * fine_on
    seam = ((z % 1.4 < 0.03) | (place % 2.2 < 0.03)).float() * fine_on * -3
    grain = torch.where(style == 1, brick, fine)
    grain = torch.where(style == 2, grain + seam, grain)
    if any(t >= FIRST_CITY_TEXTURE for t in FACADES[city.geometry.style.facade_pool].textures):
        grain = _city_grain(bank, style, grain, mid, place, z, key, fine_on)
    contrast = f[Facade.CONTRAST]
    shade = 1 + contrast * (0.7 * grain + 0.6 * mid + 0.6 * wide + 0.4 * streak)
    dirt = 1 - 0.15 * (1 - z / 1.2).clamp(0, 1)
    return wall * (shade * dirt)[:, None]


def _city_grain(
    bank: NoiseBank,
    style: Tensor,
    grain: Tensor,
    mid: Tensor,
    place: Tensor,
    z: Tensor,
    key: Tensor,
    fine_on: Tensor,
) -> Tensor:
    """Return the grain with boards, tiles, ribs and stones where the facade is made of them."""
    board = (place / 0.18).floor().long()
    boards = (bank.draw(board * 57 + key) - 0.5) * 2 - 2.5 * (place % 0.18 < 0.025)
    tiles = (bank.draw((place / 0.1).floor().long() * 31 + (z / 0.1).floor().long() * 977 + key)
             - 0.5) * 1.6 - 3 * ((z % 3.0 < 0.05) | (place % 3.0 < 0.05))  # fmt: skip
    ribs = 2 * (place * (6.2832 / 0.2)).sin() + 2.5 * mid.clamp_min(0)
    course = (z / 0.32).floor()
    stone = (place / 0.5 + course * 0.37).floor().long() * 13 + course.long() * 57
    stones = (bank.draw(stone + key) - 0.5) * 3.4 - 2.5 * (z % 0.32 < 0.04)
    for texture, look in ((4, boards), (5, tiles), (6, ribs), (7, stones)):
        grain = torch.where(style == texture, look * fine_on, grain)
    return grain


def _windows(
    city: City,
    f: _FacadeColumns,
    wall: Tensor,
    cell: Tensor,
    across: Tensor,
    rise: Tensor,
    bay_m: Tensor,
    tall: Tensor,
    upper: Tensor,
    pixel: Tensor,
    sky: Tensor,
    glow: Tensor | None,
) -> Tensor:
    bank = city.below
    soft = pixel.clamp_min(0.02)
    middle = f[Facade.SILL] + f[Facade.WINDOW_H] / 2
    side_m = (f[Facade.WINDOW_W] / 2 - (across - 0.5).abs()) * bay_m
    over_m = (f[Facade.WINDOW_H] / 2 - (rise - middle).abs()) * tall
    edge = torch.minimum(side_m, over_m)
    inside = (edge / soft + 0.5).clamp(0, 1)
    exists = (bank.draw(cell) >= f[Facade.BLANK]) & upper
    inside = inside * exists
    frame = ((0.09 - edge) / soft + 0.5).clamp(0, 1) * (0.18 / soft).clamp_max(1)
    cross = ((0.04 - (across - 0.5).abs() * bay_m) / soft + 0.5).clamp(0, 1)
    frame = torch.maximum(frame, cross * (0.1 / soft).clamp_max(1))
    room = bank.draw(cell + 7)
    sheen = 0.35 * sky * (0.4 + 0.6 * rise)[:, None]
    glass = f[Facade.GLASS][:, None] * (0.5 + room[:, None]) + sheen * 0.6
    curtain = (bank.draw(cell + 3) < 0.45) & (rise > middle - (bank.draw(cell + 5) - 0.5) * 0.6)
    curtain &= f[Facade.GLASS] > GUTTED_GLASS
    cloth = 0.45 + 0.45 * _muted(bank.draw_color(cell + 11))
    pane = torch.where(curtain[:, None], cloth * 0.8, glass)
    shutter = (f[Facade.SHUTTER] > 0) & (bank.draw(cell + 17) < 0.3)
    pane = torch.where(shutter[:, None], f.colors(Facade.TRIM_R) * 0.7, pane)
    if glow is not None:
        lit = bank.draw(cell + 43) < 0.35
        warm = torch.tensor([1.0, 0.82, 0.5], device=glow.device) * (0.5 + 0.7 * room[:, None])
        pane = torch.where(lit[:, None], warm * glow[:, None], pane)
    pane = mix(pane, f.colors(Facade.TRIM_R), frame)
    color = mix(wall, pane, inside)
    balcony = (bank.draw(cell + 19) < f[Facade.BALCONY]) & upper & (rise < 0.36)
    rail = 0.6 * f.colors(Facade.TRIM_R) + 0.25 * (rise % 0.06 < 0.03).float()[:, None]
    return torch.where((balcony & (rise > 0.02))[:, None], rail, color)


def _shops(
    city: City,
    f: _FacadeColumns,
    color: Tensor,
    key: Tensor,
    cell: Tensor,
    place: Tensor,
    z: Tensor,
    across: Tensor,
    pixel: Tensor,
) -> Tensor:
    """Put doors, shop windows, lettered signs and posters on the ground floor."""
    bank = city.below
    shop = f[Facade.SHOP] > 0
    pick = bank.draw(cell + 23)
    door = (pick < 0.22) & ((across - 0.5).abs() < 0.2) & (z < 2.2)
    tint = _muted(bank.draw_color(cell + 29))
    color = torch.where(door[:, None], 0.15 + 0.5 * tint, color)
    pane = shop & ~door & (pick < 0.9) & ((across - 0.5).abs() < 0.44) & (z > 0.5) & (z < 2.7)
    goods = look_up_own(bank, place * 18, z * 18, key * 5 + 3)
    inside = 0.22 + 0.25 * tint + 0.12 * goods[:, None] * (0.15 / pixel.clamp_min(0.15))[:, None]
    color = torch.where(pane[:, None], inside, color)
    group = (place / 6.5).floor().long() + key * 13
    board = f.colors(Facade.SIGN_R) * 0.6 + 0.4 * bank.draw_color(group * 7)
    letters = look_up(bank.glyphs, place * 16 + (key & 255) * 8, z * 16 + (group & 31) * 12)
    bright = (board.mean(-1) < 0.45).float()[:, None]
    text = mix(board, bright.expand_as(board) * 0.9 + 0.05, letters)
    text = mix(text, board, (pixel / 0.25).clamp(0, 1))
    top = f[Facade.BASE_M]
    sign = shop & (z > 2.85) & (z < top - 0.15) & (bank.draw(group * 11 + 1) < 0.75)
    color = torch.where(sign[:, None], text, color)
    poster = ~pane & ~door & (pick > 0.8) & ((across - 0.5).abs() < 0.3)
    poster &= (z > 0.8) & (z < 2.0)
    print_ = look_up_own(bank, place * 25, z * 25, cell + 37)
    sheet = (0.35 + 0.4 * tint + 0.22 * print_[:, None]).clamp(0, 1)
    return torch.where(poster[:, None], sheet, color)
