"""What a disaster does to a city's solids at the second date: ruins, heaps of rubble, tents."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from model_core.types import FloatArray
from training.world.geometry import CityGeometry
from training.world.ground_map import Ground, GroundMap, offset_line
from training.world.lots import BuildingFacts, rectangle
from training.world.solids import (
    BOTH_DATES,
    FIRST_DATE,
    SECOND_DATE,
    Boxes,
    BoxKind,
    Roof,
    SolidsDraft,
)

_COLLAPSED, _CUT, _OPENED = 0.3, 0.48, 0.72
_TENT_GROUND = (Ground.GRASS, Ground.SOIL, Ground.GRAVEL, Ground.PARKING,
                Ground.PAVING, Ground.PAVEMENT)  # fmt: skip
_KERB_SHARE = 0.35
_CLEAR_M = 0.6


def collapse_buildings(geometry: CityGeometry, rng: np.random.Generator) -> CityGeometry:
    """Return the city with three in ten buildings in heaps, others cut down or without front.

    Everything keeps standing at the first date.
    """
    boxes = geometry.boxes
    body = np.isin(boxes.kind, (BoxKind.BUILDING, BoxKind.ROOF_HOUSE))
    there = body & np.isin(boxes.group, (BOTH_DATES, SECOND_DATE))
    fate = rng.random(len(geometry.buildings))[boxes.owner]
    hit = there & (fate < _OPENED)
    left_over = hit & (fate >= _COLLAPSED) & (boxes.kind == BoxKind.BUILDING)
    ruin_of = np.unique(boxes.owner[left_over])
    ruins = tuple(dataclasses.replace(geometry.buildings[k], ruin=True) for k in ruin_of)
    remains = _rows(boxes, left_over)
    cut = fate[left_over] < _CUT
    height = np.where(cut, rng.uniform(0.25, 0.6, len(cut)), 1.0)
    remains = dataclasses.replace(
        remains,
        eave_m=np.maximum(remains.eave_m * height, 1.2).astype(np.float32),
        rise_m=np.where(cut, 0, remains.rise_m).astype(np.float32),
        roof=np.where(cut, int(Roof.FLAT), remains.roof),
        group=np.full(len(cut), SECOND_DATE),
        owner=len(geometry.buildings) + np.searchsorted(ruin_of, remains.owner),
    )
    group = np.where(hit & (boxes.group == BOTH_DATES), FIRST_DATE, boxes.group)
    stay = _rows(dataclasses.replace(boxes, group=group), ~(hit & (boxes.group == SECOND_DATE)))
    broken = there & (fate < _CUT) & (boxes.kind == BoxKind.BUILDING)
    heaps = _heaps(_rows(boxes, broken), fate[broken] < _COLLAPSED, rng)
    return _with_boxes(geometry, (stay, remains, heaps), geometry.buildings + ruins)


def _heaps(houses: Boxes, whole: npt.NDArray[np.bool_], rng: np.random.Generator) -> Boxes:
    """Return the rubble of houses: all over the footprint, or spilt from what was cut down."""
    draft = SolidsDraft()
    for k in range(len(houses)):
        axis, half = houses.axis[k], houses.half[k]
        across = np.array([-axis[1], axis[0]], np.float32)
        area = float(4 * half[0] * half[1])
        count = int(np.clip(area / (12 if whole[k] else 30), 4, 18 if whole[k] else 7))
        most = min(5.0, 0.9 + 0.28 * float(houses.eave_m[k]))
        for _ in range(count):
            u, v = rng.uniform(-1.15, 1.15, 2)
            if not whole[k]:
                u, v = (np.sign(u) * 1.15, v) if rng.random() < 0.5 else (u, np.sign(v) * 1.15)
            spot = houses.center[k] + axis * half[0] * u + across * half[1] * v
            turn = rng.uniform(0, np.pi)
            long_ = float(rng.uniform(1.2, 4.8))
            draft.box(
                spot, np.array([np.cos(turn), np.sin(turn)], np.float32),
                (long_, long_ * float(rng.uniform(0.45, 0.9))), float(rng.uniform(0.05, 0.5)),
                BoxKind.RUBBLE, rise_m=float(rng.uniform(0.3, most)),
                roof=Roof.HIP if rng.random() < 0.7 else Roof.GABLE, group=SECOND_DATE,
                seed=int(rng.integers(1 << 20)),
            )  # fmt: skip
    return draft.finish()[0]


def pitch_tents(geometry: CityGeometry, rng: np.random.Generator) -> CityGeometry:
    """Return the city with rows of tents on open ground along its streets."""
    draft, taken = SolidsDraft(), GroundMap(geometry.half_m, 0.5)
    taken.cells[:] = geometry.standing.cells
    for road in geometry.roads:
        for side in (1.0, -1.0):
            at = int(rng.integers(0, 6))
            away = road.half_m + float(rng.uniform(0.2, 2.0))
            ground: tuple[Ground, ...] = _TENT_GROUND
            if rng.random() < _KERB_SHARE:
                away, ground = max(0.5, road.width_m / 2 - 4.4), (*_TENT_GROUND, Ground.ASPHALT)
            line = offset_line(road.points, side * away)
            while at < len(line) - 2:
                run = int(rng.integers(4, 14))
                if rng.random() < 0.85:
                    _pitch_row(
                        geometry, taken, draft, line[at : at + 2 * run : 2], side, ground, rng
                    )
                at += 2 * run + int(rng.integers(1, 6))
    return _with_boxes(geometry, (geometry.boxes, draft.finish()[0]), geometry.buildings)


def _pitch_row(
    geometry: CityGeometry,
    taken: GroundMap,
    draft: SolidsDraft,
    line: FloatArray,
    side: float,
    allowed: tuple[Ground, ...],
    rng: np.random.Generator,
) -> None:
    """Pitch up to four rows of tents of one make beside a piece of street."""
    seed = int(rng.integers(1 << 20))
    large = rng.random() < 0.4
    half = (2.9, 2.3) if large else (2.0, 1.35)
    for row in range(int(rng.integers(1, 5))):
        for k in range(len(line) - 1):
            step = line[k + 1] - line[k]
            along = step / max(float(np.linalg.norm(step)), 1e-6)
            left = np.array([-along[1], along[0]], np.float32) * side
            spot = line[k] + left * (half[0] + row * (2 * half[0] + 1.4))
            corners = rectangle(spot, left, half[0] + 0.2, half[1] + 0.2)
            inside = np.abs(corners).max() < geometry.half_m
            open_ = np.isin(geometry.ground.at(corners), allowed).all()
            if not inside or not open_ or taken.covered(corners, (1,)) > 0:
                continue
            taken.polygon(corners, 1)
            draft.box(
                spot, left, half, float(rng.uniform(1.5, 1.9) if large else 0.35),
                BoxKind.TENT, rise_m=float(rng.uniform(1.0, 1.5)),
                roof=Roof.GABLE, group=SECOND_DATE, seed=seed * 8 + int(rng.integers(2)),
            )  # fmt: skip


def _rows(boxes: Boxes, which: npt.NDArray[np.bool_]) -> Boxes:
    return Boxes(**{name: column[which] for name, column in vars(boxes).items()})


def _with_boxes(
    geometry: CityGeometry, parts: tuple[Boxes, ...], buildings: tuple[BuildingFacts, ...]
) -> CityGeometry:
    """Return the city of other boxes; nobody stands and no car parks where a new one is."""
    added = GroundMap(geometry.half_m, geometry.standing.cell_m)
    for part in parts[1:]:
        grown = dataclasses.replace(part, half=part.half + np.float32(_CLEAR_M))
        for corners in grown.corners():
            added.polygon(corners, 1)
    joined = Boxes(**{
        name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])
    })  # fmt: skip
    cars = np.isin(joined.kind, (BoxKind.CAR, BoxKind.CABIN))
    joined = _rows(joined, ~(cars & (added.at(joined.center) > 0)))
    standing = GroundMap(geometry.half_m, geometry.standing.cell_m)
    standing.cells[:] = np.maximum(geometry.standing.cells, added.cells)
    return dataclasses.replace(geometry, boxes=joined, standing=standing, buildings=buildings)
