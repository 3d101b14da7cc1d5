"""Several pictures of a place laid over each other, the best one on top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from model_core.errors import ImageryError
from model_core.references.imagery.raster import RasterImagery
from model_core.references.terms import LOCAL_IMAGERY, stated_terms
from model_core.types import LonLat, SatelliteImage, SourceTerms

RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".vrt", ".jp2", ".mbtiles"})


class MosaicImagery:
    """North-up satellite images from a folder of rasters, of which the first by name lies on top.

    What one raster lacks is taken from the next ones. Each has its own terms and date.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.members = tuple(RasterImagery(path) for path in _rasters(folder))

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

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the rasters have no pixels.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ImageryError: A raster cannot be read there.
        """
        return overlaid(one.read(center, footprint_m, size_px) for one in self.members)


def is_mosaic(folder: Path) -> bool:
    """Return whether a folder holds rasters of its own, and no zooms of tiles."""
    has_zooms = any(one.is_dir() and one.name.isdigit() for one in folder.iterdir())
    return not has_zooms and bool(_rasters(folder))


def overlaid(images: Iterable[SatelliteImage | None]) -> SatelliteImage | None:
    """Return images of one place laid over each other, the first on top; None without any.

    No more are asked for than fill the picture. The date is that of the topmost one.
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
    if top is None or len(set(used)) == 1:
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
