"""A rendered area to be searched: imagery, roads, street views, and photos with their truth.

What it writes is what a person brings to a search, so a run in it goes all the way. No model learns
from an area: its seed is one of those kept for areas, or a district of a city to be tested on.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import torch

from model_core.errors import ConfigError
from model_core.references.area import LocalFrame
from model_core.types import FloatArray, LonLat, Progress, ProgressCallback, ignore_progress
from training.world.appearance import GroundAppearance, draw_ground_appearance
from training.world.area_files import (
    feature,
    lonlat_line,
    write_geojson,
    write_geotiff,
    write_panorama,
    write_photo,
)
from training.world.cities import DISTRICTS, plan_of
from training.world.city import City, build_city
from training.world.ground import CameraPose
from training.world.heights import raise_heights
from training.world.photo import Lens, lens_of_35mm, render_panorama, render_photo
from training.world.plan import in_style
from training.world.ranges import AVAILABLE_SHARE
from training.world.samples import camera_near
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.styles import AREA_SEEDS, CityStyle, city_generator, draw_style

ORIGIN = LonLat(13.42, 46.98)
CITY_HALF_M = 200.0
IMAGERY_HALF_M = 160.0
AREA_HALF_M = 104.0
CELL_M = 0.25
GROUND_M = 0.125
SPACING_M = 15.0
NEAR_VIEW_M = 25.0
FIRST_DATE, SECOND_DATE = datetime(2023, 9, 12, 11, 20), datetime(2024, 3, 2, 9, 5)
_SUNS, _TRAFFIC_SETS = 12, 6
PANORAMA_PX = 1440


@dataclass(frozen=True)
class AreaPlan:
    """What an area is rendered from; ``view_share`` of its places have a street view near."""

    seed: int
    style: CityStyle
    view_share: float
    name: str

    @property
    def frame(self) -> LocalFrame:
        """The plane that the city is drawn in."""
        return LocalFrame(ORIGIN)

    def build_city(self, device: torch.device | str = "cpu") -> City:
        """Return the city that the area lies in."""
        return build_city(
            self.seed, self.style, torch.device(device), CITY_HALF_M, _SUNS, _TRAFFIC_SETS, GROUND_M
        )


def plan_area(seed: int) -> AreaPlan:
    """Return the plan of one of the areas that searches are tried in; the demo is none of them.

    Raises:
        ConfigError: The seed is not one of ``styles.AREA_SEEDS``, nor of a city to be tested on.
    """
    city = plan_of(seed)
    if city is not None and city.split == "test":
        name = f"{city.name.replace('_', ' ').title()}, district {seed % DISTRICTS}"
        return AreaPlan(seed, city.draw_style(seed), AVAILABLE_SHARE, name)
    if seed not in AREA_SEEDS:
        raise ConfigError(
            f"area seed {seed}: take one of {AREA_SEEDS[0]} to {AREA_SEEDS[-1]}, or districts of "
            "cities to be tested on, as in test:0:2"
        )
    share = float(city_generator(seed, 20).uniform(0.3, 0.9))
    return AreaPlan(seed, draw_style(seed), share, f"Area {seed}")


@dataclass(frozen=True)
class StreetPlace:
    """A place on a street, every 15 m: local metres and the street's direction."""

    xy: FloatArray
    along: FloatArray


def area_places(city: City) -> list[StreetPlace]:
    """Return the places every 15 m along the streets inside the area."""
    places = []
    for road in city.geometry.roads:
        step = np.linalg.norm(np.diff(road.points, axis=0), axis=1)
        length = np.concatenate([[0], step.cumsum()])
        for at in np.arange(SPACING_M / 2, length[-1], SPACING_M):
            k = min(int(np.searchsorted(length, at)), len(road.points) - 1)
            share = (at - length[k - 1]) / max(float(step[k - 1]), 1e-6)
            xy = road.points[k - 1] * (1 - share) + road.points[k] * share
            along = (road.points[k] - road.points[k - 1]) / max(float(step[k - 1]), 1e-6)
            if np.abs(xy).max() < AREA_HALF_M and city.geometry.free(xy[None])[0]:
                places.append(StreetPlace(xy.astype(np.float32), along.astype(np.float32)))
    return places


def covered_places(
    places: Sequence[StreetPlace], share: float, rng: np.random.Generator
) -> list[StreetPlace]:
    """Return a share of the places, those on one side of the area: streets, not single places."""
    turn = rng.uniform(0, 2 * np.pi)
    side = np.array([np.sin(turn), np.cos(turn)])
    order = sorted(places, key=lambda p: float(p.xy @ side))
    return order[: round(share * len(order))]


@dataclass(frozen=True)
class ViewSpot:
    """Where one street view is taken."""

    xy: FloatArray
    heading_deg: float


def place_views(plan: AreaPlan, city: City) -> list[ViewSpot]:
    """Return where the street views are taken, near a share of places, in order along streets."""
    rng = city_generator(plan.seed, 21)
    views: list[ViewSpot] = []
    for place in covered_places(area_places(city), plan.view_share, rng):
        xy = camera_near(city, place.xy, place.along, (3.0, 1.5), rng)
        gaps = [float(np.hypot(*(xy - v.xy))) for v in views]
        if gaps and min(gaps) < 5.0:
            continue
        heading = float(np.degrees(np.arctan2(place.along[0], place.along[1])) % 360)
        views.append(ViewSpot(xy, (heading + float(rng.choice([0, 180]))) % 360))
    return views


def render_area(plan: AreaPlan, folder: Path, photos: int, photo_seed: int = 0) -> None:
    """Render an area into a folder: all of it, with so many photos."""
    city = plan.build_city()
    for name in ("street_views", "photos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_imagery(plan, city, folder / "imagery.tif")
    _write_vectors(plan, city, folder)
    views = place_views(plan, city)
    _write_views(plan, city, views, folder / "street_views")
    _write_photos(plan, city, views, folder / "photos", folder / "truth.csv", photos, photo_seed)


def render_areas(
    folder: Path,
    seeds: Sequence[int],
    photos: int,
    progress: ProgressCallback = ignore_progress,
) -> list[Path]:
    """Render areas that are not there yet, each whole or not at all, and return their folders.

    Args:
        folder: Gets one folder an area.
        seeds: As ``plan_area`` takes them.
        photos: Taken in each.
        progress: Told after every area.

    Raises:
        ConfigError: A seed is none of an area.
    """
    plans = [plan_area(seed) for seed in seeds]
    targets = [folder / f"area_{plan.seed}" for plan in plans]
    for done, (plan, target) in enumerate(zip(plans, targets, strict=True)):
        progress(Progress("areas", done, len(plans), plan.name))
        if not target.is_dir():
            partial = target.with_name(f".{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            render_area(plan, partial, photos)
            partial.rename(target)
    progress(Progress("areas", len(plans), len(plans)))
    return targets


def render_photos(plan: AreaPlan, folder: Path, photos: int, photo_seed: int) -> None:
    """Render fresh photos of an area with ``truth.csv`` beside their folder."""
    city = plan.build_city()
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    views = place_views(plan, city)
    _write_photos(plan, city, views, folder / "photos", folder / "truth.csv", photos, photo_seed)


def _write_imagery(plan: AreaPlan, city: City, path: Path) -> None:
    rng = city_generator(plan.seed, 32)
    look = in_style(draw_satellite_appearance(rng, 0, max_lean_deg=12.0), plan.style)
    heights = raise_heights(city.geometry, 0, 10, city.device, CELL_M)
    with torch.inference_mode():
        image = render_satellite(city, look, heights)
    write_geotiff(path, image, plan.frame, ORIGIN, IMAGERY_HALF_M, CELL_M, quality=72)


def _write_vectors(plan: AreaPlan, city: City, folder: Path) -> None:
    frame = plan.frame
    roads = [
        feature("LineString", lonlat_line(frame, road.points[inside]), highway=name)
        for road in city.geometry.roads
        for inside in [np.abs(road.points).max(axis=1) < IMAGERY_HALF_M]
        for name in [{"main": "secondary", "street": "residential", "lane": "service"}[road.kind]]
        if inside.sum() >= 2
    ]
    write_geojson(folder / "roads.geojson", roads)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], np.float32) * AREA_HALF_M
    area = feature("Polygon", [lonlat_line(frame, corners)], name=plan.name)
    write_geojson(folder / "area.geojson", [area])


def _write_views(plan: AreaPlan, city: City, views: Sequence[ViewSpot], folder: Path) -> None:
    rng = city_generator(plan.seed, 23)
    look = _draw_look(plan, 0, rng)
    for k, view in enumerate(views):
        height = float(rng.uniform(2.2, 2.6))
        tilt = rng.normal(0, 0.4, 2)
        pose = CameraPose(
            (float(view.xy[0]), float(view.xy[1])), height, view.heading_deg,
            float(tilt[0]), float(tilt[1]),
        )  # fmt: skip
        if k % 12 == 0:
            look = _draw_look(plan, 0, rng)
        image = render_panorama(city, pose, look, PANORAMA_PX, seed=k)
        taken = FIRST_DATE + timedelta(seconds=9 * k)
        at = _lonlat(plan.frame, view.xy)
        name = f"view_{k + 1:03d}.jpg"
        write_panorama(folder / name, image, at, view.heading_deg, taken, quality=55)


def _draw_look(plan: AreaPlan, date: int, rng: np.random.Generator) -> GroundAppearance:
    """Return the look of street views (date 0) or of a photo (date 1), where people walk."""
    look = draw_ground_appearance(rng, date, _TRAFFIC_SETS, _SUNS, crowd=date == 1)
    return in_style(look, plan.style)


def _lonlat(frame: LocalFrame, xy: FloatArray) -> LonLat:
    lon, lat = frame.to_lonlat(np.array([xy[0]]), np.array([xy[1]]))
    return LonLat(float(lon[0]), float(lat[0]))


def _draw_lens(rng: np.random.Generator) -> tuple[Lens, int]:
    """Return a lens of 40 to 110 degrees, every third picture upright, and its 35-mm focal."""
    portrait = rng.random() < 1 / 3
    long_, short = 800, int(rng.choice([600, 450]))
    width, height = (short, long_) if portrait else (long_, short)
    wanted = Lens(width, height, float(rng.uniform(44, 78) if portrait else rng.uniform(48, 102)))
    focal = round(wanted.focal_35mm)
    bend = float(rng.uniform(-0.02, 0.02))
    return lens_of_35mm(width, height, focal, bend), focal


def _draw_pose(city: City, place: StreetPlace, rng: np.random.Generator) -> CameraPose:
    spot = camera_near(city, place.xy, place.along, (6.5, 6.0), rng)
    street = float(np.degrees(np.arctan2(place.along[0], place.along[1])))
    heading = (street + float(rng.choice([0, 90, 180, 270])) + rng.uniform(-45, 45)) % 360
    return CameraPose(
        (float(spot[0]), float(spot[1])),
        float(rng.uniform(1.45, 1.8)),
        float(heading),
        float(np.clip(rng.normal(1.5, 3.0), -6, 9)),
        float(np.clip(rng.normal(0, 2.0), -5, 5)),
    )


def _write_photos(
    plan: AreaPlan,
    city: City,
    views: Sequence[ViewSpot],
    folder: Path,
    truth: Path,
    count: int,
    seed: int,
) -> None:
    rng = city_generator(plan.seed, 24, seed)
    places = area_places(city)
    at = np.array([view.xy for view in views])
    rows = []
    order = rng.permutation(len(places))
    while len(order) < count:  # more photos than places: go round again
        order = np.concatenate([order, rng.permutation(len(places))])
    for k, index in enumerate(order[:count]):
        pose, (lens, focal) = _draw_pose(city, places[int(index)], rng), _draw_lens(rng)
        look = _draw_look(plan, 1, rng)
        image = render_photo(city, pose, look, lens, seed=seed * 1000 + k)
        name = f"photo_{k + 1:02d}.jpg"
        taken = SECOND_DATE + timedelta(hours=float(rng.uniform(0, 2400)))
        write_photo(folder / name, image, focal, taken, quality=int(rng.integers(60, 82)))
        spot = np.array(pose.xy, np.float32)
        lonlat = _lonlat(plan.frame, spot)
        gap = float(np.hypot(*(at - spot).T).min())
        rows.append(
            (name, f"{lonlat.lon:.7f}", f"{lonlat.lat:.7f}", f"{pose.heading_deg:.2f}",
             f"{lens.fov_deg:.2f}", str(gap <= NEAR_VIEW_M).lower())
        )  # fmt: skip
    with truth.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("file", "lon", "lat", "heading_deg", "fov_deg", "near_street_view"))
        writer.writerows(rows)
