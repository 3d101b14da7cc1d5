"""Everything a district's samples draw by chance, before a pixel is rendered.

A plan needs no device: cameras, appearances, dates, states and registration errors follow from the
seed and the geometry alone. The frozen world is a hash of plans.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from model_core.types import FloatArray
from training.world.appearance import GroundAppearance, draw_ground_appearance
from training.world.dates import StreetView, draw_dates, draw_street_views
from training.world.families import GROUNDS, SENSORS, TREES
from training.world.geometry import CityGeometry
from training.world.ground import CameraPose
from training.world.ranges import (
    FOOTPRINT_SCALE,
    HARD_FOV_DEG,
    HARD_PASSERS,
    IMAGERY_M_PER_PX,
    IMAGERY_SHIFT_M,
    OLD_STREET_AWAY_M,
    PHOTO_AWAY_M,
    PHOTO_HEIGHT_M,
    PHOTO_REACH_M,
    PHOTO_TILT_DEG,
    STREET_HEIGHT_M,
    STREET_REACH_M,
    STREET_TILT_DEG,
)
from training.world.satellite import SatelliteAppearance, draw_satellite_appearance
from training.world.states import photo_in_state, satellite_in_state
from training.world.styles import CityStyle, city_generator

Tier = Literal["everyday", "hard"]
Look = TypeVar("Look", GroundAppearance, SatelliteAppearance)
FULL_CIRCLE_DEG = 360.0
SATELLITES = 2
SUNS, TRAFFIC_SETS = 4, 5
_PASSER_SECTOR_DEG = 100.0


@dataclass(frozen=True)
class Passers:
    """People close to the camera: how many, and the sector of the circle they stand in."""

    count: int
    start_deg: float
    span_deg: float
    seed: int


@dataclass(frozen=True)
class Registration:
    """How imagery errs at N places: ``shift_m`` (N, 2) east and north, ``scale`` (N,)."""

    shift_m: FloatArray
    scale: FloatArray


@dataclass(frozen=True)
class DistrictPlan:
    """N places of a district with Q photos each, everything drawn.

    ``poses`` and ``looks`` hold (1 + Q) views a place: its street view, then its photos.
    ``photo_window_deg`` (N, Q, 2) is a photo's left edge, clockwise from north, and its width;
    ``image`` (N,) is the place's index into ``satellites``; ``after`` is the imagery of a state.
    """

    seed: int
    state: str
    place_xy: FloatArray
    street_view: npt.NDArray[np.uint8]
    street_xy: FloatArray
    query_xy: FloatArray
    poses: tuple[CameraPose, ...]
    looks: tuple[GroundAppearance, ...]
    passers: tuple[Passers, ...]
    photo_window_deg: FloatArray
    street_days: npt.NDArray[np.int32]
    query_days: npt.NDArray[np.int32]
    satellites: tuple[SatelliteAppearance, ...]
    image: npt.NDArray[np.int64]
    after: SatelliteAppearance | None
    registration: Registration


def plan_district(
    geometry: CityGeometry,
    seed: int,
    places: int,
    reach_m: float,
    queries: int = 2,
    state: str = "none",
    tier: Tier = "everyday",
) -> DistrictPlan:
    """Return everything that the samples of a district draw.

    Args:
        geometry: The district, in its state at the second date.
        seed: Its seed.
        places: How many places at most.
        reach_m: Places lie within this of the centre, east-west and north-south.
        queries: Photos a place.
        state: One of ``states.STATES``; street views are from before it.
        tier: ``hard``: narrow photos, heavy occlusion, imagery of the other date.
    """
    rng = city_generator(seed, 4)
    centers, along = places_on_streets(geometry, places, reach_m, rng)
    street_view = draw_street_views(len(centers), rng)
    everyday = state == "none"
    dates = draw_dates(street_view, queries, rng, earlier=not everyday)
    street_xy, query_xy = _choose_cameras(geometry, centers, along, street_view, queries, rng)
    poses, looks = [], []
    for place in range(len(centers)):
        new = everyday and street_view[place] == StreetView.AVAILABLE
        poses.append(_draw_pose(street_xy[place], STREET_HEIGHT_M, STREET_TILT_DEG, rng))
        looks.append(in_style(_draw_look(rng, int(new), crowd=False), geometry.style))
        for spot in query_xy[place]:
            poses.append(_draw_pose(spot, PHOTO_HEIGHT_M, PHOTO_TILT_DEG, rng))
            look = in_style(_draw_look(rng, 1, crowd=True, bare=not everyday), geometry.style)
            looks.append(photo_in_state(look, state, seed, rng))
    windows, passers = _draw_photos(len(centers), queries, tier, rng)
    outdated = tier == "hard" or not everyday
    satellites = tuple(
        draw_imagery(geometry, 0 if outdated else k % 2, rng) for k in range(SATELLITES)
    )
    after = None
    if not everyday:
        after = draw_imagery(geometry, 1, rng, bare=True)
        after = satellite_in_state(after, state, seed, rng)
    return DistrictPlan(
        seed, state, centers, street_view, street_xy, query_xy, tuple(poses), tuple(looks),
        passers, windows, dates.street_days, dates.query_days, satellites,
        rng.integers(SATELLITES, size=len(centers)), after,
        draw_registration(len(centers), rng),
    )  # fmt: skip


def draw_registration(count: int, rng: np.random.Generator) -> Registration:
    """Return errors of position (mostly small) and scale of the imagery at some places."""
    away = IMAGERY_SHIFT_M[0] + (IMAGERY_SHIFT_M[1] - IMAGERY_SHIFT_M[0]) * rng.random(count) ** 2
    turn = rng.uniform(0, 2 * np.pi, count)
    shift = np.stack([away * np.sin(turn), away * np.cos(turn)], axis=1)
    return Registration(
        shift.astype(np.float32), rng.uniform(*FOOTPRINT_SCALE, count).astype(np.float32)
    )


def _draw_pose(
    spot: FloatArray, height_m: tuple[float, float], tilt_deg: float, rng: np.random.Generator
) -> CameraPose:
    height, heading = float(rng.uniform(*height_m)), float(rng.uniform(0, 360))
    pitch, roll = (float(t) for t in rng.normal(0, tilt_deg, 2))
    return CameraPose((float(spot[0]), float(spot[1])), height, heading, pitch, roll)


def _draw_look(
    rng: np.random.Generator, date: int, *, crowd: bool, bare: bool = False
) -> GroundAppearance:
    """Return an appearance; photos and street views share neither suns nor traffic.

    ``bare`` asks for a season without snow, which would hide what a disaster leaves.
    """
    look = draw_ground_appearance(rng, date, TRAFFIC_SETS, SUNS, crowd=crowd)
    while bare and look.season.snow:
        look = draw_ground_appearance(rng, date, TRAFFIC_SETS, SUNS, crowd=crowd)
    half_suns, half_traffic = SUNS // 2, (TRAFFIC_SETS - 1) // 2
    return dataclasses.replace(
        look,
        sun=look.sun % half_suns + (half_suns if crowd else 0),
        traffic=(look.traffic - 1) % half_traffic + 1 + (half_traffic if crowd else 0),
    )


def in_style(look: Look, style: CityStyle) -> Look:
    """Return a look in a city's materials, trees and cameras."""
    return dataclasses.replace(
        look,
        season=TREES[style.trees].dye(look.season),
        palette=GROUNDS[style.ground].dye(look.palette),
        sensor=SENSORS[style.sensors].fit(look.sensor),
    )


def draw_imagery(
    geometry: CityGeometry, date: int, rng: np.random.Generator, *, bare: bool = False
) -> SatelliteAppearance:
    """Return the look of one image of a city, in its materials, without snow if ``bare``."""
    look = draw_satellite_appearance(rng, date)
    while bare and look.season.snow:
        look = draw_satellite_appearance(rng, date)
    return dataclasses.replace(
        in_style(look, geometry.style), m_per_px=float(rng.uniform(*IMAGERY_M_PER_PX))
    )


def _draw_photos(
    places: int, queries: int, tier: Tier, rng: np.random.Generator
) -> tuple[FloatArray, tuple[Passers, ...]]:
    """Return the windows of the photos (N, Q, 2) and who stands in their way."""
    windows = np.empty((places, queries, 2), np.float32)
    windows[..., 0], windows[..., 1] = 0.0, FULL_CIRCLE_DEG
    passers = []
    for n in range(places):
        for q in range(queries):
            left, seed = float(rng.uniform(0, 360)), int(rng.integers(1 << 31))
            if tier == "hard":
                fov = float(rng.uniform(*HARD_FOV_DEG))
                windows[n, q] = left, fov
                count = int(rng.integers(HARD_PASSERS[0], HARD_PASSERS[1] + 1))
                passers.append(Passers(count, left, fov, seed))
                continue
            count = int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))
            passers.append(Passers(count, left, _PASSER_SECTOR_DEG, seed))
    return windows, tuple(passers)


def places_on_streets(
    geometry: CityGeometry, count: int, reach_m: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return places on streets (N, 2) and the streets' directions there (N, 2).

    Neighbours lie 10 m apart or more where the streets are long enough, 5 m at least.
    """
    points, along = [], []
    for road in geometry.roads:
        step = np.gradient(road.points, axis=0)
        points.append(road.points)
        along.append(step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-6))
    spots, ways = np.concatenate(points), np.concatenate(along)
    usable = (np.abs(spots).max(1) < reach_m) & geometry.free(spots)
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
    geometry: CityGeometry,
    centers: FloatArray,
    along: FloatArray,
    street_view: npt.NDArray[np.uint8],
    queries: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Return where street views (N, 2) and photos (N, Q, 2) are taken."""
    on_roads = np.concatenate(geometry.road_lines())
    on_roads = on_roads[geometry.free(on_roads)]
    street = np.empty_like(centers)
    photo = np.empty((len(centers), queries, 2), np.float32)
    for n, (center, way) in enumerate(zip(centers, along, strict=True)):
        street[n] = spot_near(geometry, center, way, STREET_REACH_M, rng)
        if street_view[n] == StreetView.OUTDATED:
            away = np.hypot(*(on_roads - center).T)
            far = on_roads[(away > OLD_STREET_AWAY_M[0]) & (away < OLD_STREET_AWAY_M[1])]
            street[n] = far[int(rng.integers(len(far)))] if len(far) else street[n]
        for q in range(queries):
            photo[n, q] = spot_near(geometry, center, way, PHOTO_REACH_M, rng)
    return street, photo


def spot_near(
    geometry: CityGeometry,
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
        if geometry.free(spot[None])[0] and np.hypot(ahead, aside) > PHOTO_AWAY_M[0]:
            return np.asarray(spot, np.float32)
    return np.asarray(center + way * 0.4, np.float32)
