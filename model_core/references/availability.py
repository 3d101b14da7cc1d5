"""Which street views serve a place: near enough, and recent enough for the photo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
import shapely

from model_core.config import StreetViewConfig
from model_core.errors import ConfigError
from model_core.references.area import LocalFrame
from model_core.types import LonLat, Place, StreetView

SAME_STANDPOINT_M = 10.0
SAME_DIRECTION_DEG = 20.0

_SECONDS_A_DAY = 86_400.0


class StreetViewIndex:
    """The street views of an area, found by distance in its local plane.

    ``points`` are the views' positions there, one shapely point each.
    """

    def __init__(self, views: Sequence[StreetView], frame: LocalFrame) -> None:
        self.views = tuple(views)
        self.frame = frame
        x_m, y_m = frame.to_xy([v.lonlat.lon for v in views], [v.lonlat.lat for v in views])
        self.points = np.asarray(shapely.points(x_m, y_m), dtype=object)
        self._tree = shapely.STRtree(self.points)

    def __len__(self) -> int:
        return len(self.views)

    def within(self, lonlat: LonLat, distance_m: float) -> list[tuple[float, StreetView]]:
        """Return the views within a distance and how far they are, the nearest first."""
        x_m, y_m = self.frame.to_xy(lonlat.lon, lonlat.lat)
        here = shapely.Point(float(x_m), float(y_m))
        rows = self._tree.query(here, predicate="dwithin", distance=distance_m)
        distances_m = shapely.distance(self.points[rows], here)
        found = [
            (far, self.views[row]) for far, row in zip(distances_m.tolist(), rows, strict=True)
        ]
        return sorted(found, key=lambda one: (round(one[0], 3), one[1].view_id))


def is_available(view: StreetView, photo_date: datetime | None, config: StreetViewConfig) -> bool:
    """Return whether a view is recent enough for the photo, or its age cannot matter.

    Without a photo's date every view is. A view without a date is, except under the policy
    "strict". A date without a time zone is compared as it stands. Views of other times than
    ``config`` asks for never are (``is_of_time``).

    Raises:
        ConfigError: ``after`` or ``before`` is no date.
    """
    if not is_of_time(view, config):
        return False
    if photo_date is None:
        return True
    if view.captured_at is None:
        return config.policy != "strict"
    return abs(_days_from(photo_date, view.captured_at)) <= config.max_age_days


def is_of_time(view: StreetView, config: StreetViewConfig) -> bool:
    """Return whether a view was taken on or after the day ``after`` and before ``before`` begins.

    A view without a date is not of any time that is asked for.

    Raises:
        ConfigError: ``after`` or ``before`` is no date.
    """
    after, before = _date("after", config.after), _date("before", config.before)
    if after is None and before is None:
        return True
    taken = view.captured_at
    if taken is None:
        return False
    return (after is None or _days_from(after, taken) >= 0.0) and (
        before is None or _days_from(before, taken) < 0.0
    )


def choose_street_views(
    place: Place,
    views_index: StreetViewIndex,
    photo_date: datetime | None,
    config: StreetViewConfig,
) -> tuple[StreetView, ...]:
    """Return the street views that serve a place, the nearest first; none: ().

    All lie within ``max_distance_m``. "strict", "hybrid" and "synthetic" take available ones only
    (``is_available``), "nearest" whatever their age; none takes a view of another time than
    ``after`` and ``before`` leave. The nearest view comes alone if it is a
    panorama; several perspective photos from about the same standpoint, looking different ways,
    come together, and a panorama from there completes them.

    Args:
        place: The place.
        views_index: The area's street views.
        photo_date: When the photo was taken, None when unknown.
        config: Distance, age, policy and how many.
    """
    near = views_index.within(place.lonlat, config.max_distance_m)
    near = [(far, view) for far, view in near if is_of_time(view, config)]
    if config.policy != "nearest":
        near = [(far, view) for far, view in near if is_available(view, photo_date, config)]
    chosen: list[StreetView] = []
    for distance_m, view in near:
        if chosen and distance_m > near[0][0] + SAME_STANDPOINT_M:
            break
        if chosen and not _adds_to(view, chosen):
            continue
        chosen.append(view)
        if view.projection == "equirectangular" or len(chosen) >= config.max_views_per_place:
            break
    return tuple(chosen)


def assign_views(
    places: Sequence[Place], views_index: StreetViewIndex, max_distance_m: float
) -> list[list[StreetView]]:
    """Return every view under the place nearest to it, one list a place, the nearest view first.

    Views farther than ``max_distance_m`` from every place are left out. Verification tries these,
    so that no street view of the area goes unseen.
    """
    assigned: list[list[tuple[float, StreetView]]] = [[] for _ in places]
    if not places or not len(views_index):
        return [[] for _ in places]
    lon, lat = zip(*((p.lonlat.lon, p.lonlat.lat) for p in places), strict=True)
    points = np.asarray(shapely.points(*views_index.frame.to_xy(lon, lat)), dtype=object)
    (views, nearest), distances = shapely.STRtree(points).query_nearest(
        views_index.points,
        max_distance=max_distance_m,
        return_distance=True,
        all_matches=False,
    )
    for view, place, far in zip(views.tolist(), nearest.tolist(), distances.tolist(), strict=True):
        assigned[place].append((far, views_index.views[view]))
    return [
        [view for _, view in sorted(found, key=lambda one: (round(one[0], 3), one[1].view_id))]
        for found in assigned
    ]


def _adds_to(view: StreetView, chosen: Sequence[StreetView]) -> bool:
    """Return whether a further view can be placed and looks another way than those chosen."""
    if view.projection == "equirectangular":
        return view.heading_deg is not None
    if view.heading_deg is None or view.fov_deg is None:
        return False
    headings = [other.heading_deg for other in chosen if other.heading_deg is not None]
    return all(
        abs((view.heading_deg - other + 180.0) % 360.0 - 180.0) >= SAME_DIRECTION_DEG
        for other in headings
    )


def _days_from(one: datetime, other: datetime) -> float:
    """Return how many days the second lies after the first; as they stand, if one has no zone."""
    if one.tzinfo is None or other.tzinfo is None:
        one, other = one.replace(tzinfo=None), other.replace(tzinfo=None)
    return (other - one).total_seconds() / _SECONDS_A_DAY


@lru_cache(maxsize=8)
def _date(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as err:
        raise ConfigError(
            f"street_view.{name} is {text!r}; give a date such as 2023-02-06, or leave it empty"
        ) from err
