"""The GeoPackage of one run: every answer and decision is written whole, at once.

Each write is one transaction over all tables, so that a killed QGIS leaves either all of an answer
or nothing of it. Candidates and fields of view are layers that QGIS shows as they are; ``photos``
and ``run`` hold what is needed to open the results again.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr, osr

from ..i18n import tr
from .candidate import COLUMNS as CANDIDATE_COLUMNS
from .candidate import Candidate, PhotoRecord
from .wedge import wedge_of

CANDIDATES = "candidates"
VIEWS = "fields_of_view"
PHOTOS = "photos"
RUN = "run"
STYLES = "layer_styles"
"""The table that QGIS reads styles from, with the columns that it gives it."""

_TAKE_PROVENANCE = (
    "UPDATE candidates SET"
    " model_hash = (SELECT value FROM run WHERE key = 'model_hash'),"
    " software_version = (SELECT value FROM run WHERE key = 'software_version')"
)
_TAKE_TIMES = (
    "UPDATE {} SET"
    " captured_at = (SELECT captured_at FROM photos WHERE photos.path = photo_path)"
    " WHERE captured_at IS NULL"
)
_TIMES = ("street_view_date", "decided_at", "captured_at")
_WHOLE = ("rank", "inliers", "candidate")
_TRUE_OR_FALSE = ("not_in_area",)
_NUMBERS = (
    "score",
    "probability",
    "heading_deg",
    "heading_sigma_deg",
    "fov_deg",
    "precision_m",
    "error_m",
    "heading_error_deg",
    "moved_from_lon",
    "moved_from_lat",
    "probability_elsewhere",
)
VIEW_COLUMNS = (
    "photo",
    "rank",
    "probability",
    "heading_deg",
    "heading_sigma_deg",
    "fov_deg",
    "place_id",
    "photo_sha256",
    "status",
    "photo_path",
    "captured_at",
    "candidate",
)
PHOTO_COLUMNS = tuple(f.name for f in dataclasses.fields(PhotoRecord))
RUN_COLUMNS = ("key", "value")


class StoreError(Exception):
    """The GeoPackage cannot be read or written; the message names it and the next step."""


class ResultStore:
    """Reads and writes the GeoPackage at ``path``; holds nothing open between two calls."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, run: Mapping[str, str]) -> ResultStore:
        """Make a GeoPackage with empty tables, and the values of the run by their key.

        Raises:
            StoreError: The file is there already, or cannot be made.
        """
        if path.exists():
            raise StoreError(tr("{}: is there already; choose another output folder").format(path))
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            made = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
            with _transaction(made, path):
                _add_table(made, CANDIDATES, ogr.wkbPoint, CANDIDATE_COLUMNS)
                _add_table(made, VIEWS, ogr.wkbPolygon, VIEW_COLUMNS)
                _add_table(made, PHOTOS, ogr.wkbNone, PHOTO_COLUMNS)
                _add_table(made, RUN, ogr.wkbNone, RUN_COLUMNS)
                _set_run(made, run)
        return cls(path)

    def uri(self, table: str) -> str:
        """Return how QGIS opens one of the tables."""
        return f"{self.path}|layername={table}"

    def add(
        self, candidates: Sequence[Candidate], record: PhotoRecord | None = None
    ) -> tuple[Candidate, ...]:
        """Write new candidates with their wedges, and the photo they belong to; return them stored.

        Raises:
            StoreError: The file cannot be written.
        """
        stored = []
        with self._writing() as opened:
            points, views = opened.GetLayerByName(CANDIDATES), opened.GetLayerByName(VIEWS)
            for candidate in candidates:
                row = _feature(points, CANDIDATE_COLUMNS, vars(candidate))
                row.SetGeometry(_point(candidate))
                _done(points.CreateFeature(row))
                kept = dataclasses.replace(candidate, fid=row.GetFID())
                view = _feature(views, VIEW_COLUMNS, _view_values(kept))
                view.SetGeometry(_polygon(kept))
                _done(views.CreateFeature(view))
                stored.append(kept)
            if record is not None:
                photos = opened.GetLayerByName(PHOTOS)
                values = {**vars(record), "notes": "\n".join(record.notes)}
                _done(photos.CreateFeature(_feature(photos, PHOTO_COLUMNS, values)))
        return tuple(stored)

    def update(self, candidates: Sequence[Candidate]) -> None:
        """Write stored candidates anew, and their wedges with them.

        Raises:
            StoreError: The file cannot be written, or a candidate is no longer in it.
        """
        with self._writing() as opened:
            points = opened.GetLayerByName(CANDIDATES)
            for candidate in candidates:
                row = _feature(points, CANDIDATE_COLUMNS, vars(candidate))
                row.SetFID(candidate.fid)
                row.SetGeometry(_point(candidate))
                _done(points.SetFeature(row))
            _set_views(opened, candidates)

    def follow(self, changed: Sequence[Candidate], gone: Sequence[int]) -> None:
        """Write the wedges of candidates that were changed elsewhere, and drop those of gone ones.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._writing() as opened:
            _set_views(opened, changed)
            views = opened.GetLayerByName(VIEWS)
            views.SetAttributeFilter(f"candidate IN ({_listed(gone)})")
            for view in list(views):
                _done(views.DeleteFeature(view.GetFID()))

    def set_provenance(self, model_hash: str, software_version: str) -> None:
        """Write into every candidate what it was made with.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._writing() as opened:
            _set_run(opened, {"model_hash": model_hash, "software_version": software_version})
            _execute(opened, _TAKE_PROVENANCE)

    def set_captured_at(self, captured_at: Mapping[str, str]) -> None:
        """Write when photos were taken, ISO 8601 by path, where no time is there yet.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._writing() as opened:
            photos = opened.GetLayerByName(PHOTOS)
            photos.SetAttributeFilter("captured_at IS NULL")
            for row in list(photos):
                moment = captured_at.get(row.GetField("path"))
                if moment:
                    row.SetField("captured_at", moment)
                    _done(photos.SetFeature(row))
            _execute(opened, "CREATE INDEX IF NOT EXISTS photos_path ON photos (path)")
            for table in (CANDIDATES, VIEWS):
                _execute(opened, _TAKE_TIMES.format(table))

    def set_run(self, values: Mapping[str, str]) -> None:
        """Write values of the run by their key; a key that is there is replaced.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._writing() as opened:
            _set_run(opened, values)

    def keep_style(self, table: str, qml: str) -> None:
        """Keep a style as the default of a table, where QGIS looks for it.

        QGIS's own call would switch the file to write-ahead logging, in which layers that are open
        already can no longer read it.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._writing() as opened:
            styles = opened.GetLayerByName(STYLES) or _add_styles(opened)
            values = {
                "f_table_catalog": "",
                "f_table_schema": "",
                "f_table_name": table,
                "f_geometry_column": opened.GetLayerByName(table).GetGeometryColumn(),
                "styleName": table,
                "styleQML": qml,
                "styleSLD": "",
                "description": "CSI Geolocator",
                "owner": "",
            }
            row = ogr.Feature(styles.GetLayerDefn())
            for name, value in values.items():
                row.SetField(name, value)
            row.SetField("useAsDefault", 1)
            _done(styles.CreateFeature(row))

    def run(self) -> Mapping[str, str]:
        """Return the values of the run by their key.

        Raises:
            StoreError: The file cannot be read, or holds no run.
        """
        with self._reading() as opened:
            return {row.GetField("key"): row.GetField("value") for row in _table(opened, RUN)}

    def photos(self) -> tuple[PhotoRecord, ...]:
        """Return the answered photos in the order of their answers.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._reading() as opened:
            rows = [_values(row, PHOTO_COLUMNS) for row in _table(opened, PHOTOS)]
        return tuple(
            PhotoRecord(
                **{
                    **row,
                    "not_in_area": bool(row["not_in_area"]),
                    "notes": tuple((row["notes"] or "").splitlines()),
                    "captured_at": row["captured_at"] or "",
                    "error": row["error"] or "",
                    "photo_sha256": row["photo_sha256"] or "",
                }
            )
            for row in rows
        )

    def candidates(self, after_fid: int = -1, limit: int = 0) -> tuple[Candidate, ...]:
        """Return the candidates in the order of their fid, from the one after ``after_fid`` on.

        Args:
            after_fid: Where the last call ended.
            limit: How many at most, 0 for all.

        Raises:
            StoreError: The file cannot be read.
        """
        found: list[Candidate] = []
        with self._reading() as opened:
            rows = _table(opened, CANDIDATES)
            rows.SetAttributeFilter(f"fid > {after_fid}")
            for row in rows:
                point = row.GetGeometryRef()
                values = _values(row, CANDIDATE_COLUMNS)
                found.append(
                    Candidate.from_values(row.GetFID(), point.GetX(), point.GetY(), values)
                )
                if len(found) == limit:
                    break
        return tuple(found)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        try:
            opened = _open(self.path, gdal.OF_READONLY)
            if opened is None:
                raise RuntimeError(gdal.GetLastErrorMsg() or _why_not_open(self.path))
            yield opened
        except (RuntimeError, OSError) as error:
            raise StoreError(
                tr(
                    "{}: cannot be read ({}); close it in other programs, or choose the "
                    "analysis.gpkg that a run left in its results folder"
                ).format(self.path, error)
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Any]:
        with _told(self.path):
            opened = _open(self.path, gdal.OF_UPDATE)
            with _transaction(opened, self.path):
                yield opened


def _why_not_open(path: Path) -> str:
    return tr("it is no GeoPackage") if path.exists() else tr("it is not there")


def _open(path: Path, mode: int) -> Any:
    options = ["LIST_ALL_TABLES=NO"]  # asking no other driver and listing less opens it faster
    return gdal.OpenEx(str(path), gdal.OF_VECTOR | mode, ["GPKG"], options)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, OSError) as error:
        raise StoreError(
            tr(
                "{}: cannot be written ({}); close it in other programs, make room on the disk, or "
                "choose another output folder"
            ).format(path, error)
        ) from error


@contextlib.contextmanager
def _transaction(opened: Any, path: Path) -> Iterator[None]:
    if opened is None:
        raise RuntimeError(gdal.GetLastErrorMsg() or tr("{} cannot be opened").format(path.name))
    _done(opened.StartTransaction())
    try:
        yield
    except BaseException:
        opened.RollbackTransaction()
        raise
    _done(opened.CommitTransaction())


def _done(code: int | None) -> None:
    """Raise where OGR says by a code that it failed; with exceptions on it raises by itself."""
    if code:
        raise RuntimeError(gdal.GetLastErrorMsg() or f"error {code} of OGR")


def _execute(opened: Any, statement: str) -> None:
    gdal.ErrorReset()
    opened.ExecuteSQL(statement)
    if gdal.GetLastErrorType() >= gdal.CE_Failure:
        raise RuntimeError(gdal.GetLastErrorMsg())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _table(opened: Any, name: str) -> Any:
    table = opened.GetLayerByName(name)
    if table is None:
        raise RuntimeError(
            tr("it has no table '{}', so it holds no results of this plugin").format(name)
        )
    return table


def _add_table(made: Any, name: str, geometry: int, columns: Sequence[str]) -> None:
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    table = made.CreateLayer(name, None if geometry == ogr.wkbNone else degrees, geometry)
    if table is None:
        raise RuntimeError(gdal.GetLastErrorMsg() or f"table {name} cannot be made")
    for column in columns:
        _done(table.CreateField(ogr.FieldDefn(column, column_kind(column))))


def _add_styles(opened: Any) -> Any:
    table = opened.CreateLayer(STYLES, None, ogr.wkbNone)
    if table is None:
        raise RuntimeError(gdal.GetLastErrorMsg() or f"table {STYLES} cannot be made")
    for name, width in (
        ("f_table_catalog", 256),
        ("f_table_schema", 256),
        ("f_table_name", 256),
        ("f_geometry_column", 256),
        ("styleName", 30),
        ("styleQML", 0),
        ("styleSLD", 0),
    ):
        _done(table.CreateField(_text(name, width)))
    default = ogr.FieldDefn("useAsDefault", ogr.OFTInteger)
    default.SetSubType(ogr.OFSTBoolean)
    _done(table.CreateField(default))
    for name, width in (("description", 0), ("owner", 30), ("ui", 30)):
        _done(table.CreateField(_text(name, width)))
    updated = ogr.FieldDefn("update_time", ogr.OFTDateTime)
    updated.SetDefault("CURRENT_TIMESTAMP")
    _done(table.CreateField(updated))
    return table


def _text(name: str, width: int) -> Any:
    field = ogr.FieldDefn(name, ogr.OFTString)
    field.SetWidth(width)
    return field


def column_kind(column: str) -> int:
    """Return the type of a column, as OGR names it."""
    if column in _TIMES:
        return ogr.OFTDateTime
    if column in _NUMBERS:
        return ogr.OFTReal
    return ogr.OFTInteger if column in (*_WHOLE, *_TRUE_OR_FALSE) else ogr.OFTString


def _feature(table: Any, columns: Sequence[str], values: Mapping[str, Any]) -> Any:
    feature = ogr.Feature(table.GetLayerDefn())
    for number, column in enumerate(columns):  # by number: OGR looks names up one by one
        value = values[column]
        if value is None or value == "":
            feature.SetFieldNull(number)
        else:
            feature.SetField(number, int(value) if isinstance(value, bool) else value)
    return feature


def _values(row: Any, columns: Sequence[str]) -> dict[str, Any]:
    values = {column: row.GetField(number) for number, column in enumerate(columns)}
    for column in _TIMES:
        if values.get(column):
            values[column] = _iso(values[column])
    return values


def _iso(moment: str) -> str:
    """Return OGR's "2024/05/10 19:31:07+00" as ISO 8601."""
    day, _, time = moment.partition(" ")
    text = f"{day.replace('/', '-')}T{time or '00:00:00'}"
    return f"{text}:00" if text[-3] in "+-" else text


def _set_views(opened: Any, candidates: Sequence[Candidate]) -> None:
    by_fid = {candidate.fid: candidate for candidate in candidates}
    views = opened.GetLayerByName(VIEWS)
    views.SetAttributeFilter(f"candidate IN ({_listed(by_fid)})")
    for old in list(views):
        candidate = by_fid[old.GetField("candidate")]
        view = _feature(views, VIEW_COLUMNS, _view_values(candidate))
        view.SetFID(old.GetFID())
        view.SetGeometry(_polygon(candidate))
        _done(views.SetFeature(view))


def _set_run(opened: Any, values: Mapping[str, str]) -> None:
    rows = opened.GetLayerByName(RUN)
    for key, value in values.items():
        rows.SetAttributeFilter(f"key = {_quoted(key)}")
        for old in list(rows):
            _done(rows.DeleteFeature(old.GetFID()))
        _done(rows.CreateFeature(_feature(rows, RUN_COLUMNS, {"key": key, "value": value})))


def _listed(fids: Iterable[int]) -> str:
    return ",".join(str(fid) for fid in fids) or "-1"


def _view_values(candidate: Candidate) -> dict[str, Any]:
    return {**vars(candidate), "candidate": candidate.fid}


def _point(candidate: Candidate) -> Any:
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(candidate.lon, candidate.lat)
    return point


def _polygon(candidate: Candidate) -> Any:
    return ogr.CreateGeometryFromWkb(bytes(wedge_of(candidate).asWkb()))
