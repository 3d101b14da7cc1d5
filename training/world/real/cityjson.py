"""CityJSON files as a real city: footprints and measured heights out of solids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import Polygon

from model_core.errors import InputError
from model_core.types import FloatArray
from training.world.ground_map import Ground
from training.world.real.city import RealBuilding, RealCity, RealCover
from training.world.real.frame import LocalFrame
from training.world.real.outlines import polygons_of, rings_of
from training.world.solids import Roof

_BUILDINGS = ("Building", "BuildingPart")
_COVERS = {"PlantCover": (Ground.GRASS, 0.35), "WaterBody": (Ground.WATER, 0.0)}
_ROOFS = {"1000": Roof.FLAT, "flat": Roof.FLAT, "1030": Roof.GABLE, "gabled": Roof.GABLE,
          "1040": Roof.HIP, "hipped": Roof.HIP}  # fmt: skip
_LOW_SHARE = 0.25
_FLOOR_SHARE = 0.6
_SLIVER_M2 = 1e-4
_DEPTH = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2,
          "CompositeSolid": 2}  # fmt: skip
Surface = list[list[int]]


def cityjson_city(data: dict[str, Any], path: Path) -> RealCity:
    """Return the city of a CityJSON file.

    Raises:
        InputError: The file names no coordinate system, or holds broken geometry.
    """
    try:
        vertices = _vertices(data)
        frame = LocalFrame.around(vertices[:, :2], _crs(data, path))
        points = np.column_stack([frame.metres(vertices[:, :2]), vertices[:, 2]])
        objects: dict[str, dict[str, Any]] = data["CityObjects"]
        buildings = tuple(_buildings(objects, points))
        covers = tuple(_covers(objects, points))
        paved = tuple(_paved(objects, points))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: broken CityJSON ({type(error).__name__}: {error}); run cjio validate"
        ) from error
    metadata = data.get("metadata", {})
    licence = str(metadata.get("license") or metadata.get("licence") or "not stated in the file")
    trees = _trees(objects, points)
    return RealCity(
        frame.center_lonlat, buildings, (), covers, paved, trees, path.name, licence
    )  # fmt: skip


def _vertices(data: dict[str, Any]) -> npt.NDArray[np.float64]:
    vertices = np.asarray(data["vertices"], np.float64).reshape(-1, 3)
    if not len(vertices):
        raise ValueError("no vertices")
    transform = data.get("transform")
    if transform:
        vertices = vertices * np.asarray(transform["scale"]) + np.asarray(transform["translate"])
    return vertices


def _crs(data: dict[str, Any], path: Path) -> CRS:
    """Return the horizontal part of the file's coordinate system."""
    name = str(data.get("metadata", {}).get("referenceSystem") or "")
    code = name.replace(":", "/").rsplit("/", 1)[-1]
    try:
        crs = CRS.from_epsg(int(code))
    except (CRSError, ValueError) as error:
        raise InputError(
            f"{path}: coordinate system {name!r} is unknown; set metadata.referenceSystem "
            "to an EPSG code (cjio crs_assign)"
        ) from error
    return CRS(crs.sub_crs_list[0]) if crs.is_compound else crs


def _surfaces(found: dict[str, Any]) -> list[tuple[Surface, str]]:
    """Return an object's most detailed surfaces (rings of vertex numbers) and what they are."""
    geometries = [g for g in found.get("geometry", ()) if g["type"] in _DEPTH]
    if not geometries:
        return []
    best = max(geometries, key=lambda g: float(g.get("lod", 0)))
    surfaces, semantics = best["boundaries"], best.get("semantics") or {}
    values = semantics.get("values")
    for _ in range(_DEPTH[best["type"]]):
        surfaces = [s for part in surfaces for s in part]
        values = [v for part in values for v in part or ()] if values else None
    if values is None or len(values) != len(surfaces):
        return [(surface, "") for surface in surfaces]
    kinds = semantics["surfaces"]
    return [
        (surface, "" if v is None else str(kinds[v]["type"]))
        for surface, v in zip(surfaces, values, strict=True)
    ]


def _union(surfaces: list[Surface], points: FloatArray) -> list[Polygon]:
    """Return what surfaces cover when seen from above."""
    outer = [surface[0] for surface in surfaces if len(surface[0]) > 2]
    if not outer:
        return []
    owner = np.repeat(np.arange(len(outer)), [len(ring) for ring in outer])
    rings = shapely.linearrings(points[np.concatenate(outer), :2], indices=owner)
    flat = np.asarray(shapely.polygons(rings))
    flat = shapely.make_valid(flat[shapely.area(flat) > _SLIVER_M2])
    whole = shapely.unary_union(flat)
    pierced = [ring for surface in surfaces for ring in surface[1:]]
    if pierced:
        whole = whole.difference(shapely.unary_union([Polygon(points[r, :2]) for r in pierced]))
    return polygons_of(whole.buffer(0.01, join_style="mitre").buffer(-0.01, join_style="mitre"))


def _buildings(objects: dict[str, dict[str, Any]], points: FloatArray) -> Iterator[RealBuilding]:
    owners: dict[str, int] = {}
    for name, found in objects.items():
        if found["type"] not in _BUILDINGS:
            continue
        root = (found.get("parents") or [name])[0]
        owner = owners.setdefault(root, len(owners))
        surfaces = _surfaces(found)
        if not surfaces:
            continue
        rows = np.unique([row for surface, _ in surfaces for ring in surface for row in ring])
        low, high = float(points[rows, 2].min()), float(points[rows, 2].max())
        attributes = found.get("attributes") or {}
        levels = attributes.get("storeysAboveGround")
        height = high - low if high - low > 1 else attributes.get("measuredHeight")
        roof = _ROOFS.get(str(attributes.get("roofType", "")).lower())
        for polygon in _footprint(surfaces, points, low + _LOW_SHARE * (high - low)):
            yield RealBuilding(
                rings_of(polygon), owner, None if height is None else float(height),
                None if levels is None else int(levels), roof,
            )  # fmt: skip


def _footprint(
    surfaces: list[tuple[Surface, str]], points: FloatArray, low_m: float
) -> list[Polygon]:
    """Return where a building stands: its ground surfaces, its lowest faces, or its shadow.

    Many solids have no floor, so the lowest faces count only if they carry most of the building.
    """
    ground = [s for s, kind in surfaces if kind == "GroundSurface"]
    if ground:
        return _union(ground, points)
    shadow = _union([s for s, _ in surfaces], points)
    floor = _union([s for s, _ in surfaces if _lies_below(s, points, low_m)], points)
    carried = sum(p.area for p in floor) > _FLOOR_SHARE * sum(p.area for p in shadow)
    return floor if carried else shadow


def _lies_below(surface: Surface, points: FloatArray, height_m: float) -> bool:
    return bool(points[[row for ring in surface for row in ring], 2].max() <= height_m)


def _covers(objects: dict[str, dict[str, Any]], points: FloatArray) -> Iterator[RealCover]:
    for found in objects.values():
        cover = _COVERS.get(found["type"])
        if cover is not None:
            for polygon in _union([s for s, _ in _surfaces(found)], points):
                yield RealCover(rings_of(polygon), *cover)


def _paved(
    objects: dict[str, dict[str, Any]], points: FloatArray
) -> Iterator[tuple[FloatArray, ...]]:
    roads = [s for o in objects.values() if o["type"] == "Road" for s, _ in _surfaces(o)]
    if roads:
        yield from (rings_of(p) for p in _union(roads, points))


def _trees(objects: dict[str, dict[str, Any]], points: FloatArray) -> FloatArray:
    """Return where single trees stand: the middle of their geometry."""
    spots = []
    for found in objects.values():
        surfaces = _surfaces(found) if found["type"] == "SolitaryVegetationObject" else []
        rows = [row for surface, _ in surfaces for ring in surface for row in ring]
        if rows:
            spots.append(points[rows, :2].mean(axis=0))
    return np.asarray(spots, np.float32).reshape(-1, 2)
