"""Street views out of a folder of photos and panoramas, or a table that lists them."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from model_core.errors import Cancelled, PhotoError, StreetViewError
from model_core.photo import PhotoMetadata, find_photos, read_photo_metadata
from model_core.references.street_view.base import views_within
from model_core.references.street_view.pixels import ViewPixels, read_view
from model_core.references.street_view.table import TableRow, read_table
from model_core.references.terms import LOCAL_STREET_VIEWS, stated_terms
from model_core.references.vector import VectorSource
from model_core.types import (
    Area,
    CancelCheck,
    LonLat,
    Projection,
    SourceTerms,
    StreetView,
    never_cancelled,
)

__all__ = ["FolderStreetViews", "ViewPixels", "read_view"]

LISTED_HEADING_SIGMA_DEG = 5.0
COMPASS_HEADING_SIGMA_DEG = 20.0
DECLINATION_SIGMA_DEG = 15.0
"""How far magnetic north lies from true north where people live, by and large."""
_FULL_CIRCLE_DEG = 350.0
_HALF_CIRCLE_DEG = 180.0
"""A flat image sees less."""
_REMEMBERED_FILES = 1 << 16


class FolderStreetViews:
    """Street views of a folder (EXIF, XMP) or of a table; panoramas and photos may be mixed.

    A view is a panorama if its file or the table says so, or if it is twice as wide as high and
    its field of view is unknown. A file that cannot be used is left out and noted in ``skipped``;
    the rest goes on. The files are looked at once, at the first use.

    Args:
        path: Of the folder or the table.
        cancel: Asked before each file.
    """

    def __init__(self, path: Path, cancel: CancelCheck = never_cancelled) -> None:
        self.path = path
        self._cancel = cancel
        file = VectorSource.parse(str(path)).path
        self.terms: SourceTerms = stated_terms(LOCAL_STREET_VIEWS, file)
        self.skipped: dict[str, str] = {}
        self._root = file if file.is_dir() else file.parent
        self._lock = threading.Lock()
        self._views: tuple[StreetView, ...] | None = None

    def views(self) -> tuple[StreetView, ...]:
        """Return every usable street view, in the order of paths or rows.

        Raises:
            StreetViewError: There is no such folder or table, or no view in it can be used.
            Cancelled: ``cancel`` said so.
        """
        with self._lock:
            if self._views is None:
                self._views = tuple(self._load())
            return self._views

    def find(self, area: Area, margin_m: float) -> list[StreetView]:
        """Return the street views within an area and ``margin_m`` metres around it.

        Raises:
            StreetViewError: There is no such folder or table, or no view in it can be used.
        """
        return views_within(self.views(), area, margin_m)

    def _load(self) -> list[StreetView]:
        source = VectorSource.parse(str(self.path)).path
        if not source.exists():
            raise StreetViewError(
                f"{self.path}: there is no such folder or table of street views; check the path"
            )
        self.skipped.clear()
        views = self._from_folder(source) if source.is_dir() else self._from_table()
        if not views:
            first = next(iter(self.skipped.items()), None)
            because = f" (for example {first[0]}: {first[1]})" if first else ""
            raise StreetViewError(
                f"{self.path}: none of {len(self.skipped)} images can serve as a street view"
                f"{because}; street views need a position, in EXIF or in a table's lon and lat"
            )
        return views

    def _from_folder(self, folder: Path) -> list[StreetView]:
        views = []
        for path in find_photos([folder]):
            self._stop_if_cancelled()
            try:
                views.append(self._view_of_photo(path))
            except (PhotoError, StreetViewError) as err:
                self.skipped[self._view_id(path)] = str(err)
        return views

    def _from_table(self) -> list[StreetView]:
        views: dict[str, StreetView] = {}
        for row in read_table(self.path):
            self._stop_if_cancelled()
            view_id = row.view_id or self._view_id(row.path)
            name = f"row {row.number}, {view_id}"
            if view_id in views:
                self.skipped[name] = "is listed twice; the first row counts"
                continue
            try:
                views[view_id] = self._view_of_row(row, view_id)
            except (PhotoError, StreetViewError) as err:
                self.skipped[name] = str(err)
        return list(views.values())

    def _view_of_photo(self, path: Path) -> StreetView:
        metadata = _metadata_of(path)
        if metadata.lonlat is None:
            raise StreetViewError("has no position; geotag it or list it in a table")
        projection = _projection_of(metadata)
        is_panorama = projection == "equirectangular"
        assumed_deg = LISTED_HEADING_SIGMA_DEG if is_panorama else COMPASS_HEADING_SIGMA_DEG
        return StreetView(
            view_id=self._view_id(path),
            path=path,
            lonlat=metadata.lonlat,
            projection=projection,
            heading_deg=metadata.heading_deg,
            fov_deg=360.0 if is_panorama else metadata.fov_deg,
            terms=self.terms,
            captured_at=metadata.captured_at,
            pitch_deg=metadata.pitch_deg or 0.0,
            roll_deg=metadata.roll_deg or 0.0,
            heading_sigma_deg=_sigma_deg(metadata, assumed_deg),
        )

    def _view_of_row(self, row: TableRow, view_id: str) -> StreetView:
        """Return a row's view; what the row leaves open is taken from the image's file."""
        if not row.path.is_file():
            raise StreetViewError(f"{row.path}: there is no such file; check the column path")
        metadata = None if _says_all(row) else _metadata_of(row.path)
        lonlat = _lonlat_of(row) or (metadata.lonlat if metadata else None)
        if lonlat is None:
            raise StreetViewError("has no position; fill in lon and lat in degrees")
        projection = _projection_of_row(row, metadata)
        from_file = row.heading_deg is None and metadata is not None
        heading_deg = metadata.heading_deg if from_file and metadata else row.heading_deg
        sigma_deg = row.heading_sigma_deg or LISTED_HEADING_SIGMA_DEG
        if from_file and metadata and row.heading_sigma_deg is None:
            is_flat = projection == "perspective"
            sigma_deg = _sigma_deg(metadata, COMPASS_HEADING_SIGMA_DEG if is_flat else sigma_deg)
        fov_deg = row.fov_deg if row.fov_deg is not None or not metadata else metadata.fov_deg
        if projection == "perspective" and (fov_deg or 0.0) >= _HALF_CIRCLE_DEG:
            fov_deg = None
        return StreetView(
            view_id=view_id,
            path=row.path,
            lonlat=lonlat,
            projection=projection,
            heading_deg=None if heading_deg is None else heading_deg % 360.0,
            fov_deg=360.0 if projection == "equirectangular" else fov_deg,
            terms=_joined(row.terms, self.terms),
            captured_at=row.captured_at or (metadata.captured_at if metadata else None),
            pitch_deg=_first(row.pitch_deg, metadata.pitch_deg if metadata else None),
            roll_deg=_first(row.roll_deg, metadata.roll_deg if metadata else None),
            heading_sigma_deg=sigma_deg,
            sequence=row.sequence,
        )

    def _stop_if_cancelled(self) -> None:
        if self._cancel():
            raise Cancelled(f"stopped while the street views of {self.path} were being listed")

    def _view_id(self, path: Path) -> str:
        if path.is_relative_to(self._root):
            return f"{self._root.name}/{path.relative_to(self._root).as_posix()}"
        return path.as_posix()


def _joined(stated: SourceTerms | None, terms: SourceTerms) -> SourceTerms:
    """Return the terms that a row states, with those of its folder where it names no provider."""
    if stated is None:
        return terms
    if stated.provider != LOCAL_STREET_VIEWS.provider:
        return stated
    unstated = SourceTerms(stated.provider).licence
    return replace(
        terms,
        licence=terms.licence if stated.licence == unstated else stated.licence,
        attribution=stated.attribution or terms.attribution,
        trainable=stated.trainable and terms.trainable,
        displayable_beside_map=stated.displayable_beside_map and terms.displayable_beside_map,
    )


def _sigma_deg(metadata: PhotoMetadata, assumed_deg: float) -> float:
    """Return how far a file's heading may be off true north."""
    sigma_deg = metadata.heading_sigma_deg or assumed_deg
    is_magnetic = metadata.heading_reference == "magnetic"
    return math.hypot(sigma_deg, DECLINATION_SIGMA_DEG if is_magnetic else 0.0)


def _metadata_of(path: Path) -> PhotoMetadata:
    """Return what a file says of itself, read again only after the file changed.

    Raises:
        PhotoError: It cannot be read.
    """
    try:
        state = path.stat()
    except OSError as err:
        raise PhotoError(f"{path}: cannot be read ({err.strerror}); check the file") from err
    return _metadata_read(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=_REMEMBERED_FILES)
def _metadata_read(path: Path, size: int, changed_ns: int) -> PhotoMetadata:
    return read_photo_metadata(path)


def _says_all(row: TableRow) -> bool:
    """Return whether the image need not be opened to know what it is."""
    known = (_lonlat_of(row), row.heading_deg, row.fov_deg, row.captured_at)
    return all(value is not None for value in known)


def _lonlat_of(row: TableRow) -> LonLat | None:
    if row.lon is None or row.lat is None or abs(row.lon) > 180.0 or abs(row.lat) > 90.0:
        return None
    return LonLat(row.lon, row.lat)


def _projection_of(metadata: PhotoMetadata) -> Projection:
    width, height = metadata.size_px
    looks_spherical = width == 2 * height and metadata.fov_deg is None
    if metadata.projection == "equirectangular" or looks_spherical:
        return "equirectangular"
    return "perspective"


def _projection_of_row(row: TableRow, metadata: PhotoMetadata | None) -> Projection:
    if row.projection.startswith(("equirect", "spher", "pano", "360")):
        return "equirectangular"
    if row.projection.startswith(("persp", "flat", "rectilinear")):
        return "perspective"
    if row.fov_deg is not None:
        return "equirectangular" if row.fov_deg >= _FULL_CIRCLE_DEG else "perspective"
    return "perspective" if metadata is None else _projection_of(metadata)


def _first(listed: float | None, from_file: float | None) -> float:
    value = listed if listed is not None else from_file
    return 0.0 if value is None or not math.isfinite(value) else value
