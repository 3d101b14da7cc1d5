"""Full-circle strips of a city from six faces around a tilted camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.world.appearance import GroundAppearance
from training.world.city import City
from training.world.columns import Cameras
from training.world.ground import CameraPose, StripFrame, make_cameras, make_lights
from training.world.mesh.grain import grain, grain_table
from training.world.mesh.paint import Seen, paint
from training.world.mesh.polygons import Polygons, Viewers, are_trees, build_polygons, normals
from training.world.mesh.raster import Keep, Sheet, draw, flatten_to_faces
from training.world.surfaces import Surface

FACES = 6
HORIZON_M = 640.0
_WEDGE = 2 * np.pi / FACES


@dataclass(frozen=True)
class Rig:
    """Six faces of V cameras: ``yaw`` (V,) radians of the first, ``to_city`` (V, 6, 3, 3).

    ``to_city`` takes lines of sight (right, up, ahead) of a face into the city, the terrain's
    slope at the camera taken off; ``sheet`` is every face's pixels.
    """

    yaw: Tensor
    to_city: Tensor
    sheet: Sheet


@dataclass(frozen=True)
class Traced:
    """What the pixels of all faces show, (V * 6 * height * width,) each, and from where.

    ``surface`` a ``Surface``, ``polygon`` its row or -1, ``sight`` (..., 3) lines of sight in the
    city a unit of depth long, ``depth`` how many of them to the surface.
    """

    surface: Tensor
    polygon: Tensor
    sight: Tensor
    depth: Tensor


def render_strips_mesh(
    city: City,
    poses: Sequence[CameraPose],
    looks: Sequence[GroundAppearance],
    frame: StripFrame,
    samples: int = 2,
) -> Tensor:
    """Return what V cameras see, linear colours (V, 3, H, W) float, as ``render_strips`` does.

    Floods and lamps are not rendered here; ``choose.render_views`` sends them elsewhere.

    Args:
        city: The city.
        poses: V cameras.
        looks: V appearances.
        frame: Which columns and rows.
        samples: Samples a pixel on each side.
    """
    cameras, lights = make_cameras(city, poses, looks), make_lights(city, looks)
    rig = make_rig(poses, looks, cameras, frame, samples)
    polygons, traced = trace_faces(city, cameras, looks, rig)
    view = torch.arange(len(poses), device=city.device)
    view = view.repeat_interleave(len(traced.depth) // len(poses))
    seen = Seen(view, traced.sight, traced.depth, rig.sheet.dy)
    color = paint(city, cameras, lights, polygons, traced.surface, traced.polygon, seen)
    sheet = rig.sheet
    atlas = color.view(len(poses), FACES, sheet.height, sheet.width, 3)
    atlas = atlas.permute(0, 4, 2, 1, 3).reshape(len(poses), 3, sheet.height, -1)
    grid = strip_grid(rig, frame, samples)
    fine = functional.grid_sample(atlas, grid, "bilinear", "border", align_corners=False)
    return functional.avg_pool2d(fine, samples) if samples > 1 else fine


def make_rig(
    poses: Sequence[CameraPose],
    looks: Sequence[GroundAppearance],
    cameras: Cameras,
    frame: StripFrame,
    samples: int,
) -> Rig:
    """Return the faces that cover a frame about as finely as its samples.

    The first face looks a way of the view's own, so that no seam tells where north is.
    """
    device = cameras.xy.device
    yaw = torch.tensor([float(a.phase[1]) for a in looks], device=device)
    full_px = frame.width * samples * 360 / frame.span_deg
    half = np.tan(_WEDGE / 2)
    wide = int(np.ceil(full_px / FACES * 1.08)) + 2
    dx = 2 * half / (wide - 2)
    row_deg = (frame.elevation_max_deg - frame.elevation_min_deg) / frame.height / samples
    dy = float(np.radians(row_deg))
    low, top = (
        float(np.tan(np.radians(e)) / (np.cos(_WEDGE / 2) if up == (e > 0) else 1.0))
        for e, up in ((frame.elevation_min_deg, False), (frame.elevation_max_deg, True))
    )
    tall = int(np.ceil((top - low) / dy)) + 2
    sheet = Sheet(wide, tall, float(dx), dy, float(-half - dx / 2), top + dy / 2)
    turn = yaw[:, None] + (torch.arange(FACES, device=device) + 0.5) * _WEDGE
    zero, one = torch.zeros_like(turn), torch.ones_like(turn)
    face = torch.stack(
        [turn.cos(), zero, turn.sin(), -turn.sin(), zero, turn.cos(), zero, one, zero], -1
    ).view(len(poses), FACES, 3, 3)
    shear = torch.eye(3, device=device).repeat(len(poses), 1, 1)
    shear[:, 2, :2] = -cameras.slope
    return Rig(yaw, (shear @ _tilts(poses, device))[:, None] @ face, sheet)


def _tilts(poses: Sequence[CameraPose], device: torch.device) -> Tensor:
    """Return how pitch and roll turn lines of sight (V, 3, 3), east, north, up."""
    angle = torch.tensor([[p.pitch_deg, p.roll_deg, p.heading_deg] for p in poses], device=device)
    pitch, roll, heading = torch.deg2rad(angle).unbind(1)
    zero, one = torch.zeros_like(pitch), torch.ones_like(pitch)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).view(-1, 3, 3)

    sh, ch, sp, cp = heading.sin(), heading.cos(), pitch.sin(), pitch.cos()
    basis = matrix(ch, sh, zero, -sh, ch, zero, zero, zero, one)
    up = matrix(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    sr, cr = roll.sin(), roll.cos()
    aside = matrix(cr, zero, -sr, zero, one, zero, sr, zero, cr)
    return basis @ up @ aside @ basis.transpose(1, 2)


def strip_grid(rig: Rig, frame: StripFrame, samples: int) -> Tensor:
    """Return where a strip's samples lie in the row of six faces, (V, H, W, 2) in [-1, 1]."""
    device, sheet = rig.yaw.device, rig.sheet
    wide, tall = frame.width * samples, frame.height * samples
    at = (torch.arange(wide, device=device) + 0.5) * frame.span_deg / wide
    azimuth = torch.deg2rad(at + frame.azimuth_0_deg)
    span = frame.elevation_max_deg - frame.elevation_min_deg
    rows = frame.elevation_max_deg - (torch.arange(tall, device=device) + 0.5) * span / tall
    turn = (azimuth - rig.yaw[:, None]) % (2 * np.pi)
    face = (turn / _WEDGE).floor().clamp_max(FACES - 1)
    aside = turn - (face + 0.5) * _WEDGE
    col = (aside.tan() - sheet.x0) / sheet.dx + face * sheet.width
    y = torch.deg2rad(rows).tan()[:, None] / aside.cos()[:, None]
    row = (sheet.y0 - y) / sheet.dy
    col = ((col + 0.5) / (FACES * sheet.width) * 2 - 1)[:, None].expand_as(row)
    return torch.stack([col, (row + 0.5) / sheet.height * 2 - 1], -1)


def trace_faces(
    city: City, cameras: Cameras, looks: Sequence[GroundAppearance], rig: Rig
) -> tuple[Polygons, Traced]:
    """Return the polygons that views may see and the first surface of every pixel of the faces."""
    key = torch.tensor([int(a.phase[0] * 64) for a in looks], device=city.device)
    viewers = Viewers(cameras.xy, cameras.date, cameras.traffic, key)
    polygons = build_polygons(city, viewers)
    views, sheet = len(looks), rig.sheet
    eye = torch.cat([cameras.xy, cameras.height_m[:, None]], 1)
    flat = flatten_to_faces(polygons, eye, torch.linalg.inv(rig.to_city), sheet)
    sight = _sights(rig)
    density = torch.tensor([a.season.leaf_density for a in looks], device=city.device)
    leaves = _leaves(city, polygons, viewers, density, sight)
    found = draw(flat, sheet, views * FACES, leaves)
    view = torch.arange(views, device=city.device).repeat_interleave(len(found) // views)
    hit = found >= 0
    at = found.clamp_min(0)
    surface = torch.where(hit, polygons.surface[at], int(Surface.SKY))
    depth = _plane_depth(polygons, eye, at, view, sight)
    floor = eye[view, 2] / (-sight[:, 2]).clamp_min(1e-6)
    ground = ~hit & (sight[:, 2] < 0) & (floor * sight[:, :2].norm(dim=1) < HORIZON_M)
    surface = torch.where(ground, int(Surface.GROUND), surface)
    return polygons, Traced(surface, found, sight, torch.where(hit, depth, floor))


def _sights(rig: Rig) -> Tensor:
    """Return the lines of sight (V * 6 * height * width, 3) of all pixels in the city."""
    sheet, device = rig.sheet, rig.yaw.device
    x = sheet.x_of(torch.arange(sheet.width, device=device))
    y = sheet.y_of(torch.arange(sheet.height, device=device))
    right, up, ahead = (rig.to_city[:, :, None, None, :, k] for k in range(3))
    return (right * x[:, None] + up * y[:, None, None] + ahead).reshape(-1, 3)


def _plane_depth(
    polygons: Polygons, eye: Tensor, at: Tensor, view: Tensor, sight: Tensor
) -> Tensor:
    """Return the depth at which lines of sight meet the planes of polygons."""
    normal = normals(polygons.corners)
    away = (normal * (polygons.corners[:, 0] - eye[polygons.view])).sum(-1)
    toward = (normal[at] * sight).sum(-1)
    return away[at] / torch.where(toward.abs() < 1e-9, -1e-9, toward)


def _leaves(
    city: City, polygons: Polygons, viewers: Viewers, density: Tensor, sight: Tensor
) -> Keep:
    """Return what lets light through the crowns of trees, more of it the barer they are."""
    table = grain_table(city.device, 3)
    leafy = are_trees(city, polygons)

    def keep(polygon: Tensor, sheet: Tensor, pixel: Tensor, near: Tensor) -> Tensor:
        out = torch.ones_like(polygon, dtype=torch.bool)
        some = leafy[polygon].nonzero().squeeze(1)
        view = sheet[some] // FACES
        at = sight[pixel[some]] / near[some, None]
        shift = (viewers.key[view] * 31 + polygons.row[polygon[some]] * 17).float() % 251
        east, north, up = at.unbind(1)
        clump = grain(table, east * 2.6 + up * 1.1 + shift, north * 2.6 - up * 2.2)
        twig = grain(table, east * 9 - up * 5, north * 9 + up * 7 + shift)
        out[some] = 0.45 + 0.25 * clump + 0.35 * twig < density[view]
        return out

    return keep
