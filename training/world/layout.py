"""What a place truly looks like around, bin by bin: the labels of the auxiliary tasks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model_core.config import StripGeometry
from training.world.city import City
from training.world.columns import Cameras, cast_columns
from training.world.ground_map import Ground
from training.world.surfaces import Foliage, Surface, is_building, trace

LAYOUT_CHANNELS = (
    "log_building_distance",
    "skyline_elevation_rad",
    "building_within_40m",
    "canopy_share",
    *(
        f"{cover}_{low}_{high}m"
        for low, high in ((0, 8), (8, 20), (20, 40))
        for cover in ("road", "pavement", "green", "other")
    ),
)
_RINGS_M = ((1.0, 8.0), (8.0, 20.0), (20.0, 40.0))
_CLIP_M = 60.0
_ROWS = 28


def draw_layout(city: City, xy: Tensor, date: Tensor, geometry: StripGeometry, bins: int) -> Tensor:
    """Return the layout around points, (V, bins, 16) float16; see ``LAYOUT_CHANNELS``.

    Distances are natural logarithms of metres, clipped to 60; angles are radians above the
    horizon of a camera at 2 m; shares lie in [0, 1]. Cars and people are left out.

    Args:
        city: The city.
        xy: (V, 2) metres.
        date: (V,) 0 or 1.
        geometry: The strips' elevation range, for the share of canopy.
        bins: Azimuth bins of the circle; bin k is centred at (k + 0.5) * 360 / bins.
    """
    none = torch.full_like(date, -100)
    height = torch.full((len(xy),), 2.0, device=xy.device)
    cameras = Cameras(xy, height, city.slope_at(xy), date, none)
    at = (torch.arange(2 * bins, device=xy.device) + 0.5) * (np.pi / bins)
    columns = cast_columns(city, cameras, at[None].expand(len(xy), -1))
    house = is_building(city, columns)
    first = torch.where(house, columns.enter_m, 1e9).min(-1).values
    slope = cameras.slope @ columns.direction[0].T
    rise = (columns.top_m - 2.0) / columns.reach_m
    rise = torch.where(house.repeat_interleave(5, -1), rise, -1e9).max(-1).values
    skyline = (rise.clamp_min(0) + slope).clamp_min(0).atan()
    skyline = torch.where(first < 1e8, skyline, 0.0)
    edges = torch.linspace(
        geometry.elevation_max_deg, geometry.elevation_min_deg, _ROWS, device=xy.device
    )
    tangent = torch.deg2rad(edges).tan()[None, None] - slope[..., None]
    leaves = Foliage(torch.ones(len(xy), device=xy.device), torch.zeros_like(date))
    hits = trace(city, cameras, columns, tangent, leaves)
    canopy = (hits.kind == Surface.CROWN).float().mean(-1)
    channels = [
        first.clamp(1.0, _CLIP_M).log(), skyline, (first < 40.0).float(), canopy,
        *_ground_shares(city, cameras, columns.direction),
    ]  # fmt: skip
    fine = torch.stack(channels, -1)
    return fine.view(len(xy), bins, 2, -1).mean(2).half()


def _ground_shares(city: City, cameras: Cameras, direction: Tensor) -> list[Tensor]:
    """Return shares of road, pavement, green and other in three rings, 12 maps (V, W)."""
    size, out = city.ground.shape[0], []
    for low, high in _RINGS_M:
        reach = torch.linspace(low, high, 10, device=direction.device)
        spot = cameras.xy[:, None, None] + direction[:, :, None] * reach[:, None]
        col = ((spot[..., 0] + city.half_m) / city.ground_cell_m).long().clamp(0, size - 1)
        row = ((city.half_m - spot[..., 1]) / city.ground_cell_m).long().clamp(0, size - 1)
        cover = city.ground[row, col]
        built = _built(city, cameras.date, spot)
        road = (cover == Ground.ASPHALT) | (cover == Ground.MARKING)
        paved = (cover == Ground.PAVEMENT) | (cover == Ground.PAVING)
        green = (cover == Ground.GRASS) | (cover == Ground.SOIL)
        shares = [(what & ~built).float().mean(-1) for what in (road, paved, green)]
        out += [*shares, 1 - shares[0] - shares[1] - shares[2]]
    return out


def _built(city: City, date: Tensor, spot: Tensor) -> Tensor:
    """Return which points lie under a building or another tall solid at the view's date."""
    solid = torch.stack([h.solid_m for h in city.heights])
    cell, size = city.heights[0].cell_m, solid.shape[-1]
    col = ((spot[..., 0] + city.half_m) / cell).long().clamp(0, size - 1)
    row = ((city.half_m - spot[..., 1]) / cell).long().clamp(0, size - 1)
    return solid[date[:, None, None], row, col] > 2.3
