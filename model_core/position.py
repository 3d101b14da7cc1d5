"""Where the matched street views say that a photo was taken.

Inliers say little of distance: a photo that looks along a street shares more with a street view
farther on, nearer to what both see, than with the one beside it. What a match tells is the
direction in which the photo was taken from the street view. Where several directions meet, there it
was; along a single one, probably near the street view.

Matches tell that direction, as all directions, from where the photo looked; where north is, the
street views' compasses alone say, and those of one walk may all be off by half a turn. So the
photo's heading is sought along with its position, and the compasses have one vote together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.types import Verification

Vector = npt.NDArray[np.float64]

TOGETHER_M = 60.0
"""Matched street views this near each other speak of one photo's position together."""

MOST_TOGETHER = 12
"""So many of them, those with the most inliers."""

REACH_M, STEP_M = 75.0, 5.0
"""Positions are tried this far around a street view, so far apart."""

BEARING_SIGMA_DEG = 7.0
BEARING_WRONG = 0.25
"""Share of directions that are any: on rendered panoramas 7 in 10 were within 30 degrees."""

HEADING_STEP_DEG = 10.0
COMPASS_SIGMA_DEG = 10.0
COMPASS_WRONG = 0.5
"""Share of walks and drives whose compasses say nothing."""

POSITION_SIGMA_M = 3.0
"""Deviation of a street view's position from what its source says, aside of the direction."""

NEAR_M = 25.0
"""Distance at which a position is half as probable as beside the street view."""

INLIER_POWER = 0.5
"""Of a street view's inliers above the threshold, as its weight among the others."""

MIDDLE_POWER = 3.0
"""The same in the mean of their positions, which is all that is known without any direction."""

MIDDLE_M, MIDDLE_WEIGHT = 20.0, 1.5
"""Distance from that mean at which a position is half as probable, and its weight as a view's."""


@dataclass(frozen=True)
class TriedViews:
    """The V street views that a photo was compared with, as arrays.

    Attributes:
        verifications: What was found.
        inliers: (V,).
        xy_m: (V, 2) where they stand.
        shown: (V,) the share of the circle around them that they show.
        heading_deg: (V,) the photo's heading if their compass is right; NaN where unknown.
        sigma_deg: (V,) its standard deviation.
        bearing_deg: (V,) azimuth in which the photo was taken from them, alike.
    """

    verifications: tuple[Verification, ...]
    inliers: Vector
    xy_m: Vector
    shown: Vector
    heading_deg: Vector
    sigma_deg: Vector
    bearing_deg: Vector


def photo_spots(tried: TriedViews, threshold: float) -> Vector:
    """Return where each view says the photo was taken, (V, 2) metres.

    A view above the threshold speaks together with those near it; one below stands for its own
    position.

    Args:
        tried: The street views.
        threshold: Inliers from which one is more likely right than chance.
    """
    spots = tried.xy_m.copy()
    spot_of: dict[bytes, Vector] = {}
    strong = np.flatnonzero(tried.inliers > threshold)
    for view in strong:
        offset = tried.xy_m[strong] - tried.xy_m[view]
        near = strong[np.hypot(offset[:, 0], offset[:, 1]) <= TOGETHER_M]
        near = near[np.argsort(-tried.inliers[near], kind="stable")][:MOST_TOGETHER]
        company = np.sort(near).tobytes()
        if company not in spot_of:
            spot_of[company] = _spot_of(tried, near, tried.inliers[near] - threshold)
        spots[view] = spot_of[company]
    return spots


def _spot_of(tried: TriedViews, views: npt.NDArray[np.int64], above: Vector) -> Vector:
    weight = above**MIDDLE_POWER
    middle_m: Vector = weight @ tried.xy_m[views] / weight.sum()
    if not np.isfinite(tried.bearing_deg[views]).any():
        return middle_m
    return _where_bearings_meet(tried, views, above, middle_m)


def _where_bearings_meet(
    tried: TriedViews, views: npt.NDArray[np.int64], above: Vector, middle_m: Vector
) -> Vector:
    """Return the most probable position (2,) on a grid around the views' middle, at any heading.

    Each view's log likelihood, by weight: a normal deviation from its bearing among a share of
    wrong ones, and a distance that falls off as a Cauchy distribution's density does; the middle's
    distance counts alike.
    """
    steps = np.arange(-REACH_M, REACH_M + STEP_M / 2, STEP_M)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 1, 2) + middle_m
    east, north = np.moveaxis(grid - tried.xy_m[views], 2, 0)
    distance = np.hypot(east, north)
    off_axis = tried.bearing_deg[views] - tried.heading_deg[views]
    azimuth = np.degrees(np.arctan2(east, north)) - off_axis
    sigma = np.hypot(BEARING_SIGMA_DEG, tried.sigma_deg[views])
    sigma = np.hypot(sigma, np.degrees(np.arctan2(POSITION_SIGMA_M, distance)))
    weight = (above / above.max()) ** INLIER_POWER
    near = -np.log1p((distance / NEAR_M) ** 2) @ weight
    away = np.square((grid[:, 0] - middle_m) / MIDDLE_M).sum(1)
    near = near - MIDDLE_WEIGHT * np.log1p(away)

    best, where = -np.inf, 0
    for heading_deg in np.arange(0.0, 360.0, HEADING_STEP_DEG):
        right = _normal_density(azimuth - heading_deg, sigma)
        bearing = np.log((1.0 - BEARING_WRONG) * right + BEARING_WRONG / 360.0) @ weight
        log_likelihood = bearing + near + _log_compass(tried, views, heading_deg)
        if (most := float(log_likelihood.max())) > best:
            best, where = most, int(log_likelihood.argmax())
    return np.asarray(grid[where, 0], np.float64)


def _log_compass(tried: TriedViews, views: npt.NDArray[np.int64], heading_deg: float) -> float:
    """Return what the views' compasses together say of a heading, a log density per degree."""
    known = views[np.isfinite(tried.heading_deg[views])]
    sigma = np.hypot(COMPASS_SIGMA_DEG, tried.sigma_deg[known])
    said = _normal_density(heading_deg - tried.heading_deg[known], sigma).mean()
    return math.log((1.0 - COMPASS_WRONG) * float(said) + COMPASS_WRONG / 360.0)


def _normal_density(aside_deg: Vector, sigma_deg: Vector) -> Vector:
    """Return densities per degree of normal deviations on the circle; of NaN, that of chance."""
    aside = (aside_deg + 180.0) % 360.0 - 180.0
    density = np.exp(-0.5 * (aside / sigma_deg) ** 2) / (sigma_deg * math.sqrt(2.0 * math.pi))
    return np.where(np.isfinite(aside), density, 1.0 / 360.0)
