"""The plane in which a real city lies flat: metres east and true north of its centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer

from model_core.types import FloatArray

WGS84 = CRS.from_epsg(4326)


def local_crs(center_lonlat: tuple[float, float]) -> CRS:
    """Return the azimuthal equidistant plane at a point; its centre is (0, 0), in metres."""
    lon, lat = center_lonlat
    return CRS.from_proj4(f"+proj=aeqd +lat_0={lat!r} +lon_0={lon!r} +datum=WGS84 +units=m")


@dataclass(frozen=True)
class LocalFrame:
    """Carries points of one coordinate system into a local plane."""

    center_lonlat: tuple[float, float]
    transformer: Transformer

    @classmethod
    def around(cls, points: npt.ArrayLike, crs: CRS = WGS84) -> LocalFrame:
        """Return the frame at the middle of points (n, 2): x or longitude first."""
        xy = np.asarray(points, np.float64)
        middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
        to_lonlat = Transformer.from_crs(crs, WGS84, always_xy=True)
        lon, lat = (float(v) for v in to_lonlat.transform(middle[0], middle[1]))
        center = (lon, lat)
        return cls(center, Transformer.from_crs(crs, local_crs(center), always_xy=True))

    def metres(self, points: npt.ArrayLike) -> FloatArray:
        """Return points (n, 2) as metres east and north of the centre."""
        xy = np.asarray(points, np.float64).reshape(-1, 2)
        east, north = self.transformer.transform(xy[:, 0], xy[:, 1])
        return np.asarray(np.stack([east, north], 1), np.float32)
