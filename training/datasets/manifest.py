"""A user's own city as training data: a GeoParquet manifest beside its images.

One row an image: the satellite image of a place, a street view, or a photo of the user's own. The
manifest opens in QGIS, where ``may_train`` and ``split`` may be changed by hand. What the terms of
a source, or of one of its images, forbid to learn from or to store is dropped before anything is
written, counted and said; imagery is what everything is compared with, so a source of imagery of
that kind refuses the city. Blocks of the world, not single images, go to training, validation and
test, 3:1:1, so that a place keeps its part in a larger area too.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal, get_args

import geopandas
import numpy as np
import numpy.typing as npt
import pandas
from PIL import Image
from scipy.spatial import cKDTree
from shapely.geometry import Point

from model_core.config import StripGeometry
from model_core.errors import Cancelled, GeolocatorError, InputError
from model_core.files import claim_folder, make_folder, replacing
from model_core.references.area import LocalFrame
from model_core.references.availability import StreetViewIndex, assign_views
from model_core.references.prefetch import places_together, prefetch_imagery, prefetch_views
from model_core.references.street_view import FolderStreetViews
from model_core.references.survey import Survey
from model_core.references.terms import may_cache, may_train
from model_core.types import (
    CancelCheck,
    LonLat,
    Place,
    Progress,
    ProgressCallback,
    SourceTerms,
    StreetView,
)
from training.datasets.load import MANIFEST_FILE
from training.datasets.places import CROP_MARGIN
from training.datasets.sequences import Frame, frames_of
from training.datasets.splits import BUFFER_M

_ROWS_A_DEGREE = 445
"""Blocks are 250 m high."""

UNFINISHED_FILE = ".unfinished"
PHOTO_REACH_M = 50.0
"""A photo farther than this from every place belongs to none."""

_EARTH_RADIUS_M = 6_371_008.8

Kind = Literal["satellite", "street_view", "photo"]
Split = Literal["train", "validation", "test"]
RowProjection = Literal["north_up", "perspective", "equirectangular"]
_ALLOWED: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "split": get_args(Split),
    "projection": get_args(RowProjection),
}
_SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
_FOLDERS: dict[Kind, str] = {
    "satellite": "satellite",
    "street_view": "street_views",
    "photo": "photos",
}


@dataclass(frozen=True)
class ManifestRow:
    """One image: what it is of, where it is, and what its licence asks.

    ``sequence`` names the drive or walk it was taken on, ``frame`` its number there; both are
    unknown where its time is. ``heading_sigma_deg`` says how far the heading may be off.
    """

    kind: Kind
    image_id: str
    place_id: str
    split: Split
    block: str
    path: str
    heading_deg: float | None
    heading_sigma_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    fov_deg: float | None
    projection: RowProjection
    footprint_m: float | None
    captured_at: datetime | None
    sequence: str
    frame: int | None
    provider: str
    licence: str
    attribution: str
    may_train: bool = True


def collect_city(
    survey: Survey,
    folder: Path,
    geometry: StripGeometry,
    progress: ProgressCallback,
    cancel: CancelCheck,
    photos: FolderStreetViews | None = None,
) -> Path:
    """Write an area's images and their manifest, and return the manifest's path.

    What could not be used, for terms that forbid training or storing too, is counted in the
    survey's summary.

    Args:
        survey: The area with its sources.
        folder: A new or empty folder, or one that collecting was stopped in.
        geometry: Footprint and pixels of the satellite images.
        progress: Told of places and street views.
        cancel: Asked between images.
        photos: The user's own geotagged photos of the area, to learn to find.

    Raises:
        InputError: There is no imagery, its terms forbid training or storing, the folder holds
            something else or cannot be written, or nothing is left.
        Cancelled: The user asked to stop; there is no manifest then.
    """
    if survey.imagery is None:
        raise InputError(
            "no place can be learnt from without a satellite image; name imagery with --imagery, "
            "or a --pack that holds some"
        )
    may_train(survey.imagery.terms)
    may_cache(survey.imagery.terms)
    claim_folder(folder, UNFINISHED_FILE)
    of_place = _views_of_place(survey, photos)
    frames = frames_of([view for found in of_place for view, _ in found])
    shown = replace(geometry, footprint_m=geometry.footprint_m * CROP_MARGIN)
    rows: list[ManifestRow] = []
    points: list[Point] = []
    done = 0
    for places in places_together(survey.client, survey.may_be_kept, survey.places):
        some = of_place[done : done + len(places)]
        prefetch_imagery(survey.imagery, places, shown, survey.summary, progress)
        views = [view for found in some for view, _ in found]
        prefetch_views(survey.client, views, survey.summary, progress)
        for place, found in zip(places, some, strict=True):
            if cancel():
                raise Cancelled("stopped while the training set was being written")
            for row, lonlat in _rows_of_place(survey, place, found, frames, folder, shown):
                rows.append(row)
                points.append(Point(lonlat.lon, lonlat.lat))
            done += 1
            progress(Progress("collect", done, len(survey.places), place.place_id))
    if not rows:
        raise InputError(
            "no image of the area could be had that may be learnt from "
            f"({survey.summary.describe() or 'nothing was found'}); name other sources"
        )
    frame = geopandas.GeoDataFrame(
        pandas.DataFrame([_plain(row) for row in rows]), geometry=points, crs="EPSG:4326"
    )
    target = folder / MANIFEST_FILE
    with replacing(target) as unfinished:
        frame.to_parquet(unfinished)
    (folder / UNFINISHED_FILE).unlink()
    return target


def count_kinds(folder: Path) -> dict[Kind, int]:
    """Return how many images of each kind a collected city holds.

    Raises:
        InputError: There is no manifest.
    """
    counts = Counter(row.kind for row, _ in read_manifest(folder))
    return {kind: counts[kind] for kind in get_args(Kind)}


def read_manifest(folder: Path) -> list[tuple[ManifestRow, LonLat]]:
    """Return the rows of a collected city and where their images were taken.

    Raises:
        InputError: There is no manifest, it lacks a column, or one holds an unknown value.
    """
    path = folder / MANIFEST_FILE
    try:
        table = geopandas.read_parquet(path).to_crs("EPSG:4326")
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: no manifest that can be read ({err}); collect anew") from err
    names = [field.name for field in fields(ManifestRow)]
    absent = [name for name in names if name not in table]
    if absent:
        raise InputError(f"{path}: lacks the columns {', '.join(absent)}; collect the city anew")
    for name, allowed in _ALLOWED.items():
        unknown = table.loc[~table[name].isin(allowed), name]
        if len(unknown):
            raise InputError(
                f"{path}: the column {name} holds {unknown.iloc[0]!r}; change it to one of "
                f"{', '.join(allowed)}"
            )
    rows = []
    for record, point in zip(table[names].to_dict("records"), table.geometry, strict=True):
        values: dict[str, Any] = {
            str(name): None if pandas.isna(value) else value for name, value in record.items()
        }
        values["frame"] = None if values["frame"] is None else int(values["frame"])
        values["sequence"] = values["sequence"] or ""
        rows.append((ManifestRow(**values), LonLat(point.x, point.y)))
    return rows


def check_apart(cities: Sequence[Path], held_out: Sequence[Path] | None = None) -> None:
    """Return when no places of two collected cities lie as near as those of two parts may not.

    Args:
        cities: Their folders.
        held_out: Compare what these cities hold with what the others train on, and nothing else.

    Raises:
        InputError: Two overlap, or a folder has no manifest.
    """
    learned: Split | None = None if held_out is None else "train"
    found = [(city, _positions_m(city, learned)) for city in cities]
    others = [(city, _positions_m(city)) for city in held_out or ()]
    pairs = combinations(found, 2) if held_out is None else product(found, others)
    for (one, mine), (other, theirs) in pairs:
        if len(mine) and len(theirs) and cKDTree(theirs).query(mine)[0].min() < BUFFER_M:
            raise InputError(
                f"{one} and {other}: places of the two lie within {BUFFER_M:g} m of each other; "
                "leave one out, or collect both as one area"
            )


def _positions_m(folder: Path, split: Split | None = None) -> npt.NDArray[np.float64]:
    """Return where the places of a collected city lie on the globe, (N, 3) metres."""
    lonlats = [
        lonlat
        for row, lonlat in read_manifest(folder)
        if row.kind == "satellite" and row.may_train and split in (None, row.split)
    ]
    lon, lat = np.radians([(at.lon, at.lat) for at in lonlats]).reshape(-1, 2).T
    level = np.cos(lat)
    xyz = np.stack([level * np.cos(lon), level * np.sin(lon), np.sin(lat)], axis=1)
    return _EARTH_RADIUS_M * xyz


def splits_of(folder: Path) -> set[Split]:
    """Return the parts that places of a collected city belong to which may be learnt from.

    Raises:
        InputError: There is no manifest, or it lacks a column.
    """
    rows = (row for row, _ in read_manifest(folder))
    return {row.split for row in rows if row.kind == "satellite" and row.may_train}


def block_of(lonlat: LonLat) -> tuple[int, int]:
    """Return column and row of the block of the world that a position lies in, about 250 m a side.

    Rows are counted north of the equator, columns east of the antimeridian. Within a degree of
    latitude all rows have as many columns, so that blocks stand above each other: as many as make
    them square in its middle, and a multiple of five, so that the pattern of ``split_of`` closes.
    """
    row = math.floor(lonlat.lat * _ROWS_A_DEGREE)
    middle = row // _ROWS_A_DEGREE + 0.5
    around = 360 * _ROWS_A_DEGREE * math.cos(math.radians(middle))
    columns = len(_SPLITS) * max(1, round(around / len(_SPLITS)))
    return math.floor((lonlat.lon + 180.0) / 360.0 * columns) % columns, row


def split_of(lonlat: LonLat) -> Split:
    """Return the part of the data that a position's block belongs to, wherever areas end.

    Any five blocks side by side, or above each other within a degree of latitude, hold all parts,
    and so do any three by three.
    """
    column, row = block_of(lonlat)
    return _SPLITS[(column + 2 * row) % len(_SPLITS)]


Found = list[tuple[StreetView, Kind]]


def _views_of_place(survey: Survey, photos: FolderStreetViews | None) -> list[Found]:
    """Return what was taken near each place and may be learnt from; count what may not."""
    own: list[list[StreetView]] = [[] for _ in survey.places]
    if photos is not None:
        found = photos.views()
        if photos.skipped:
            name, reason = next(iter(photos.skipped.items()))
            survey.summary.add_failure(
                photos.terms.provider, f"{name}: {reason}", count=len(photos.skipped)
            )
        index = StreetViewIndex(found, LocalFrame(survey.area.center_lonlat))
        own = assign_views(survey.places, index, PHOTO_REACH_M)
        away = len(found) - sum(map(len, own))
        if away:
            said = f"photos lie farther than {PHOTO_REACH_M:g} m from every place"
            survey.summary.add_failure(photos.terms.provider, said, "too far away", away)
    every: list[Found] = []
    for views, mine in zip(survey.views_of_place, own, strict=True):
        every.append([(v, "street_view") for v in views])
        every[-1] += [(v, "photo") for v in mine]
    forbidden: Counter[SourceTerms] = Counter(
        view.terms for found in every for view, _ in found if not _may_be_written(view.terms)
    )
    for terms, count in forbidden.items():
        _count_forbidden(survey, terms, count)
    return [[(v, kind) for v, kind in found if _may_be_written(v.terms)] for found in every]


def _may_be_written(terms: SourceTerms) -> bool:
    return terms.trainable and terms.cacheable


def _count_forbidden(survey: Survey, terms: SourceTerms, count: int = 1) -> None:
    what = "storing" if terms.trainable else "training"
    survey.summary.add_failure(
        terms.provider,
        f"its terms ({terms.licence}) forbid {what}",
        f"terms forbid {what}",
        count,
    )


def _rows_of_place(
    survey: Survey,
    place: Place,
    found: Found,
    frames: dict[str, Frame],
    folder: Path,
    geometry: StripGeometry,
) -> Iterator[tuple[ManifestRow, LonLat]]:
    """Yield the rows of a place's images, each written before."""
    of_place: dict[str, Any] = {
        "place_id": place.place_id,
        "split": split_of(place.lonlat),
        "block": "{},{}".format(*block_of(place.lonlat)),
    }
    satellite = _satellite_row(survey, place, of_place, folder, geometry)
    if satellite is not None:
        yield satellite, place.lonlat
    for view, kind in found:
        row = _view_row(survey, view, kind, of_place, frames[view.view_id], folder)
        if row is not None:
            yield row, view.lonlat


def _satellite_row(
    survey: Survey, place: Place, of_place: dict[str, Any], folder: Path, geometry: StripGeometry
) -> ManifestRow | None:
    """Write a place's satellite image; None where none can be read that may be learnt from."""
    if survey.imagery is None:
        return None
    footprint_m = geometry.footprint_m
    try:
        found = survey.imagery.read(place.lonlat, footprint_m, geometry.satellite_px)
    except GeolocatorError as err:
        survey.summary.add_failure(survey.imagery.terms.provider, str(err))
        return None
    if found is None:
        return None
    if not _may_be_written(found.terms):
        _count_forbidden(survey, found.terms)
        return None
    if found.failed:
        said = "images lack what could not be had; collect again for them"
        survey.summary.add_failure(found.terms.provider, said, "incomplete")
        return None
    path = folder / _FOLDERS["satellite"] / f"{place.place_id}.png"
    make_folder(path.parent)
    with replacing(path) as unfinished:
        Image.fromarray(found.image).save(unfinished)
    return ManifestRow(
        kind="satellite",
        image_id=place.place_id,
        path=path.relative_to(folder).as_posix(),
        heading_deg=0.0,
        heading_sigma_deg=None,
        pitch_deg=None,
        roll_deg=None,
        fov_deg=None,
        projection="north_up",
        footprint_m=footprint_m,
        captured_at=found.captured_at,
        sequence="",
        frame=None,
        **of_place,
        **_credit(found.terms),
    )


def _view_row(
    survey: Survey,
    view: StreetView,
    kind: Kind,
    of_place: dict[str, Any],
    frame: Frame,
    folder: Path,
) -> ManifestRow | None:
    """Write a street view's or photo's image as it came; None where it cannot be read."""
    try:
        data = view.path.read_bytes() if view.remote is None else view.remote.read()
    except (GeolocatorError, OSError) as err:
        survey.summary.add_view_failure(view, str(err))
        return None
    digest = hashlib.sha256(view.view_id.encode()).hexdigest()[:16]
    path = folder / _FOLDERS[kind] / f"{digest}{view.path.suffix or '.jpg'}"
    make_folder(path.parent)
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)
    return ManifestRow(
        kind=kind,
        image_id=view.view_id,
        path=path.relative_to(folder).as_posix(),
        heading_deg=view.heading_deg,
        heading_sigma_deg=None if view.heading_deg is None else view.heading_sigma_deg,
        pitch_deg=view.pitch_deg,
        roll_deg=view.roll_deg,
        fov_deg=view.fov_deg,
        projection=view.projection,
        footprint_m=None,
        captured_at=view.captured_at,
        sequence=frame.sequence,
        frame=frame.number,
        **of_place,
        **_credit(view.terms),
    )


def _credit(terms: SourceTerms) -> dict[str, Any]:
    return {
        "provider": terms.provider,
        "licence": terms.licence,
        "attribution": terms.attribution,
    }


def _plain(row: ManifestRow) -> dict[str, Any]:
    """Return a row for a table: times in UTC, since one column holds one zone."""
    values = asdict(row)
    taken = row.captured_at
    if taken is not None:
        values["captured_at"] = taken.replace(tzinfo=taken.tzinfo or UTC).astimezone(UTC)
    return values
