"""Training samples of one city: satellite crops, street-view strips, photo strips, layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from model_core.types import FloatArray, ImageU8
from training.world.appearance import GroundAppearance, draw_ground_appearance
from training.world.batches import views_at_once
from training.world.city import City, CityDraft, build_city, draft_city
from training.world.crops import crop_squares
from training.world.geometry import build_geometry
from training.world.ground import CameraPose, StripFrame, develop, render_strips
from training.world.layout import draw_layout
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.styles import check_training_seed, city_generator, draw_style

CROP_PX = 160
CROP_MARGIN = 1.25
LAYOUT_BINS = 32
_SATELLITES = 2
_SUNS = 4
_TRAFFIC_SETS = 5


@dataclass(frozen=True)
class CitySamples:
    """N places of one city; images uint8, north at column 0 of strips, north up in crops.

    ``satellite`` (N, 160, 160, 3) covers ``crop_m`` metres around the place; ``street``
    (N, H, W, 3) is the full circle near the place at the first date; ``query`` (N, Q, H, W, 3)
    full circles taken ``query_offset_m`` (N, Q, 2) metres east and north of the place at the
    second date; ``place_xy`` (N, 2) metres; ``street_offset_m`` (N, 2); ``layout`` (N, 32, 16)
    and ``query_layout`` (N, Q, 32, 16) float16, see ``layout.LAYOUT_CHANNELS``.
    """

    satellite: ImageU8
    street: ImageU8
    query: ImageU8
    query_offset_m: FloatArray
    street_offset_m: FloatArray
    place_xy: FloatArray
    layout: npt.NDArray[np.float16]
    query_layout: npt.NDArray[np.float16]
    crop_m: float


def render_city_samples(
    city_seed: int,
    places: int,
    geometry: StripGeometry,
    device: torch.device | str,
    queries_per_place: int = 2,
    draft: CityDraft | None = None,
) -> CitySamples:
    """Return the samples of a training city, the same for the same arguments.

    Args:
        city_seed: The city, 0 to 4999.
        places: How many places at most; a city of few streets gives fewer.
        geometry: The strips' frame.
        device: Where to render.
        queries_per_place: Photo strips a place.
        draft: Of ``draft_training_city`` for this seed; drafted here if absent.

    Raises:
        ConfigError: The seed is kept for the demo, or a number is below one.
    """
    check_training_seed(city_seed)
    if places < 1 or queries_per_place < 1:
        raise ConfigError("places and queries_per_place must be at least 1")
    where = torch.device(device)
    draft = draft or draft_training_city(city_seed)
    city = build_city(city_seed, draft.geometry.style, where, suns=_SUNS, draft=draft)
    with torch.inference_mode():
        return _render(city, city_seed, places, geometry, queries_per_place)


def draft_training_city(city_seed: int) -> CityDraft:
    """Return a training city as far as no device is needed; runs in worker processes.

    Raises:
        ConfigError: The seed is kept for the demo.
    """
    style = draw_style(check_training_seed(city_seed))
    return draft_city(build_geometry(city_seed, style, traffic_sets=_TRAFFIC_SETS))


def _render(
    city: City, seed: int, places: int, geometry: StripGeometry, queries: int
) -> CitySamples:
    rng = city_generator(seed, 4)
    crop_m = geometry.footprint_m * CROP_MARGIN
    centers, along = choose_places(city, places, city.half_m - crop_m / 2 - 10, rng)
    street_xy, query_xy = _choose_cameras(city, centers, along, queries, rng)
    satellite = _crop_satellites(city, centers, crop_m, rng)
    views = np.concatenate([street_xy[:, None], query_xy], 1)
    strips = _render_views(city, views, geometry, seed, rng)
    spots = np.concatenate([centers[:, None], query_xy], 1).reshape(-1, 2)
    dates = np.tile([0] + [1] * queries, len(centers))
    layout = draw_layout(
        city,
        torch.from_numpy(spots).to(city.device),
        torch.from_numpy(dates).to(city.device),
        geometry,
        LAYOUT_BINS,
    )
    bins = layout.cpu().numpy().reshape(len(centers), queries + 1, LAYOUT_BINS, -1)
    return CitySamples(
        satellite=satellite,
        street=strips[:, 0],
        query=strips[:, 1:],
        query_offset_m=query_xy - centers[:, None],
        street_offset_m=street_xy - centers,
        place_xy=centers,
        layout=bins[:, 0],
        query_layout=bins[:, 1:],
        crop_m=crop_m,
    )


def choose_places(
    city: City, count: int, reach_m: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return places on streets (N, 2) and the streets' directions there (N, 2).

    Neighbours lie 10 m apart or more where the streets are long enough, 5 m at least.
    """
    points, along = [], []
    for road in city.geometry.roads:
        step = np.gradient(road.points, axis=0)
        points.append(road.points)
        along.append(step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-6))
    spots, ways = np.concatenate(points), np.concatenate(along)
    usable = (np.abs(spots).max(1) < reach_m) & city.geometry.free(spots)
    spots, ways = spots[usable], ways[usable]
    order = rng.permutation(len(spots))
    chosen: list[int] = []
    gap = np.full(len(spots), np.inf, np.float32)
    for apart_m in (10.0, 7.0, 5.0):
        place = 0
        while len(chosen) < count:
            clear = np.flatnonzero(gap[order[place:]] >= apart_m)
            if not len(clear):
                break
            place += int(clear[0]) + 1
            k = int(order[place - 1])
            chosen.append(k)
            near = spots[k] - spots
            gap = np.minimum(gap, np.hypot(near[:, 0], near[:, 1]))
    return spots[chosen].astype(np.float32), ways[chosen].astype(np.float32)


def _choose_cameras(
    city: City, centers: FloatArray, along: FloatArray, queries: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return where street views (N, 2) and photos (N, Q, 2) are taken."""
    street = np.empty_like(centers)
    photo = np.empty((len(centers), queries, 2), np.float32)
    for n, (center, way) in enumerate(zip(centers, along, strict=True)):
        street[n] = camera_near(city, center, way, (6.0, 1.2), rng)
        for q in range(queries):
            photo[n, q] = camera_near(city, center, way, (11.0, 5.0), rng)
    return street, photo


def camera_near(
    city: City,
    center: FloatArray,
    way: FloatArray,
    reach_m: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Return a free point along and beside a street near a point, never the point itself."""
    left = np.array([-way[1], way[0]])
    for _ in range(24):
        ahead = rng.uniform(-1, 1) * reach_m[0]
        aside = rng.uniform(-1, 1) * reach_m[1]
        spot = (center + way * ahead + left * aside).astype(np.float32)
        if city.geometry.free(spot[None])[0] and np.hypot(ahead, aside) > 0.3:
            return np.asarray(spot, np.float32)
    return np.asarray(center + way * 0.4, np.float32)


def _crop_satellites(
    city: City, centers: FloatArray, crop_m: float, rng: np.random.Generator
) -> ImageU8:
    """Return the places' crops, each from one of several renderings of the city."""
    choice = rng.integers(_SATELLITES, size=len(centers))
    crops = np.empty((len(centers), CROP_PX, CROP_PX, 3), np.uint8)
    for k in range(_SATELLITES):
        whole = render_satellite(city, draw_satellite_appearance(rng, k % 2))
        cell = city.heights[0].cell_m
        here = choice == k
        crops[here] = crop_squares(
            whole, centers[here], crop_m, CROP_PX, city.half_m, cell, city.device
        )
    return crops


def _render_views(
    city: City, views: FloatArray, geometry: StripGeometry, seed: int, rng: np.random.Generator
) -> ImageU8:
    """Return the strips of all cameras (N, 1 + Q, H, W, 3); the first of each is street view."""
    places, each = views.shape[:2]
    poses, looks = _draw_views(city, views, rng)
    frame = StripFrame(
        geometry.width, geometry.height, geometry.elevation_min_deg, geometry.elevation_max_deg
    )
    generator = torch.Generator(city.device).manual_seed(seed)
    many = views_at_once(frame, city.device)
    strips = []
    for start in range(0, len(poses), many):
        part = slice(start, start + many)
        images = render_strips(city, poses[part], looks[part], frame)
        strips.append(develop(images, looks[part], generator))
    out = torch.cat(strips).cpu().numpy()
    return np.asarray(out.reshape(places, each, geometry.height, geometry.width, 3))


def _draw_views(
    city: City, views: FloatArray, rng: np.random.Generator
) -> tuple[Sequence[CameraPose], Sequence[GroundAppearance]]:
    poses, looks = [], []
    for place in views:
        for k, spot in enumerate(place):
            crowd = k > 0
            tilt = 3.0 if crowd else 0.8
            height = rng.uniform(1.4, 1.9) if crowd else rng.uniform(1.9, 2.8)
            heading, pitch, roll = rng.uniform(0, 360), rng.normal(0, tilt), rng.normal(0, tilt)
            xy = (float(spot[0]), float(spot[1]))
            poses.append(CameraPose(xy, float(height), float(heading), float(pitch), float(roll)))
            looks.append(draw_ground_appearance(rng, int(crowd), _TRAFFIC_SETS, _SUNS, crowd=crowd))
    return poses, looks
