"""What all online sources of street views do alike: look part by part, fetch image by image."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar, cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from model_core.errors import ProviderError, StreetViewError
from model_core.references.area import LocalFrame
from model_core.references.cache import Reply
from model_core.references.http import HttpClient
from model_core.references.source import FetchPlan
from model_core.references.street_view.base import views_within
from model_core.references.web import HttpRequest
from model_core.types import Area, LonLat, SourceTerms, StreetView, until_cancelled

Ask = Callable[[HttpRequest], Reply]
Item = Mapping[str, Any]
PartT = TypeVar("PartT")

LISTING_EXPIRES_S = 7 * 86_400.0
"""Street views are added every day, but seldom to one and the same area."""

_METRES_A_DEGREE = 111_320.0
_UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, OSError)


class Box(NamedTuple):
    """A rectangle in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def text(self) -> str:
        """The four sides as APIs want them, to a centimetre."""
        return ",".join(f"{side:.7f}" for side in self)

    @property
    def quarters(self) -> tuple[Box, Box, Box, Box]:
        """The four boxes that it is made of."""
        lon, lat = (self.west + self.east) / 2, (self.south + self.north) / 2
        return (
            Box(self.west, self.south, lon, lat),
            Box(lon, self.south, self.east, lat),
            Box(self.west, lat, lon, self.north),
            Box(lon, lat, self.east, self.north),
        )


@dataclass(frozen=True)
class RemotePhoto:
    """An image behind an address that stays."""

    client: HttpClient
    request: HttpRequest
    terms: SourceTerms

    def is_kept(self) -> bool:
        """Return whether it is here already."""
        return self.client.is_kept(self.request, self.terms)

    def read(self) -> bytes:
        """Return the image file's bytes.

        Raises:
            ProviderError: The source failed, or has the image no more.
        """
        reply = self.client.get(self.request, self.terms)
        if reply is None:
            raise gone(self.terms, self.request)
        return reply.body


class NotKept(ProviderError):
    """What a plan needs to know is not here, and a plan asks nothing."""


class ListedStreetViews(ABC, Generic[PartT]):
    """A source that lists the street views of an area part by part.

    A part that fails costs its own views only, and is noted in ``skipped``; so is a view that
    cannot be used. ``views_a_km2`` and ``image_bytes`` are guesses, for plans of areas never
    looked at.
    """

    views_a_km2: float
    image_bytes: int

    def __init__(self, client: HttpClient, terms: SourceTerms) -> None:
        self.client = client
        self.terms = terms
        self.skipped: dict[str, str] = {}

    @abstractmethod
    def _parts(self, area: Area, margin_m: float) -> list[PartT]:
        """Return what to look through one by one."""

    @abstractmethod
    def _list(self, part: PartT, ask: Ask) -> Iterator[tuple[str, Item]]:
        """Yield what a part holds, each with its id, by asking for it."""

    @abstractmethod
    def _views(self, item_id: str, item: Item) -> list[StreetView]:
        """Return the street views of an item; StreetViewError or ValueError: it cannot serve."""

    def find(self, area: Area, margin_m: float) -> list[StreetView]:
        """Return the street views within an area and ``margin_m`` metres around it.

        Raises:
            ProviderError: No part of the area could be looked at.
            Cancelled: The user asked to stop.
        """
        self.skipped = {}
        items: dict[str, Item] = {}
        for number, found in enumerate(self._look_through(self._parts(area, margin_m))):
            if isinstance(found, ProviderError):
                self.skipped[f"part {number + 1} of the area"] = str(found)
            else:
                items.update(found)
        views = self._read_items(items, self.skipped)
        return views_within(views, area, margin_m)

    def plan(self, area: Area, margin_m: float) -> FetchPlan:
        """Return what finding and fetching an area's views would ask; nothing is asked now.

        Where the area was looked at before, its images that are not kept are counted; elsewhere
        they are guessed from a usual density.
        """
        parts = self._parts(area, margin_m)
        items: dict[str, Item] = {}
        unknown = 0
        for part in until_cancelled(parts, self.client.is_cancelled):
            try:
                items.update(self._listed(part, self._ask_what_is_kept))
            except NotKept:
                unknown += 1
        views = views_within(self._read_items(items, {}), area, margin_m)
        missing = sum(not _is_kept(view) for view in views)
        area_km2 = _buffered(area, margin_m).area / 1e6
        guessed = round(self.views_a_km2 * area_km2 * unknown / max(1, len(parts)))
        return FetchPlan(unknown + missing + guessed, (missing + guessed) * self.image_bytes)

    def _look_through(self, parts: Sequence[PartT]) -> list[dict[str, Item] | ProviderError]:
        """Return the items of each part, or its error; the first part shows whether it can work."""

        def look(part: PartT) -> dict[str, Item]:
            return self._listed(part, self._ask)

        found = self.client.map(look, parts[:1])
        for first in found:
            if isinstance(first, ProviderError) and not _may_differ_elsewhere(first):
                raise first
        found += self.client.map(look, parts[1:])
        errors = [one for one in found if isinstance(one, ProviderError)]
        if errors and len(errors) == len(found):
            raise errors[0]
        return found

    def _listed(self, part: PartT, ask: Ask) -> dict[str, Item]:
        try:
            return dict(self._list(part, ask))
        except _UNREADABLE as err:
            raise ProviderError(
                f"{self.terms.provider}: its list of street views cannot be read ({err!r}); "
                "check the option url",
                reason="unreadable list",
            ) from err

    def _read_items(self, items: Mapping[str, Item], skipped: dict[str, str]) -> list[StreetView]:
        views: list[StreetView] = []
        for item_id, item in items.items():
            try:
                views += self._views(item_id, item)
            except StreetViewError as err:
                skipped[item_id] = str(err)
            except _UNREADABLE as err:
                skipped[item_id] = f"what {self.terms.provider} says of it cannot be read ({err!r})"
        return views

    def _ask(self, request: HttpRequest) -> Reply:
        reply = self.client.get(request, self.terms, LISTING_EXPIRES_S)
        if reply is None:
            raise ProviderError(
                f"{self.terms.provider}: {request.label}: nothing is there (HTTP 404); "
                "check the option url",
                reason="HTTP 404",
            )
        return reply

    def _ask_what_is_kept(self, request: HttpRequest) -> Reply:
        reply = self.client.kept(request, self.terms, LISTING_EXPIRES_S)
        if reply is None:
            raise NotKept(f"{request.label} is not kept", reason="not kept")
        return reply


def boxes_over(area: Area, margin_m: float, max_side_deg: float) -> list[Box]:
    """Return boxes of at most a side that cover an area and a margin; what is far off is left out.

    Args:
        area: Where to look.
        margin_m: How far around it.
        max_side_deg: Longest side of a box, in degrees of longitude and of latitude.
    """
    west, south, east, north = area.geometry.bounds
    up = margin_m / _METRES_A_DEGREE
    aside = up / max(0.01, math.cos(math.radians(min(89.0, max(abs(south), abs(north))))))
    lon = _steps(max(-180.0, west - aside), min(180.0, east + aside), max_side_deg)
    lat = _steps(max(-90.0, south - up), min(90.0, north + up), max_side_deg)
    boxes = [
        Box(*(round(side, 7) for side in (w, s, e, n)))
        for s, n in pairwise(lat)
        for w, e in pairwise(lon)
    ]
    frame = LocalFrame(area.center_lonlat)
    near = _buffered(area, margin_m)
    shapely.prepare(near)
    return [box for box in boxes if near.intersects(frame.project(shapely.box(*box)))]


def lattice_over(area: Area, margin_m: float, step_m: float) -> list[LonLat]:
    """Return points such that an area and a margin are nowhere farther than ``step_m`` / 1.4 away.

    Args:
        area: Where to look.
        margin_m: How far around it.
        step_m: Distance between neighbours.
    """
    frame = LocalFrame(area.center_lonlat)
    near = _buffered(area, margin_m + step_m / math.sqrt(2.0))
    west, south, east, north = near.bounds
    x_m, y_m = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(math.ceil(west / step_m), math.floor(east / step_m) + 1) * step_m,
            np.arange(math.ceil(south / step_m), math.floor(north / step_m) + 1) * step_m,
        )
    )
    inside = shapely.intersects_xy(near, x_m, y_m)
    lon, lat = frame.to_lonlat(x_m[inside], y_m[inside])
    return [
        LonLat(round(lon_deg, 6), round(lat_deg, 6))
        for lon_deg, lat_deg in zip(lon.tolist(), lat.tolist(), strict=True)
    ]


def lonlat_of(lon: Any, lat: Any) -> LonLat:
    """Return a position out of two numbers or texts.

    Raises:
        ValueError: They are none.
    """
    found = LonLat(float(lon), float(lat))
    if not (abs(found.lon) <= 180.0 and abs(found.lat) <= 90.0):
        raise ValueError(f"no position: {lon}, {lat}")
    return found


def degrees_of(value: Any) -> float | None:
    """Return a heading in [0, 360), None where there is none."""
    try:
        heading_deg = float(value)
    except (TypeError, ValueError):
        return None
    return heading_deg % 360.0 if math.isfinite(heading_deg) else None


def gone(terms: SourceTerms, request: HttpRequest) -> ProviderError:
    """Return the error of an image that was listed and is not there."""
    return ProviderError(
        f"{terms.provider}: {request.label}: the image is not there any more", reason="missing"
    )


def _may_differ_elsewhere(error: ProviderError) -> bool:
    """Return whether other parts may answer though one failed: not with a key that is refused."""
    return error.transient or error.reason == "offline"


def _is_kept(view: StreetView) -> bool:
    kept = getattr(view.remote, "is_kept", None)
    return bool(kept and kept())


def _buffered(area: Area, margin_m: float) -> BaseGeometry:
    flat = LocalFrame(area.center_lonlat).project(area.geometry)
    return cast(BaseGeometry, flat.buffer(max(0.0, margin_m)))


def _steps(start: float, end: float, longest: float) -> list[float]:
    count = max(1, math.ceil((end - start) / longest - 1e-9))
    return [start + (end - start) * step / count for step in range(count + 1)]
