"""Real footprints dressed as buildings: floors, roofs, yards, and what changes between dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.types import FloatArray
from training.world.lots import (
    TAKEN_BUILDING,
    BuildingFacts,
    Site,
    draw_plot,
    raise_replacement,
    raise_roof_things,
    rectangle,
)
from training.world.real.prepared import PreparedCity
from training.world.solids import BOTH_DATES, FIRST_DATE, SECOND_DATE, BoxKind, Roof
from training.world.streets import Road
from training.world.styles import BuildingMix

_BEYOND_M = 60.0
_PLOT_REACH_M = 32.0
_LEAST_WALL_M = 2.2
_SHED_M2, _HOUSE_M2, _HALL_M2 = 40.0, 260.0, 700.0


@dataclass(frozen=True)
class WindowBoxes:
    """The boxes in and around a window, in its metres; ``area_m2`` is their building's."""

    center: FloatArray
    axis: FloatArray
    half: FloatArray
    height_m: FloatArray
    roof: npt.NDArray[np.int8]
    owner: npt.NDArray[np.int32]
    area_m2: FloatArray

    def corners(self) -> list[FloatArray]:
        """Return the corners of the boxes, (4, 2) each."""
        sides = zip(self.center, self.axis, self.half, strict=True)
        return [rectangle(c, a, float(h[0]), float(h[1])) for c, a, h in sides]


def boxes_in(
    city: PreparedCity, center: FloatArray, axis: FloatArray, half_m: float
) -> WindowBoxes:
    """Return the boxes that may be seen in a window, given where they lie in it."""
    reach = np.hypot(*city.box_half.T)
    near = np.flatnonzero(np.abs(center).max(axis=1) - reach < half_m + _BEYOND_M)
    owner = city.box_owner[near]
    return WindowBoxes(
        center[near], axis[near], city.box_half[near], city.box_height_m[near],
        city.box_roof[near], owner, city.building_area_m2[owner],
    )  # fmt: skip


def raise_buildings(site: Site, boxes: WindowBoxes, roads: Sequence[Road]) -> None:
    """Add the buildings whose middle lies in the site; their boxes share one facade each."""
    corners = boxes.corners()
    points, number = _road_points(roads)
    pitched = float(site.rng.uniform(0.3, 0.95))
    for owner in np.unique(boxes.owner):
        rows = np.flatnonzero(boxes.owner == owner)
        if np.abs(boxes.center[rows]).max(axis=1).min() > site.half_m:
            continue
        for k in rows:
            site.taken.polygon(corners[k], TAKEN_BUILDING)
        facts, peaked = _draw_facts(site, boxes, rows, pitched)
        main = int(rows[np.argmax(np.round(boxes.half[rows].prod(axis=1), 2))])
        _lay_plot(site, boxes, main, roads, points, number, facts)
        _raise(site, boxes, rows, main, facts, peaked)


def _draw_facts(
    site: Site, boxes: WindowBoxes, rows: npt.NDArray[np.intp], pitched: float
) -> tuple[BuildingFacts, bool]:
    """Return a building's floors and kind, and whether its roof is pitched."""
    rng, area = site.rng, float(boxes.area_m2[rows[0]])
    height = float(boxes.height_m[rows].max())
    hall = area > _HALL_M2 and height < 12 and bool(rng.random() < 0.6)
    house = area < _HOUSE_M2 and height < 13
    likely = pitched if house else pitched * (0.3 if height < 22 else 0.0)
    peaked = bool(rng.random() < (0.15 if hall else likely))
    floor_m = float(rng.uniform(4.0, 6.0)) if hall else float(rng.uniform(2.8, 3.4))
    walls = height * (0.75 if peaked and height < 12 else 1.0)
    floors = max(1, round((walls - 0.4) / floor_m))
    shops = 0.0 if area < _SHED_M2 else (0.08 if house else 0.45)
    mix = BuildingMix(hedge=0.5 if house else 0.1, shops=shops, industrial=hall)
    facts = BuildingFacts(
        mix, floors, floor_m, bool(rng.random() < shops), int(rng.integers(1 << 22))
    )
    return facts, peaked


def _raise(
    site: Site,
    boxes: WindowBoxes,
    rows: npt.NDArray[np.intp],
    main: int,
    facts: BuildingFacts,
    peaked: bool,
) -> None:
    """Add the boxes of one building; the highest point of each stays what the source says."""
    rng = site.rng
    group = BOTH_DATES
    length, depth = (float(v) for v in 2 * boxes.half[main])
    center, axis = boxes.center[main], boxes.axis[main]
    if rng.random() < site.style.change_share:
        group = FIRST_DATE if rng.random() < 0.5 else SECOND_DATE
        if rng.random() < 0.5:
            raise_replacement(site, center, axis, length, depth, facts, group)
    site.buildings.append(facts)
    owner = len(site.buildings) - 1
    steep = float(rng.uniform(0.35, 1.0))
    drawn = Roof.HIP if rng.random() < 0.3 else Roof.GABLE
    for k in rows:
        roof = Roof(boxes.roof[k]) if boxes.roof[k] >= 0 else (drawn if peaked else Roof.FLAT)
        top, size = float(boxes.height_m[k]), boxes.half[k]
        rise = 0.0 if roof == Roof.FLAT else min(float(size[1]) * steep, 0.45 * top)
        rise = max(0.0, min(rise, top - _LEAST_WALL_M))
        site.solids.box(
            boxes.center[k], boxes.axis[k], (float(size[0]), float(size[1])), top - rise,
            BoxKind.BUILDING, rise_m=rise, roof=roof, group=group, owner=owner, seed=facts.seed,
        )  # fmt: skip
        if k == main and min(length, depth) > 5:
            away = np.array([-axis[1], axis[0]], np.float32)
            raise_roof_things(
                site, center, axis, away, length, depth, top - rise, rise,
                roof != Roof.FLAT, facts.seed, owner, group,
            )  # fmt: skip


def _road_points(roads: Sequence[Road]) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    points = np.concatenate([road.points for road in roads])
    return points, np.repeat(np.arange(len(roads)), [len(road.points) for road in roads])


def _lay_plot(
    site: Site,
    boxes: WindowBoxes,
    main: int,
    roads: Sequence[Road],
    points: FloatArray,
    number: npt.NDArray[np.intp],
    facts: BuildingFacts,
) -> None:
    """Draw the plot of a building that stands along a street."""
    if boxes.area_m2[main] < _SHED_M2:
        return
    center, axis, half = boxes.center[main], boxes.axis[main], boxes.half[main]
    at = int(np.argmin(np.round(np.hypot(*(points - center).T), 3)))
    road = roads[int(number[at])]
    first = int(np.searchsorted(number, number[at]))
    k = min(at - first, len(road.points) - 2)
    along = road.points[k + 1] - road.points[k]
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    here = road.points[k] + along * float((center - road.points[k]) @ along)
    off = center - here
    straight = abs(float(along @ axis))
    if 0.35 < straight < 0.94 or not 1.0 < float(np.hypot(*off)) < _PLOT_REACH_M:
        return
    width, deep = (2 * half) if straight > 0.9 else (2 * half[::-1])
    away = np.asarray(off / np.hypot(*off), np.float32)
    setback = float(np.hypot(*off)) - float(deep) / 2 - road.half_m
    if setback < 0:
        return
    hedge, grass = site.rng.random() < facts.mix.hedge, site.rng.random() < 0.7
    run = {"front_grass": float(grass), "hedge": float(hedge)}
    spare = float(site.rng.uniform(1, 6))
    draw_plot(site, road, here, along, away, float(width) + spare, setback, float(deep), run)
