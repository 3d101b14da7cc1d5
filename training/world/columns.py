"""Which solids every column of a view meets, in order of distance, computed exactly.

A view from the ground is rendered a column (an azimuth) at a time: the vertical plane through the
camera meets boxes in intervals and round things in chords, so the first surface of every pixel of
the column follows from the highest tangent met so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.world.city import City
from training.world.solids import BOTH_DATES, FIRST_TRAFFIC, BoxKind, Roof

NEAR_BOXES, NEAR_ROUNDS = 160, 72
COLUMN_BOXES, COLUMN_ROUNDS = 12, 8
SAMPLES = 5
FAR_M = 160.0
NO_HIT = 1e9


@dataclass(frozen=True)
class Cameras:
    """Where views are taken: ``xy`` (V, 2) metres, ``height_m`` (V,), ``slope`` (V, 2).

    ``date`` and ``traffic`` (V,) whole numbers choose which solids stand there.
    """

    xy: Tensor
    height_m: Tensor
    slope: Tensor
    date: Tensor
    traffic: Tensor


@dataclass(frozen=True)
class Columns:
    """What the columns of V views meet, K boxes and M round things each, nearest first.

    ``direction`` (V, W, 2); ``enter_m`` (V, W, K) distance of the box's wall, ``box`` (V, W, K)
    its row, ``side`` its wall (0 to 3); ``reach_m`` and ``tangent`` (V, W, K * 5) a profile of
    distances and highest tangents so far; ``round_m``, ``round_`` and ``offset_m`` (V, W, M)
    distance, row and sideways offset of round things.
    """

    direction: Tensor
    enter_m: Tensor
    box: Tensor
    side: Tensor
    reach_m: Tensor
    tangent: Tensor
    top_m: Tensor
    round_m: Tensor
    round_: Tensor
    offset_m: Tensor


def _shown(group: Tensor, cameras: Cameras) -> Tensor:
    """Return which rows stand in which view, (V, n)."""
    date = cameras.date[:, None] + 1
    traffic = cameras.traffic[:, None] + FIRST_TRAFFIC
    return (group == BOTH_DATES) | (group == date) | (group == traffic)


def nearest_boxes(city: City, cameras: Cameras, count: int = NEAR_BOXES) -> Tensor:
    """Return the rows of the boxes that matter most to each view, (V, N); -1 where none."""
    b = city.boxes
    reach = b.half.norm(dim=1)
    away = torch.cdist(cameras.xy, b.center) - reach
    small = (b.kind != BoxKind.BUILDING) & (b.kind != BoxKind.ROOF_HOUSE)
    limit = torch.where(small, 60.0, FAR_M)
    weight = away * torch.where(small, 1.5, 1.0)
    usable = _shown(b.group, cameras) & (away < limit)
    weight = torch.where(usable, weight, NO_HIT)
    best = weight.topk(min(count, weight.shape[1]), dim=1, largest=False)
    return torch.where(best.values < NO_HIT, best.indices, -1)


def cast_boxes(
    city: City, cameras: Cameras, direction: Tensor, near: Tensor, keep: int = COLUMN_BOXES
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return wall distance, exit distance, row and side of the first boxes met, (V, W, K)."""
    b = city.boxes
    rows = near.clamp_min(0)
    center = b.center[rows] - cameras.xy[:, None]
    axis, half = b.axis[rows], b.half[rows]
    pu = (center * axis).sum(-1)[:, None]
    pv = (center[..., 1] * axis[..., 0] - center[..., 0] * axis[..., 1])[:, None]
    dx, dy = direction[..., :1], direction[..., 1:]
    ax, ay = axis[..., 0][:, None], axis[..., 1][:, None]
    inv_u = 1.0 / _away_from_zero(dx * ax + dy * ay)
    inv_v = 1.0 / _away_from_zero(dy * ax - dx * ay)
    mid_u, mid_v = pu * inv_u, pv * inv_v
    ext_u, ext_v = half[..., 0][:, None] * inv_u.abs(), half[..., 1][:, None] * inv_v.abs()
    in_u, in_v = mid_u - ext_u, mid_v - ext_v
    enter = torch.maximum(in_u, in_v)
    leave = torch.minimum(mid_u + ext_u, mid_v + ext_v)
    met = (enter < leave) & (enter > 0.05) & (near >= 0)[:, None]
    enter = torch.where(met, enter, NO_HIT)
    best = enter.topk(min(keep, enter.shape[-1]), dim=-1, largest=False, sorted=True)
    pick = best.indices
    through_u = (in_u >= in_v).gather(-1, pick)
    sign_u = (inv_u.gather(-1, pick) > 0).long()
    sign_v = (inv_v.gather(-1, pick) > 0).long()
    side = torch.where(through_u, sign_u, 2 + sign_v)
    row = near[:, None].expand(-1, direction.shape[1], -1).gather(-1, pick)
    row = torch.where(best.values < NO_HIT, row, -1)
    return best.values, leave.gather(-1, pick), row, side


def _away_from_zero(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 1e-5, 1e-5, x)


def _profiles(
    city: City, cameras: Cameras, direction: Tensor, enter: Tensor, leave: Tensor, row: Tensor
) -> tuple[Tensor, Tensor]:
    """Return distances and heights along every box met, (V, W, K, 5), nearest first."""
    b = city.boxes
    rows = row.clamp_min(0)
    center = b.center[rows] - cameras.xy[:, None, None]
    axis, half = b.axis[rows], b.half[rows]
    du = (direction[:, :, None] * axis).sum(-1)
    dv = direction[:, :, None, 1] * axis[..., 0] - direction[:, :, None, 0] * axis[..., 1]
    pu = (center * axis).sum(-1)
    pv = center[..., 1] * axis[..., 0] - center[..., 0] * axis[..., 1]
    ridge = torch.minimum(torch.maximum(pv / _away_from_zero(dv), enter), leave)
    third = enter + (leave - enter) / 3
    reach = torch.stack([enter, third, ridge, 2 * third - enter, leave], -1)
    reach = reach.sort(dim=-1).values
    u = (reach * du[..., None] - pu[..., None]).abs()
    v = (reach * dv[..., None] - pv[..., None]).abs()
    half_v = half[..., 1:2]
    rise = 1 - v / half_v
    hip = torch.minimum(rise, (half[..., :1] - u) / half_v)
    roof = b.roof[rows][..., None]
    rise = torch.where(roof == Roof.HIP, hip, rise).clamp(0, 1)
    rise = torch.where(roof == Roof.FLAT, 0.0, rise)
    height = b.eave_m[rows][..., None] + b.rise_m[rows][..., None] * rise
    return reach, height


def _cast_rounds(
    city: City, cameras: Cameras, direction: Tensor, keep: int
) -> tuple[Tensor, Tensor, Tensor]:
    r = city.rounds
    if len(r.radius_m) == 0:
        empty = torch.full((*direction.shape[:2], 1), NO_HIT, device=city.device)
        return empty, torch.full_like(empty, -1).long(), empty
    away = torch.cdist(cameras.xy, r.center)
    away = torch.where(_shown(r.group, cameras) & (away < 110), away, NO_HIT)
    near = away.topk(min(NEAR_ROUNDS, away.shape[1]), dim=1, largest=False)
    rows = near.indices
    center = r.center[rows] - cameras.xy[:, None]
    cx, cy = center[..., 0][:, None], center[..., 1][:, None]
    dx, dy = direction[..., :1], direction[..., 1:]
    along, offset = cx * dx + cy * dy, cx * dy - cy * dx
    reach = torch.maximum(r.radius_m, r.trunk_m)[rows][:, None]
    met = (offset.abs() < reach) & (along > 0.4) & (near.values < NO_HIT)[:, None]
    along = torch.where(met, along, NO_HIT)
    best = along.topk(min(keep, along.shape[-1]), dim=-1, largest=False, sorted=True)
    row = rows[:, None].expand(-1, direction.shape[1], -1).gather(-1, best.indices)
    row = torch.where(best.values < NO_HIT, row, -1)
    return best.values, row, offset.gather(-1, best.indices)


def cast_columns(
    city: City,
    cameras: Cameras,
    azimuth: Tensor,
    keep_boxes: int = COLUMN_BOXES,
    keep_rounds: int = COLUMN_ROUNDS,
) -> Columns:
    """Return what the columns at some azimuths meet.

    Args:
        city: The city.
        cameras: V cameras.
        azimuth: (V, W) radians clockwise from north.
        keep_boxes: The nearest boxes kept in every column.
        keep_rounds: The nearest round things kept in every column.
    """
    direction = torch.stack([azimuth.sin(), azimuth.cos()], -1)
    near = nearest_boxes(city, cameras)
    enter, leave, row, side = cast_boxes(city, cameras, direction, near, keep_boxes)
    reach, height = _profiles(city, cameras, direction, enter, leave, row)
    tangent = (height - cameras.height_m[:, None, None, None]) / reach
    tangent = torch.where((row >= 0)[..., None], tangent, -NO_HIT)
    highest = tangent.flatten(2).cummax(-1).values
    round_m, round_, offset = _cast_rounds(city, cameras, direction, keep_rounds)
    return Columns(
        direction, enter, row, side, reach.flatten(2), highest, height.flatten(2),
        round_m, round_, offset,
    )  # fmt: skip
