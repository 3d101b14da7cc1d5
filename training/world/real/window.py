"""A window of a real city as the renderer's geometry: turned, mirrored, dressed, with two dates."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from model_core.errors import InputError
from model_core.types import FloatArray, ImageU8
from training.world.geometry import (
    DEFAULT_HALF_M,
    GROUND_CELL_M,
    CityGeometry,
    base_ground,
    finish_geometry,
)
from training.world.ground_map import Ground, GroundMap
from training.world.lots import (
    TAKEN_BUILDING,
    TAKEN_OPEN,
    TAKEN_ROAD,
    Site,
    build_fronts,
    plant_tree,
)
from training.world.real.dressing import WindowBoxes, boxes_in, raise_buildings
from training.world.real.prepared import ROAD_KINDS, PreparedCity, load_prepared
from training.world.solids import SolidsDraft
from training.world.streets import STEP_M, Road, RoadKind, lay_streets
from training.world.styles import COUNTRY_FROM_SEED, city_generator, draw_style

_CANDIDATES = 48
_CELL_M = 30.0
_GOOD_ENOUGH = 0.6
_EDGE_M = 15.0
_CLEAR_M = 1.6
_LEAST_ROAD_M = 60.0
_MAPPED_M = 12.0
_LEAST_BUILDINGS_KM = 15
_EMPTY_M, _LEAST_EMPTY = 32.0, 0.12


@dataclass(frozen=True)
class Window:
    """Which part of a city is seen: its centre there, how it is turned, whether mirrored."""

    center: FloatArray
    turn_rad: float
    mirrored: bool

    def matrix(self) -> npt.NDArray[np.float64]:
        """Return the 2 x 2 matrix that carries offsets of the city into the window."""
        c, s = np.cos(self.turn_rad), np.sin(self.turn_rad)
        mirror = np.diag([-1.0 if self.mirrored else 1.0, 1.0])
        return np.asarray(np.array([[c, -s], [s, c]]) @ mirror)

    def apply(self, points: FloatArray) -> FloatArray:
        """Return points (n, 2) of the city in the window's metres."""
        return np.asarray((points - self.center) @ self.matrix().T, np.float32)

    def turned(self, axes: FloatArray) -> FloatArray:
        """Return directions (n, 2) of the city in the window."""
        return np.asarray(axes @ self.matrix().T, np.float32)


def real_geometry(
    folder: Path, seed: int, half_m: float = DEFAULT_HALF_M, traffic_sets: int = 5
) -> CityGeometry:
    """Return a part of a prepared city, the same for the same folder and seed.

    Args:
        folder: Written by ``prepare_geometry``.
        seed: Chooses the part, its turn and mirroring, and all that the files do not say.
        half_m: Half of its side.
        traffic_sets: Independent sets of cars and people.

    Raises:
        InputError: The folder holds no prepared city, or one without a street to stand on.
    """
    city = load_prepared(folder)
    window = choose_window(city, seed, half_m)
    style = draw_style(seed % COUNTRY_FROM_SEED)
    rng = city_generator(seed, 21)
    ground = base_ground(half_m, GROUND_CELL_M, style, rng)
    site = Site(style, half_m, ground, GroundMap(half_m, 0.5), SolidsDraft(), [], [], rng)
    boxes = boxes_in(city, window.apply(city.box_center), window.turned(city.box_axis), half_m)
    built = _built_map(boxes, half_m)
    roads = _roads(city, window, built, rng)
    if sum(len(road.points) for road in roads) * STEP_M < _LEAST_ROAD_M:
        raise InputError(f"{folder}: no street to stand on; prepare it with a file of its roads")
    for road in roads:
        site.taken.line(road.points, 2 * road.half_m - 0.2, TAKEN_ROAD)
    raise_buildings(site, boxes, roads)
    groves = _lay_covers(site, city, window)
    if city.about.split == "train" and _is_sparse(site, roads):
        build_fronts(site, roads)
    beyond = _surroundings(site, roads)
    _plant(site, city, window, groves)
    whole = finish_geometry(site, [*beyond, *roads], seed, traffic_sets)
    photo = _photo(city, window, half_m)
    return dataclasses.replace(whole, roads=tuple(roads), ground_photo=photo)


def choose_window(city: PreparedCity, seed: int, half_m: float) -> Window:
    """Return one of the fuller windows of a city: much of it built or crossed by streets."""
    rng = city_generator(seed, 20)
    points = np.concatenate([city.road(k) for k in range(len(city.road_kind))] or [city.trees])
    many = len(city.building_center)
    found, scores = [], []
    for _ in range(_CANDIDATES):
        near = city.building_center[int(rng.integers(many))]
        middle = (near + rng.uniform(-0.5, 0.5, 2) * half_m).astype(np.float32)
        window = Window(middle, float(rng.uniform(0, 2 * np.pi)), bool(rng.random() < 0.5))
        found.append(window)
        scores.append(_fullness(city, points, window, half_m))
    good = np.flatnonzero(np.array(scores) >= _GOOD_ENOUGH * max(scores))
    return found[int(good[int(rng.integers(len(good)))])]


def _fullness(city: PreparedCity, roads: FloatArray, window: Window, half_m: float) -> float:
    """Return the share of a window's cells that hold buildings, and streets count as half."""
    size = int(2 * half_m / _CELL_M)
    share = []
    for points in (city.box_center, roads):
        cell = np.floor((window.apply(points) + half_m) / _CELL_M).astype(np.int64)
        cell = cell[((cell >= 0) & (cell < size)).all(axis=1)]
        share.append(len(np.unique(cell[:, 0] * size + cell[:, 1])) / size**2)
    return round(share[0] + 0.5 * min(share[1], 0.5), 3)


def _built_map(boxes: WindowBoxes, half_m: float) -> GroundMap:
    built = GroundMap(half_m + _EDGE_M, 0.5)
    for corners in boxes.corners():
        built.polygon(corners, TAKEN_BUILDING)
    return built


def _roads(
    city: PreparedCity, window: Window, built: GroundMap, rng: np.random.Generator
) -> list[Road]:
    """Return the window's streets, made narrower or cut where buildings leave no room."""
    reach = cv2.distanceTransform((built.cells == 0).astype(np.uint8), cv2.DIST_L2, 5)
    room_map = GroundMap(built.half_m, built.cell_m)
    room_map.cells = np.clip(reach * built.cell_m * 8, 0, 255).astype(np.uint8)
    roads = []
    for k, number in enumerate(city.road_kind):
        points = _evenly(window.apply(city.road(k)))
        inside = np.abs(points).max(axis=1) < built.half_m
        if not inside.any():
            continue
        room = room_map.at(points) / 8
        for run in _runs(inside & (room > _CLEAR_M)):
            size = (float(city.road_width_m[k]), float(city.road_pavement_m[k]))
            room_m = float(np.quantile(room[run], 0.15))
            roads.append(_dressed(points[run], ROAD_KINDS[number], size, room_m, rng))
    return roads


def _evenly(points: FloatArray) -> FloatArray:
    """Return a line with a point about every 3 m."""
    step = np.hypot(*np.diff(points, axis=0).T)
    length = np.concatenate([[0.0], step.cumsum()])
    many = max(2, round(float(length[-1]) / STEP_M) + 1)
    at = np.linspace(0, length[-1], many)
    line = np.stack([np.interp(at, length, points[:, k]) for k in (0, 1)], 1)
    return np.asarray(line, np.float32)


def _runs(kept: npt.NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(np.int8), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 2]


def _dressed(
    points: FloatArray,
    kind: RoadKind,
    size_m: tuple[float, float],
    room_m: float,
    rng: np.random.Generator,
) -> Road:
    width, pavement = size_m[0] * rng.uniform(0.9, 1.1), size_m[1] * rng.uniform(0.8, 1.2)
    width = min(width, max(2.6, 2 * (room_m - 0.6)))
    pavement = float(np.clip(room_m - width / 2 - 0.1, 0.0, pavement))
    parking = kind != "lane" and width >= 6.5
    sides = (parking and bool(rng.random() < 0.6), parking and bool(rng.random() < 0.5))
    marked = kind == "main" or (kind == "street" and width > 6 and bool(rng.random() < 0.5))
    return Road(points, float(width), pavement, kind, sides, marked)


def _lay_covers(site: Site, city: PreparedCity, window: Window) -> list[tuple[GroundMap, float]]:
    """Draw water, green and squares; return the maps of what trees grow on, with how many."""
    groves: dict[float, GroundMap] = {}
    open_ = GroundMap(site.half_m, site.taken.cell_m)
    for k, ground in enumerate(city.cover_ground):
        rings = [window.apply(ring) for ring in city.cover(k)]
        if np.abs(rings[0]).max(axis=1).min() > 2 * site.half_m:
            continue
        site.ground.area(rings, int(ground))
        if ground in (Ground.WATER, Ground.GRASS, Ground.SOIL):
            open_.area(rings, TAKEN_OPEN)
        density = float(city.cover_trees[k])
        if density > 0:
            grove = groves.setdefault(density, GroundMap(site.half_m, 1.0))
            grove.area(rings, 1)
    site.taken.cells = np.maximum(site.taken.cells, open_.cells * (site.taken.cells == 0))
    return [(grove, density) for density, grove in sorted(groves.items())]


def _is_sparse(site: Site, roads: list[Road]) -> bool:
    """Return whether hardly any building is mapped, as where mapping has only begun."""
    length_m = sum(len(road.points) for road in roads) * STEP_M
    return len(site.buildings) < _LEAST_BUILDINGS_KM * length_m / 1000


def _surroundings(site: Site, roads: list[Road]) -> list[Road]:
    """Build invented streets where the files end, and return them; no place lies on them.

    A small extract would else stand in an empty plain, which no city does.
    """
    known = GroundMap(site.half_m, 4.0)
    stands = site.taken.cells[:: round(4.0 / site.taken.cell_m), :: round(4.0 / site.taken.cell_m)]
    known.cells[:] = stands > 0
    for road in roads:
        known.line(road.points, 2 * road.half_m, 1)
    reach = cv2.distanceTransform((known.cells == 0).astype(np.uint8), cv2.DIST_L2, 5)
    empty = GroundMap(site.half_m, 4.0)
    empty.cells = (reach * known.cell_m > _EMPTY_M).astype(np.uint8)
    if empty.cells.mean() < _LEAST_EMPTY:
        return []
    beyond = []
    for road in lay_streets(site.style, site.half_m, site.rng):
        inside = np.abs(road.points).max(axis=1) < site.half_m
        for run in _runs(inside & (empty.at(road.points) == 1)):
            beyond.append(dataclasses.replace(road, points=road.points[run]))
    for road in beyond:
        site.taken.line(road.points, 2 * road.half_m - 0.2, TAKEN_ROAD)
    build_fronts(site, beyond)
    return beyond


def _plant(
    site: Site, city: PreparedCity, window: Window, groves: list[tuple[GroundMap, float]]
) -> None:
    """Plant the trees that are mapped, and those of parks and woods that nobody mapped."""
    spots = window.apply(city.trees)
    for spot in spots[np.abs(spots).max(axis=1, initial=0) < site.half_m]:
        if site.taken.at(spot[None])[0] != TAKEN_ROAD:
            plant_tree(site, spot)
    mapped = GroundMap(site.half_m, 5.0)
    for spot in spots:
        mapped.disc(spot, _MAPPED_M, 1)
    for grove, density in groves:
        many = int(site.rng.poisson(density * (2 * site.half_m) ** 2 / 100))
        drawn = site.rng.uniform(-site.half_m, site.half_m, (many, 2)).astype(np.float32)
        free = (grove.at(drawn) == 1) & (site.taken.at(drawn) == TAKEN_OPEN)
        for spot in drawn[free & (mapped.at(drawn) == 0)]:
            plant_tree(site, spot)


def _photo(city: PreparedCity, window: Window, half_m: float) -> ImageU8 | None:
    """Return the orthophoto in the window at the ground's cells, black where it has none."""
    if city.photo is None:
        return None
    size, cell, photo = round(2 * half_m / GROUND_CELL_M), GROUND_CELL_M, city.photo
    back = np.linalg.inv(window.matrix())
    to_metres = np.array([[cell, 0, cell / 2 - half_m], [0, -cell, half_m - cell / 2], [0, 0, 1]])
    to_city = np.eye(3)
    to_city[:2, :2], to_city[:2, 2] = back, window.center
    scale = 1 / photo.cell_m
    to_pixel = np.array(
        [[scale, 0, -photo.west_m * scale - 0.5], [0, -scale, photo.north_m * scale - 0.5]]
    )
    matrix = to_pixel @ to_city @ to_metres
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(photo.pixels, matrix, (size, size), flags=flags), np.uint8)
