"""Which real places train and which are kept to test with; fixed, and told by where they lie.

A city is judged by the whole of its buildings and streets: an extract of all of Berlin holds the
place in it that tests, wherever its middle is.
"""

from __future__ import annotations

import math

import numpy as np

from model_core.errors import InputError
from training.world.real.city import RealCity
from training.world.real.prepared import Split

TRAIN_PLACES = {
    "Krems": (15.6347, 48.4070),
    "West Oakland": (-122.3005, 37.8065),
    "Piedmont": (-122.2301, 37.8225),
}
TEST_PLACES = {
    "Berlin Siegessaeule": (13.3501, 52.5145),
    "Delft": (4.3658, 52.0122),
    "San Francisco Parnassus": (-122.4631, 37.7638),
}
_NEAR_M = 4000.0
_METRES_A_DEGREE = 111_300.0


def split_of(city: RealCity, asked: Split | None = None) -> Split:
    """Return whether a city trains or tests: as asked, but whatever reaches a held-out place tests.

    Raises:
        InputError: A held-out place was asked for training, or a training place for testing.
    """
    for places, split in ((TEST_PLACES, "test"), (TRAIN_PLACES, "train")):
        for name, place in places.items():
            if _away_m(city, place) < _NEAR_M:
                fixed: Split = "test" if split == "test" else "train"
                if asked not in (None, fixed):
                    raise InputError(
                        f"{name} is kept for {fixed}; leave --split out, or give files that end "
                        f"{_NEAR_M / 1000:g} km before it"
                    )
                return fixed
    return asked or "train"


def _away_m(city: RealCity, place: tuple[float, float]) -> float:
    """Return how far a place is from the box around a city's buildings and streets, 0 inside."""
    rings = [ring for building in city.buildings for ring in building.rings]
    points = np.concatenate([*rings, *(road.points for road in city.roads)])
    lon, lat = city.center_lonlat
    east = (place[0] - lon) * math.cos(math.radians(lat))
    at = np.array([east, place[1] - lat]) * _METRES_A_DEGREE
    beyond = np.maximum(np.maximum(points.min(axis=0) - at, at - points.max(axis=0)), 0.0)
    return float(np.hypot(*beyond))
