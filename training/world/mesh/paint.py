"""The colours of what the faces show: this renderer's own facades, ground, leaves and clouds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.world.city import City
from training.world.columns import Cameras
from training.world.families import GROUNDS
from training.world.mesh.facade import Wall, paint_facade
from training.world.mesh.grain import grain, grain_table, toss
from training.world.mesh.polygons import Polygons, normals
from training.world.shading import DUST_RGB, TENT_COLORS, Spots, ViewLights, sunlit
from training.world.solids import BoxKind, RoundKind
from training.world.surfaces import Surface

_ROUGHNESS = (0.2, 0.18, 0.07, 0.09, 0.07, 0.12, 0.04, 0.05, 0.14, 0.08)
_COVER_SHAKE_M = 0.12


@dataclass(frozen=True)
class Seen:
    """N pixels: ``view`` (N,), ``sight`` (N, 3) a unit of depth long, ``depth`` (N,).

    ``pixel_rad`` is the angle of a pixel.
    """

    view: Tensor
    sight: Tensor
    depth: Tensor
    pixel_rad: float


@dataclass(frozen=True)
class Points:
    """P points of one kind of surface: ``at`` (P, 3), the polygon's ``row`` and ``side``.

    ``normal`` (P, 3) of its polygon, ``pixel_m`` the width of a pixel there, ``spots`` the same
    points as shadows are asked for.
    """

    at: Tensor
    row: Tensor
    side: Tensor
    normal: Tensor
    pixel_m: Tensor
    spots: Spots

    @property
    def view(self) -> Tensor:
        """The view (P,) that sees each point."""
        return self.spots.view


def paint(
    city: City,
    cameras: Cameras,
    lights: ViewLights,
    polygons: Polygons,
    surface: Tensor,
    polygon: Tensor,
    seen: Seen,
) -> Tensor:
    """Return linear colours (N, 3) of N pixels.

    Args:
        city: The city.
        cameras: V cameras.
        lights: Their light.
        polygons: What ``polygon`` counts.
        surface: (N,) a ``Surface`` each.
        polygon: (N,) its polygon, -1 for ground and sky.
        seen: Where the pixels look.
    """
    table = grain_table(city.device, GROUNDS[city.geometry.style.ground].below)
    color = torch.empty(len(surface), 3, device=city.device)
    stuffs = {
        Surface.GROUND: _ground, Surface.WALL: _walls, Surface.ROOF: _roofs,
        Surface.CROWN: _rounds, Surface.STEM: _stems,
    }  # fmt: skip
    for what in Surface:
        index = (surface == what).nonzero().squeeze(1)
        view, sight = seen.view[index], seen.sight[index]
        if what == Surface.SKY:
            color[index] = _sky(lights, table, view, sight)
            continue
        points = _points(cameras, polygons, polygon[index], seen, index)
        shown = stuffs[what](city, lights, table, points)
        fog = 1 - torch.exp(-points.spots.reach / lights.haze_m[view])
        color[index] = torch.lerp(shown, lights.haze_rgb[view], fog[:, None])
    return color.clamp(0, 1.6)


def _points(
    cameras: Cameras, polygons: Polygons, polygon: Tensor, seen: Seen, index: Tensor
) -> Points:
    view, sight, depth = seen.view[index], seen.sight[index], seen.depth[index]
    step = sight * depth[:, None]
    eye = torch.cat([cameras.xy, cameras.height_m[:, None]], 1)[view]
    at = eye + step
    reach = step[:, :2].norm(dim=1)
    ahead = sight[:, :2] / sight[:, :2].norm(dim=1, keepdim=True).clamp_min(1e-6)
    pixel = reach * seen.pixel_rad
    if not len(index) or int(polygon[0]) < 0:
        flat = torch.zeros_like(at) + torch.tensor([0.0, 0.0, 1.0], device=at.device)
        nothing = torch.zeros_like(view)
        at = at * torch.tensor([1.0, 1.0, 0.0], device=at.device)
        spots = Spots(view, nothing, at[:, :2], at[:, 2], reach, pixel, ahead)
        return Points(at, nothing, nothing, flat, pixel, spots)
    normal = functional.normalize(normals(polygons.corners), eps=1e-9)
    row = polygons.row[polygon]
    spots = Spots(view, row, at[:, :2], at[:, 2], reach, pixel, ahead)
    return Points(at, row, polygons.side[polygon], normal[polygon], pixel, spots)


def _lit(
    city: City, lights: ViewLights, p: Points, normal: Tensor, sky: Tensor | float, back_m: float
) -> Tensor:
    """Return the light (P, 3): sun where it shines, sky, and what the ground throws back."""
    sun = lights.sun[p.view]
    facing = (normal * sun).sum(-1).clamp_min(0) * sunlit(city, lights, p.spots, back_m)
    thrown = 0.12 * sun[:, 2] * (1 - normal[:, 2].abs())
    direct = lights.sun_rgb[p.view] * (0.95 * facing + thrown)[:, None]
    share = torch.as_tensor(sky, device=sun.device).expand(len(facing))
    return direct + lights.ambient_rgb[p.view] * share[:, None]


def _snowed(lights: ViewLights, view: Tensor, color: Tensor, up: Tensor) -> Tensor:
    """Return colours under what snow lies on surfaces that point up."""
    share = 0.9 * lights.snow[view] * ((up - 0.3) / 0.4).clamp(0, 1)
    return torch.lerp(color, torch.full_like(color, 0.9), share[:, None])


def _ground(city: City, lights: ViewLights, table: Tensor, p: Points) -> Tensor:
    size = city.ground.shape[0]
    east, north = p.at[:, 0], p.at[:, 1]
    shift = lights.phase[p.view, 2]
    shake_e = grain(table, east * 1.7, north * 1.7) * _COVER_SHAKE_M
    shake_n = grain(table, north * 1.7 + 91, east * 1.7) * _COVER_SHAKE_M
    col = ((east + shake_e + city.half_m) / city.ground_cell_m).long().clamp(0, size - 1)
    row = ((city.half_m - north + shake_n) / city.ground_cell_m).long().clamp(0, size - 1)
    cover = city.ground.view(-1)[row * size + col].long()
    color = lights.palette[p.view, cover]
    rough = torch.tensor(_ROUGHNESS, device=cover.device)[cover]
    fine = grain(table, east * 6.3 + shift, north * 6.3) * (0.16 / p.pixel_m.clamp_min(0.16))
    wide = grain(table, east * 0.45, north * 0.45 + shift) + grain(table, north * 1.3, east * 1.3)
    color = color * (1 + rough * (1.3 * fine + 0.7 * wide))[:, None]
    if city.photo is not None:
        color = color * city.photo.tone[row, col]
    return color * _lit(city, lights, p, p.normal, 0.93, 0.0)


def _walls(city: City, lights: ViewLights, table: Tensor, p: Points) -> Tensor:
    b = city.boxes
    away = p.at[:, :2] - b.center[p.row]
    axis, half = b.axis[p.row], b.half[p.row]
    u = (away * axis).sum(-1)
    v = away[:, 1] * axis[:, 0] - away[:, 0] * axis[:, 1]
    across = p.side % 2 == 0
    place = torch.where(across, v + half[:, 1], u + half[:, 0])
    wall = Wall(p.row, p.side, place, 2 * torch.where(across, half[:, 1], half[:, 0]), p.at[:, 2])
    kind = b.kind[p.row]
    color = _plain(city, lights, table, p, place / wall.length_m)
    house = (kind == BoxKind.BUILDING).nonzero().squeeze(1)
    sky = lights.sky_low[p.view[house]]
    color[house] = paint_facade(city, table, wall.at(house), p.pixel_m[house], sky)
    shade = 0.7 + 0.22 * (p.at[:, 2] / 4).clamp(0, 1)
    return color * _lit(city, lights, p, p.normal, shade, 0.8)


def _plain(city: City, lights: ViewLights, table: Tensor, p: Points, share: Tensor) -> Tensor:
    """Return the albedo (P, 3) of the sides and tops of boxes that are no buildings."""
    b, bank = city.boxes, city.below
    kind, seed, z = b.kind[p.row], b.seed[p.row], p.at[:, 2]
    tint, grey = bank.draw_color(seed), bank.draw(seed * 5 + 1)[:, None]
    mottle = grain(table, p.at[:, 0] * 3.1 + z, p.at[:, 1] * 3.1 - 2 * z)[:, None]
    paint = torch.where(grey < 0.65, 0.1 + 0.8 * tint[:, :1] + 0.04 * tint, 0.15 + 0.6 * tint)
    low = (z < 0.25) | ((z < 0.6) & (((share - 0.5).abs() - 0.3).abs() < 0.08))
    upright = p.normal[:, 2] < 0.5
    dust = torch.tensor(DUST_RGB, device=seed.device) * (0.7 + 0.4 * grey)
    cloth = torch.tensor(TENT_COLORS, device=seed.device)
    cloth = cloth[(bank.draw(seed // 8) * len(TENT_COLORS)).long()]
    pane = upright & ((share - 0.5).abs() < 0.42)
    chip = toss(table, (p.at * 4).floor().long() @ torch.tensor([7, 311, 5471], device=z.device))
    out = 0.42 + 0.3 * grey + 0.05 * tint + 0.07 * mottle
    for what, look in (
        (BoxKind.HEDGE, lights.leaf[p.view] * (0.8 + 0.4 * mottle)),
        (BoxKind.CAR, torch.where((low & upright)[:, None], 0.07, paint)),
        (BoxKind.CABIN, torch.where(pane[:, None], 0.14 + 0.12 * lights.sky_low[p.view], paint)),
        (BoxKind.RUBBLE, dust * (0.55 + 0.6 * chip[:, None] + 0.2 * mottle)),
        (BoxKind.TENT, cloth * (0.94 + 0.06 * mottle)),
    ):
        out = torch.where((kind == what)[:, None], look, out)
    return out.clamp(0.02, 1)


def _roofs(city: City, lights: ViewLights, table: Tensor, p: Points) -> Tensor:
    b = city.boxes
    east, north = p.at[:, 0] * 2.2 + p.at[:, 2], p.at[:, 1] * 2.2 - p.at[:, 2]
    course = grain(table, east * 3, north * 0.7) * (0.3 / p.pixel_m.clamp_min(0.3))
    stain = grain(table, east * 0.4 + b.seed[p.row] % 97, north * 0.4)
    tiles = city.facades[9:12].T[b.owner[p.row]] * (1 + 0.12 * course + 0.1 * stain)[:, None]
    kind = b.kind[p.row]
    own = _plain(city, lights, table, p, torch.full_like(stain, 0.5))
    house = (kind == BoxKind.BUILDING) | (kind == BoxKind.ROOF_HOUSE)
    color = torch.where(house[:, None], tiles, own)
    color = _snowed(lights, p.view, color, p.normal[:, 2])
    return color * _lit(city, lights, p, p.normal, 0.97, 0.0)


def _rounds(city: City, lights: ViewLights, table: Tensor, p: Points) -> Tensor:
    r = city.rounds
    kind, seed = r.kind[p.row], r.seed[p.row]
    low, top = r.bottom_m[p.row], r.top_m[p.row]
    up = ((p.at[:, 2] - low) / (top - low).clamp_min(0.1)).clamp(0, 1)
    middle = torch.cat([r.center[p.row], ((low + top) / 2)[:, None]], 1)
    normal = 0.5 * functional.normalize(p.at - middle) + 0.5 * p.normal
    own = (seed % 211).float() + lights.phase[p.view, 0]
    x, y = p.at[:, 0] * 2.3 + p.at[:, 2] + own, p.at[:, 1] * 2.3 - 1.6 * p.at[:, 2]
    tufts = grain(table, x, y) + 0.7 * grain(table, x * 3.1, y * 3.1)
    tint = city.below.draw_color(seed)
    green = torch.tensor([0.12, 0.21, 0.13], device=up.device) * (0.8 + 0.4 * tint)
    conifer = (kind == RoundKind.CONIFER)[:, None]
    leaf = torch.where(conifer, green, lights.leaf[p.view] * (0.85 + 0.3 * tint))
    leaf = leaf * (0.75 + 0.35 * up + 0.3 * tufts).clamp(0.2, 1.7)[:, None]
    skin = torch.tensor([0.6, 0.46, 0.38], device=up.device)
    coat = torch.where((up > 0.4)[:, None], 0.08 + 0.7 * tint, 0.1 + 0.3 * tint.flip(1))
    coat = torch.where((up > 0.78)[:, None], skin, coat)
    color = torch.where((kind == RoundKind.PERSON)[:, None], coat, leaf)
    color = torch.where((kind == RoundKind.POLE)[:, None], 0.36, color)
    return color * _lit(city, lights, p, normal, 0.58 + 0.35 * up, 0.0)


def _stems(city: City, lights: ViewLights, table: Tensor, p: Points) -> Tensor:
    kind, seed = city.rounds.kind[p.row], city.rounds.seed[p.row]
    tint = city.below.draw_color(seed)
    bark = torch.tensor([0.3, 0.26, 0.21], device=tint.device) * (0.8 + 0.4 * tint[:, :1])
    ridge = grain(table, (p.at[:, 0] + p.at[:, 1]) * 14, p.at[:, 2] * 2 + seed % 31)
    bark = bark * (1 + 0.25 * ridge)[:, None]
    bark = torch.where((kind == RoundKind.PERSON)[:, None], 0.1 + 0.3 * tint, bark)
    bark = torch.where((kind == RoundKind.POLE)[:, None], 0.36, bark)
    return bark * _lit(city, lights, p, p.normal, 0.75, 0.0)


def _sky(lights: ViewLights, table: Tensor, view: Tensor, sight: Tensor) -> Tensor:
    """Return the sky (P, 3): pale below, its own colour above, heaps of cloud, a far ridge."""
    level = sight[:, :2].norm(dim=1).clamp_min(1e-6)
    tangent = sight[:, 2] / level
    up = tangent.clamp_min(0)
    sky = torch.lerp(lights.sky_low[view], lights.sky_top[view], 1 - torch.exp(-1.6 * up)[:, None])
    phase = lights.phase[view]
    ceiling = sight[:, :2] / level[:, None] * (3.5 / (0.22 + up))[:, None]
    x, y = ceiling[:, 0] + phase[:, 0], ceiling[:, 1] + phase[:, 1]
    heap = 0.6 * grain(table, x, y) + 0.3 * grain(table, 2.7 * x, 2.7 * y)
    share = ((heap + 1.5 * lights.clouds[view] - 0.75) * 2).clamp(0, 1) * 0.85
    white = (0.9 + 0.08 * heap - 0.16 * lights.overcast[view])[:, None].expand_as(sky)
    sky = torch.lerp(sky, white, share[:, None])
    bearing = torch.atan2(sight[:, 0], sight[:, 1]) * (64 / (2 * torch.pi))
    ridge = 0.018 + 0.012 * grain(table, bearing * 0.999, phase[:, 3])
    far = torch.lerp(lights.leaf[view] * 0.7, lights.haze_rgb[view], 0.6)
    return torch.where((tangent < ridge)[:, None], far, sky)
