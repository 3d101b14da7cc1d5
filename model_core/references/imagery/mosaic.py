"""Several pictures of a place laid over each other, the best one on top."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from model_core.errors import ImageryError
from model_core.references.imagery.raster import Bounds, RasterImagery
from model_core.references.imagery.resample import MIN_VALID_SHARE
from model_core.references.terms import LOCAL_IMAGERY, stated_terms
from model_core.types import LonLat, SatelliteImage, SourceTerms

OPEN_AT_ONCE = 16
"""Rasters; each may have ten files of overviews."""

METRES_A_DEGREE = 110_000.0
RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".vrt", ".jp2", ".mbtiles"})


class MosaicImagery:
    """North-up satellite images from a folder of rasters, of which the first by name lies on top.

    What one raster lacks is taken from the next ones. Each has its own terms and date. A system
    lets a program open some hundred files, and a city may have thousands: those used longest ago
    are closed.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.members = tuple(RasterImagery(path) for path in _rasters(folder))
        self._lock = threading.Lock()
        self._recent: dict[RasterImagery, None] = {}

    @property
    def terms(self) -> SourceTerms:
        """What may be done with all of them."""
        if self.path.joinpath("terms.json").is_file():
            return stated_terms(LOCAL_IMAGERY, self.path)
        return joined_terms([one.terms for one in self.members])

    def open(self) -> None:
        """Open every raster and check that it can serve.

        Raises:
            ImageryError: There is none, or one cannot serve.
        """
        if not self.members:
            raise ImageryError(f"{self.path}: holds no raster; give a folder of GeoTIFFs")
        for member in self.members:
            member.open()
            member.bounds()
            self._note_use(member)

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the rasters have no pixels.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ImageryError: A raster cannot be read there.
        """

        def images() -> Iterator[SatelliteImage | None]:
            for member in self.members:
                if _reaches(member.bounds(), center, footprint_m):
                    yield member.read(center, footprint_m, size_px, min_valid_share=0.0)
                    self._note_use(member)

        return overlaid(images())

    def _note_use(self, member: RasterImagery) -> None:
        """Keep the rasters used last open, and close the others."""
        with self._lock:
            self._recent.pop(member, None)
            self._recent[member] = None
            old = list(self._recent)[:-OPEN_AT_ONCE]
            for one in old:
                del self._recent[one]
        for one in old:
            one.close()


def _reaches(bounds: Bounds, center: LonLat, footprint_m: float) -> bool:
    """Return whether pixels within bounds may show in an image; none is left out that does."""
    west, south, east, north = bounds
    lat_deg = footprint_m / METRES_A_DEGREE
    lon_deg = lat_deg / max(0.01, math.cos(math.radians(center.lat)))
    return (
        west - lon_deg <= center.lon <= east + lon_deg
        and south - lat_deg <= center.lat <= north + lat_deg
    )


def is_mosaic(folder: Path) -> bool:
    """Return whether a folder holds rasters of its own, and no zooms of tiles."""
    has_zooms = any(one.is_dir() and one.name.isdigit() for one in folder.iterdir())
    return not has_zooms and bool(_rasters(folder))


def overlaid(images: Iterable[SatelliteImage | None]) -> SatelliteImage | None:
    """Return images of one place laid over each other, the first on top; None where too few.

    Each may show a sliver; together they have to show ``MIN_VALID_SHARE``. No more are asked for
    than fill the picture. The date is that of the topmost one.
    """
    top: SatelliteImage | None = None
    used: list[SourceTerms] = []
    for image in images:
        if image is None:
            continue
        if top is None:
            top = image
        else:
            fills = image.valid & ~top.valid
            if not fills.any():
                continue
            pixels = top.image.copy()
            pixels[fills] = image.image[fills]
            top = replace(top, image=pixels, valid=top.valid | fills)
        used.append(image.terms)
        if top.valid.all():
            break
    if top is None or top.valid.mean() < MIN_VALID_SHARE:
        return None
    if len(set(used)) == 1:
        return top
    return replace(top, terms=joined_terms(used))


def joined_terms(terms: Iterable[SourceTerms]) -> SourceTerms:
    """Return terms that hold for a picture made of several: all texts, and the strictest rules."""
    each = list(dict.fromkeys(terms))
    return SourceTerms(
        provider=" + ".join(dict.fromkeys(one.provider for one in each)),
        licence="; ".join(dict.fromkeys(one.licence for one in each)),
        attribution="; ".join(dict.fromkeys(one.attribution for one in each if one.attribution)),
        cacheable=all(one.cacheable for one in each),
        trainable=all(one.trainable for one in each),
        displayable_beside_map=all(one.displayable_beside_map for one in each),
    )


def _rasters(folder: Path) -> list[Path]:
    return sorted(
        one
        for one in folder.iterdir()
        if one.suffix.lower() in RASTER_SUFFIXES and not one.name.startswith(".")
    )
