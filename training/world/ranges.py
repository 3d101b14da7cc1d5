"""How far photos, street views and imagery stray from the truth: every range in one place.

Errors of the field of view (8 %) are made where photos are cut out of circles, in
``training.datasets.augmentation``.
"""

from __future__ import annotations

Range = tuple[float, float]

PHOTO_AWAY_M: Range = (0.3, 20.0)
"""From the place's centre to where a photo is taken; never on it."""
PHOTO_REACH_M: Range = (18.0, 7.0)
"""Along and beside the street, so that the corner of the box lies within ``PHOTO_AWAY_M``."""
PHOTO_HEIGHT_M: Range = (1.4, 1.9)
PHOTO_TILT_DEG = 4.0
"""Standard deviation of pitch and of roll."""

STREET_REACH_M: Range = (6.0, 1.2)
OLD_STREET_AWAY_M: Range = (12.0, 50.0)
"""From the centre to an outdated street view."""
STREET_HEIGHT_M: Range = (1.9, 2.8)
STREET_TILT_DEG = 0.8

IMAGERY_M_PER_PX: Range = (0.15, 0.6)
"""What imagery is resampled to; the city is drawn at 0.5 m, finer values leave it as it is."""
IMAGERY_SHIFT_M: Range = (0.0, 10.0)
FOOTPRINT_SCALE: Range = (0.85, 1.15)

HARD_FOV_DEG: Range = (45.0, 70.0)
HARD_PASSERS: tuple[int, int] = (2, 5)
"""Passers-by close to the camera within a narrow photo of the hard tier."""

PHOTO_DAYS: tuple[int, int] = (18993, 20454)
"""2022 to 2025, in days since 1970-01-01."""
PHOTO_SPREAD_DAYS = 90
STREET_SPREAD_DAYS = 270
"""Photos and an available street view of one place lie within a year of each other."""
OLD_STREET_YEARS: Range = (2.0, 9.0)

AVAILABLE_SHARE = 0.6245
"""Of places have a street view within 50 m and one year of the photo. Source: paper."""
OUTDATED_SHARE = 0.2755
"""Have an older one, farther away; the rest has none."""
BLOCK_M = 60.0
"""Side of the cells that data are split by."""
