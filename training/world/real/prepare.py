"""Real files made ready for the renderer: outlines to boxes, gaps to streets, heights filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import Polygon

from model_core.references.terms import LOCAL_IMAGERY, may_train, stated_terms
from model_core.types import FloatArray, SourceTerms
from training.world.ground_map import Ground
from training.world.real.boxes import BoxCover, cover_with_boxes
from training.world.real.city import RealCity, RealCover, RealRoad
from training.world.real.gaps import streets_along, streets_between
from training.world.real.heights import HeightFrom, fill_heights
from training.world.real.held_out import split_of
from training.world.real.outlines import polygon_of
from training.world.real.photo import read_ground_photo
from training.world.real.prepared import (
    ROAD_KINDS,
    About,
    PreparedCity,
    Split,
    save_prepared,
)
from training.world.real.read import read_real_city

_PHOTO_MARGIN_M = 60.0


def prepare_geometry(
    files: Sequence[Path],
    out: Path,
    ground_photo: Path | None = None,
    split: Split | None = None,
    seed: int = 0,
) -> PreparedCity:
    """Write a folder of one real city for the renderer and return what is in it.

    Args:
        files: OSM XML, Overpass responses or CityJSON of one place.
        out: The folder; replaced if it is there.
        ground_photo: A georeferenced raster, shown on the ground; its terms are those stated
            beside it, else the user's own.
        split: What the city may be used for; fixed for some places, else ``train``.
        seed: Of the heights that are drawn.

    Raises:
        InputError: A file cannot be used, or the photo's terms forbid what the city is for.
    """
    city = read_real_city(files)
    kept_for = split_of(city, split)
    terms = None if ground_photo is None else stated_terms(LOCAL_IMAGERY, ground_photo)
    if terms is not None and kept_for == "train":
        may_train(terms)
    prepared = prepare_city(city, out.name, kept_for, seed)
    if ground_photo is not None and terms is not None:
        low, high = _extent(prepared.building_center, _PHOTO_MARGIN_M)
        photo = read_ground_photo(ground_photo, city.center_lonlat, low, high)
        about = replace(
            prepared.about,
            source=f"{city.source}, {terms.provider}",
            licence=f"{city.licence}; ground photo: {_described(terms)}",
        )
        prepared = replace(prepared, photo=photo, about=about)
    save_prepared(prepared, out)
    return prepared


def _described(terms: SourceTerms) -> str:
    """Return a photo's terms in words."""
    said = [terms.licence, terms.attribution, "" if terms.trainable else "not to be trained on"]
    return ", ".join(filter(None, said))


def prepare_city(city: RealCity, name: str, split: Split, seed: int) -> PreparedCity:
    """Return a real city as the renderer's boxes, streets and ground."""
    buildings = [b for b in city.buildings if polygon_of(b.rings).area > 0]
    outlines = [polygon_of(b.rings) for b in buildings]
    area = np.array([p.area for p in outlines], np.float32)
    center = np.array([p.centroid.coords[0] for p in outlines], np.float32).reshape(-1, 2)
    height, origin = fill_heights(buildings, center, area, seed)
    covers = [cover_with_boxes(p) for p in outlines]
    roads, invented = _roads(city, outlines)
    many = [len(c.half) for c in covers]
    _, owner = np.unique([b.owner for b in buildings], return_inverse=True)
    roof = np.array([-1 if b.roof is None else int(b.roof) for b in buildings], np.int8)
    patches = list(city.covers) + [RealCover(rings, Ground.PAVEMENT) for rings in city.paved]
    counts = _counts(outlines, covers, origin, len(set(owner)), roads)
    counts["streets_derived"] = float(invented)
    about = About(name, city.center_lonlat, split, city.source, city.licence, counts)
    middle, total = _by_owner(center, area, owner)
    boxes: dict[str, Any] = {
        "box_center": np.concatenate([c.center for c in covers]),
        "box_axis": np.concatenate([c.axis for c in covers]),
        "box_half": np.concatenate([c.half for c in covers]),
        "box_height_m": np.repeat(height, many),
        "box_roof": np.repeat(roof, many),
        "box_owner": np.repeat(owner, many).astype(np.int32),
    }
    seen = ~_hidden(boxes)
    return PreparedCity(
        about=about,
        **{name: column[seen] for name, column in boxes.items()},
        building_center=middle,
        building_area_m2=total,
        **_road_arrays(roads),
        **_cover_arrays(patches),
        trees=city.trees,
    )


def _hidden(boxes: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Return which boxes (b,) lie wholly inside a taller one of the same building."""
    hidden = np.zeros(len(boxes["box_owner"]), np.bool_)
    order = np.argsort(boxes["box_owner"], kind="stable")
    starts = np.flatnonzero(np.diff(boxes["box_owner"][order])) + 1
    for rows in np.split(order, starts):
        center, axis = boxes["box_center"][rows], boxes["box_axis"][rows]
        half, height = boxes["box_half"][rows], boxes["box_height_m"][rows]
        left = np.stack([-axis[:, 1], axis[:, 0]], 1)
        reach = []
        for way, long in ((axis, half[:, 0]), (left, half[:, 1])):
            off = np.abs(np.einsum("kjd,jd->kj", center[:, None] - center[None], way))
            span = np.abs(axis @ way.T) * half[:, :1] + np.abs(left @ way.T) * half[:, 1:]
            reach.append(off + span <= long[None] + 0.05)
        taller = height[None] > height[:, None] + 0.01
        hidden[rows] = (reach[0] & reach[1] & taller).any(axis=1)
    return hidden


def _by_owner(
    center: FloatArray, area: FloatArray, owner: npt.NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return the middle (n, 2) and area (n,) of buildings out of their parts'."""
    total = np.bincount(owner, area)
    middle = np.stack([np.bincount(owner, area * center[:, k]) / total for k in (0, 1)], 1)
    return middle.astype(np.float32), total.astype(np.float32)


def _roads(city: RealCity, outlines: Sequence[Polygon]) -> tuple[list[RealRoad], bool]:
    """Return the streets and whether they had to be derived."""
    if city.roads:
        return list(city.roads), False
    if city.paved:
        return streets_along([polygon_of(rings) for rings in city.paved]), True
    return streets_between(outlines), True


def _road_arrays(roads: Sequence[RealRoad]) -> dict[str, Any]:
    points, start = _joined([r.points for r in roads])
    return {
        "road_points": points,
        "road_start": start,
        "road_kind": np.array([ROAD_KINDS.index(r.kind) for r in roads], np.uint8),
        "road_width_m": np.array([r.width_m for r in roads], np.float32),
        "road_pavement_m": np.array([r.pavement_m for r in roads], np.float32),
    }


def _cover_arrays(covers: Sequence[RealCover]) -> dict[str, Any]:
    points, start = _joined([ring for c in covers for ring in c.rings])
    cover = np.repeat(np.arange(len(covers)), [len(c.rings) for c in covers])
    return {
        "ring_points": points,
        "ring_start": start,
        "ring_cover": cover.astype(np.int32),
        "cover_ground": np.array([c.ground for c in covers], np.uint8),
        "cover_trees": np.array([c.trees for c in covers], np.float32),
    }


def _joined(lines: Sequence[FloatArray]) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    start = np.cumsum([0, *(len(line) for line in lines)]).astype(np.int32)
    return np.concatenate([np.zeros((0, 2), np.float32), *lines]).astype(np.float32), start


def _extent(points: FloatArray, margin_m: float) -> tuple[FloatArray, FloatArray]:
    return points.min(axis=0) - margin_m, points.max(axis=0) + margin_m


def _counts(
    outlines: Sequence[Polygon],
    covers: Sequence[BoxCover],
    origin: npt.NDArray[np.uint8],
    buildings: int,
    roads: Sequence[RealRoad],
) -> dict[str, float]:
    """Return what is in a city."""
    hull = shapely.convex_hull(shapely.union_all([p.envelope for p in outlines])).buffer(30)
    counts = {
        "buildings": float(buildings),
        "footprints": float(len(outlines)),
        "boxes": float(sum(len(c.half) for c in covers)),
        "mean_iou": round(float(np.mean([c.iou for c in covers])), 4),
        "with_height": float((origin == HeightFrom.MEASURED).sum()),
        "with_levels": float((origin == HeightFrom.LEVELS).sum()),
        "filled_in": float((origin > HeightFrom.LEVELS).sum()),
        "roads": float(len(roads)),
        "road_km": round(sum(shapely.LineString(r.points).length for r in roads) / 1000, 2),
        "km2": round(hull.area / 1e6, 4),
    }
    return counts
