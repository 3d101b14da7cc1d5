"""Imagery that lies a known way off the ground, read where things really are."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyproj

from model_core.errors import InputError, ProviderError
from model_core.files import replacing
from model_core.references.imagery.base import ImagerySource, OnlineImagery
from model_core.references.source import FetchPlan
from model_core.references.workers import Done
from model_core.types import LonLat, SatelliteImage, SourceTerms

_WGS84 = pyproj.Geod(ellps="WGS84")


class ShiftedImagery:
    """A source that shows things ``east_m`` and ``north_m`` further than they are.

    What stands at a place appears in the imagery that far to the east and north of it; so an image
    of the place is read there, and comes back as the place's own.
    """

    def __init__(self, imagery: ImagerySource, east_m: float, north_m: float) -> None:
        self.imagery = imagery
        self.east_m = east_m
        self.north_m = north_m

    @property
    def terms(self) -> SourceTerms:
        """Those of the imagery."""
        return self.imagery.terms

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, read as far off as the imagery lies."""
        found = self.imagery.read(self.seen_at(center), footprint_m, size_px)
        return None if found is None else replace(found, center_lonlat=center)

    def seen_at(self, place: LonLat) -> LonLat:
        """Return where the imagery shows a place."""
        azimuth_deg = math.degrees(math.atan2(self.east_m, self.north_m))
        distance_m = math.hypot(self.east_m, self.north_m)
        lon, lat, _ = _WGS84.fwd(place.lon, place.lat, azimuth_deg, distance_m)
        return LonLat(float(lon), float(lat))


class ShiftedOnlineImagery(ShiftedImagery):
    """The same for an online source."""

    imagery: OnlineImagery

    def __init__(self, imagery: OnlineImagery, east_m: float, north_m: float) -> None:
        super().__init__(imagery, east_m, north_m)

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return what ``prepare`` would ask for and is not kept yet; nothing is asked."""
        return self.imagery.plan(self._seen_at(centers), footprint_m, size_px)

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Fetch what ``read`` will need at all places and return what failed."""
        return self.imagery.prepare(self._seen_at(centers), footprint_m, size_px, done)

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write what ``read`` needs, with the offset beside it, and return what is to be opened."""
        path = self.imagery.save(folder, self._seen_at(centers), footprint_m, size_px)
        write_offset(path, self.east_m, self.north_m)
        return path

    def _seen_at(self, centers: Sequence[LonLat]) -> list[LonLat]:
        return [self.seen_at(center) for center in centers]


def offset_path(source: Path) -> Path:
    """Return where a local source's offset is noted: in a folder, or beside a file."""
    return (
        source / "offset.json"
        if source.is_dir()
        else source.with_name(f"{source.name}.offset.json")
    )


def write_offset(source: Path, east_m: float, north_m: float) -> None:
    """Note how far a local source's imagery lies off the ground.

    Raises:
        InputError: The note cannot be written.
    """
    noted = {"offset_east_m": east_m, "offset_north_m": north_m}
    with replacing(offset_path(source)) as unfinished:
        unfinished.write_text(json.dumps(noted) + "\n", encoding="utf-8")


def read_offset(source: Path) -> tuple[float, float]:
    """Return the offset noted with a local source, east and north in metres; zeros without a note.

    Raises:
        InputError: The note cannot be read.
    """
    path = offset_path(source)
    if not path.is_file():
        return 0.0, 0.0
    try:
        noted: Any = json.loads(path.read_text(encoding="utf-8"))
        return float(noted["offset_east_m"]), float(noted["offset_north_m"])
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise InputError(
            f'{path}: an offset is {{"offset_east_m": 0, "offset_north_m": 0}} ({err!r})'
        ) from err
