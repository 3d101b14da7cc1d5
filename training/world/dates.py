"""Days of capture, and which places have a street view: near in time, outdated, or none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from training.world.ranges import (
    AVAILABLE_SHARE,
    OLD_STREET_YEARS,
    OUTDATED_SHARE,
    PHOTO_DAYS,
    PHOTO_SPREAD_DAYS,
    STREET_SPREAD_DAYS,
)


class StreetView(IntEnum):
    """What street view a place has.

    ``AVAILABLE``: within 50 m and one year of the photo; it shows the world near the photo's date.
    ``OUTDATED``: farther away, years old; it shows the other date. ``NONE``: no street view.
    """

    AVAILABLE = 0
    OUTDATED = 1
    NONE = 2


@dataclass(frozen=True)
class Dates:
    """Days since 1970-01-01: ``street_days`` int32 (N,), ``query_days`` int32 (N, Q)."""

    street_days: npt.NDArray[np.int32]
    query_days: npt.NDArray[np.int32]


def draw_street_views(count: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the ``StreetView`` of every place, (N,), in shares as exact as the count allows.

    The draw is stratified (evenly spaced points with one random start), so that shares of cities
    differ from the wanted ones by less than one place and those of a set average out.
    """
    at = (np.arange(count) + rng.random()) / max(count, 1)
    kinds = np.searchsorted([AVAILABLE_SHARE, AVAILABLE_SHARE + OUTDATED_SHARE], at, side="right")
    return np.asarray(rng.permutation(kinds), np.uint8)


def draw_dates(
    street_views: npt.NDArray[np.uint8],
    queries: int,
    rng: np.random.Generator,
    *,
    earlier: bool = False,
) -> Dates:
    """Return when photos and street views were taken.

    Args:
        street_views: (N,) ``StreetView``.
        queries: Photos a place.
        rng: Source of chance.
        earlier: Available street views were taken before the photos, as in a disaster.
    """
    count = len(street_views)
    middle = rng.integers(*PHOTO_DAYS, size=count)
    photos = middle[:, None] + rng.integers(
        -PHOTO_SPREAD_DAYS, PHOTO_SPREAD_DAYS + 1, size=(count, queries)
    )
    last = -PHOTO_SPREAD_DAYS if earlier else STREET_SPREAD_DAYS
    near = middle + rng.integers(-STREET_SPREAD_DAYS, last + 1, size=count)
    old = middle - np.rint(rng.uniform(*OLD_STREET_YEARS, size=count) * 365.25).astype(np.int64)
    street = np.where(street_views == StreetView.AVAILABLE, near, old)
    return Dates(street.astype(np.int32), photos.astype(np.int32))
