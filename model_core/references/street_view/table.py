"""Street views listed in a table: CSV, GeoPackage, GeoJSON or any point layer."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from model_core.errors import StreetViewError
from model_core.files import without_marks
from model_core.references.terms import LOCAL_STREET_VIEWS, licence_forbids_training
from model_core.references.vector import VectorSource
from model_core.types import SourceTerms

_COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "photo", "image", "relpath"),
    "stem": ("id", "name", "image_id", "key"),
    "lon": ("lon", "long", "longitude", "lng", "x"),
    "lat": ("lat", "latitude", "y"),
    "heading_deg": (
        "heading_deg",
        "heading",
        "azimut",
        "azimuth",
        "view:azimuth",
        "compass_angle",
        "direction",
        "bearing",
    ),
    "heading_sigma_deg": ("heading_sigma_deg",),
    "pitch_deg": ("pitch_deg", "pitch"),
    "roll_deg": ("roll_deg", "roll"),
    "fov_deg": ("fov_deg", "fov", "hfov", "field_of_view"),
    "captured_at": ("captured_at", "datetime", "timestamp", "date", "capture_time"),
    "projection": ("projection", "projection_type"),
    "view_id": ("view_id",),
    "sequence": ("sequence", "sequence_id"),
    "provider": ("provider",),
    "licence": ("licence", "license"),
    "attribution": ("attribution",),
    "trainable": ("trainable",),
    "displayable_beside_map": ("displayable_beside_map",),
}
_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif")
_TEXT_ENDINGS = (".csv", ".tsv", ".txt")
_EXIF_DATE = re.compile(r"^(\d{4}):(\d{2}):(\d{2})")
_YEAR_MONTH = re.compile(r"^\d{4}-\d{2}$")
_LEAST_MILLISECONDS = 10**11
_NO = ("no", "false", "0")
_TERMS = ("provider", "licence", "attribution", "trainable", "displayable_beside_map")


@dataclass(frozen=True)
class TableRow:
    """One row: where the image is and what the table says of it, None where it says nothing.

    ``terms`` are those of the image's source, where the row names one.
    """

    number: int
    path: Path
    lon: float | None
    lat: float | None
    heading_deg: float | None
    heading_sigma_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    fov_deg: float | None
    captured_at: datetime | None
    projection: str
    view_id: str = ""
    sequence: str = ""
    terms: SourceTerms | None = None


def read_table(path: Path) -> list[TableRow]:
    """Return the rows of a table of street views, in order.

    Columns, in any case: ``path`` (relative to the table, or an ``id`` that is an image's name
    without its ending), ``lon`` and ``lat`` or a point geometry in any CRS, ``heading_deg``,
    ``fov_deg`` (360 for panoramas), ``captured_at`` and, rarely, ``projection``, ``pitch_deg``,
    ``roll_deg``. Common other names (``long``, ``azimut``, ``fov``, ``datetime``) are understood.
    Images of a source may carry its ``provider``, ``licence``, ``attribution``, ``trainable`` and
    ``displayable_beside_map``, and their ``view_id`` and ``sequence`` there.

    Raises:
        StreetViewError: It is no table, or names no images.
    """
    source = VectorSource.parse(str(path))
    records = (
        list(_csv_records(source.path))
        if source.path.suffix.lower() in _TEXT_ENDINGS
        else list(_layer_records(source))
    )
    if not records:
        raise StreetViewError(f"{path}: the table of street views has no rows; fill it in")
    names = {column.strip().lower(): column for column in records[0]}
    chosen = {
        field: next((names[alias] for alias in aliases if alias in names), None)
        for field, aliases in _COLUMNS.items()
    }
    if chosen["path"] is None and chosen["stem"] is None:
        raise StreetViewError(
            f"{path}: no column says where the images are; name one 'path' "
            f"(columns found: {', '.join(records[0])})"
        )
    folder = source.path.parent
    return [_row(number, record, chosen, folder) for number, record in enumerate(records, start=1)]


def _csv_records(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=first.count)
            yield from csv.DictReader(file, delimiter=delimiter, restkey="_more")
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise StreetViewError(
            f"{path}: cannot be read as a table ({err}); save it as CSV in UTF-8"
        ) from err


def _layer_records(source: VectorSource) -> Iterator[Mapping[str, Any]]:
    try:
        with without_marks(source.path) as readable:
            source = replace(source, readable=readable)
            layer = source.layer or _first_point_layer(source)
            frame = pyogrio.read_dataframe(source.gdal_path, layer=layer, where=source.where)
        if isinstance(frame, geopandas.GeoDataFrame):
            frame = _with_lonlat(source.path, frame)
    except (DataSourceError, DataLayerError, ValueError) as err:
        raise StreetViewError(
            f"{source.path}: cannot be read as a table of street views ({err}); "
            "give CSV, GeoPackage or GeoJSON"
        ) from err
    yield from frame.to_dict("records")


def _first_point_layer(source: VectorSource) -> str | None:
    layers = pyogrio.list_layers(source.gdal_path)
    with_points = [str(name) for name, kind in layers if kind and "point" in kind.lower()]
    return with_points[0] if with_points else None


def _with_lonlat(path: Path, frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Return the table with columns lon and lat made from its points, which win."""
    points = frame.geometry.notna() & (frame.geometry.geom_type == "Point")
    if not points.any():
        return frame
    if frame.crs is None:
        raise StreetViewError(
            f"{path}: the layer has no coordinate reference system; assign one and save it again"
        )
    kept = frame.loc[:, [c for c in frame if str(c).lower() not in _position_columns()]].copy()
    geometry = frame.geometry.to_crs("EPSG:4326")
    kept["lon"] = [g.x if ok else None for g, ok in zip(geometry, points, strict=True)]
    kept["lat"] = [g.y if ok else None for g, ok in zip(geometry, points, strict=True)]
    return kept


def _position_columns() -> frozenset[str]:
    return frozenset(_COLUMNS["lon"] + _COLUMNS["lat"])


def _row(
    number: int, record: Mapping[str, Any], chosen: Mapping[str, str | None], folder: Path
) -> TableRow:
    def value(field: str) -> Any:
        column = chosen[field]
        return None if column is None else record.get(column)

    return TableRow(
        number=number,
        path=_image_path(value("path"), value("stem"), folder),
        lon=_number(value("lon")),
        lat=_number(value("lat")),
        heading_deg=_number(value("heading_deg")),
        heading_sigma_deg=_number(value("heading_sigma_deg")),
        pitch_deg=_number(value("pitch_deg")),
        roll_deg=_number(value("roll_deg")),
        fov_deg=_field_of_view(value("fov_deg")),
        captured_at=_moment(value("captured_at")),
        projection=str(value("projection") or "").strip().lower(),
        view_id=_text(value("view_id")),
        sequence=_text(value("sequence")),
        terms=_terms(value),
    )


def _terms(value: Callable[[str], Any]) -> SourceTerms | None:
    """Return the terms that a row states; what it leaves open is as for one's own files.

    A licence that forbids changes or commerce forbids training too, unless the row says otherwise.
    """
    stated = {name: _text(value(name)) for name in _TERMS}
    if not any(stated.values()):
        return None
    provider = stated["provider"] or LOCAL_STREET_VIEWS.provider
    licence = stated["licence"]
    return SourceTerms(
        provider=provider,
        licence=licence or SourceTerms(provider).licence,
        attribution=stated["attribution"],
        trainable=_yes(stated["trainable"], not licence_forbids_training(licence)),
        displayable_beside_map=_yes(stated["displayable_beside_map"], True),
    )


def _yes(text: str, otherwise: bool) -> bool:
    """Return what a column says of yes and no; columns with gaps hold numbers as 0.0 and 1.0."""
    return text.lower().removesuffix(".0") not in _NO if text else otherwise


def _text(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text.lower() in ("nan", "none") else text


def _image_path(path: Any, stem: Any, folder: Path) -> Path:
    if isinstance(path, str) and path.strip():
        return folder / Path(path.strip())
    name = str(stem or "").strip()
    for ending in _IMAGE_ENDINGS if name else ():
        for candidate in (folder / f"{name}{ending}", folder / f"{name}{ending.upper()}"):
            if candidate.is_file():
                return candidate
    return folder / name


def _number(value: Any) -> float | None:
    try:
        number = float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _field_of_view(value: Any) -> float | None:
    """Return degrees; tables write 0 for what is not known, and more than a circle is none."""
    degrees = _number(value)
    return degrees if degrees is not None and 0.0 < degrees <= 360.0 else None


def _moment(value: Any) -> datetime | None:
    """Return a date out of ISO 8601, EXIF's form, a year and month, or epoch milliseconds."""
    text = str(value).strip()
    number = _number(text)
    try:
        if number is not None and number >= _LEAST_MILLISECONDS:
            return datetime.fromtimestamp(number / 1000.0, tz=UTC)
        if _YEAR_MONTH.match(text):
            text = f"{text}-15"
        text = _EXIF_DATE.sub(r"\1-\2-\3", text)
        return datetime.fromisoformat(text.replace("Z", "+00:00").replace("/", "-"))
    except (ValueError, OverflowError, OSError):
        return None
