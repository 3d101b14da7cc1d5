"""The first surface of every pixel of a column: sky, ground, wall, roof, crown or trunk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from training.world.city import City
from training.world.columns import FAR_M, NO_HIT, SAMPLES, Cameras, Columns
from training.world.noise import look_up_own
from training.world.solids import BoxKind, RoundKind


class Surface(IntEnum):
    """What a pixel shows."""

    SKY = 0
    GROUND = 1
    WALL = 2
    ROOF = 3
    CROWN = 4
    STEM = 5


@dataclass(frozen=True)
class Foliage:
    """The leaves of V views: ``density`` (V,) how full the crowns are, ``key`` (V,) their wind.

    Leaves hang differently in every view, as outdoors: a crown is no landmark.
    """

    density: Tensor
    key: Tensor


@dataclass(frozen=True)
class Hits:
    """The first surface of every pixel, all (V, W, R): columns first, then rows.

    ``kind`` holds ``Surface``, ``distance_m`` and ``height_m`` where it was met, ``slot`` the
    column's box or round thing that was met.
    """

    kind: Tensor
    distance_m: Tensor
    height_m: Tensor
    slot: Tensor


def trace(
    city: City, cameras: Cameras, columns: Columns, tangent: Tensor, foliage: Foliage
) -> Hits:
    """Return the first surface of every pixel.

    Args:
        city: The city.
        cameras: V cameras.
        columns: What the columns meet.
        tangent: (V, W, R) tangents of the pixels' elevations, the terrain's slope included.
        foliage: The leaves of the V views.
    """
    kind, distance, slot = _trace_solid(cameras, columns, tangent)
    height = cameras.height_m[:, None, None] + tangent * distance
    for k in range(columns.round_m.shape[-1]):
        if not bool((columns.round_[..., k] >= 0).any()):
            break
        _trace_round(city, cameras, columns, tangent, foliage, k, (kind, distance, slot))
    height = torch.where(kind == Surface.SKY, 0.0, height)
    round_hit = kind >= Surface.CROWN
    over = cameras.height_m[:, None, None] + tangent * distance
    return Hits(kind, distance, torch.where(round_hit, over, height), slot)


def _trace_solid(
    cameras: Cameras, columns: Columns, tangent: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    found = torch.searchsorted(columns.tangent, tangent.contiguous())
    last = columns.tangent.shape[-1] - 1
    met = found <= last
    found = found.clamp_max(last)
    slot, sample = found // SAMPLES, found % SAMPLES
    reach = columns.reach_m.gather(-1, found)
    before = (found - 1).clamp_min(0)
    reach_0 = columns.reach_m.gather(-1, before)
    camera = cameras.height_m[:, None, None]
    z1, z0 = columns.top_m.gather(-1, found), columns.top_m.gather(-1, before)
    gap0 = z0 - camera - tangent * reach_0
    gap1 = z1 - camera - tangent * reach
    share = (gap0 / torch.where((gap0 - gap1).abs() < 1e-6, -1e-6, gap0 - gap1)).clamp(0, 1)
    on_roof = sample > 0
    distance = torch.where(on_roof, reach_0 + (reach - reach_0) * share, reach)
    floor = torch.where(tangent < -1e-4, camera / (-tangent).clamp_min(1e-4), NO_HIT)
    ground = (floor < distance) | ~met
    sky = ground & (floor > 4 * FAR_M)
    kind = torch.where(on_roof, int(Surface.ROOF), int(Surface.WALL))
    kind = torch.where(ground, int(Surface.GROUND), kind)
    kind = torch.where(sky, int(Surface.SKY), kind)
    distance = torch.where(ground, floor, distance)
    return kind.to(torch.uint8), distance, slot


def _trace_round(
    city: City,
    cameras: Cameras,
    columns: Columns,
    tangent: Tensor,
    foliage: Foliage,
    k: int,
    hits: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Put the k-th round thing of every column in front of what was met behind it, in place."""
    r = city.rounds
    kind, distance, slot = (t.view(-1, t.shape[-1]) for t in hits)
    column = (columns.round_[..., k].reshape(-1) >= 0).nonzero().squeeze(1)
    view = column // tangent.shape[1]
    along = columns.round_m[..., k].reshape(-1)[column]
    row = columns.round_[..., k].reshape(-1)[column]
    offset = columns.offset_m[..., k].reshape(-1)[column]
    low, top = r.bottom_m[row], r.top_m[row]
    rows = tangent.view(-1, tangent.shape[-1])[column]
    z = cameras.height_m[view][:, None] + rows * along[:, None]
    open_ = (along[:, None] < distance[column]) & (kind[column] < Surface.CROWN)
    across = (offset.abs() / r.radius_m[row].clamp_min(0.05))[:, None]
    up = (z - low[:, None]) / (top - low).clamp_min(0.05)[:, None]
    shape = _outline(r.kind[row][:, None], across, up)
    at, line = (open_ & (up > 0) & (up < 1) & (shape < 1)).nonzero(as_tuple=True)
    key = city.rounds.seed[row] + foliage.key[view] * 1009
    thin = _leaves(city, row[at], key[at], offset[at], z[at, line], shape[at, line])
    keep = thin < foliage.density[view[at]]
    stems = open_ & (z > 0) & (up <= 0.02 + 0.5 * (r.kind[row] < RoundKind.POLE)[:, None])
    stems &= (offset.abs() < r.trunk_m[row])[:, None]
    for surface, (thing, pixel) in (
        (Surface.STEM, stems.nonzero(as_tuple=True)),
        (Surface.CROWN, (at[keep], line[keep])),
    ):
        kind[column[thing], pixel] = int(surface)
        distance[column[thing], pixel] = along[thing]
        slot[column[thing], pixel] = k


def _outline(what: Tensor, across: Tensor, up: Tensor) -> Tensor:
    """Return where each pixel lies in a thing's outline: below 1 inside."""
    shape = (2 * up - 1) ** 2 + across**2
    shape = torch.where(what == RoundKind.CONIFER, across + up, shape)
    person = torch.where(up > 0.78, across * 2.2, across * 1.05)
    shape = torch.where(what == RoundKind.PERSON, person, shape)
    return torch.where(what == RoundKind.POLE, across.expand_as(shape), shape)


def _leaves(
    city: City, row: Tensor, key: Tensor, offset: Tensor, z: Tensor, shape: Tensor
) -> Tensor:
    """Return how thin the crown is at each pixel, 0 dense to above 1 open air."""
    what = city.rounds.kind[row]
    noise = look_up_own(city.below, offset * 9, z * 9, key)
    clump = look_up_own(city.below, offset * 2.3, z * 2.3, key + 5)
    thin = 0.42 + 0.16 * noise + 0.14 * clump + 0.42 * shape**3
    leafy = (what == RoundKind.TREE) | ((what == RoundKind.BUSH) | (what == RoundKind.CONIFER))
    evergreen = (what == RoundKind.CONIFER) | (what == RoundKind.BUSH)
    thin = torch.where(evergreen, (thin - 0.35) * 0.2, thin)
    return torch.where(leafy, thin, -1.0)


def is_building(city: City, columns: Columns) -> Tensor:
    """Return which boxes met are buildings, (V, W, K)."""
    kind = city.boxes.kind[columns.box.clamp_min(0)]
    building = (kind == BoxKind.BUILDING) | (kind == BoxKind.ROOF_HOUSE)
    return building & (columns.box >= 0)
