"""The city from above as leaning polygons, lit and coloured by this renderer's own rules."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model_core.types import ImageU8
from training.world.city import City
from training.world.facades import Facade
from training.world.families import GROUNDS
from training.world.heights import cast_shadows
from training.world.mesh.grain import grain, grain_table, toss
from training.world.mesh.polygons import Polygons, Viewers, are_trees, build_polygons, normals
from training.world.mesh.raster import Flat, Keep, Sheet, draw, edges_of
from training.world.satellite import SatelliteAppearance, developed
from training.world.shading import DUST_RGB, TENT_COLORS
from training.world.solids import BoxKind
from training.world.surfaces import Surface

_ABOVE = 1000
"""Families of noise from here on are those seen from above."""
_SAMPLES = 2


@dataclass(frozen=True)
class _Facts:
    """P pixels that show polygons: place ``at`` (P, 3), ``row``, ``normal`` (P, 3)."""

    at: Tensor
    row: Tensor
    normal: Tensor


def render_satellite_mesh(city: City, look: SatelliteAppearance) -> ImageU8:
    """Return the whole city from above, north up, uint8 (R, R, 3), as ``render_satellite`` does.

    Water and smoke are not rendered here; ``choose.render_image`` sends them elsewhere.
    """
    heights = city.heights[look.date]
    size, cell_m = heights.solid_m.shape[0], heights.cell_m
    dx = cell_m / _SAMPLES
    first = dx / 2 - size * cell_m / 2
    sheet = Sheet(size * _SAMPLES, size * _SAMPLES, dx, dx, first, -first)
    polygons = _standing(city, look)
    found, x, y, z = _look_down(city, polygons, sheet, look)
    lean = torch.tensor(look.lean, device=city.device)
    at = torch.stack([x + lean[0] * z, y + lean[1] * z, z], 1)
    color, normal = _albedo(city, look, polygons, found, at)
    shade = cast_shadows(heights, look.sun)
    col = ((at[:, 0] + city.half_m) / cell_m).long().clamp(0, size - 1)
    row = ((city.half_m - at[:, 1]) / cell_m).long().clamp(0, size - 1)
    sun = ((z - shade[row, col]) / 0.4 + 0.7).clamp(0, 1)
    color = color * _light(look, normal, sun)
    color = torch.lerp(color, torch.from_numpy(look.light.haze_rgb).to(color), look.haze)
    fine = color.view(1, sheet.height, sheet.width, 3).permute(0, 3, 1, 2)
    image = functional.avg_pool2d(fine, _SAMPLES)[0].permute(1, 2, 0)
    return developed(image, look, cell_m)


def _standing(city: City, look: SatelliteAppearance) -> Polygons:
    one = torch.zeros(1, dtype=torch.long, device=city.device)
    return build_polygons(city, Viewers(None, one + look.date, one, one + int(look.phase[0] * 64)))


def _look_down(
    city: City, polygons: Polygons, sheet: Sheet, look: SatelliteAppearance
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return every pixel's polygon (-1: ground), its place on the sheet and the height it sees."""
    device = city.device
    camera = torch.tensor([*look.lean, 1.0], device=device)
    c = polygons.corners
    normal = normals(c)
    toward = normal @ camera
    front = (toward > 1e-6).nonzero().squeeze(1)
    flat_xy = c[front, :, :2] - camera[:2] * c[front, :, 2:]
    seen = torch.cat([flat_xy, torch.ones_like(flat_xy[..., :1])], -1)
    n = normal[front] / toward[front, None]
    level = (n * c[front, 0]).sum(-1)
    height = torch.stack([-n[:, 0], -n[:, 1], level], 1)
    raised = height + torch.tensor([0.0, 0.0, 1.0], device=device)
    y = flat_xy[..., 1]
    span = torch.stack([y.amin(1), y.amax(1)], 1)
    flat = Flat(edges_of(seen), raised, span, torch.zeros_like(front), front)
    keep = _leaves(city, polygons, look, sheet)
    found = draw(flat, sheet, 1, keep)
    at = torch.arange(sheet.width, device=device)
    x = sheet.x_of(at).repeat(sheet.height)
    y = sheet.y_of(at).repeat_interleave(sheet.width)
    rank = torch.full((len(c),), 0, device=device)
    rank[front] = torch.arange(len(front), device=device)
    hit = (found >= 0).nonzero().squeeze(1)
    h = height[rank[found[hit]]]
    z = torch.zeros_like(x)
    z[hit] = (h[:, 0] * x[hit] + h[:, 1] * y[hit] + h[:, 2]).clamp_min(0)
    return found, x, y, z


def _leaves(city: City, polygons: Polygons, look: SatelliteAppearance, sheet: Sheet) -> Keep:
    table = grain_table(city.device, _ABOVE + 3)
    tree = are_trees(city, polygons)

    def keep(polygon: Tensor, _sheet: Tensor, pixel: Tensor, _near: Tensor) -> Tensor:
        out = torch.ones_like(polygon, dtype=torch.bool)
        some = tree[polygon].nonzero().squeeze(1)
        x, y = sheet.x_of(pixel[some] % sheet.width), sheet.y_of(pixel[some] // sheet.width)
        gap = grain(table, x * 1.9 + float(look.phase[0]), y * 1.9)
        out[some] = 0.4 + 0.35 * gap < look.season.leaf_density
        return out

    return keep


def _albedo(
    city: City, look: SatelliteAppearance, polygons: Polygons, found: Tensor, at: Tensor
) -> tuple[Tensor, Tensor]:
    """Return colours and normals (N, 3) of all pixels."""
    table = grain_table(city.device, _ABOVE + GROUNDS[city.geometry.style.ground].above)
    fine = grain(table, at[:, 0] * 1.1 + float(look.phase[1]), at[:, 1] * 1.1)
    wide = grain(table, at[:, 0] * 0.11, at[:, 1] * 0.11 + float(look.phase[2]))
    size = city.ground.shape[0]
    col = ((at[:, 0] + city.half_m) / city.ground_cell_m).long().clamp(0, size - 1)
    row = ((city.half_m - at[:, 1]) / city.ground_cell_m).long().clamp(0, size - 1)
    cover = city.ground[row, col].long()
    color = torch.from_numpy(look.palette).to(city.device)[cover]
    if city.photo is not None:
        photo = city.photo.color[row, col].to(color) / 255
        color = torch.where(city.photo.seen[row, col][:, None], photo, color)
    color = color * (1 + 0.08 * fine + 0.07 * wide)[:, None]
    normal = torch.zeros_like(at)
    normal[:, 2] = 1
    every = functional.normalize(normals(polygons.corners), eps=1e-9)
    for surface, stuff in (
        (Surface.WALL, _walls), (Surface.ROOF, _roofs), (Surface.CROWN, _crowns),
        (Surface.STEM, _crowns),
    ):  # fmt: skip
        index = (polygons.surface[found.clamp_min(0)] == surface) & (found >= 0)
        index = index.nonzero().squeeze(1)
        which = found[index]
        p = _Facts(at[index], polygons.row[which], every[which])
        color[index] = stuff(city, look, table, p)
        normal[index] = _round_normal(city, p) if surface == Surface.CROWN else p.normal
    return color.clamp(0.01, 1), normal


def _round_normal(city: City, p: _Facts) -> Tensor:
    """Return the normals of crowns (P, 3), between those of their polygons and of a ball."""
    r = city.rounds
    middle = (r.bottom_m[p.row] + r.top_m[p.row]) / 2
    ball = p.at - torch.cat([r.center[p.row], middle[:, None]], 1)
    return 0.5 * p.normal + 0.5 * functional.normalize(ball)


def _walls(city: City, look: SatelliteAppearance, table: Tensor, p: _Facts) -> Tensor:
    owner = city.boxes.owner[p.row]
    facts = city.facades
    storey = (p.at[:, 2] / facts[Facade.FLOOR_M][owner].clamp_min(1)) % 1
    place = p.at[:, 0] * p.normal[:, 1] - p.at[:, 1] * p.normal[:, 0]
    bay = (place / facts[Facade.BAY_M][owner].clamp_min(1)) % 1
    window = (storey > 0.3) & (storey < 0.75) & ((bay - 0.5).abs() < 0.28)
    wall = city.facade_colors(owner, Facade.WALL_R) * (1 - 0.5 * window.float())[:, None]
    house = city.boxes.kind[p.row] == BoxKind.BUILDING
    return torch.where(house[:, None], wall, _plain(city, look, table, p))


def _roofs(city: City, look: SatelliteAppearance, table: Tensor, p: _Facts) -> Tensor:
    b = city.boxes
    tar = grain(table, p.at[:, 0] * 0.7 + b.seed[p.row] % 89, p.at[:, 1] * 0.7)
    grit = grain(table, p.at[:, 0] * 2.3, p.at[:, 1] * 2.3)
    roof = city.facade_colors(b.owner[p.row], Facade.ROOF_R)
    roof = roof * (1 + 0.09 * tar + 0.06 * grit)[:, None]
    roof = torch.lerp(roof, torch.full_like(roof, 0.91), 0.9 * look.season.snow)
    house = b.kind[p.row] == BoxKind.BUILDING
    return torch.where(house[:, None], roof, _plain(city, look, table, p))


def _plain(city: City, look: SatelliteAppearance, table: Tensor, p: _Facts) -> Tensor:
    """Return the albedo (P, 3) of boxes that are no buildings, as seen from above."""
    b, bank = city.boxes, city.above
    kind, seed = b.kind[p.row], b.seed[p.row]
    grey, tint = bank.draw(seed * 5 + 1)[:, None], bank.draw_color(seed)
    paint = torch.where(grey < 0.65, 0.1 + 0.8 * tint[:, :1], 0.15 + 0.6 * tint)
    chip = toss(table, (p.at * 2).floor().long() @ torch.tensor([7, 311, 5471], device=seed.device))
    dust = torch.tensor(DUST_RGB, device=seed.device) * (0.5 + 0.7 * chip[:, None])
    cloth = torch.tensor(TENT_COLORS, device=seed.device)
    cloth = cloth[(bank.draw(seed // 8) * len(TENT_COLORS)).long()]
    leaf = torch.tensor(look.season.leaf, device=seed.device)
    out = 0.4 + 0.3 * grey + 0.04 * tint
    for what, shown in (
        (BoxKind.CAR, paint), (BoxKind.CABIN, paint * 0.8), (BoxKind.HEDGE, leaf.expand_as(out)),
        (BoxKind.RUBBLE, dust), (BoxKind.TENT, cloth),
    ):  # fmt: skip
        out = torch.where((kind == what)[:, None], shown, out)
    return out


def _crowns(city: City, look: SatelliteAppearance, table: Tensor, p: _Facts) -> Tensor:
    tint = city.above.draw_color(city.rounds.seed[p.row])
    tuft = grain(table, p.at[:, 0] * 1.3 + p.at[:, 2], p.at[:, 1] * 1.3 - p.at[:, 2])
    leaf = torch.tensor(look.season.leaf, device=tint.device)
    return leaf * (0.8 + 0.35 * tint) * (0.92 + 0.22 * tuft)[:, None]


def _light(look: SatelliteAppearance, normal: Tensor, sun: Tensor) -> Tensor:
    """Return the light (N, 3) on surfaces of some normals, ``sun`` the share that reaches them."""
    toward = torch.from_numpy(look.sun.direction()).to(normal)
    facing = (normal @ toward).clamp_min(0) * sun
    direct = torch.from_numpy(look.light.sun_rgb).to(normal)
    ambient = torch.from_numpy(look.light.ambient_rgb).to(normal)
    return direct * (1.15 * facing)[:, None] + ambient * (0.8 + 0.15 * normal[:, 2:])
