"""A user's own city as training data: a GeoParquet manifest beside its images.

One row an image: the satellite image of a place, or a street view. The manifest opens in QGIS. A
source whose terms forbid training is refused before anything is written, so that nothing of it can
get in. Blocks of the city, not single images, go to training, validation and test, 3:1:1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import geopandas
import numpy as np
import pandas
from PIL import Image
from shapely.geometry import Point

from model_core.config import StripGeometry
from model_core.errors import Cancelled, GeolocatorError, InputError
from model_core.references.area import LocalFrame
from model_core.references.prefetch import prefetch_imagery, prefetch_views
from model_core.references.survey import Survey
from model_core.references.terms import may_train
from model_core.types import (
    CancelCheck,
    LonLat,
    Place,
    Progress,
    ProgressCallback,
    SourceTerms,
    StreetView,
)

MANIFEST_FILE = "manifest.parquet"
BLOCK_M = 250.0
SATELLITE_MARGIN = 1.25
"""Satellite images reach this much farther than the model sees, for shifts in training."""

Split = Literal["train", "validation", "test"]
_SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")


@dataclass(frozen=True)
class ManifestRow:
    """One image: what it is of, where it is, and what its licence asks."""

    kind: Literal["satellite", "street_view"]
    image_id: str
    place_id: str
    split: Split
    path: str
    heading_deg: float | None
    heading_sigma_deg: float | None
    fov_deg: float | None
    projection: str
    footprint_m: float | None
    captured_at: datetime | None
    provider: str
    licence: str
    attribution: str


def collect_city(
    survey: Survey,
    folder: Path,
    geometry: StripGeometry,
    progress: ProgressCallback,
    cancel: CancelCheck,
) -> Path:
    """Write an area's images and their manifest, and return the manifest's path.

    Args:
        survey: The area with its sources.
        folder: A new or empty folder.
        geometry: Footprint and pixels of the satellite images.
        progress: Told of places and street views.
        cancel: Asked between images.

    Raises:
        InputError: A source's terms forbid training, or the folder holds something else.
        Cancelled: The user asked to stop; there is no manifest then.
    """
    for terms in survey.terms:
        may_train(terms)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; choose a new folder for the training set")
    prefetch_imagery(survey.imagery, survey.places, geometry, survey.summary, progress)
    prefetch_views(survey.client, survey.views.views, survey.summary, progress)
    rows: list[ManifestRow] = []
    points: list[Point] = []
    for done, (place, views) in enumerate(
        zip(survey.places, survey.views_of_place, strict=True), start=1
    ):
        if cancel():
            raise Cancelled("stopped while the training set was being written")
        split = split_of(place.lonlat, survey.area.center_lonlat)
        for row, lonlat in _rows_of_place(survey, place, views, split, folder, geometry):
            rows.append(row)
            points.append(Point(lonlat.lon, lonlat.lat))
        progress(Progress("collect", done, len(survey.places), place.place_id))
    if not rows:
        raise InputError("no image of the area could be had, so there is nothing to learn from")
    frame = geopandas.GeoDataFrame(
        pandas.DataFrame([_plain(row) for row in rows]), geometry=points, crs="EPSG:4326"
    )
    target = folder / MANIFEST_FILE
    temporary = target.with_suffix(".part")
    frame.to_parquet(temporary)
    temporary.replace(target)
    return target


def split_of(lonlat: LonLat, origin: LonLat) -> Split:
    """Return the part of the data that a position's block belongs to; the same in every run."""
    x_m, y_m = LocalFrame(origin).to_xy(lonlat.lon, lonlat.lat)
    block = (int(np.floor(x_m / BLOCK_M)), int(np.floor(y_m / BLOCK_M)))
    digest = hashlib.sha256(repr(block).encode()).digest()
    return _SPLITS[int.from_bytes(digest[:4], "big") % len(_SPLITS)]


def _rows_of_place(
    survey: Survey,
    place: Place,
    views: tuple[StreetView, ...],
    split: Split,
    folder: Path,
    geometry: StripGeometry,
) -> Iterator[tuple[ManifestRow, LonLat]]:
    """Yield the rows of a place's images, each written before."""
    satellite = _satellite_row(survey, place, split, folder, geometry)
    if satellite is not None:
        yield satellite, place.lonlat
    for view in views:
        row = _view_row(survey, place, view, split, folder)
        if row is not None:
            yield row, view.lonlat


def _satellite_row(
    survey: Survey, place: Place, split: Split, folder: Path, geometry: StripGeometry
) -> ManifestRow | None:
    """Write a place's satellite image; None where there is none or it cannot be read."""
    if survey.imagery is None:
        return None
    footprint_m = geometry.footprint_m * SATELLITE_MARGIN
    try:
        found = survey.imagery.read(place.lonlat, footprint_m, geometry.satellite_px)
    except GeolocatorError as err:
        survey.summary.add_failure(survey.imagery.terms.provider, str(err))
        return None
    if found is None:
        return None
    path = folder / "satellite" / f"{place.place_id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(found.image).save(path)
    return ManifestRow(
        "satellite",
        place.place_id,
        place.place_id,
        split,
        path.relative_to(folder).as_posix(),
        heading_deg=0.0,
        heading_sigma_deg=None,
        fov_deg=None,
        projection="north_up",
        footprint_m=footprint_m,
        captured_at=found.captured_at,
        **_credit(found.terms),
    )


def _view_row(
    survey: Survey, place: Place, view: StreetView, split: Split, folder: Path
) -> ManifestRow | None:
    """Write a street view's image as it came; None where it cannot be read."""
    try:
        data = view.path.read_bytes() if view.remote is None else view.remote.read()
    except (GeolocatorError, OSError) as err:
        survey.summary.add_view_failure(view, str(err))
        return None
    digest = hashlib.sha256(view.view_id.encode()).hexdigest()[:16]
    path = folder / "street_views" / f"{digest}{view.path.suffix or '.jpg'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return ManifestRow(
        "street_view",
        view.view_id,
        place.place_id,
        split,
        path.relative_to(folder).as_posix(),
        heading_deg=view.heading_deg,
        heading_sigma_deg=view.heading_sigma_deg,
        fov_deg=view.fov_deg,
        projection=view.projection,
        footprint_m=None,
        captured_at=view.captured_at,
        **_credit(view.terms),
    )


def _credit(terms: SourceTerms) -> dict[str, str]:
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
