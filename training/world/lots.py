"""What stands along the streets: runs of buildings, gardens, parks, car parks and squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_core.types import FloatArray
from training.world.families import TREES
from training.world.ground_map import Ground, GroundMap
from training.world.solids import (
    BOTH_DATES,
    FIRST_DATE,
    SECOND_DATE,
    BoxKind,
    Roof,
    RoundKind,
    SolidsDraft,
)
from training.world.streets import Road
from training.world.styles import BuildingMix, CityStyle

TAKEN_ROAD, TAKEN_BUILDING, TAKEN_OPEN = 1, 2, 3


@dataclass(frozen=True)
class BuildingFacts:
    """What a facade needs to know of its building; a ruin has lost its front."""

    mix: BuildingMix
    floors: int
    floor_m: float
    shop: bool
    seed: int
    ruin: bool = False


@dataclass
class Site:
    """Everything under construction: ground cover, taken cells, solids, parking slots."""

    style: CityStyle
    half_m: float
    ground: GroundMap
    taken: GroundMap
    solids: SolidsDraft
    buildings: list[BuildingFacts]
    slots: list[tuple[float, float, float, float]]
    rng: np.random.Generator


def build_fronts(site: Site, roads: list[Road]) -> None:
    """Line both sides of every street with runs of buildings and open lots."""
    for k in site.rng.permutation(len(roads)):
        for side in (1.0, -1.0):
            _build_side(site, roads[int(k)], side)


def _build_side(site: Site, road: Road, side: float) -> None:
    rng = site.rng
    length = (len(road.points) - 1) * 3.0
    at = float(rng.uniform(0, 8))
    run_left, mix = 0.0, site.style.mixes[0]
    common: dict[str, float] = {}
    while at < length - 4:
        if run_left <= 0:
            run_left = float(rng.uniform(30, 110))
            mix = site.style.mixes[int(rng.choice(len(site.style.mixes), p=site.style.mix_shares))]
            common = _draw_run(mix, rng)
            if rng.random() < site.style.open_lot:
                width = float(rng.uniform(18, 48))
                step = _place_open_lot(site, road, side, at, width)
                at, run_left = at + step, run_left - step
                continue
        step = _place_building(site, road, side, at, mix, common)
        at, run_left = at + step, run_left - step


def _draw_run(mix: BuildingMix, rng: np.random.Generator) -> dict[str, float]:
    """Return what neighbours in a row share: setback, depth, floors, roof."""
    return {
        "frontage": float(rng.uniform(*mix.frontage_m)),
        "depth": float(rng.uniform(*mix.depth_m)),
        "setback": float(rng.uniform(*mix.setback_m)),
        "floors": float(rng.integers(mix.floors[0], mix.floors[1] + 1)),
        "alike": float(rng.random() < 0.45),
        "pitched": float(rng.random() < mix.pitched),
        "hedge": float(rng.random() < mix.hedge),
        "front_grass": float(rng.random() < 0.25 + 0.75 * 0.6),
    }


def _frame(road: Road, side: float, at_m: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the point of the centre line, the direction along and the one away from it."""
    place = min(at_m / 3.0, len(road.points) - 1.001)
    k, share = int(place), place - int(place)
    here = road.points[k] * (1 - share) + road.points[k + 1] * share
    along = road.points[k + 1] - road.points[k]
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    away = np.array([-along[1], along[0]], np.float32) * side
    return here, along, away


def rectangle(center: FloatArray, axis: FloatArray, half_u: float, half_v: float) -> FloatArray:
    """Return the corners of a turned rectangle, (4, 2)."""
    u = np.asarray(axis) * half_u
    v = np.array([-axis[1], axis[0]]) * half_v
    corners = np.stack([center + u + v, center - u + v, center - u - v, center + u - v])
    return np.asarray(corners, np.float32)


def _place_building(
    site: Site, road: Road, side: float, at: float, mix: BuildingMix, run: dict[str, float]
) -> float:
    rng = site.rng
    alike = run["alike"] > 0
    frontage = run["frontage"] * (1 if alike else float(rng.uniform(0.7, 1.4)))
    depth = run["depth"] * (1 if alike else float(rng.uniform(0.85, 1.2)))
    setback = run["setback"] + (0 if alike else float(rng.uniform(-0.15, 0.15)) * 4 * mix.hedge)
    setback = max(0.0, setback)
    gap = float(rng.uniform(*mix.gap_m)) if mix.gap_m[1] > 0 else 0.0
    here, along, away = _frame(road, side, at + frontage / 2)
    center = here + away * (road.half_m + setback + depth / 2)
    corners = rectangle(center, along, frontage / 2 - 0.05, depth / 2)
    outside = np.abs(corners).max() > site.half_m
    if outside or site.taken.covered(corners, (TAKEN_ROAD, TAKEN_OPEN)) > 0.004:
        return 3.0
    if site.taken.covered(corners, (TAKEN_BUILDING,)) > 0.05:
        return 3.0
    if rng.random() < 0.04:
        return frontage
    draw_plot(site, road, here, along, away, frontage + gap, setback, depth, run)
    site.taken.polygon(corners, TAKEN_BUILDING)
    _raise_building(site, center, along, away, frontage, depth, mix, run)
    return frontage + gap


def draw_plot(
    site: Site,
    road: Road,
    here: FloatArray,
    along: FloatArray,
    away: FloatArray,
    width: float,
    setback: float,
    depth: float,
    run: dict[str, float],
) -> None:
    """Cover the plot: a front garden or forecourt, a yard behind, sometimes a hedge."""
    rng = site.rng
    grass = rng.random() < site.style.yard_grass
    yard = Ground.GRASS if grass else rng.choice([Ground.PAVING, Ground.GRAVEL, Ground.PARKING])
    back = depth + float(rng.uniform(4, 14))
    middle = here + away * (road.half_m + setback + back / 2)
    site.ground.polygon(rectangle(middle, along, width / 2, back / 2), int(yard))
    if setback > 0.6:
        front = Ground.GRASS if run["front_grass"] else Ground.PAVING
        middle = here + away * (road.half_m + setback / 2)
        site.ground.polygon(rectangle(middle, along, width / 2, setback / 2), int(front))
        walk = rectangle(middle + along * width * 0.2, along, 0.8, setback / 2)
        site.ground.polygon(walk, int(Ground.PAVING))
    if setback > 2.5 and run["hedge"]:
        edge = here + away * (road.half_m + 0.35)
        kind = BoxKind.HEDGE if rng.random() < 0.6 else BoxKind.WALL
        height = float(rng.uniform(0.8, 2.0))
        thick = 0.35 if kind == BoxKind.HEDGE else 0.12
        half = width / 2 * 0.72
        spot = edge - along * (width / 2 - half)
        site.solids.box(spot, along, (half, thick), height, kind, seed=int(rng.integers(1 << 20)))


def _raise_building(
    site: Site,
    center: FloatArray,
    along: FloatArray,
    away: FloatArray,
    frontage: float,
    depth: float,
    mix: BuildingMix,
    run: dict[str, float],
) -> None:
    rng = site.rng
    alike = run["alike"] > 0
    floors = int(run["floors"]) if alike else int(rng.integers(mix.floors[0], mix.floors[1] + 1))
    floor_m = float(rng.uniform(4.0, 6.0)) if mix.industrial else float(rng.uniform(2.7, 3.5))
    seed = int(rng.integers(1 << 22))
    facts = BuildingFacts(mix, floors, floor_m, bool(rng.random() < mix.shops), seed)
    group = BOTH_DATES
    if rng.random() < site.style.change_share:
        group = FIRST_DATE if rng.random() < 0.5 else SECOND_DATE
        if rng.random() < 0.5:
            raise_replacement(site, center, along, frontage, depth, facts, group)
    _raise_body(site, center, along, away, frontage, depth, facts, run["pitched"] > 0, group)


def raise_replacement(
    site: Site,
    center: FloatArray,
    along: FloatArray,
    frontage: float,
    depth: float,
    facts: BuildingFacts,
    group: int,
) -> None:
    """Add the building that stands there at the other date."""
    other = SECOND_DATE if group == FIRST_DATE else FIRST_DATE
    floors = max(1, facts.floors + int(site.rng.integers(-2, 4)))
    new = BuildingFacts(facts.mix, floors, facts.floor_m, facts.shop, facts.seed + 77)
    site.buildings.append(new)
    height = 0.8 + floors * facts.floor_m
    half = (frontage / 2, depth / 2)
    owner = len(site.buildings) - 1
    kind = BoxKind.BUILDING
    site.solids.box(center, along, half, height, kind, group=other, owner=owner, seed=new.seed)


def _raise_body(
    site: Site,
    center: FloatArray,
    along: FloatArray,
    away: FloatArray,
    frontage: float,
    depth: float,
    facts: BuildingFacts,
    pitched: bool,
    group: int,
) -> None:
    """Add the building itself, a wing behind it, things on its roof."""
    rng = site.rng
    site.buildings.append(facts)
    owner = len(site.buildings) - 1
    height = (1.0 if facts.shop else 0.4) + facts.floors * facts.floor_m
    roof, rise, axis, half = _draw_roof(rng, along, away, frontage, depth, pitched)
    kind = BoxKind.BUILDING
    site.solids.box(
        center, axis, half, height, kind,
        rise_m=rise, roof=roof, group=group, owner=owner, seed=facts.seed,
    )  # fmt: skip
    if rng.random() < facts.mix.wing:
        _raise_wing(site, center, along, away, frontage, depth, height, owner, group)
    raise_roof_things(
        site, center, along, away, frontage, depth, height, rise, pitched, facts.seed, owner, group
    )


def raise_roof_things(
    site: Site,
    center: FloatArray,
    along: FloatArray,
    away: FloatArray,
    frontage: float,
    depth: float,
    height: float,
    rise: float,
    pitched: bool,
    seed: int,
    owner: int,
    group: int,
) -> None:
    """Put chimneys or machinery on a roof of more than 5 m."""
    rng = site.rng
    count = int(rng.integers(0, 3)) if height > 5 else 0
    for _ in range(count):
        spot = center + along * frontage * float(rng.uniform(-0.35, 0.35))
        spot = spot + away * depth * float(rng.uniform(-0.15, 0.3))
        size = (0.4, 0.3) if pitched else tuple(rng.uniform(0.8, 2.2, 2))
        top = height + rise + float(rng.uniform(0.5, 1.2)) if pitched else height + 2.2
        site.solids.box(
            spot, along, (float(size[0]), float(size[1])), top, BoxKind.ROOF_HOUSE,
            group=group, owner=owner, seed=seed,
        )  # fmt: skip


def _draw_roof(
    rng: np.random.Generator,
    along: FloatArray,
    away: FloatArray,
    frontage: float,
    depth: float,
    pitched: bool,
) -> tuple[Roof, float, FloatArray, tuple[float, float]]:
    half = (frontage / 2, depth / 2)
    if not pitched:
        return Roof.FLAT, 0.0, along, half
    steep = float(rng.uniform(0.35, 1.0))
    if rng.random() < 0.2 and frontage < 14:
        return Roof.GABLE, frontage / 2 * steep, away, (half[1], half[0])
    roof = Roof.HIP if rng.random() < 0.3 else Roof.GABLE
    axis, size = (along, half) if frontage >= depth or roof == Roof.GABLE else (away, half[::-1])
    return roof, min(size[1], 8.0) * steep, axis, (size[0], size[1])


def _raise_wing(
    site: Site,
    center: FloatArray,
    along: FloatArray,
    away: FloatArray,
    frontage: float,
    depth: float,
    height: float,
    owner: int,
    group: int,
) -> None:
    rng = site.rng
    width = frontage * float(rng.uniform(0.3, 0.55))
    reach = float(rng.uniform(4, 10))
    shift = (frontage - width) / 2 * (1 if rng.random() < 0.5 else -1)
    middle = center + along * shift + away * (depth / 2 + reach / 2)
    corners = rectangle(middle, along, width / 2, reach / 2)
    inside = np.abs(corners).max() < site.half_m
    blocked = (TAKEN_ROAD, TAKEN_OPEN, TAKEN_BUILDING)
    if not inside or site.taken.covered(corners, blocked) > 0.1:
        return
    site.taken.polygon(corners, TAKEN_BUILDING)
    tall = height * float(rng.choice([1.0, 0.6, 0.35]))
    pitched = rng.random() < 0.4
    rise = width / 2 * 0.5 if pitched else 0.0
    site.solids.box(
        middle, away, (reach / 2, width / 2), max(2.6, tall), BoxKind.BUILDING,
        rise_m=rise, roof=Roof.GABLE if pitched else Roof.FLAT,
        group=group, owner=owner, seed=int(rng.integers(1 << 22)),
    )  # fmt: skip


def _place_open_lot(site: Site, road: Road, side: float, at: float, width: float) -> float:
    """Lay a park, car park, square or pond beside the street; return the length it takes."""
    rng = site.rng
    here, along, away = _frame(road, side, at + width / 2)
    depth = float(rng.uniform(14, 42))
    middle = here + away * (road.half_m + depth / 2)
    corners = rectangle(middle, along, width / 2, depth / 2)
    blocked = (TAKEN_ROAD, TAKEN_BUILDING, TAKEN_OPEN)
    if np.abs(corners).max() > site.half_m or site.taken.covered(corners, blocked) > 0.02:
        return 6.0
    site.taken.polygon(corners, TAKEN_OPEN)
    kind = rng.choice(
        ["park", "parking", "square", "field", "pond"], p=[0.35, 0.27, 0.18, 0.1, 0.1]
    )
    if kind == "parking":
        _lay_parking(site, middle, along, away, width, depth)
        return width
    cover = {"park": Ground.GRASS, "square": Ground.PAVING, "field": Ground.SOIL}
    site.ground.polygon(corners, int(cover.get(str(kind), Ground.GRASS)))
    if kind == "pond":
        radius = min(width, depth) * 0.35
        site.ground.disc(middle, radius + 1.5, int(Ground.GRAVEL))
        site.ground.disc(middle, radius, int(Ground.WATER))
    if kind == "park" and rng.random() < 0.7:
        site.ground.line(np.stack([corners[0], corners[2]]), 2.0, int(Ground.GRAVEL))
    density = {"park": 0.012, "square": 0.004, "field": 0.001, "pond": 0.003}[str(kind)]
    for _ in range(rng.poisson(density * width * depth)):
        spot = middle + along * width * float(rng.uniform(-0.48, 0.48))
        plant_tree(site, spot + away * depth * float(rng.uniform(-0.45, 0.48)))
    return width


def _lay_parking(
    site: Site, middle: FloatArray, along: FloatArray, away: FloatArray, width: float, depth: float
) -> None:
    site.ground.polygon(rectangle(middle, along, width / 2, depth / 2), int(Ground.PARKING))
    for row in np.arange(-depth / 2 + 3.0, depth / 2 - 2.0, 8.5):
        for across in np.arange(-width / 2 + 1.6, width / 2 - 1.2, 2.6):
            spot = middle + along * across + away * row
            edge = spot + along * 1.3
            ends = np.stack([edge - away * 2.4, edge + away * 2.4])
            site.ground.line(ends, 0.15, int(Ground.MARKING))
            site.slots.append((float(spot[0]), float(spot[1]), float(away[0]), float(away[1])))


def plant_tree(site: Site, spot: FloatArray, *, size: float = 1.0) -> bool:
    """Plant a tree where nothing stands; return whether it stands now."""
    rng = site.rng
    family = TREES[site.style.trees]
    radius = float(rng.uniform(*family.radius_m)) * size
    ring = spot + np.array([[0, 0], [1.5, 0], [-1.5, 0], [0, 1.5], [0, -1.5]], np.float32)
    if np.abs(spot).max() > site.half_m or (site.taken.at(ring) == TAKEN_BUILDING).any():
        return False
    if site.ground.at(spot[None])[0] in (Ground.ASPHALT, Ground.MARKING, Ground.WATER):
        return False
    conifer = rng.random() < family.conifers
    bottom = float(rng.uniform(0.4, 1.2) if conifer else rng.uniform(*family.bottom_m))
    top = bottom + radius * float(rng.uniform(3.0, 4.5) if conifer else rng.uniform(*family.tall))
    group = BOTH_DATES
    if rng.random() < 0.1:
        group = FIRST_DATE if rng.random() < 0.5 else SECOND_DATE
    kind = RoundKind.CONIFER if conifer else RoundKind.TREE
    site.solids.round(
        spot, radius, bottom, top, 0.06 + radius * 0.05, kind,
        group=group, seed=int(rng.integers(1 << 20)),
    )  # fmt: skip
    return True
