"""What every map of the results shares: plane in metres, outline, places, ground beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.errors import ShapeError
from model_core.references.area import LocalFrame
from model_core.types import Area, ImageU8, LonLat, Place


@dataclass(frozen=True)
class Backdrop:
    """A picture to lie under the map: uint8 (H, W, 3), north up, with its bounds in EPSG:4326."""

    image: ImageU8
    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Refuse a picture that is none.

        Raises:
            ShapeError: Not (H, W, 3), or bounds that enclose nothing.
        """
        if self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ShapeError(f"a backdrop must be (H, W, 3), not {self.image.shape}")
        if self.west >= self.east or self.south >= self.north:
            raise ShapeError("a backdrop's bounds must be west < east and south < north")


@dataclass(frozen=True)
class MapScene:
    """What every map shares: the plane, the area's outline, the places and the backdrop."""

    frame: LocalFrame
    outlines: tuple[npt.NDArray[np.float64], ...]
    bounds_m: tuple[float, float, float, float]
    places_m: npt.NDArray[np.float64]
    backdrop: Backdrop | None

    @classmethod
    def of(cls, area: Area, places: Sequence[Place], backdrop: Backdrop | None) -> MapScene:
        """Return the scene of an area."""
        frame = LocalFrame(area.center_lonlat)
        polygons = getattr(area.geometry, "geoms", [area.geometry])
        outlines = tuple(
            np.column_stack(frame.to_xy(*np.asarray(polygon.exterior.coords)[:, :2].T))
            for polygon in polygons
        )
        corners = np.concatenate(outlines)
        places_m = np.column_stack(
            frame.to_xy([p.lonlat.lon for p in places], [p.lonlat.lat for p in places])
        )
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        room = 0.04 * max(east - west, north - south)
        bounds = (west - room, south - room, east + room, north + room)
        return cls(frame, outlines, bounds, places_m, backdrop)

    @property
    def size_m(self) -> float:
        """The longer side of the map."""
        west, south, east, north = self.bounds_m
        return max(east - west, north - south)

    def point(self, lonlat: LonLat) -> tuple[float, float]:
        """Return a position in the plane, metres east and north of the area's centre."""
        x_m, y_m = self.frame.to_xy(lonlat.lon, lonlat.lat)
        return float(x_m), float(y_m)
