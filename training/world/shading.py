"""Colours of what ground views meet: walls with windows, ground, roofs, cars, crowns, sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.world.city import City
from training.world.facade_shading import facade_albedo, mix
from training.world.facades import Facade
from training.world.flood import MUD_RGB, water_height
from training.world.lamps import LAMP_CELL_M, LAMP_RGB
from training.world.noise import NoiseBank, look_up, look_up_own
from training.world.solids import BoxKind, RoundKind

DUST_RGB = (0.58, 0.54, 0.48)
TENT_COLORS = ((0.86, 0.87, 0.86), (0.2, 0.36, 0.62), (0.3, 0.38, 0.24), (0.72, 0.64, 0.48))


@dataclass(frozen=True)
class ViewLights:
    """Appearance of V views as tensors; colours (V, 3), palette (V, covers, 3).

    ``flood_m`` (V,) is the water's height, ``flooded`` whether any view has some; ``lamp`` (V,) how
    bright lamps are and ``lamps`` their light on the ground, None where every view is by day.
    """

    sun: Tensor
    sun_rgb: Tensor
    ambient_rgb: Tensor
    haze_rgb: Tensor
    haze_m: Tensor
    sky_top: Tensor
    sky_low: Tensor
    clouds: Tensor
    overcast: Tensor
    palette: Tensor
    leaf: Tensor
    snow: Tensor
    phase: Tensor
    date: Tensor
    sun_index: Tensor
    flood_m: Tensor
    flooded: bool
    lamp: Tensor
    lamps: Tensor | None


@dataclass(frozen=True)
class Spots:
    """P surface points: ``view`` and ``row`` whole numbers, ``xy`` (P, 2), ``z``, ``reach``.

    ``pixel_m`` is the width of a pixel there, ``seen`` (P, 2) the horizontal direction of sight.
    """

    view: Tensor
    row: Tensor
    xy: Tensor
    z: Tensor
    reach: Tensor
    pixel_m: Tensor
    seen: Tensor


def sunlit(city: City, lights: ViewLights, spots: Spots, back_m: float) -> Tensor:
    """Return the share of sun that reaches each spot, 0 to 1 (soft at the shadow's edge)."""
    xy = spots.xy - spots.seen * back_m
    size = city.shadows.shape[-1]
    cell = city.heights[0].cell_m
    col = ((xy[:, 0] + city.half_m) / cell).long().clamp(0, size - 1)
    row = ((city.half_m - xy[:, 1]) / cell).long().clamp(0, size - 1)
    date, sun = lights.date[spots.view], lights.sun_index[spots.view]
    flat = ((date * city.shadows.shape[1] + sun) * size + row) * size + col
    shade = city.shadows.view(-1)[flat]
    return ((spots.z - shade) / 0.5 + 0.6).clamp(0, 1)


def _lit(lights: ViewLights, spots: Spots, facing: Tensor, sun: Tensor, sky: Tensor) -> Tensor:
    """Return the light (P, 3) on surfaces that face the sun by a cosine and see some sky."""
    direct = lights.sun_rgb[spots.view] * (facing.clamp_min(0) * sun)[:, None]
    light = direct + lights.ambient_rgb[spots.view] * sky[:, None]
    if lights.lamps is not None:
        light = light + _lamp_light(lights, spots, lights.lamps)
    return light


def _lamp_light(lights: ViewLights, spots: Spots, lamps: Tensor) -> Tensor:
    """Return the light of street lamps (P, 3), less the higher above them."""
    size, half_m = lamps.shape[0], lamps.shape[0] * LAMP_CELL_M / 2
    col = ((spots.xy[:, 0] + half_m) / LAMP_CELL_M).long().clamp(0, size - 1)
    row = ((half_m - spots.xy[:, 1]) / LAMP_CELL_M).long().clamp(0, size - 1)
    near = lamps.view(-1)[row * size + col] * torch.exp(-(spots.z - 4).clamp_min(0) / 5)
    color = torch.tensor(LAMP_RGB, device=near.device)
    return color * (near * lights.lamp[spots.view])[:, None]


def _wall_frame(city: City, spots: Spots, side: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the place along the wall from its left end, its length and its normal (P, 2)."""
    b = city.boxes
    relative = spots.xy - b.center[spots.row]
    axis, half = b.axis[spots.row], b.half[spots.row]
    u = (relative * axis).sum(-1)
    v = relative[:, 1] * axis[:, 0] - relative[:, 0] * axis[:, 1]
    across = side < 2
    place = torch.where(across, v + half[:, 1], u + half[:, 0])
    length = 2 * torch.where(across, half[:, 1], half[:, 0])
    sign = torch.where(side % 2 == 1, -1.0, 1.0)
    turned = torch.stack([-axis[:, 1], axis[:, 0]], -1)
    normal = torch.where(across[:, None], axis, turned) * sign[:, None]
    return place, length, normal


def shade_walls(city: City, lights: ViewLights, spots: Spots, side: Tensor) -> Tensor:
    """Return the colours (P, 3) of walls of every kind of box."""
    place, length, normal = _wall_frame(city, spots, side)
    kind = city.boxes.kind[spots.row]
    color = torch.empty(len(kind), 3, device=kind.device)
    building = (kind == BoxKind.BUILDING).nonzero().squeeze(1)
    other = (kind != BoxKind.BUILDING).nonzero().squeeze(1)
    if len(building):
        color[building] = facade_albedo(
            city, *(t[building] for t in (spots.row, side, place, length, spots.z)),
            pixel=spots.pixel_m[building], sky=lights.sky_low[spots.view[building]],
            glow=None if lights.lamps is None else _window_glow(lights, spots.view[building]),
        )  # fmt: skip
    if len(other):
        color[other] = _plain_wall(city, lights, *(t[other] for t in (
            spots.view, spots.row, place, length, spots.z, kind)))  # fmt: skip
    facing = (normal * lights.sun[spots.view, :2]).sum(-1)
    low = (spots.z / 3).clamp(0, 1)
    light = _lit(lights, spots, facing, sunlit(city, lights, spots, 0.8), 0.72 + 0.2 * low)
    return color * light


def _window_glow(lights: ViewLights, view: Tensor) -> Tensor:
    """Return the albedo (P,) that looks like a lit room in the view's faint light."""
    return 0.75 * (lights.lamp > 0)[view] / lights.ambient_rgb[view].mean(-1).clamp_min(0.02)


def _plain_wall(
    city: City,
    lights: ViewLights,
    view: Tensor,
    row: Tensor,
    place: Tensor,
    length: Tensor,
    z: Tensor,
    kind: Tensor,
) -> Tensor:
    """Return the albedo of garden walls, hedges, cars and small things."""
    bank, b = city.below, city.boxes
    seed = b.seed[row]
    tint = bank.draw_color(seed)
    noise = look_up_own(bank, place * 22, z * 22, seed)
    grey = bank.draw(seed * 5 + 1)[:, None]
    stone = 0.45 + 0.3 * grey + 0.06 * (tint - 0.5) + 0.05 * noise[:, None]
    leaf = lights.leaf[view] * (0.75 + 0.25 * noise[:, None])
    paint = torch.where(grey < 0.65, 0.1 + 0.8 * tint[:, :1] + 0.04 * tint, 0.15 + 0.6 * tint)
    share = place / length
    wheel = (z < 0.62) & (((share - 0.2).abs() < 0.07) | ((share - 0.8).abs() < 0.07))
    dark = wheel | (z < 0.22)
    car = torch.where(dark[:, None], 0.08, paint)
    glass = 0.16 + 0.1 * tint[:, :1] + 0.05 * noise[:, None]
    cabin = torch.where(((share - 0.5).abs() > 0.46)[:, None], paint, glass)
    house = b.owner[row]
    metal = city.facade_colors(house, Facade.WALL_R) * 0.85
    out = torch.where((kind == BoxKind.HEDGE)[:, None], leaf, stone)
    out = torch.where((kind == BoxKind.CAR)[:, None], car, out)
    out = torch.where((kind == BoxKind.CABIN)[:, None], cabin.expand_as(out), out)
    if city.stricken:
        heap = _heap(bank, seed, torch.stack([place, z], -1), z)
        out = torch.where((kind == BoxKind.RUBBLE)[:, None], heap, out)
        cloth = _tent_cloth(bank, seed) * (0.92 + 0.05 * noise[:, None])
        out = torch.where((kind == BoxKind.TENT)[:, None], cloth, out)
    return torch.where((kind == BoxKind.ROOF_HOUSE)[:, None], metal, out).clamp(0.02, 1)


def _heap(bank: NoiseBank, seed: Tensor, at: Tensor, z: Tensor) -> Tensor:
    """Return the broken stone of heaps (P, 3), lump by lump."""
    dust = torch.tensor(DUST_RGB, device=seed.device)
    dust = dust * (0.75 + 0.4 * bank.draw(seed * 5 + 1)[:, None])
    tint = 0.94 + 0.12 * bank.draw_color(seed)
    lump = (at * 2.1 + 0.4 * z[:, None]).floor().long()
    chip = (at * 6.3 - 0.9 * z[:, None]).floor().long()
    coarse = bank.draw(lump[:, 0] * 31 + lump[:, 1] * 977 + seed)
    fine = bank.draw(chip[:, 0] * 57 + chip[:, 1] * 733 + seed)
    return dust * tint * (0.5 + 0.55 * coarse + 0.35 * fine)[:, None]


def _tent_cloth(bank: NoiseBank, seed: Tensor) -> Tensor:
    """Return the cloth of tents (P, 3): white, blue, green or sand, one make a row."""
    colors = torch.tensor(TENT_COLORS, device=seed.device)
    return colors[(bank.draw(seed // 8) * len(colors)).long()]


def shade_roofs(city: City, lights: ViewLights, spots: Spots) -> Tensor:
    """Return the colours (P, 3) of roofs and of the tops of other boxes."""
    b, bank = city.boxes, city.below
    kind, seed = b.kind[spots.row], b.seed[spots.row]
    noise = look_up_own(bank, spots.xy[:, 0] * 9, spots.xy[:, 1] * 9 + spots.z * 5, seed)
    tiles = city.facade_colors(b.owner[spots.row], Facade.ROOF_R) * (1 + 0.1 * noise[:, None])
    own = _plain_wall(city, lights, spots.view, spots.row, spots.z * 0 + 2.0,
                      spots.z * 0 + 4.0, spots.z.clamp_min(0.7), kind)  # fmt: skip
    grey = bank.draw(seed * 5 + 1)[:, None]
    tint = bank.draw_color(seed)
    paint = torch.where(grey < 0.65, 0.1 + 0.8 * tint[:, :1] + 0.04 * tint, 0.15 + 0.6 * tint)
    own = torch.where((kind == BoxKind.CABIN)[:, None], paint, own)
    if city.stricken:
        heap = _heap(bank, seed, spots.xy, spots.z)
        own = torch.where((kind == BoxKind.RUBBLE)[:, None], heap, own)
    color = torch.where((kind == BoxKind.BUILDING)[:, None], tiles, own)
    snow = (lights.snow[spots.view] * 0.9)[:, None]
    color = color * (1 - snow) + 0.92 * snow
    facing = 0.8 * lights.sun[spots.view, 2]
    return color * _lit(lights, spots, facing, sunlit(city, lights, spots, 0.0), facing * 0 + 1)


def shade_ground(city: City, lights: ViewLights, spots: Spots) -> Tensor:
    """Return the colours (P, 3) of the ground."""
    bank = city.below
    size = city.ground.shape[0]
    east, north = spots.xy[:, 0], spots.xy[:, 1]
    shake = look_up(bank.rough, east * 21, north * 21) * 0.015
    col = ((east + shake + city.half_m) / city.ground_cell_m).long().clamp(0, size - 1)
    row = ((city.half_m - north - shake) / city.ground_cell_m).long().clamp(0, size - 1)
    cover = city.ground.view(-1)[row * size + col].long()
    palette = lights.palette
    color = palette.view(-1, 3)[spots.view * palette.shape[1] + cover]
    fine = look_up(bank.rough, east * 31, north * 31)
    fine = 0.7 * (fine + look_up(bank.leafy, north * 23.7, -east * 23.7))
    fine = fine * (0.1 / spots.pixel_m.clamp_min(0.1))
    wide = look_up(bank.soft, east * 5 + 77, north * 5)
    patch = look_up(bank.soft, east * 0.9, north * 0.9 + 31)
    rough = city_roughness(cover.device)[cover]
    shade = 1 + rough * (0.8 * fine + 0.5 * wide + 0.5 * patch)
    if city.photo is not None:
        shade = shade * city.photo.tone[row, col]
    sun = sunlit(city, lights, spots, 0.0)
    facing = lights.sun[spots.view, 2]
    color = color * shade[:, None]
    if not lights.flooded:
        return color * _lit(lights, spots, facing, sun, facing * 0 + 0.95)
    lit = color * _lit(lights, spots, facing, sun, facing * 0 + 0.95)
    return _flooded(city, lights, spots, lit, sun)


def _flooded(city: City, lights: ViewLights, spots: Spots, dry: Tensor, sun: Tensor) -> Tensor:
    """Return the ground's colours (P, 3) with muddy water that mirrors the sky far away."""
    level = lights.flood_m[spots.view]
    wet = water_height(spots.xy, city.slope_phase, level) > 0.02
    ripple = look_up(city.below.soft, spots.xy[:, 0] * 9, spots.xy[:, 1] * 9)
    mud = torch.tensor(MUD_RGB, device=dry.device) * (1 + 0.12 * ripple)[:, None]
    light = lights.ambient_rgb[spots.view] + 0.5 * lights.sun_rgb[spots.view] * sun[:, None]
    mirror = (0.08 + 0.6 * spots.reach / (spots.reach + 30) + 0.05 * ripple).clamp(0, 0.6)
    water = mix(mud * light, lights.sky_low[spots.view] * 0.8, mirror)
    return torch.where(wet[:, None], water, dry)


def city_roughness(device: torch.device) -> Tensor:
    """Return how strongly each ground cover's colour varies."""
    return torch.tensor([0.16, 0.14, 0.08, 0.07, 0.08, 0.1, 0.05, 0.06, 0.12, 0.06], device=device)


def shade_rounds(
    city: City, lights: ViewLights, spots: Spots, offset: Tensor, stem: Tensor
) -> Tensor:
    """Return the colours (P, 3) of crowns, trunks, poles and people."""
    r, bank = city.rounds, city.below
    kind, seed = r.kind[spots.row], r.seed[spots.row]
    low, top = r.bottom_m[spots.row], r.top_m[spots.row]
    up = ((spots.z - low) / (top - low).clamp_min(0.1)).clamp(0, 1)
    own = seed + (lights.phase[spots.view, 0] * 64).long() * 1009
    noise = look_up_own(bank, offset * 11, spots.z * 11, own)
    tint = bank.draw_color(seed)
    leaf = lights.leaf[spots.view] * (0.85 + 0.3 * tint)
    conifer = torch.tensor([0.13, 0.22, 0.13], device=leaf.device) * (0.8 + 0.4 * tint)
    leaf = torch.where((kind == RoundKind.CONIFER)[:, None], conifer, leaf)
    leaf = leaf * (0.55 + 0.6 * up + 0.28 * noise).clamp(0.25, 1.6)[:, None]
    skin = torch.tensor([0.62, 0.47, 0.38], device=leaf.device)
    cloth = torch.where((up > 0.78)[:, None], skin, 0.08 + 0.7 * tint)
    metal = torch.full_like(leaf, 0.35)
    color = torch.where((kind == RoundKind.PERSON)[:, None], cloth, leaf)
    color = torch.where((kind == RoundKind.POLE)[:, None], metal, color)
    bark = (0.28 + 0.12 * tint[:, :1]) * torch.tensor([1.0, 0.88, 0.74], device=leaf.device)
    bark = torch.where((kind == RoundKind.PERSON)[:, None], 0.1 + 0.3 * tint, bark)
    color = torch.where((stem & (kind != RoundKind.POLE))[:, None], bark, color)
    sun = lights.sun[spots.view]
    beside = sun[:, 0] * spots.seen[:, 1] - sun[:, 1] * spots.seen[:, 0]
    ahead = -(sun[:, 0] * spots.seen[:, 0] + sun[:, 1] * spots.seen[:, 1])
    turn = (-offset / r.radius_m[spots.row].clamp_min(0.2)).clamp(-1, 1)
    facing = 0.45 * sun[:, 2] + 0.4 * beside * turn + 0.3 * ahead + 0.25
    shine = sunlit(city, lights, spots, 0.0) * 0.5 + 0.5
    return color * _lit(lights, spots, facing, shine, 0.6 + 0.35 * up)


def shade_sky(lights: ViewLights, bank_soft: Tensor, view: Tensor, azimuth: Tensor,
              tangent: Tensor) -> Tensor:  # fmt: skip
    """Return the colours (P, 3) of the sky and of the hills at its foot."""
    up = tangent.clamp(0, 300)
    share = (up / (0.6 + up)).clamp(0, 1)
    sky = mix(lights.sky_low[view], lights.sky_top[view], share)
    phase = lights.phase[view]
    stretch = 60 / (0.25 + up)
    x, y = azimuth.sin() * stretch * 0.5 + phase[:, 0], azimuth.cos() * stretch * 0.5 + phase[:, 1]
    cover = look_up(bank_soft, x, y) * 0.6 + 0.4 * look_up(bank_soft, 2.3 * x, 2.3 * y)
    cloud = ((cover + lights.clouds[view] * 1.6 - 1.0) * 1.4).clamp(0, 1)
    bright = 0.86 + 0.1 * cover - 0.15 * lights.overcast[view]
    sky = mix(sky, bright[:, None].expand_as(sky), cloud * 0.85)
    ring = azimuth * (512 / (2 * np.pi))
    hill = 0.02 + 0.012 * look_up(bank_soft, ring + phase[:, 2], phase[:, 3])
    woods = lights.leaf[view] * (0.7 if lights.lamps is None else 0.05)
    far = mix(woods, lights.haze_rgb[view], torch.full_like(up, 0.55))
    return torch.where((tangent < hill)[:, None], far, sky)
