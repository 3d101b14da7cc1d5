"""Points that a photo and a street view share, as shares of the pictures that are shown of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.alignment.projection import Camera, image_points
from model_core.config import VerificationConfig
from model_core.types import Photo, StreetView
from model_core.verification.local_features import LocalFeatures
from model_core.verification.verify import match_features, photo_features, view_features

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """A picture as a camera took it, ``size_px`` its width and height.

    Without a camera it is a perspective image as it is.
    """

    size_px: tuple[int, int]
    camera: Camera | None = None


@dataclass(frozen=True)
class MatchedPoints:
    """Points of one motion of the camera; row by row the same in both pictures.

    ``photo`` and ``street_view`` (N, 2) are shares of the width, from the left, and of the height,
    from the top. ``inliers`` counts also those that one of the pictures does not show.
    """

    photo: Shares
    street_view: Shares
    inliers: int


def matched_points(
    photo: Photo,
    photo_picture: Picture,
    view: StreetView,
    view_picture: Picture,
    config: VerificationConfig,
) -> MatchedPoints:
    """Return the matches that verification would count, where the pictures show them.

    Args:
        photo: The photo, as it was edited.
        photo_picture: What is shown of it.
        view: The street view.
        view_picture: What is shown of it.
        config: How features are found and matched.

    Raises:
        StreetViewError: The street view is missing or damaged.
    """
    features, seen = photo_features(photo, config), view_features(view, config)
    matches, found = match_features(features, seen, photo.fov_deg, view.fov_deg, config)
    if found is None:
        return MatchedPoints(np.empty((0, 2)), np.empty((0, 2)), 0)
    rows = matches[found.chosen]
    heading_deg = 0.0 if photo_picture.camera is None else photo_picture.camera.heading_deg
    first = _shares(features, rows[:, 0], photo_picture, heading_deg)
    second = _shares(seen, rows[:, 1], view_picture, view.heading_deg or 0.0)
    shown = np.all((first >= 0) & (first <= 1) & (second >= 0) & (second <= 1), axis=1)
    return MatchedPoints(first[shown], second[shown], len(found))


def _shares(
    features: LocalFeatures, rows: npt.NDArray[np.int64], picture: Picture, heading_deg: float
) -> Shares:
    """Return where points lie in a picture; a panorama's are azimuths from ``heading_deg`` on."""
    points = features.points[rows].astype(np.float64)
    if features.projection == "perspective" or picture.camera is None:
        return np.asarray(points / np.array(features.size_px) + 0.5, np.float64)
    azimuth, elevation = np.radians(points[:, 0] + heading_deg), np.radians(points[:, 1])
    level = np.cos(elevation)
    rays = np.stack((level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)), axis=1)
    shares = image_points(rays.astype(np.float32), picture.camera, picture.size_px) + 0.5
    return shares.astype(np.float64)
