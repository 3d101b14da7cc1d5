"""A city's gallery as a search lays it: satellite crops along roads and on a grid beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from model_core.config import PlaceConfig, StripGeometry
from model_core.types import FloatArray, ImageU8
from training.datasets.places import CROP_MARGIN, CROP_PX
from training.world.cities import check_seed, style_of
from training.world.city import CityDraft, build_city
from training.world.crops import crop_squares
from training.world.geometry import CityGeometry
from training.world.plan import draw_imagery, draw_registration
from training.world.satellite import render_satellite
from training.world.streets import Road
from training.world.styles import city_generator


@dataclass(frozen=True)
class CityGallery:
    """M places: ``satellite`` uint8 (M, 160, 160, 3), ``place_xy`` float32 (M, 2) metres."""

    satellite: ImageU8
    place_xy: FloatArray


def render_city_gallery(
    city_seed: int,
    reach_m: float,
    config: PlaceConfig,
    strips: StripGeometry,
    device: torch.device | str,
    geometry: CityGeometry | None = None,
    draft: CityDraft | None = None,
) -> CityGallery:
    """Return the gallery of a training city, cut out of one image of its first date.

    Args:
        city_seed: The city; see ``samples.render_city_samples``.
        reach_m: Places lie within this of the centre, east-west and north-south.
        config: How far apart they are.
        strips: The strips' frame.
        device: Where to render.
        geometry: From real data; drawn by the seed if absent.
        draft: The city before any disaster, from ``draft_samples``; drafted here if absent.

    Raises:
        ConfigError: The seed is kept for the demo.
    """
    check_seed(city_seed)
    city = build_city(
        city_seed, style_of(city_seed), torch.device(device), suns=1, traffic_sets=2,
        geometry=geometry, draft=draft,
    )  # fmt: skip
    roads = along_roads(city.geometry.roads, config.spacing_m, reach_m)
    grid = grid_beside(roads, config.grid_spacing_m, config.spacing_m / 2, reach_m)
    spots = np.concatenate([roads, grid])
    rng = city_generator(city_seed, 40)
    with torch.inference_mode():
        whole = render_satellite(city, draw_imagery(city.geometry, 0, rng))
    errors = draw_registration(1, rng)
    crop_m = strips.footprint_m * CROP_MARGIN * float(errors.scale[0])
    at, cell_m = spots + errors.shift_m, city.heights[0].cell_m
    crops = crop_squares(whole, at, crop_m, CROP_PX, city.half_m, cell_m, city.device)
    return CityGallery(crops, spots)


def along_roads(roads: tuple[Road, ...], spacing_m: float, reach_m: float) -> FloatArray:
    """Return points (n, 2) every ``spacing_m`` along the roads within reach."""
    points = []
    for road in roads:
        steps = np.linalg.norm(np.diff(road.points, axis=0), axis=1)
        length = np.concatenate([[0.0], steps.cumsum()])
        at = np.arange(spacing_m / 2, length[-1], spacing_m)
        points.append(np.stack([np.interp(at, length, road.points[:, k]) for k in (0, 1)], axis=1))
    spots = np.concatenate(points).astype(np.float32)
    return np.asarray(spots[np.abs(spots).max(axis=1) < reach_m])


def grid_beside(
    roads: FloatArray, spacing_m: float, least_gap_m: float, reach_m: float
) -> FloatArray:
    """Return the nodes (n, 2) of a square grid that lie off the places on roads."""
    axis = np.arange(-reach_m + spacing_m / 2, reach_m, spacing_m)
    nodes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)
    gap = np.linalg.norm(nodes[:, None] - roads[None], axis=-1).min(axis=1)
    return np.asarray(nodes[gap > least_gap_m])
