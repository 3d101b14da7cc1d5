"""How the pictures of published sets map to directions, and from there to strips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from model_core.alignment.panorama import merge_strips, street_strip
from model_core.config import StripGeometry
from model_core.types import ImageU8, Strip

MERCATOR_M_PER_PX = 156543.03392
"""Ground resolution of web map tiles of 256 pixels at zoom 0 on the equator."""

_A_M, _E2 = 6378137.0, 0.00669437999014


class Frame(Protocol):
    """What a set's ground pictures show."""

    @property
    def heading_known(self) -> bool:
        """Whether the strip's columns are azimuths; else its left edge is at column 0."""
        ...

    def strip(self, pixels: ImageU8, geometry: StripGeometry) -> Strip:
        """Return the full-circle strip of a picture (h, w, 3)."""
        ...


@dataclass(frozen=True)
class PanoramaFrame:
    """A panorama of 360 degrees, equal angles a pixel along both axes, cut above and below.

    ``horizon_row`` is the horizon's height as a share of the picture's, from the top.
    """

    heading_at_center_deg: float = 0.0
    horizon_row: float = 0.5
    heading_known: bool = True

    def strip(self, pixels: ImageU8, geometry: StripGeometry) -> Strip:
        """Return the full-circle strip of a picture (h, w, 3)."""
        height, width = pixels.shape[:2]
        full_height = width // 2
        top = round(full_height / 2 - self.horizon_row * height)
        first, last = max(0, top), min(full_height, top + height)
        canvas = np.zeros((full_height, width, 3), np.uint8)
        canvas[first:last] = pixels[first - top : last - top]
        heading = self.heading_at_center_deg
        whole = street_strip(canvas, "equirectangular", heading, 360.0, 0.0, 0.0, geometry)
        below, above = 90.0 - 180.0 * last / full_height, 90.0 - 180.0 * first / full_height
        span = geometry.elevation_max_deg - geometry.elevation_min_deg
        half = span / geometry.height / 2
        rows = geometry.elevation_max_deg - (np.arange(geometry.height) + 0.5) * 2 * half
        shown = (rows - half >= below) & (rows + half <= above)
        return Strip(whole.pixels * shown[:, None, None], whole.mask & shown[:, None])


@dataclass(frozen=True)
class CropsFrame:
    """Four photos of 90 degrees pasted side by side, cut above and below.

    ``first_heading_deg`` is the azimuth that the leftmost looks at, ``height_to_width`` the shape
    of one before any change of size.
    """

    first_heading_deg: float = 0.0
    height_to_width: float = 0.5
    heading_known: bool = True

    def strip(self, pixels: ImageU8, geometry: StripGeometry) -> Strip:
        """Return the full-circle strip of a picture (h, w, 3), each photo re-projected."""
        quarter = pixels.shape[1] // 4
        size = (quarter, max(1, round(quarter * self.height_to_width)))
        strips = []
        for number in range(4):
            photo = pixels[:, number * quarter : (number + 1) * quarter]
            photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
            heading = (self.first_heading_deg + 90.0 * number) % 360.0
            strips.append(street_strip(photo, "perspective", heading, 90.0, 0.0, 0.0, geometry))
        return merge_strips(strips)


@dataclass(frozen=True)
class PhotoFrame:
    """A photo of unknown heading."""

    fov_deg: float
    heading_known: bool = False

    def strip(self, pixels: ImageU8, geometry: StripGeometry) -> Strip:
        """Return the circle that holds the photo (h, w, 3), its left edge at column 0."""
        half = self.fov_deg / 2
        return street_strip(pixels, "perspective", half, self.fov_deg, 0.0, 0.0, geometry)


def tile_footprint_m(pixels: int, zoom: float, latitude_deg: float) -> float:
    """Return the ground width of so many pixels of a web map at a zoom and a latitude."""
    return pixels * MERCATOR_M_PER_PX * math.cos(math.radians(latitude_deg)) / 2**zoom


def local_xy(
    lon: npt.ArrayLike, lat: npt.ArrayLike, origin_lonlat: tuple[float, float]
) -> npt.NDArray[np.float32]:
    """Return metres east and north of an origin, (N, 2); true to 1 in 1000 within 100 km.

    It is its own, so that sets can be read where no projection library is installed.
    """
    lon0, lat0 = origin_lonlat
    sine = math.sin(math.radians(lat0))
    across = _A_M / math.sqrt(1 - _E2 * sine**2)
    along = across * (1 - _E2) / (1 - _E2 * sine**2)
    east = np.radians(np.asarray(lon, np.float64) - lon0) * across * math.cos(math.radians(lat0))
    north = np.radians(np.asarray(lat, np.float64) - lat0) * along
    return np.stack([east, north], axis=-1).astype(np.float32)
