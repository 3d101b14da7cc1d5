"""The solids of a city as convex polygons of four corners, those that each view may see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.world.city import City
from training.world.solids import BOTH_DATES, FIRST_TRAFFIC, BoxKind, Roof, RoundKind
from training.world.surfaces import Surface

HOUSES_WITHIN_M, SMALL_WITHIN_M, ROUNDS_WITHIN_M = 160.0, 60.0, 110.0
DETAILS = ((3, 5), (4, 6), (5, 8))
"""Rings and sides of crowns, one a level of detail."""
_FINE_WITHIN_M = 25.0


@dataclass(frozen=True)
class Polygons:
    """P convex polygons: ``corners`` (P, 4, 3) metres east, north and up, the last two may agree.

    ``view`` (P,) is the view that sees it, ``surface`` (P,) a ``Surface``, ``row`` (P,) its box or
    round thing, ``side`` (P,) its wall: 0 and 2 across the first axis (the far end first), 1 and
    3 across the second.
    """

    corners: Tensor
    view: Tensor
    surface: Tensor
    row: Tensor
    side: Tensor

    def at(self, chosen: Tensor) -> Polygons:
        """Return some of the polygons."""
        return Polygons(*(values[chosen] for values in vars(self).values()))


def normals(corners: Tensor) -> Tensor:
    """Return normals (..., 3) from the diagonals, which no doubled corner makes vanish."""
    first, second = (corners[..., k + 2, :] - corners[..., k, :] for k in (0, 1))
    normal: Tensor = torch.linalg.cross(first, second)
    return normal


@dataclass(frozen=True)
class Viewers:
    """What decides which solids V views see and how finely; all (V,), ``xy`` (V, 2).

    ``key`` is the view's own number; ``xy`` is None for the view from above, which sees all.
    """

    xy: Tensor | None
    date: Tensor
    traffic: Tensor
    key: Tensor


def build_polygons(city: City, viewers: Viewers) -> Polygons:
    """Return the polygons of everything that stands near each view at its date.

    The first has no size and is never seen, so that there is one in an empty country too.
    """
    none = torch.zeros(1, dtype=torch.long, device=city.device)
    nothing = Polygons(torch.zeros(1, 4, 3, device=city.device), none, none, none, none)
    parts = [nothing, *_box_polygons(city, viewers), *_round_polygons(city, viewers)]
    columns = zip(*(vars(p).values() for p in parts), strict=True)
    return Polygons(*(torch.cat(column) for column in columns))


def are_trees(city: City, polygons: Polygons) -> Tensor:
    """Return which polygons belong to the crowns of trees that shed their leaves, (P,)."""
    out = polygons.surface == Surface.CROWN
    out[out.clone()] = city.rounds.kind[polygons.row[out]] == RoundKind.TREE
    return out


def _near(viewers: Viewers, group: Tensor, center: Tensor, reach: Tensor, limit: Tensor) -> Tensor:
    """Return pairs (2, n) of a view and a row that stands in it, within the limit."""
    shown = (group == BOTH_DATES) | (group == viewers.date[:, None] + 1)
    shown = shown | (group == viewers.traffic[:, None] + FIRST_TRAFFIC)
    if viewers.xy is not None:
        shown = shown & (torch.cdist(viewers.xy, center) - reach < limit)
    return shown.nonzero().T


def _box_polygons(city: City, viewers: Viewers) -> list[Polygons]:
    b = city.boxes
    house = (b.kind == BoxKind.BUILDING) | (b.kind == BoxKind.ROOF_HOUSE)
    limit = torch.where(house, HOUSES_WITHIN_M, SMALL_WITHIN_M)
    view, row = _near(viewers, b.group, b.center, b.half.norm(dim=1), limit)
    roof, eave = b.roof[row], b.eave_m[row]
    rise = torch.where(roof == Roof.FLAT, 0.0, b.rise_m[row])
    half_u, half_v = b.half[row].unbind(1)
    inset = torch.minimum(half_u, half_v)
    hip = roof == Roof.HIP
    ridge_u = torch.where(hip, half_u - inset, half_u)
    ridge_v = torch.where(hip, half_v - inset, torch.where(roof == Roof.GABLE, 0.0, half_v))
    top = eave + rise * torch.where(hip, inset / half_v, 1.0)
    foot = _ring(city, row, half_u, half_v, torch.zeros_like(eave))
    edge = _ring(city, row, half_u, half_v, eave)
    ridge = _ring(city, row, ridge_u, ridge_v, top)
    pitched = (roof != Roof.FLAT) & (rise > 0.05)
    out = []
    for side in range(4):
        after = (side + 1) % 4
        wall = torch.stack([foot[:, side], foot[:, after], edge[:, after], edge[:, side]], 1)
        out.append(_polygons(wall, view, Surface.WALL, row, side))
        slope = torch.stack([edge[:, side], edge[:, after], ridge[:, after], ridge[:, side]], 1)
        gable = (roof[pitched] == Roof.GABLE) & (side % 2 == 0)
        surface = torch.where(gable, int(Surface.WALL), int(Surface.ROOF))
        out.append(_polygons(slope[pitched], view[pitched], surface, row[pitched], side))
    out.append(_polygons(edge[~pitched], view[~pitched], Surface.ROOF, row[~pitched], 0))
    return out


def _ring(city: City, row: Tensor, half_u: Tensor, half_v: Tensor, z: Tensor) -> Tensor:
    """Return a level rectangle (n, 4, 3) around boxes' centres, turning left from (u, -v)."""
    along = city.boxes.axis[row]
    aside = torch.stack([-along[:, 1], along[:, 0]], 1)
    corners = [
        city.boxes.center[row] + along * (su * half_u)[:, None] + aside * (sv * half_v)[:, None]
        for su, sv in ((1, -1), (1, 1), (-1, 1), (-1, -1))
    ]
    return torch.cat([torch.stack(corners, 1), z[:, None, None].expand(-1, 4, 1)], -1)


def _polygons(
    corners: Tensor, view: Tensor, surface: Surface | Tensor, row: Tensor, side: int | Tensor
) -> Polygons:
    whole = (v if isinstance(v, Tensor) else torch.full_like(row, int(v)) for v in (surface, side))
    surfaces, sides = whole
    return Polygons(corners, view, surfaces, row, sides)


def _round_polygons(city: City, viewers: Viewers) -> list[Polygons]:
    r = city.rounds
    if not len(r.kind):
        return []
    limit = torch.full_like(r.radius_m, ROUNDS_WITHIN_M)
    view, row = _near(viewers, r.group, r.center, torch.zeros_like(limit), limit)
    kind, low, top = r.kind[row], r.bottom_m[row], r.top_m[row]
    key = (r.seed[row] + viewers.key[view] * 7919) % 65536
    level = (key * 40503 >> 7) % len(DETAILS)
    if viewers.xy is not None:
        away = (viewers.xy[view] - r.center[row]).norm(dim=1)
        level = torch.where(away < _FINE_WITHIN_M, len(DETAILS) - 1, level)
    out = []
    crowned = (kind == RoundKind.TREE) | (kind == RoundKind.BUSH) | (kind == RoundKind.CONIFER)
    for detail, (rings, sides) in enumerate(DETAILS):
        at = (crowned & (level == detail)).nonzero().squeeze(1)
        radius, z = _crown_profile(city, row[at], rings)
        bumps = 1 + 0.16 * (_scatter(key[at], (rings + 1) * sides) - 0.5)
        shape = bumps.view(-1, rings + 1, sides) * radius[..., None] * (1 + 0.9 / sides**1.3)
        out.append(_turned(city, view[at], row[at], shape, z, Surface.CROWN))
    body, head = r.radius_m[row] / 1.05, r.radius_m[row] / 2.2
    neck = low + 0.78 * (top - low)
    stem_top = low + 0.5 * (top - low) * crowned
    for wanted, radius, z0, z1, surface in (
        (kind == RoundKind.PERSON, body, low, neck, Surface.CROWN),
        (kind == RoundKind.PERSON, head, neck, top, Surface.CROWN),
        (kind == RoundKind.POLE, r.radius_m[row], low, top, Surface.CROWN),
        ((kind != RoundKind.BUSH) & (low > 0.02), r.trunk_m[row], 0 * low, stem_top, Surface.STEM),
    ):
        at = wanted.nonzero().squeeze(1)
        flat = radius[at][:, None, None].expand(-1, 2, 6)
        out.append(_turned(city, view[at], row[at], flat, torch.stack([z0, z1], 1)[at], surface))
    return out


def _crown_profile(city: City, row: Tensor, rings: int) -> tuple[Tensor, Tensor]:
    """Return radius and height (n, rings + 1) from foot to top: an egg, or a cone if conifer."""
    r = city.rounds
    turn = torch.linspace(0, torch.pi, rings + 1, device=row.device)
    cone = (r.kind[row] == RoundKind.CONIFER)[:, None]
    share = torch.where(cone, turn / torch.pi, 0.5 - 0.5 * turn.cos())
    wide = torch.where(cone, 1 - share, turn.sin().clamp_min(0.02))
    low, top = r.bottom_m[row][:, None], r.top_m[row][:, None]
    return wide.clamp_min(0.01) * r.radius_m[row][:, None], low + (top - low) * share


def _scatter(key: Tensor, count: int) -> Tensor:
    """Return uniform numbers (n, count) of whole-numbered keys."""
    at = key[:, None] * 193 + torch.arange(count, device=key.device) * 2531
    return ((at * 1103515245 + 12345) >> 8) % 4096 / 4096


def _turned(
    city: City, view: Tensor, row: Tensor, radius: Tensor, z: Tensor, surface: Surface
) -> Polygons:
    """Return the polygons of things turned on a lathe, radius (n, K, sides) at z (n, K)."""
    sides = radius.shape[-1]
    at = torch.arange(sides, device=row.device) * (2 * torch.pi / sides)
    angle = (at + _scatter(city.rounds.seed[row] % 65536, 1) * 6.28)[:, None]
    center = city.rounds.center[row][:, None, None]
    xy = center + torch.stack([angle.cos() * radius, angle.sin() * radius], -1)
    ring = torch.cat([xy, z[..., None, None].expand(*radius.shape, 1)], -1)
    after = ring.roll(-1, 2)
    quads = torch.stack([ring[:, :-1], after[:, :-1], after[:, 1:], ring[:, 1:]], 3)
    many = quads.shape[1] * sides
    view, row = view.repeat_interleave(many), row.repeat_interleave(many)
    return _polygons(quads.reshape(-1, 4, 3), view, surface, row, 0)
