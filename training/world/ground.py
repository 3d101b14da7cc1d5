"""Views from the ground: full-circle strips, panoramas and perspective photos of one city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model_core.errors import ShapeError
from training.world.appearance import GroundAppearance
from training.world.city import City
from training.world.columns import Cameras, Columns, cast_columns
from training.world.flood import reach_water
from training.world.lamps import lamp_map
from training.world.shading import (
    Spots,
    ViewLights,
    shade_ground,
    shade_roofs,
    shade_rounds,
    shade_sky,
    shade_walls,
)
from training.world.surfaces import Foliage, Hits, Surface, trace

_SHARP_PX = 0.2


@dataclass(frozen=True)
class CameraPose:
    """A camera: ``xy`` metres east and north, height, and its small tilt against the horizon.

    ``pitch_deg`` and ``roll_deg`` act at ``heading_deg``: looking there, positive pitch looks up.
    """

    xy: tuple[float, float]
    height_m: float = 2.0
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0


@dataclass(frozen=True)
class StripFrame:
    """The pixels to render: azimuths from ``azimuth_0_deg``, rows from the top elevation down."""

    width: int
    height: int
    elevation_min_deg: float
    elevation_max_deg: float
    azimuth_0_deg: float = 0.0
    span_deg: float = 360.0


def make_cameras(
    city: City, poses: Sequence[CameraPose], looks: Sequence[GroundAppearance]
) -> Cameras:
    """Return the cameras of V views as tensors."""
    if len(poses) != len(looks):
        raise ShapeError(f"{len(poses)} poses for {len(looks)} appearances; give one each")
    xy = torch.tensor([p.xy for p in poses], dtype=torch.float32, device=city.device)
    height = torch.tensor([p.height_m for p in poses], dtype=torch.float32, device=city.device)
    date = torch.tensor([a.date for a in looks], device=city.device)
    traffic = torch.tensor([a.traffic for a in looks], device=city.device)
    return Cameras(xy, height, city.slope_at(xy), date, traffic)


def make_lights(city: City, looks: Sequence[GroundAppearance]) -> ViewLights:
    """Return the appearance of V views as tensors."""
    device = city.device

    def stack(values: Sequence[object]) -> Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).to(device)

    lights = [a.light for a in looks]
    return ViewLights(
        sun=stack([city.suns[a.date][a.sun].direction() for a in looks]),
        sun_rgb=stack([x.sun_rgb for x in lights]),
        ambient_rgb=stack([x.ambient_rgb for x in lights]),
        haze_rgb=stack([x.haze_rgb for x in lights]),
        haze_m=stack([x.haze_m for x in lights]),
        sky_top=stack([x.sky_top for x in lights]),
        sky_low=stack([x.sky_low for x in lights]),
        clouds=stack([x.clouds for x in lights]),
        overcast=stack([x.overcast for x in lights]),
        palette=stack([a.palette for a in looks]),
        leaf=stack([a.season.leaf for a in looks]),
        snow=stack([a.season.snow for a in looks]),
        phase=stack([a.phase for a in looks]),
        date=torch.tensor([a.date for a in looks], device=device),
        sun_index=torch.tensor([a.sun for a in looks], device=device),
        flood_m=stack([a.flood_m for a in looks]),
        flooded=any(a.flood_m for a in looks),
        lamp=stack([a.lamp for a in looks]),
        lamps=lamp_map(city.geometry, device) if any(a.lamp for a in looks) else None,
    )


def foliage_of(looks: Sequence[GroundAppearance], device: torch.device) -> Foliage:
    """Return how full the crowns are in V views, and which leaves they lack."""
    density = torch.tensor([a.season.leaf_density for a in looks], device=device)
    key = torch.tensor([int(a.phase[0] * 64) for a in looks], device=device)
    return Foliage(density, key)


def frame_azimuths(frame: StripFrame, device: torch.device) -> Tensor:
    """Return the azimuths of a frame's columns' centres, (W,) radians."""
    at = (torch.arange(frame.width, device=device) + 0.5) * frame.span_deg / frame.width
    return torch.deg2rad(at + frame.azimuth_0_deg)


def frame_tangents(
    frame: StripFrame, poses: Sequence[CameraPose], cameras: Cameras, azimuth: Tensor
) -> Tensor:
    """Return tangents of elevation (V, W, R), the tilt and the terrain's slope taken off."""
    device = azimuth.device
    span = frame.elevation_max_deg - frame.elevation_min_deg
    rows = (torch.arange(frame.height, device=device) + 0.5) * span / frame.height
    elevation = torch.deg2rad(frame.elevation_max_deg - rows)
    tilt = torch.deg2rad(
        torch.tensor([[p.pitch_deg, p.roll_deg, p.heading_deg] for p in poses], device=device)
    )
    turn = azimuth[None] - tilt[:, 2:3]
    raised = tilt[:, 0:1] * turn.cos() + tilt[:, 1:2] * turn.sin()
    tangent = (elevation[None, None] + raised[..., None]).clamp(-1.569, 1.569).tan()
    direction = torch.stack([azimuth.sin(), azimuth.cos()], -1)
    return tangent - (cameras.slope @ direction.T)[..., None]


def render_strips(
    city: City,
    poses: Sequence[CameraPose],
    looks: Sequence[GroundAppearance],
    frame: StripFrame,
    samples: int = 2,
) -> Tensor:
    """Return what V cameras see, linear colours (V, 3, H, W) float in [0, 1].

    Args:
        city: The city.
        poses: V cameras.
        looks: V appearances.
        frame: Which columns and rows.
        samples: Samples a pixel on each side.
    """
    fine = StripFrame(
        frame.width * samples, frame.height * samples, frame.elevation_min_deg,
        frame.elevation_max_deg, frame.azimuth_0_deg, frame.span_deg,
    )  # fmt: skip
    cameras, lights = make_cameras(city, poses, looks), make_lights(city, looks)
    azimuth = frame_azimuths(fine, city.device)
    columns = cast_columns(city, cameras, azimuth[None].expand(len(poses), -1))
    tangent = frame_tangents(fine, poses, cameras, azimuth)
    foliage = foliage_of(looks, city.device)
    hits = trace(city, cameras, columns, tangent, foliage)
    if lights.flooded:
        hits = _under_water(city, cameras, columns, lights, hits, tangent)
    pixel_rad = float(np.radians(fine.span_deg / fine.width))
    color = shade(city, cameras, columns, lights, hits, tangent, azimuth, pixel_rad)
    image = color.permute(0, 3, 2, 1)
    return functional.avg_pool2d(image, samples) if samples > 1 else image.contiguous()


def _under_water(
    city: City,
    cameras: Cameras,
    columns: Columns,
    lights: ViewLights,
    hits: Hits,
    tangent: Tensor,
) -> Hits:
    """Return the hits with water in front of what it covers."""
    eye = cameras.height_m
    reach = reach_water(
        cameras.xy, columns.direction, eye, tangent, lights.flood_m, city.slope_phase
    )
    wet = reach < hits.distance_m
    kind = torch.where(wet, int(Surface.GROUND), hits.kind).to(torch.uint8)
    distance = torch.where(wet, reach, hits.distance_m)
    height = torch.where(wet, eye[:, None, None] + tangent * reach, hits.height_m)
    return Hits(kind, distance, height, hits.slot)


def shade(
    city: City,
    cameras: Cameras,
    columns: Columns,
    lights: ViewLights,
    hits: Hits,
    tangent: Tensor,
    azimuth: Tensor,
    pixel_rad: float,
) -> Tensor:
    """Return the colours (V, W, R, 3) of traced pixels."""
    views, wide, tall = tangent.shape
    kind = hits.kind.view(-1)
    color = torch.empty(views * wide * tall, 3, device=city.device)
    for surface in Surface:
        index = (kind == surface).nonzero().squeeze(1)
        if not len(index):
            continue
        column = index // tall
        view = column // wide
        if surface == Surface.SKY:
            at = azimuth[column % wide]
            flat = tangent.view(-1)[index]
            color[index] = shade_sky(lights, city.below.soft, view, at, flat)
            continue
        slot = hits.slot.view(-1)[index]
        spots, extra = _spots(city, cameras, columns, hits, index, surface, slot, pixel_rad)
        shown = _shade_surface(city, lights, spots, surface, extra)
        fog = 1 - torch.exp(-spots.reach / lights.haze_m[view])
        color[index] = shown + (lights.haze_rgb[view] - shown) * fog[:, None]
    return color.view(views, wide, tall, 3).clamp(0, 1.6)


def _spots(
    city: City,
    cameras: Cameras,
    columns: Columns,
    hits: Hits,
    index: Tensor,
    surface: Surface,
    slot: Tensor,
    pixel_rad: float,
) -> tuple[Spots, Tensor]:
    """Return the surface points of some pixels and what their shading needs besides."""
    tall = hits.kind.shape[-1]
    column = index // tall
    view = column // hits.kind.shape[1]
    reach = hits.distance_m.view(-1)[index]
    seen = columns.direction.view(-1, 2)[column]
    xy = cameras.xy[view] + seen * reach[:, None]
    z = hits.height_m.view(-1)[index]
    if surface >= Surface.CROWN:
        place = column * columns.round_.shape[-1] + slot
        row, extra = columns.round_.view(-1)[place], columns.offset_m.reshape(-1)[place]
    else:
        place = column * columns.box.shape[-1] + slot
        row, extra = columns.box.view(-1)[place].clamp_min(0), columns.side.view(-1)[place]
    pixel = reach * pixel_rad
    if surface == Surface.GROUND:
        z = torch.zeros_like(z)
        pixel = pixel * (reach / cameras.height_m[view]).clamp(1, 12) ** 0.5
    return Spots(view, row, xy, z, reach, pixel, seen), extra


def _shade_surface(
    city: City, lights: ViewLights, spots: Spots, surface: Surface, extra: Tensor
) -> Tensor:
    if surface == Surface.GROUND:
        return shade_ground(city, lights, spots)
    if surface == Surface.WALL:
        return shade_walls(city, lights, spots, extra)
    if surface == Surface.ROOF:
        return shade_roofs(city, lights, spots)
    stem = torch.full_like(spots.row, surface == Surface.STEM, dtype=torch.bool)
    return shade_rounds(city, lights, spots, extra, stem)


def develop(
    images: Tensor, looks: Sequence[GroundAppearance], generator: torch.Generator
) -> Tensor:
    """Return images (V, 3, H, W) as their cameras store them, uint8 (V, H, W, 3)."""
    sensors = [look.sensor for look in looks]
    one = torch.Size((len(looks), 1, 1, 1))

    def each(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, device=images.device).view(one)

    blurred = torch.tensor([k for k, s in enumerate(sensors) if s.blur_px > _SHARP_PX])
    image = images.clone()
    if len(blurred):
        # Squared in double precision, as a number by itself would be.
        spread = torch.tensor([2 * s.blur_px**2 for s in sensors if s.blur_px > _SHARP_PX])
        blurred = blurred.to(images.device)
        image[blurred] = _blurred(images[blurred], spread.to(images.device))
    balance = torch.from_numpy(np.stack([s.balance for s in sensors])).to(images.device)
    image = image * balance[:, :, None, None] * each([s.exposure for s in sensors])
    grey = image.mean(1, keepdim=True)
    saturation = each([s.saturation for s in sensors])
    image = torch.where(saturation == 1, image, grey + (image - grey) * saturation)
    image = image * vignette(image.shape[2:], each([s.vignette for s in sensors]))
    image = torch.where(image > 0.8, 0.8 + 0.2 * torch.tanh((image - 0.8) * 4), image)
    image = image.clamp(0, 1) ** each([s.gamma for s in sensors])
    noise = torch.stack(
        [torch.randn(v.shape, generator=generator, device=generator.device) for v in image]
    )
    image = image + noise.to(images.device) * each([s.noise for s in sensors])
    return (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def vignette(shape: Sequence[int], strength: Tensor) -> Tensor:
    """Return how much light (V, 1, H, W) lenses let through: less at the upper and lower edge.

    Args:
        shape: Rows and columns of the images.
        strength: (V, 1, 1, 1), 0 for none.
    """
    down = (torch.arange(shape[0], device=strength.device) + 0.5) / shape[0] * 2 - 1
    return (1 - strength * down[:, None].abs() ** 3).expand(-1, -1, -1, shape[1])


def _blurred(images: Tensor, spread: Tensor) -> Tensor:
    """Return images (V, 3, H, W), each blurred by a Gaussian of ``spread`` (V,), 2 sigma^2."""
    views, colors = images.shape[:2]
    at = torch.arange(-2, 3, device=images.device, dtype=images.dtype)
    weight = torch.exp(-(at**2) / spread[:, None])
    weight = (weight / weight.sum(-1, keepdim=True)).repeat_interleave(colors, 0)
    padded = functional.pad(images, (2, 2, 2, 2), mode="replicate")
    stacked = padded.view(1, views * colors, *padded.shape[2:])
    rows = functional.conv2d(stacked, weight.view(-1, 1, 1, 5), groups=views * colors)
    both = functional.conv2d(rows, weight.view(-1, 1, 5, 1), groups=views * colors)
    return both.view_as(images)
