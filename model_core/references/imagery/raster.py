"""Satellite images out of any georeferenced raster that GDAL reads."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

import pyproj
import rasterio
from affine import Affine
from pyproj.exceptions import ProjError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.transform import array_bounds
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from model_core.errors import ImageryError
from model_core.references.imagery.bands import BandPlan, Stretch, measure_stretch, plan_bands
from model_core.references.imagery.resample import (
    MIN_VALID_SHARE,
    choose_window,
    resample,
    sampling_grid,
)
from model_core.references.terms import LOCAL_IMAGERY, stated_terms
from model_core.types import ImageU8, LonLat, MaskArray, SatelliteImage, SourceTerms

ResultT = TypeVar("ResultT")
Bounds = tuple[float, float, float, float]
LevelWindow = tuple[int, int, int, int]

_COARSEST_PX = 64


class RasterFile(Protocol):
    """What a raster is read from: a local file, or a remote one in parts."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    def open(self, **options: Any) -> DatasetReader:
        """Return the file opened by rasterio.

        Raises:
            RasterioIOError: It is no raster.
            ImageryError: There is no such file.
        """
        ...

    def run(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Return what a function gives that opens, reads or closes the file.

        Whatever touches it goes through here, one call at a time.
        """
        ...

    def failure(self) -> Exception | None:
        """Return why the last read failed where that is no fault of the file's, once."""
        ...


@dataclass(frozen=True)
class LocalRaster:
    """A raster on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def open(self, **options: Any) -> DatasetReader:
        """Return the file opened by rasterio.

        Raises:
            RasterioIOError: It is no raster.
            ImageryError: There is no such file.
        """
        if not self.path.is_file():
            raise ImageryError(f"{self.path}: there is no such raster; check the path")
        return rasterio.open(self.path, **options)

    def run(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Return what the function gives: a local file may be read anywhere."""
        return function(*args)

    def failure(self) -> Exception | None:
        """Return None: a local file's faults are its own."""
        return None


class RasterImagery:
    """North-up satellite images from one raster: GeoTIFF, COG, VRT, MBTiles, JPEG 2000, ...

    Any CRS, rotation and pixel size; grey, grey + alpha, RGB, RGBA or palette; 8-bit values as
    they are, others stretched by percentiles of the whole raster; masks, alpha and nodata kept.
    The file is opened at the first use and may be read from several threads. What may be done with
    a local one is stated in ``<name>.terms.json`` beside it.

    Args:
        source: A path, or another file that rasterio can open.
        terms: Of the imagery; those stated beside the file if None.
        captured_at: When the pictures were taken, where the file does not say.
    """

    def __init__(
        self,
        source: Path | RasterFile,
        terms: SourceTerms | None = None,
        captured_at: datetime | None = None,
    ) -> None:
        self.file: RasterFile = LocalRaster(source) if isinstance(source, Path) else source
        self._path = source if isinstance(source, Path) else Path(self.file.name)
        self._terms = terms
        self._captured_at = captured_at
        self._lock = threading.Lock()
        self._opened: _OpenRaster | None = None
        self._close: weakref.finalize[..., Any] | None = None
        self._bounds: Bounds | None = None

    def __enter__(self) -> RasterImagery:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def terms(self) -> SourceTerms:
        """Where the imagery comes from and what may be done with it."""
        if self._terms is None:
            self._terms = stated_terms(LOCAL_IMAGERY, self._path)
        return self._terms

    def open(self) -> None:
        """Open the file and check that it can serve.

        Raises:
            ImageryError: It is no raster, has no CRS or no position, or unusable bands.
            InputError: The terms beside it are damaged.
        """
        with self._lock:
            self._open()
        _ = self.terms

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        with self._lock:
            if self._close is not None:
                self._close()
            self._opened = None

    def read(
        self,
        center: LonLat,
        footprint_m: float,
        size_px: int,
        min_valid_share: float = MIN_VALID_SHARE,
    ) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the raster has (almost) no pixels.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.
            min_valid_share: Of the image, that has to have pixels.

        Raises:
            ImageryError: The file cannot serve, or its pixels cannot be read there.
            ProviderError: A remote file's server failed.
        """
        with self._lock:
            raster = self._open()
            try:
                grid = sampling_grid(center, footprint_m, raster.to_crs, raster.pixel_of_crs)
                found = self.file.run(resample, raster.levels, grid, size_px, min_valid_share)
            except (RasterioError, MemoryError) as err:
                raise self.file.failure() or ImageryError(
                    f"{self.file.name}: its pixels near {center.lon:.6f}, {center.lat:.6f} cannot "
                    f"be read ({err}); the file seems damaged, export it again"
                ) from err
        if found is None:
            return None
        image, valid = found
        return SatelliteImage(
            image, valid, footprint_m, center, self.terms, raster.captured_at or self._captured_at
        )

    @property
    def captured_at(self) -> datetime | None:
        """When the pictures were taken, as the file or whoever offers it says.

        Raises:
            ImageryError: The file cannot serve.
        """
        with self._lock:
            return self._open().captured_at or self._captured_at

    def bounds(self) -> Bounds:
        """Return west, south, east and north of the pixels in degrees; known once it was open.

        Raises:
            ImageryError: The file cannot serve.
        """
        with self._lock:
            if self._bounds is None:
                self._bounds = self._open().bounds()
            return self._bounds

    def windows(
        self, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> list[tuple[RasterLevel, LevelWindow]]:
        """Return what is read for images at the places: a level, and row, column, rows, columns.

        Places outside the raster have none.

        Raises:
            ImageryError: The file cannot serve.
            ProviderError: A remote file's server failed.
        """
        found = []
        with self._lock:
            raster = self._open()
            for center in centers:
                grid = sampling_grid(center, footprint_m, raster.to_crs, raster.pixel_of_crs)
                chosen = choose_window(raster.levels, grid, size_px)
                if chosen is not None:
                    found.append((chosen[0], chosen[1]))
        return found

    def using(self, function: Callable[[DatasetReader], ResultT]) -> ResultT:
        """Return what a function gives for the raster at full resolution, one call at a time.

        Raises:
            ImageryError: The file cannot serve.
            ProviderError: A remote file's server failed.
        """
        with self._lock:
            return self.file.run(function, self._open().levels[0].dataset)

    def _open(self) -> _OpenRaster:
        if self._opened is None:
            self._opened = self.file.run(_open_raster, self.file)
            self._close = weakref.finalize(self, self.file.run, self._opened.close)
        return self._opened


@dataclass(frozen=True)
class RasterLevel:
    """One overview of the file, or one averaged on the fly by a whole number of pixels.

    ``overview`` is its number in the file, None for full resolution.
    """

    dataset: DatasetReader
    bands: BandPlan
    stretch: Stretch
    scale: tuple[float, float]
    shrink: int = 1
    overview: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the level."""
        return self.dataset.height // self.shrink, self.dataset.width // self.shrink

    def read_window(
        self, row: int, column: int, rows: int, columns: int
    ) -> tuple[ImageU8, MaskArray | None]:
        """Return uint8 (rows, columns, 3) and the mask of valid pixels, None when all are."""
        window = Window(
            column * self.shrink, row * self.shrink, columns * self.shrink, rows * self.shrink
        )
        return self.bands.read(self.dataset, window, (rows, columns), self.stretch)


@dataclass(frozen=True)
class _OpenRaster:
    datasets: tuple[DatasetReader, ...]
    levels: tuple[RasterLevel, ...]
    to_crs: pyproj.Transformer
    pixel_of_crs: Affine
    captured_at: datetime | None

    def close(self) -> None:
        for dataset in reversed(self.datasets):
            dataset.close()

    def bounds(self) -> Bounds:
        full = self.levels[0].dataset
        left, first, right, second = array_bounds(full.height, full.width, ~self.pixel_of_crs)
        box = (min(left, right), min(first, second), max(left, right), max(first, second))
        west, south, east, north = self.to_crs.transform_bounds(*box, direction="INVERSE")
        if not all(map(math.isfinite, (west, south, east, north))):
            return -180.0, -90.0, 180.0, 90.0
        if west > east:  # across the antimeridian
            west, east = -180.0, 180.0
        return west, south, east, north


def _open_raster(file: RasterFile) -> _OpenRaster:
    path = file.name
    try:
        source = file.open()
    except RasterioIOError as err:
        raise file.failure() or ImageryError(
            f"{path}: cannot be opened as a raster ({err}); give a GeoTIFF, VRT, JPEG 2000, "
            "MBTiles or a folder of tiles"
        ) from err
    try:
        full, owned = _georeferenced(path, source)
        to_crs = _transformer(path, full)
        bands = plan_bands(path, full)
        stretch = measure_stretch(full, bands)
        levels, overviews = _pyramid(file, full, bands, stretch)
    except (RasterioError, ProjError) as err:
        source.close()
        raise file.failure() or ImageryError(
            f"{path}: cannot serve as imagery ({err}); save it as a plain GeoTIFF and try again"
        ) from err
    except ImageryError:
        source.close()
        raise
    datasets = (*owned, *overviews)
    return _OpenRaster(datasets, levels, to_crs, ~full.transform, _capture_date(source))


def _georeferenced(
    path: str, source: DatasetReader
) -> tuple[DatasetReader, tuple[DatasetReader, ...]]:
    """Return the raster on a regular grid, and the datasets to close with it."""
    control_points, control_crs = source.gcps
    if source.crs is None and control_points and control_crs is not None:
        return _warped_by_control_points(source)
    if source.crs is None:
        raise ImageryError(
            f"{path}: the raster has no coordinate reference system; assign the right one "
            "(in QGIS: Raster > Projections > Assign Projection) and try again"
        )
    if source.transform.is_identity or source.transform.determinant == 0.0:
        raise ImageryError(
            f"{path}: the raster has no position on the ground; georeference it "
            "(in QGIS: Layer > Georeferencer) and try again"
        )
    return source, (source,)


def _warped_by_control_points(
    source: DatasetReader,
) -> tuple[DatasetReader, tuple[DatasetReader, ...]]:
    has_mask = any(flag.name != "all_valid" for flag in source.mask_flag_enums[0])
    warped = WarpedVRT(
        source,
        src_crs=source.gcps[1],
        resampling=Resampling.bilinear,
        add_alpha=not has_mask,
    )
    return warped, (source, warped)


def _transformer(path: str, dataset: DatasetReader) -> pyproj.Transformer:
    try:
        crs = pyproj.CRS.from_user_input(dataset.crs)
        to_crs = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    except ProjError as err:
        raise ImageryError(
            f"{path}: longitudes and latitudes cannot be brought into its coordinate reference "
            f"system ({err}); reproject it to UTM or EPSG:4326"
        ) from err
    return to_crs


def _pyramid(
    file: RasterFile, full: DatasetReader, bands: BandPlan, stretch: Stretch
) -> tuple[tuple[RasterLevel, ...], tuple[DatasetReader, ...]]:
    """Return the levels from full resolution down, and the overview datasets opened for them.

    The file's own overviews come first; below the last one windows are averaged as they are
    read, so that no read is ever more than a few times larger than the image asked for.
    """
    levels = [RasterLevel(full, bands, stretch, (1.0, 1.0))]
    overviews = []
    if not isinstance(full, WarpedVRT):
        for number in range(len(full.overviews(1))):
            overview = file.open(overview_level=number)
            overviews.append(overview)
            scale = (overview.width / full.width, overview.height / full.height)
            levels.append(RasterLevel(overview, bands, stretch, scale, overview=number))
    last = levels[-1]
    shrink = 2
    while min(last.dataset.width, last.dataset.height) // shrink >= _COARSEST_PX:
        scale = (last.scale[0] / shrink, last.scale[1] / shrink)
        levels.append(RasterLevel(last.dataset, bands, stretch, scale, shrink, last.overview))
        shrink *= 2
    return tuple(levels), tuple(overviews)


def _capture_date(dataset: DatasetReader) -> datetime | None:
    """Return the acquisition date that satellite products carry; a file's own date is none."""
    text = dataset.tags(ns="IMAGERY").get("ACQUISITIONDATETIME")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
