"""Two images of one scene: matches that one motion of the camera explains.

A perspective image is one pinhole. A panorama is many: one in every direction, each seeing the
matches around its axis. The pairs of pinholes that share the most matches are tried, and the
fundamental matrix is estimated by MAGSAC, so that no field of view has to be known.

Source: D. Barath et al., MAGSAC++, CVPR 2020, as OpenCV implements it.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from model_core.types import MaskArray
from model_core.verification.local_features import LocalFeatures

log = logging.getLogger(__name__)

Points = npt.NDArray[np.float64]

MAGSAC_THRESHOLD_PX = 1.0
MAGSAC_CONFIDENCE = 0.9999
MAGSAC_ITERATIONS = 10_000
MIN_MATCHES = 8
"""A fundamental matrix fits any seven matches; the eighth is the first evidence."""

PINHOLE_STEP_DEG = 30.0
PINHOLE_HALF_FOV_DEG = 55.0
PINHOLE_PAIRS_TRIED = 3


@dataclass(frozen=True)
class Pinhole:
    """What a pinhole camera in an image's place sees of some of its points.

    ``azimuth_deg`` is its axis, right of the image's centre column; ``focal_px`` is None where the
    field of view is unknown; ``points_px`` (M, 2) counts right and down from the axis; ``inside``
    (M,) says which points it sees.
    """

    azimuth_deg: float
    focal_px: float | None
    points_px: Points
    inside: MaskArray


@dataclass(frozen=True)
class EpipolarInliers:
    """The matches that one pair of pinholes explains; ``chosen`` indexes the matches."""

    query: Pinhole
    reference: Pinhole
    chosen: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)


def pinholes(
    features: LocalFeatures, rows: npt.NDArray[np.int64], fov_deg: float | None
) -> list[Pinhole]:
    """Return the pinhole cameras that an image's points are looked at through.

    Args:
        features: The image's features.
        rows: (M,) rows of its points, in the order of the matches.
        fov_deg: Horizontal field of view of a perspective image, None when unknown.
    """
    points = features.points[rows].astype(np.float64)
    width = features.size_px[0]
    if features.projection == "perspective":
        focal_px = None if fov_deg is None else width / 2 / math.tan(math.radians(fov_deg) / 2)
        return [Pinhole(0.0, focal_px, points, np.ones(len(points), np.bool_))]
    focal_px = width / math.radians(fov_deg or 360.0)
    elevation = np.radians(points[:, 1])
    found = []
    for azimuth_deg in np.arange(0.0, 360.0, PINHOLE_STEP_DEG):
        aside_deg = (points[:, 0] - azimuth_deg + 180.0) % 360.0 - 180.0
        inside = np.abs(aside_deg) <= PINHOLE_HALF_FOV_DEG
        aside = np.radians(np.where(inside, aside_deg, 0.0))
        seen = np.stack((np.tan(aside), -np.tan(elevation) / np.cos(aside)), axis=1) * focal_px
        found.append(Pinhole(float(azimuth_deg), focal_px, seen, inside))
    return found


def epipolar_inliers(
    query: list[Pinhole], reference: list[Pinhole], min_matches: int = MIN_MATCHES
) -> EpipolarInliers | None:
    """Return the largest set of matches that one camera motion explains, None if there is none.

    Args:
        query: The pinholes of the first image, over the matches.
        reference: The pinholes of the second, over the same matches.
        min_matches: Pairs of pinholes that share fewer matches are passed over.
    """
    seen_by_query = np.stack([pinhole.inside for pinhole in query]).astype(np.int64)
    seen_by_reference = np.stack([pinhole.inside for pinhole in reference]).astype(np.int64)
    shared = seen_by_query @ seen_by_reference.T
    most_first = np.argsort(-shared, axis=None, kind="stable")[:PINHOLE_PAIRS_TRIED]
    best: EpipolarInliers | None = None
    for i, j in zip(*np.unravel_index(most_first, shared.shape), strict=True):
        floor = max(min_matches - 1, MIN_MATCHES - 1, 0 if best is None else len(best))
        if shared[i, j] <= floor:
            break
        both = np.flatnonzero(query[i].inside & reference[j].inside)
        kept = both[_fundamental_inliers(query[i].points_px[both], reference[j].points_px[both])]
        if len(kept) >= MIN_MATCHES and (best is None or len(kept) > len(best)):
            best = EpipolarInliers(query[i], reference[j], kept)
    return best


def _fundamental_inliers(first_px: Points, second_px: Points) -> npt.NDArray[np.int64]:
    """Return the rows that a fundamental matrix explains; the same every time."""
    try:
        _, inside = cv2.findFundamentalMat(
            first_px,
            second_px,
            cv2.USAC_MAGSAC,
            MAGSAC_THRESHOLD_PX,
            MAGSAC_CONFIDENCE,
            MAGSAC_ITERATIONS,
        )
    except cv2.error as error:
        # OpenCV asserts, instead of returning nothing, where no sample gives a model.
        log.debug("no fundamental matrix of %d matches: %s", len(first_px), error)
        return np.empty(0, np.int64)
    if inside is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(inside.ravel())
