"""One city's geometry: streets, solids, ground cover, traffic. Appearance comes elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_core.types import FloatArray, ImageU8
from training.world.ground_map import Ground, GroundMap, draw_streets, offset_line
from training.world.lots import (
    TAKEN_ROAD,
    BuildingFacts,
    Site,
    build_fronts,
    plant_tree,
)
from training.world.solids import (
    FIRST_TRAFFIC,
    Boxes,
    BoxKind,
    RoundKind,
    Rounds,
    SolidsDraft,
)
from training.world.streets import Road, lay_streets
from training.world.styles import CityStyle, city_generator

DEFAULT_HALF_M = 180.0
GROUND_CELL_M = 0.25


@dataclass(frozen=True)
class CityGeometry:
    """A city without colours, in metres east and north of its centre.

    ``ground`` is the cover at 0.25 m; ``standing`` marks what a camera cannot stand in.
    ``boxes`` and ``rounds`` hold both dates and all traffic sets; see their ``group``.
    ``ground_photo`` is an orthophoto (R, R, 3) at the ground's cells, black where it shows none.
    """

    seed: int
    style: CityStyle
    half_m: float
    roads: tuple[Road, ...]
    ground: GroundMap
    standing: GroundMap
    boxes: Boxes
    rounds: Rounds
    buildings: tuple[BuildingFacts, ...]
    traffic_sets: int
    ground_photo: ImageU8 | None = None

    def road_lines(self) -> list[FloatArray]:
        """Return the streets' centre lines, each (n, 2) metres east and north."""
        return [road.points for road in self.roads]

    def free(self, points: FloatArray) -> np.ndarray:
        """Return which points (n, 2) a camera can stand on: outdoors, on dry ground."""
        dry = self.ground.at(points) != Ground.WATER
        return np.asarray((self.standing.at(points) == 0) & dry)


def build_geometry(
    seed: int,
    style: CityStyle,
    half_m: float = DEFAULT_HALF_M,
    traffic_sets: int = 5,
    ground_cell_m: float = GROUND_CELL_M,
) -> CityGeometry:
    """Return the city of a seed, the same on every machine."""
    rng = city_generator(seed, 1)
    roads = lay_streets(style, half_m, rng)
    ground = base_ground(half_m, ground_cell_m, style, rng)
    taken = GroundMap(half_m, 0.5)
    for road in roads:
        taken.line(road.points, 2 * road.half_m - 0.2, TAKEN_ROAD)
    site = Site(style, half_m, ground, taken, SolidsDraft(), [], [], rng)
    build_fronts(site, roads)
    return finish_geometry(site, roads, seed, traffic_sets)


def finish_geometry(
    site: Site, roads: Sequence[Road], seed: int, traffic_sets: int
) -> CityGeometry:
    """Return the city of a built-up site: streets drawn, lamps and trees planted, traffic out."""
    draw_streets(site.ground, roads)
    _plant_streets(site, roads)
    _plant_yards(site)
    standing = _standing(site)
    for k in range(traffic_sets):
        _add_traffic(site, roads, standing, FIRST_TRAFFIC + k, city_generator(seed, 2, k))
    boxes, rounds = site.solids.finish()
    return CityGeometry(
        seed, site.style, site.half_m, tuple(roads), site.ground, standing, boxes, rounds,
        tuple(site.buildings), traffic_sets,
    )  # fmt: skip


def base_ground(
    half_m: float, cell_m: float, style: CityStyle, rng: np.random.Generator
) -> GroundMap:
    """Return the cover of what no plot takes: patches of grass, gravel and soil."""
    ground = GroundMap(half_m, cell_m)
    size = len(ground.cells)
    coarse = rng.random((14, 14)).astype(np.float32)
    where = np.linspace(0, 12.999, size)
    low = where.astype(np.int64)
    share = (where - low)[:, None]
    rows = coarse[low] * (1 - share) + coarse[low + 1] * share
    field = rows[:, low] * (1 - share.T) + rows[:, low + 1] * share.T
    cover = np.where(field < 0.3 + 0.6 * style.yard_grass, Ground.GRASS, Ground.GRAVEL)
    ground.cells[:] = np.where(field > 0.86, Ground.SOIL, cover)
    return ground


def _plant_streets(site: Site, roads: Sequence[Road]) -> None:
    rng = site.rng
    for road in roads:
        for side in (1.0, -1.0):
            lamps = offset_line(road.points, side * (road.width_m / 2 + 0.4))
            for k in range(int(rng.integers(2, 9)), len(lamps), int(rng.integers(8, 13))):
                if site.taken.at(lamps[k][None])[0] == TAKEN_ROAD and rng.random() < 0.6:
                    top = float(rng.uniform(4, 8))
                    site.solids.round(lamps[k], 0.25, top - 0.3, top, 0.07, RoundKind.POLE)
            if road.pavement_m < 1.8 or rng.random() > site.style.street_trees:
                continue
            trees = offset_line(road.points, side * (road.width_m / 2 + 0.9))
            step = int(rng.integers(2, 5))
            size = float(rng.uniform(0.6, 1.0))
            for k in range(int(rng.integers(1, 4)), len(trees) - 1, step):
                if rng.random() < 0.85:
                    plant_tree(site, trees[k] + rng.normal(0, 0.15, 2), size=size)


def _plant_yards(site: Site) -> None:
    rng = site.rng
    many = int(900 * site.style.yard_trees)
    spots = rng.uniform(-site.half_m, site.half_m, (many, 2)).astype(np.float32)
    if site.style.family == "country":
        spots = _gather_woods(spots, rng)
    cover = site.ground.at(spots)
    likely_on = {int(Ground.GRASS): 0.8, int(Ground.SOIL): 0.3, int(Ground.GRAVEL): 0.15}
    for spot, under in zip(spots, cover, strict=True):
        likely = likely_on.get(int(under), 0.0)
        if rng.random() < likely:
            if rng.random() < 0.25:
                radius = float(rng.uniform(0.5, 1.2))
                site.solids.round(spot, radius, 0.0, radius * 1.5, 0.05, RoundKind.BUSH,
                                  seed=int(rng.integers(1 << 20)))  # fmt: skip
            else:
                plant_tree(site, spot)


def _gather_woods(spots: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the spots with six in ten of them drawn together into woods."""
    many = len(spots) * 6 // 10
    middles = spots[rng.integers(many, len(spots), size=int(rng.integers(4, 14)))]
    wood = rng.integers(len(middles), size=many)
    spread = rng.uniform(6, 28, len(middles))[wood]
    drawn = middles[wood] + rng.normal(0, 1, (many, 2)) * spread[:, None]
    return np.concatenate([drawn, spots[many:]]).astype(np.float32)


def _standing(site: Site) -> GroundMap:
    """Return the map of what a camera cannot stand in, with half a metre to spare."""
    standing = GroundMap(site.half_m, 0.5)
    boxes, rounds = site.solids.finish()
    for corners in _grown(boxes, 0.7).corners():
        standing.polygon(corners, 1)
    for center, trunk, bottom, radius in zip(
        rounds.center, rounds.trunk_m, rounds.bottom_m, rounds.radius_m, strict=True
    ):
        standing.disc(center, (radius if bottom < 1.2 else trunk) + 0.5, 1)
    return standing


def _grown(boxes: Boxes, margin_m: float) -> Boxes:
    fields: dict[str, Any] = dict(vars(boxes))
    fields["half"] = boxes.half + np.float32(margin_m)
    return Boxes(**fields)


def _add_traffic(
    site: Site,
    roads: Sequence[Road],
    standing: GroundMap,
    group: int,
    rng: np.random.Generator,
) -> None:
    """Add one date's cars and people."""
    full = float(rng.uniform(0.1, 0.8))
    spots = [np.array(slot, np.float32) for slot in site.slots if rng.random() < full]
    for road in roads:
        spots += _kerb_cars(road, float(rng.uniform(0.1, 0.85)), rng)
        spots += _moving_cars(road, rng)
    for spot in spots:
        if np.abs(spot[:2]).max() < site.half_m:
            _add_car(site, spot[:2], spot[2:], group, rng)
    for road in roads:
        for _ in range(rng.poisson(len(road.points) * 3.0 / 45)):
            line = offset_line(road.points, float(rng.choice([-1, 1])) * (road.half_m - 0.6))
            spot = line[int(rng.integers(len(line)))] + rng.normal(0, 0.4, 2)
            if standing.at(spot[None].astype(np.float32))[0] == 0:
                top = float(rng.uniform(1.5, 1.9))
                site.solids.round(spot, 0.24, 0.75, top, 0.16, RoundKind.PERSON,
                                  group=group, seed=int(rng.integers(1 << 20)))  # fmt: skip


def _kerb_cars(road: Road, full: float, rng: np.random.Generator) -> list[FloatArray]:
    cars = []
    along = np.gradient(road.points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    for side, allowed in zip((1.0, -1.0), road.parking, strict=True):
        if not allowed:
            continue
        line = offset_line(road.points, side * (road.width_m / 2 - 1.05))
        for k in range(4, len(line) - 4, 2):
            if rng.random() < full:
                cars.append(np.concatenate([line[k] + along[k] * rng.uniform(-0.5, 0.5), along[k]]))
    return cars


def _moving_cars(road: Road, rng: np.random.Generator) -> list[FloatArray]:
    cars = []
    rate = {"main": 30, "street": 90, "lane": 200}[road.kind]
    along = np.gradient(road.points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    for _ in range(rng.poisson(len(road.points) * 3.0 / rate)):
        k = int(rng.integers(len(road.points)))
        left = np.array([-along[k, 1], along[k, 0]])
        spot = road.points[k] + left * rng.choice([-1, 1]) * road.width_m / 4
        cars.append(np.concatenate([spot, along[k]]).astype(np.float32))
    return cars


def _add_car(
    site: Site, spot: FloatArray, axis: FloatArray, group: int, rng: np.random.Generator
) -> None:
    seed = int(rng.integers(1 << 20))
    length, width = float(rng.uniform(3.8, 4.9)), float(rng.uniform(1.65, 1.9))
    if rng.random() < 0.08:
        length, width = float(rng.uniform(5, 7.5)), 2.1
        top = float(rng.uniform(2.2, 3.0))
        half = (length / 2, width / 2)
        site.solids.box(spot, axis, half, top, BoxKind.CAR, group=group, seed=seed)
        return
    body = float(rng.uniform(0.85, 1.05))
    half = (length / 2, width / 2)
    site.solids.box(spot, axis, half, body, BoxKind.CAR, group=group, seed=seed)
    back = spot - np.asarray(axis) * length * 0.06
    half = (length * 0.28, width / 2 - 0.1)
    top = body + float(rng.uniform(0.45, 0.65))
    site.solids.box(back, axis, half, top, BoxKind.CABIN, group=group, seed=seed)
