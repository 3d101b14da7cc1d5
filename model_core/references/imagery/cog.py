"""Satellite images out of a remote cloud-optimised GeoTIFF, read by byte ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from rasterio.io import DatasetReader

from model_core.errors import ProviderError
from model_core.references.http import HttpClient
from model_core.references.imagery.raster import LevelWindow, RasterImagery, RasterLevel
from model_core.references.imagery.raster_copy import save_raster
from model_core.references.imagery.remote_file import CHUNK_BYTES, RemoteFile
from model_core.references.imagery.resample import MIN_VALID_SHARE
from model_core.references.imagery.stated import (
    EXPIRY_OPTION,
    OFFSET_OPTIONS,
    TERMS_OPTIONS,
    UNSTATED_LICENCE,
    expiry_s,
    shifted,
    stated_terms,
)
from model_core.references.imagery.template import Address, read_address
from model_core.references.source import FetchPlan, KnownSource, SourceContext, SourceText
from model_core.references.terms import may_cache
from model_core.references.workers import Done
from model_core.types import LonLat, SatelliteImage, SourceTerms

_TYPICAL_BYTES_PX = 0.35
_HEADER_CHUNKS = 2


class CogImagery:
    """North-up satellite images from a remote GeoTIFF; reads as a local copy of it would.

    Only the blocks that the places need are fetched, each once, several at a time.
    """

    def __init__(
        self,
        client: HttpClient,
        address: Address,
        terms: SourceTerms,
        expires_s: float | None = None,
        captured_at: datetime | None = None,
    ) -> None:
        self._file = RemoteFile(client, address, terms, expires_s)
        self._raster = RasterImagery(self._file, terms, captured_at)
        self._is_open = False

    @property
    def terms(self) -> SourceTerms:
        """Where the imagery comes from and what may be done with it."""
        return self._raster.terms

    def open(self) -> None:
        """Fetch and read the file's head.

        Raises:
            ProviderError: The server failed, or delivers no byte ranges.
            ImageryError: The file cannot serve as imagery.
        """
        self._raster.open()
        self._is_open = True

    def read(
        self,
        center: LonLat,
        footprint_m: float,
        size_px: int,
        min_valid_share: float = MIN_VALID_SHARE,
    ) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the file has (almost) no pixels.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.
            min_valid_share: Of the image, that has to have pixels.

        Raises:
            ProviderError: The server failed.
            ImageryError: The file cannot serve as imagery.
        """
        self._file.fetch(self.parts([center], footprint_m, size_px))
        return self._raster.read(center, footprint_m, size_px, min_valid_share)

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return how many parts of the file are not kept yet; nothing is asked.

        Before the file was opened they are estimated from the size of the area.
        """
        if not self._is_open:
            return estimate_parts(centers, footprint_m, size_px)
        chunks = self.parts(centers, footprint_m, size_px)
        missing = sum(not self._file.is_kept(index) for index in chunks)
        return FetchPlan(missing, missing * CHUNK_BYTES)

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Fetch the parts of the file that all places need and return what failed.

        Raises:
            ProviderError: The file's head could not be had.
            ImageryError: The file cannot serve as imagery.
            Cancelled: The user asked to stop.
        """
        return self._file.fetch(self.parts(centers, footprint_m, size_px), done)

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write the pixels that the places need as a GeoTIFF, with its terms beside it.

        Raises:
            InputError: The terms forbid storing, or the file has no pixels there.
            ProviderError: The server failed.
        """
        may_cache(self.terms)
        for err in self.prepare(centers, footprint_m, size_px):
            raise err
        name = Path(urlsplit(self._file.name).path).stem or "imagery"
        return self.save_as(folder / f"{name}.tif", centers, footprint_m, size_px)

    def save_as(
        self, path: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write the pixels that the places need under a name of one's own.

        Raises:
            InputError: The terms forbid storing, or the file has no pixels there.
            ProviderError: The server failed.
        """
        may_cache(self.terms)
        return save_raster(self._raster, path, centers, footprint_m, size_px)

    def parts(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> list[int]:
        """Return the parts of the file that hold the blocks which images are read from.

        Raises:
            ProviderError: The file's head could not be had.
            ImageryError: The file cannot serve as imagery.
        """
        self.open()
        needed = self._raster.windows(centers, footprint_m, size_px)
        blocks = {block for level, window in needed for block in _blocks(level, window)}
        found = self._raster.using(lambda dataset: _parts_with(dataset, blocks))
        failure = self._file.failure()
        if failure is not None:
            raise failure
        return sorted(found)

    def fetch(self, part: int) -> None:
        """Fetch a part of the file.

        Raises:
            ProviderError: The server failed.
        """
        self._file.chunk(part)


def _parts_with(dataset: DatasetReader, blocks: set[tuple[int | None, int, int, int]]) -> set[int]:
    """Return the parts of a file that hold blocks of it."""
    found: set[int] = set()
    for overview, column, row, band in blocks:
        offset, length = (
            _tiff_number(dataset, f"BLOCK_{what}_{column}_{row}", band, overview)
            for what in ("OFFSET", "SIZE")
        )
        if length:
            found.update(range(offset // CHUNK_BYTES, (offset + length - 1) // CHUNK_BYTES + 1))
    return found


def _blocks(level: RasterLevel, window: LevelWindow) -> Iterator[tuple[int | None, int, int, int]]:
    """Yield overview, column, row and band of the blocks that a window touches."""
    row, column, rows, columns = (side * level.shrink for side in window)
    height, width = level.dataset.block_shapes[0]
    for band in level.bands.colours:
        for y in range(row // height, (row + rows - 1) // height + 1):
            for x in range(column // width, (column + columns - 1) // width + 1):
                yield level.overview, x, y, band


def _tiff_number(dataset: DatasetReader, name: str, band: int, overview: int | None) -> int:
    """Return a number that GDAL tells of a block, 0 where the block is not in the file."""
    at = {} if overview is None else {"ovr": overview}
    return int(dataset.get_tag_item(name, "TIFF", bidx=band, **at) or 0)


def estimate_parts(centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
    """Return what a remote raster of unknown resolution would take, were it as fine as asked."""
    cells = {
        (
            round(center.lat * 111_000.0 / footprint_m),
            round(center.lon * 111_000.0 * math.cos(math.radians(center.lat)) / footprint_m),
        )
        for center in centers
    }
    expected_bytes = round(len(cells) * size_px**2 * _TYPICAL_BYTES_PX)
    return FetchPlan(
        _HEADER_CHUNKS + math.ceil(expected_bytes / CHUNK_BYTES),
        _HEADER_CHUNKS * CHUNK_BYTES + expected_bytes,
    )


def _open(text: SourceText, context: SourceContext) -> CogImagery:
    """Return the source of a ``cog`` text."""
    address = read_address("cog", text.required("url"), context.keys.get("cog", ""))
    name = Path(urlsplit(address.url).path).name
    return CogImagery(
        context.client, address, stated_terms(text, f"COG {name}".strip()), expiry_s(text)
    )


COG = KnownSource(
    name="cog",
    title="Cloud-optimised GeoTIFF on a server",
    kind="imagery",
    terms=SourceTerms("COG", UNSTATED_LICENCE, trainable=False),
    open=shifted(_open),
    key="optional",
    key_help="Stands for {key} in the address.",
    example="cog|url=https://data.example.org/city.tif|licence=CC BY 4.0",
    options={
        "url": "address of the GeoTIFF",
        **TERMS_OPTIONS,
        **EXPIRY_OPTION,
        **OFFSET_OPTIONS,
    },
)

SOURCES: tuple[KnownSource, ...] = (COG,)
