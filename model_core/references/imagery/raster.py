"""Satellite images out of any georeferenced raster that GDAL reads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import pyproj
import rasterio
from affine import Affine
from pyproj.exceptions import ProjError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from model_core.errors import ImageryError
from model_core.references.imagery.bands import BandPlan, Stretch, measure_stretch, plan_bands
from model_core.references.imagery.resample import resample, sampling_grid
from model_core.references.terms import LOCAL_IMAGERY, terms_for_file
from model_core.types import ImageU8, LonLat, MaskArray, SatelliteImage, SourceTerms

_COARSEST_PX = 64


class RasterImagery:
    """North-up satellite images from one raster: GeoTIFF, COG, VRT, MBTiles, JPEG 2000, ...

    Any CRS, rotation and pixel size; grey, grey + alpha, RGB, RGBA or palette; 8-bit values as
    they are, others stretched by percentiles of the whole raster; masks, alpha and nodata kept.
    The file is opened at the first use and may be read from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.terms: SourceTerms = terms_for_file(LOCAL_IMAGERY, path)
        self._lock = threading.Lock()
        self._opened: _OpenRaster | None = None

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

    def open(self) -> None:
        """Open the file and check that it can serve.

        Raises:
            ImageryError: It is no raster, has no CRS or no position, or unusable bands.
        """
        with self._lock:
            self._open()

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the raster has (almost) no pixels.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ImageryError: The file cannot serve, or its pixels cannot be read there.
        """
        with self._lock:
            raster = self._open()
            try:
                grid = sampling_grid(center, footprint_m, raster.to_crs, raster.pixel_of_crs)
                found = resample(raster.levels, grid, size_px)
            except (RasterioError, MemoryError) as err:
                raise ImageryError(
                    f"{self.path}: its pixels near {center.lon:.6f}, {center.lat:.6f} cannot be "
                    f"read ({err}); the file seems damaged, export it again"
                ) from err
        if found is None:
            return None
        image, valid = found
        return SatelliteImage(image, valid, footprint_m, center, self.terms, raster.captured_at)

    def _open(self) -> _OpenRaster:
        if self._opened is None:
            self._opened = _open_raster(self.path)
        return self._opened


@dataclass(frozen=True)
class _RasterLevel:
    """One overview of the file, or one averaged on the fly by a whole number of pixels."""

    dataset: DatasetReader
    bands: BandPlan
    stretch: Stretch
    scale: tuple[float, float]
    shrink: int = 1

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
    levels: tuple[_RasterLevel, ...]
    to_crs: pyproj.Transformer
    pixel_of_crs: Affine
    captured_at: datetime | None

    def close(self) -> None:
        for dataset in reversed(self.datasets):
            dataset.close()


def _open_raster(path: Path) -> _OpenRaster:
    if not path.is_file():
        raise ImageryError(f"{path}: there is no such raster; check the path")
    try:
        source = rasterio.open(path)
    except RasterioIOError as err:
        raise ImageryError(
            f"{path}: cannot be opened as a raster ({err}); give a GeoTIFF, VRT, JPEG 2000, "
            "MBTiles or a folder of tiles"
        ) from err
    try:
        full, owned = _georeferenced(path, source)
        to_crs = _transformer(path, full)
        bands = plan_bands(path, full)
        stretch = measure_stretch(full, bands)
        levels, overviews = _pyramid(path, full, bands, stretch)
    except (RasterioError, ProjError) as err:
        source.close()
        raise ImageryError(
            f"{path}: cannot serve as imagery ({err}); save it as a plain GeoTIFF and try again"
        ) from err
    except ImageryError:
        source.close()
        raise
    datasets = (*owned, *overviews)
    return _OpenRaster(datasets, levels, to_crs, ~full.transform, _capture_date(source))


def _georeferenced(
    path: Path, source: DatasetReader
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


def _transformer(path: Path, dataset: DatasetReader) -> pyproj.Transformer:
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
    path: Path, full: DatasetReader, bands: BandPlan, stretch: Stretch
) -> tuple[tuple[_RasterLevel, ...], tuple[DatasetReader, ...]]:
    """Return the levels from full resolution down, and the overview datasets opened for them.

    The file's own overviews come first; below the last one windows are averaged as they are
    read, so that no read is ever more than a few times larger than the image asked for.
    """
    levels = [_RasterLevel(full, bands, stretch, (1.0, 1.0))]
    overviews = []
    if not isinstance(full, WarpedVRT):
        for number in range(len(full.overviews(1))):
            overview = rasterio.open(path, overview_level=number)
            overviews.append(overview)
            scale = (overview.width / full.width, overview.height / full.height)
            levels.append(_RasterLevel(overview, bands, stretch, scale))
    last = levels[-1]
    shrink = 2
    while min(last.dataset.width, last.dataset.height) // shrink >= _COARSEST_PX:
        scale = (last.scale[0] / shrink, last.scale[1] / shrink)
        levels.append(_RasterLevel(last.dataset, bands, stretch, scale, shrink))
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
