"""OSM XML files and Overpass responses as a real city."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import shapely
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from model_core.errors import InputError
from model_core.types import FloatArray
from training.world.ground_map import Ground
from training.world.real import tags as osm_tags
from training.world.real.city import RealBuilding, RealCity, RealCover, RealRoad
from training.world.real.frame import LocalFrame
from training.world.real.outlines import polygons_of, rings_of

ODBL = "ODbL 1.0, OpenStreetMap contributors"
_TREE_ROW_M = 8.0
_OVERHANG_M = 3.0
_STEP_M = 2.0


@dataclass
class Elements:
    """Nodes, ways and relations of one or more files, by id."""

    nodes: dict[int, tuple[float, float]] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)


def open_text(path: Path) -> IO[bytes]:
    """Return a file opened for reading, unpacked as its name ends."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return bz2.open(path) if path.suffix == ".bz2" else path.open("rb")


def read_xml(path: Path, into: Elements) -> None:
    """Add the elements of an OSM XML file.

    Raises:
        InputError: The file is no OSM XML or is cut short.
    """
    try:
        with open_text(path) as file:
            for _, element in iterparse(file, events=("end",)):
                _add_xml(element, into)
    except (ParseError, DefusedXmlException, OSError, EOFError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: no readable OSM file ({error}); export it again as .osm, .osm.gz or .osm.bz2"
        ) from error


def _add_xml(element: Any, into: Elements) -> None:
    if element.tag not in ("node", "way", "relation"):
        return
    number = int(element.attrib["id"])
    tags = {t.attrib["k"]: t.attrib["v"] for t in element.findall("tag")}
    if element.tag == "node":
        into.nodes[number] = (float(element.attrib["lon"]), float(element.attrib["lat"]))
        if tags:
            into.node_tags[number] = tags
    elif element.tag == "way":
        into.ways[number] = ([int(n.attrib["ref"]) for n in element.findall("nd")], tags)
    else:
        members = element.findall("member")
        ways = [int(m.attrib["ref"]) for m in members if m.attrib.get("type") == "way"]
        into.relations[number] = (ways, tags)
    element.clear()


def add_overpass(response: dict[str, Any], path: Path, into: Elements) -> None:
    """Add the elements of an Overpass response (``out body`` with nodes, or ``out geom``).

    Raises:
        InputError: An element lacks what it needs.
    """
    try:
        for element in response["elements"]:
            number, tags = int(element["id"]), dict(element.get("tags", {}))
            if element["type"] == "node":
                into.nodes[number] = (float(element["lon"]), float(element["lat"]))
                if tags:
                    into.node_tags[number] = tags
            elif element["type"] == "way":
                into.ways[number] = (list(element["nodes"]), tags)
                for node, at in zip(element["nodes"], element.get("geometry", ()), strict=False):
                    into.nodes[node] = (float(at["lon"]), float(at["lat"]))
            elif element["type"] == "relation":
                members = [m for m in element.get("members", ()) if m["type"] == "way"]
                into.relations[number] = ([int(m["ref"]) for m in members], tags)
                for member in members:
                    _add_member(member, into)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: an Overpass element lacks {error}; ask with 'out body; >; out skel;'"
        ) from error


def _add_member(member: dict[str, Any], into: Elements) -> None:
    """Add a relation's way that ``out geom`` tells by positions alone; parts outside are null."""
    places = [(float(at["lon"]), float(at["lat"])) for at in member.get("geometry", ()) if at]
    if places:
        numbers = [_number_of(*place) for place in places]
        into.ways.setdefault(int(member["ref"]), (numbers, {}))
        into.nodes.update(zip(numbers, places, strict=True))


def _number_of(lon: float, lat: float) -> int:
    """Return a number for the node at a position, below 0 as no node of OpenStreetMap's is."""
    return -(round((lon + 180) * 1e7) * 10**10 + round((lat + 90) * 1e7) + 1)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON file's object.

    Raises:
        InputError: The file is no JSON object.
    """
    try:
        with open_text(path) as file:
            found = json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: no readable JSON ({error}); download it again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no JSON object; give an Overpass response or CityJSON")
    return found


@dataclass(frozen=True)
class _Shape:
    """A way or relation on the plane: its geometry and tags, and whether it is an area."""

    shape: BaseGeometry
    tags: dict[str, str]
    area: bool


def osm_city(elements: Elements, source: str) -> RealCity:
    """Return the city of OSM elements.

    Raises:
        InputError: The elements hold no way with its nodes.
    """
    used = {n for nodes, _ in elements.ways.values() for n in nodes if n in elements.nodes}
    if not used:
        raise InputError(f"{source}: holds no way with its nodes; download it with its nodes")
    numbers = sorted(elements.nodes)
    lonlat = np.array([elements.nodes[n] for n in numbers])
    frame = LocalFrame.around(_middle_points(elements, used))
    at = dict(zip(numbers, frame.metres(lonlat), strict=True))
    shapes = list(_shapes(elements, at))
    return RealCity(
        frame.center_lonlat,
        tuple(_buildings(shapes)),
        tuple(_roads(elements, at)),
        tuple(_covers(shapes)),
        (),
        _trees(elements, at, shapes),
        source,
        ODBL,
    )


def _middle_points(elements: Elements, used: set[int]) -> FloatArray:
    """Return the points around which the frame is laid: of buildings, else of all ways."""
    houses = [
        n
        for nodes, tags in elements.ways.values()
        if "building" in tags
        for n in nodes
        if n in used
    ]
    return np.array([elements.nodes[n] for n in houses or sorted(used)])


def _shapes(elements: Elements, at: dict[int, FloatArray]) -> Iterator[_Shape]:
    lines = {}
    for number, (nodes, tags) in elements.ways.items():
        points = [at[n] for n in nodes if n in at]
        if len(points) < 2:
            continue
        lines[number] = LineString(points)
        closed = nodes[0] == nodes[-1] and len(points) > 3
        if closed and _is_area(tags):
            yield _Shape(Polygon(points), tags, True)
        elif tags:
            yield _Shape(lines[number], tags, False)
    for ways, tags in elements.relations.values():
        if tags.get("type") == "multipolygon":
            yield from _multipolygon([lines[w] for w in ways if w in lines], tags)


def _is_area(tags: dict[str, str]) -> bool:
    if "highway" in tags or "barrier" in tags:
        return tags.get("area") == "yes" or "building" in tags
    return True


def _multipolygon(lines: Sequence[LineString], tags: dict[str, str]) -> Iterator[_Shape]:
    """Return a relation's areas: what an odd number of its rings encloses."""
    if lines:
        for polygon in polygons_of(shapely.build_area(shapely.MultiLineString(list(lines)))):
            yield _Shape(polygon, tags, True)


def _buildings(shapes: Sequence[_Shape]) -> Iterator[RealBuilding]:
    """Return outlines, or their parts where these cover most of the outline."""
    outlines = [s for s in shapes if s.area and s.tags.get("building", "no") != "no"]
    parts = [s for s in shapes if s.area and s.tags.get("building:part", "no") != "no"]
    tree = shapely.STRtree([p.shape for p in parts])
    for owner, outline in enumerate(outlines):
        if not outline.shape.is_valid and outline.shape.area == 0:
            continue
        whole = outline.shape.buffer(0)
        near = [parts[k] for k in tree.query(whole)]
        own = [p for p in near if whole.buffer(0.3).contains(p.shape.representative_point())]
        covered = shapely.unary_union([p.shape.buffer(0) for p in own]).area if own else 0.0
        chosen = (_standing(own) if covered > 0.6 * whole.area else []) or [outline]
        for piece in chosen:
            tags = {**_inherited(outline.tags), **piece.tags}
            for polygon in polygons_of(piece.shape):
                yield RealBuilding(
                    rings_of(polygon), owner, osm_tags.height_of(tags),
                    osm_tags.levels_of(tags), osm_tags.roof_of(tags),
                )  # fmt: skip


def _inherited(tags: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in tags.items() if k in ("height", "building:levels", "roof:shape")}


def _standing(parts: Sequence[_Shape]) -> list[_Shape]:
    """Return the parts that stand on the ground or on such parts, steps and plinths left out."""
    low = [p for p in parts if (osm_tags.metres(p.tags.get("min_height")) or 0) < _OVERHANG_M]
    base = shapely.unary_union([p.shape.buffer(0) for p in low])
    high = [p for p in parts if p not in low]
    held = [p for p in high if p.shape.buffer(0).intersection(base).area > 0.8 * p.shape.area]
    return [p for p in low + held if (osm_tags.height_of(p.tags) or _STEP_M) >= _STEP_M]


def _roads(elements: Elements, at: dict[int, FloatArray]) -> Iterator[RealRoad]:
    """Return the streets, cut where they meet."""
    ways = [
        ([n for n in nodes if n in at], found)
        for nodes, tags in elements.ways.values()
        if (found := osm_tags.road_of(tags)) is not None
    ]
    met: dict[int, int] = {}
    for nodes, _ in ways:
        for node in set(nodes):
            met[node] = met.get(node, 0) + 1
    for nodes, road in ways:
        start = 0
        for k in range(1, len(nodes)):
            if met[nodes[k]] > 1 or k == len(nodes) - 1:
                points = np.array([at[n] for n in nodes[start : k + 1]], np.float32)
                yield RealRoad(points, road.kind, road.width_m, road.pavement_m)
                start = k


def _covers(shapes: Sequence[_Shape]) -> Iterator[RealCover]:
    """Return patches of ground, large ones first, so that small ones lie on top; paths last."""
    found: list[tuple[float, RealCover]] = []
    for item in shapes:
        if item.area and "building" not in item.tags:
            cover = osm_tags.cover_of(item.tags)
            if cover is not None:
                for polygon in polygons_of(item.shape):
                    found.append((polygon.area, RealCover(rings_of(polygon), *cover)))
        elif not item.area and (wide := osm_tags.waterway_m(item.tags)) is not None:
            found += _ribbon(item.shape, wide, Ground.WATER)
    found.sort(key=lambda pair: -pair[0])
    yield from (cover for _, cover in found)
    for item in shapes:
        if not item.area and (wide := osm_tags.path_width_m(item.tags)) is not None:
            yield from (cover for _, cover in _ribbon(item.shape, wide, Ground.PAVING))


def _ribbon(
    line: BaseGeometry, width_m: float, ground: Ground
) -> Iterable[tuple[float, RealCover]]:
    wide = line.buffer(width_m / 2, cap_style="flat", quad_segs=3)
    return [(p.area, RealCover(rings_of(p), ground)) for p in polygons_of(wide)]


def _trees(elements: Elements, at: dict[int, FloatArray], shapes: Sequence[_Shape]) -> FloatArray:
    spots = [
        at[n] for n, tags in elements.node_tags.items() if tags.get("natural") == "tree" and n in at
    ]
    for item in shapes:
        if item.tags.get("natural") == "tree_row" and not item.area:
            along = np.arange(0, item.shape.length, _TREE_ROW_M)
            points: list[Point] = [item.shape.interpolate(d) for d in along]
            spots += [np.array([p.x, p.y], np.float32) for p in points]
    return np.asarray(spots, np.float32).reshape(-1, 2)
