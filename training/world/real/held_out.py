"""Which real places train and which are kept to test with; fixed, and told by where they lie."""

from __future__ import annotations

import math

from model_core.errors import InputError
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
_NEAR_KM = 4.0


def split_of(center_lonlat: tuple[float, float], asked: Split | None = None) -> Split:
    """Return whether a place trains or tests: as asked, but held-out places always test.

    Raises:
        InputError: A held-out place was asked for training, or a training place for testing.
    """
    for places, split in ((TEST_PLACES, "test"), (TRAIN_PLACES, "train")):
        for name, place in places.items():
            if _away_km(center_lonlat, place) < _NEAR_KM:
                fixed: Split = "test" if split == "test" else "train"
                if asked not in (None, fixed):
                    raise InputError(f"{name} is kept for {fixed}; leave --split out")
                return fixed
    return asked or "train"


def _away_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    east = (a[0] - b[0]) * math.cos(math.radians(a[1])) * 111.3
    return math.hypot(east, (a[1] - b[1]) * 111.3)
