"""What OpenStreetMap's tags mean to the renderer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from training.world.ground_map import Ground
from training.world.solids import Roof
from training.world.streets import RoadKind

Tags = Mapping[str, str]

_FOOT_M = 0.3048
_NUMBER = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*(m|ft|')?")
_TALLEST_M = 900.0


@dataclass(frozen=True)
class RoadClass:
    """A class of road: how it is drawn, and how wide where nobody tagged it."""

    kind: RoadKind
    width_m: float
    pavement_m: float


_ROADS = {
    "motorway": RoadClass("main", 14.0, 0.5),
    "trunk": RoadClass("main", 13.0, 1.5),
    "primary": RoadClass("main", 12.0, 3.0),
    "secondary": RoadClass("main", 11.0, 3.0),
    "tertiary": RoadClass("street", 9.0, 2.5),
    "unclassified": RoadClass("street", 7.0, 1.8),
    "residential": RoadClass("street", 8.0, 2.2),
    "road": RoadClass("street", 7.0, 1.5),
    "living_street": RoadClass("lane", 5.5, 1.2),
    "pedestrian": RoadClass("lane", 5.0, 1.0),
    "service": RoadClass("lane", 4.0, 0.0),
    "track": RoadClass("lane", 3.0, 0.0),
}
_PATHS = {"footway": 2.0, "path": 1.5, "cycleway": 2.0, "steps": 2.0, "bridleway": 2.0}
_LANE_M = 3.2
_ROOFS = {
    "flat": Roof.FLAT, "gabled": Roof.GABLE, "half-hipped": Roof.GABLE, "gambrel": Roof.GABLE,
    "saltbox": Roof.GABLE, "skillion": Roof.FLAT, "hipped": Roof.HIP, "pyramidal": Roof.HIP,
    "mansard": Roof.HIP,
}  # fmt: skip
_WATERWAYS = {"river": 15.0, "canal": 9.0, "stream": 3.0}
_WOOD, _PARK, _OPEN = 1.4, 0.35, 0.04
_COVERS: dict[tuple[str, str], tuple[Ground, float]] = {
    ("natural", "water"): (Ground.WATER, 0.0),
    ("waterway", "riverbank"): (Ground.WATER, 0.0),
    ("landuse", "basin"): (Ground.WATER, 0.0),
    ("landuse", "reservoir"): (Ground.WATER, 0.0),
    ("natural", "wood"): (Ground.GRASS, _WOOD),
    ("landuse", "forest"): (Ground.GRASS, _WOOD),
    ("natural", "scrub"): (Ground.GRASS, _PARK),
    ("landuse", "orchard"): (Ground.GRASS, _PARK),
    ("landuse", "vineyard"): (Ground.SOIL, _OPEN),
    ("landuse", "farmland"): (Ground.SOIL, 0.0),
    ("landuse", "allotments"): (Ground.GRASS, _PARK),
    ("landuse", "cemetery"): (Ground.GRASS, _PARK),
    ("landuse", "grass"): (Ground.GRASS, _OPEN),
    ("landuse", "meadow"): (Ground.GRASS, _OPEN),
    ("landuse", "village_green"): (Ground.GRASS, _PARK),
    ("landuse", "recreation_ground"): (Ground.GRASS, _OPEN),
    ("leisure", "park"): (Ground.GRASS, _PARK),
    ("leisure", "garden"): (Ground.GRASS, _PARK),
    ("leisure", "pitch"): (Ground.GRASS, 0.0),
    ("leisure", "playground"): (Ground.GRASS, _OPEN),
    ("amenity", "parking"): (Ground.PARKING, 0.0),
    ("place", "square"): (Ground.PAVING, 0.0),
    ("highway", "pedestrian"): (Ground.PAVING, 0.0),
    ("highway", "footway"): (Ground.PAVING, 0.0),
}


def metres(text: str | None) -> float | None:
    """Return a tagged length in metres; None where it is absent or makes no sense."""
    found = _NUMBER.match(text or "")
    if found is None:
        return None
    value = float(found[1].replace(",", "."))
    value *= _FOOT_M if found[2] in ("ft", "'") else 1.0
    return value if 0 < value < _TALLEST_M else None


def height_of(tags: Tags) -> float | None:
    """Return a building's height."""
    return metres(tags.get("height")) or metres(tags.get("building:height"))


def levels_of(tags: Tags) -> int | None:
    """Return a building's storeys."""
    value = metres(tags.get("building:levels"))
    return None if value is None else max(1, round(value))


def roof_of(tags: Tags) -> Roof | None:
    """Return the shape of a building's roof where it is tagged."""
    return _ROOFS.get(tags.get("roof:shape", ""))


def road_of(tags: Tags) -> RoadClass | None:
    """Return a way's class with its own width and pavement; None if no car drives there."""
    highway = tags.get("highway", "").removesuffix("_link")
    known = _ROADS.get(highway)
    below = tags.get("tunnel", "no") != "no" or tags.get("layer", "0").startswith("-")
    if known is None or below or tags.get("area") == "yes":
        return None
    width, lanes = known.width_m, metres(tags.get("lanes"))
    if lanes is not None:
        width = max(3.0, lanes * _LANE_M)
    elif tags.get("oneway") == "yes":
        width *= 0.7
    width = metres(tags.get("width")) or width
    bare = tags.get("sidewalk") in ("no", "none")
    return RoadClass(known.kind, min(width, 30.0), 0.2 if bare else known.pavement_m)


def path_width_m(tags: Tags) -> float | None:
    """Return the width of a path for walking or cycling; None for other ways."""
    if tags.get("area") == "yes" or tags.get("tunnel", "no") != "no":
        return None
    return _PATHS.get(tags.get("highway", ""))


def waterway_m(tags: Tags) -> float | None:
    """Return the width of a river, canal or stream drawn as a line; None for other ways."""
    wide = _WATERWAYS.get(tags.get("waterway", ""))
    below = tags.get("tunnel", "no") != "no"
    return None if wide is None or below else metres(tags.get("width")) or wide


def cover_of(tags: Tags) -> tuple[Ground, float] | None:
    """Return the ground of an area and its trees in 100 m2; None where it says nothing."""
    for key, value in tags.items():
        cover = _COVERS.get((key, value))
        if cover is not None:
            return cover
    return None
