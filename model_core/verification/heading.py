"""The heading of a photo from the matches it shares with a street view of known heading.

Two relative poses are fitted to the rays of the matches: a pure rotation (the photo was taken where
the street view was) and an essential matrix (it was not). A facade alone fits two essential
matrices equally well, so one is estimated from the inliers and one from all matches, and the pose
is preferred that explains more of them, has them in front of both cameras and keeps both upright.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from model_core.alignment.projection import camera_axes, make_camera
from model_core.types import MaskArray
from model_core.verification.geometry import EpipolarInliers, Pinhole

log = logging.getLogger(__name__)


Vectors = npt.NDArray[np.float64]

MIN_INLIERS = 12
"""Fewer are as often chance, and give no usable rotation."""

FOV_HYPOTHESES_DEG = (40.0, 47.0, 55.0, 65.0, 77.0, 92.0)
RAY_TOLERANCE = 0.006
"""A match fits a pose within this angle from its epipolar plane, radians."""

ESSENTIAL_CONFIDENCE = 0.999
ESSENTIAL_ITERATIONS = 1000
ROTATION_STEPS = 10
ROTATION_PREFERENCE = 0.8
"""A rotation alone is preferred when it explains this share of what an essential matrix does."""

TILT_SCALE_DEG = 12.0
UNLIKELY_TILT_DEG = 8.0
UNLIKELY_FRONT_SHARE = 0.75

SIGMA_TIMES_INLIERS_DEG = 100.0
"""On real panoramas the error fell from about 5 degrees at 20 inliers to below 1 at 100."""

MIN_SIGMA_DEG = 1.0
MAX_SIGMA_DEG = 60.0
UNLIKELY_POSE_SIGMA_FACTOR = 3.0
UNKNOWN_FOV_SIGMA_DEG = 3.0
WORTH_SCALE = 0.1
"""A pose that is worth less by this share counts 1/e in the spread."""


@dataclass(frozen=True)
class Attitude:
    """What is known of a camera besides its heading; None is taken as level."""

    pitch_deg: float | None = None
    roll_deg: float | None = None


@dataclass(frozen=True)
class RelativeHeading:
    """A photo's heading counted from a street view's, clockwise.

    ``fov_deg`` is the photo's horizontal field of view it holds for, None for panoramas.
    ``bearing_deg`` is in which direction from the street view the photo was taken, counted alike;
    None where both seem to have been taken at one place.
    """

    heading_deg: float
    sigma_deg: float
    fov_deg: float | None
    bearing_deg: float | None = None


@dataclass(frozen=True)
class _Rays:
    """Matches as rays: photo and view (M, 2) at focal length 1; ``inlier`` of the epipolar fit."""

    photo: Vectors
    view: Vectors
    inlier: MaskArray


@dataclass(frozen=True)
class _Pose:
    """``rotation`` takes the photo's rays (right, down, forward) into the view's.

    ``baseline`` is the direction from the view to the photo in the view's axes, None for a pure
    rotation.
    """

    rotation: Vectors
    score: float
    front_share: float
    tilt_deg: float
    photo_fov_deg: float | None = None
    baseline: Vectors | None = None

    @property
    def worth(self) -> float:
        uprightness = math.exp(-0.5 * (self.tilt_deg / TILT_SCALE_DEG) ** 2)
        return self.score * self.front_share * uprightness


def relative_heading(
    inliers: EpipolarInliers,
    photo_attitude: Attitude,
    view_attitude: Attitude,
    photo_half_width_px: float,
    view_half_width_px: float,
) -> RelativeHeading | None:
    """Return a photo's heading counted clockwise from a street view's, None if unknowable.

    Args:
        inliers: What ``epipolar_inliers`` found, the photo first.
        photo_attitude: Pitch and roll of the photo; level for a panorama's levelled features.
        view_attitude: The same of the street view.
        photo_half_width_px: Half the width its points were found in, to try fields of view.
        view_half_width_px: The same of the street view.
    """
    if len(inliers) < MIN_INLIERS:
        return None
    photo_up, view_up = _up(photo_attitude), _up(view_attitude)
    poses: list[_Pose] = []
    for photo_focal_px, view_focal_px in _focal_lengths(
        inliers, photo_half_width_px, view_half_width_px
    ):
        rays = _rays(inliers, photo_focal_px, view_focal_px)
        fov_deg = 2 * math.degrees(math.atan(photo_half_width_px / photo_focal_px))
        poses += [replace(pose, photo_fov_deg=fov_deg) for pose in _poses(rays, photo_up, view_up)]
    if not poses:
        return None
    chosen = max(range(len(poses)), key=lambda index: poses[index].worth)
    best = poses[chosen]
    axis_deg = np.array([_azimuth_deg(pose.rotation[:, 2], view_attitude) for pose in poses])
    best_deg = float(axis_deg[chosen])
    heading_deg = inliers.reference.azimuth_deg + best_deg - inliers.query.azimuth_deg
    sigma_deg = math.hypot(_sigma_deg(inliers, best), _spread_deg(poses, axis_deg - best_deg))
    bearing_deg = None
    if best.baseline is not None:
        turned_deg = _azimuth_deg(best.baseline, view_attitude)
        bearing_deg = (inliers.reference.azimuth_deg + turned_deg) % 360.0
    return RelativeHeading(
        heading_deg % 360.0, min(sigma_deg, MAX_SIGMA_DEG), best.photo_fov_deg, bearing_deg
    )


def _sigma_deg(inliers: EpipolarInliers, pose: _Pose) -> float:
    """Return the standard deviation of a heading if its pose is the right one."""
    sigma_deg = max(SIGMA_TIMES_INLIERS_DEG / len(inliers), MIN_SIGMA_DEG)
    if pose.tilt_deg > UNLIKELY_TILT_DEG or pose.front_share < UNLIKELY_FRONT_SHARE:
        sigma_deg *= UNLIKELY_POSE_SIGMA_FACTOR
    if inliers.query.focal_px is None or inliers.reference.focal_px is None:
        sigma_deg += UNKNOWN_FOV_SIGMA_DEG
    return sigma_deg


def _spread_deg(poses: Sequence[_Pose], apart_deg: npt.NDArray[np.float64]) -> float:
    """Return how far the poses that explain the matches nearly as well point elsewhere."""
    worth = np.array([pose.worth for pose in poses])
    weight = np.exp((worth - worth.max()) / (WORTH_SCALE * max(float(worth.max()), 1.0)))
    apart_deg = (apart_deg + 180.0) % 360.0 - 180.0
    return math.sqrt(float(weight @ apart_deg**2 / weight.sum()))


def _focal_lengths(
    inliers: EpipolarInliers, photo_half_px: float, view_half_px: float
) -> Iterator[tuple[float, float]]:
    """Yield the focal lengths of photo and view to try; two unknown ones are tried alike."""
    photo_px, view_px = inliers.query.focal_px, inliers.reference.focal_px
    if photo_px is not None and view_px is not None:
        yield photo_px, view_px
        return
    for fov_deg in FOV_HYPOTHESES_DEG:
        half_tangent = math.tan(math.radians(fov_deg) / 2)
        yield photo_px or photo_half_px / half_tangent, view_px or view_half_px / half_tangent


def _rays(inliers: EpipolarInliers, photo_focal_px: float, view_focal_px: float) -> _Rays:
    both = np.flatnonzero(inliers.query.inside & inliers.reference.inside)
    return _Rays(
        _at(inliers.query, both, photo_focal_px),
        _at(inliers.reference, both, view_focal_px),
        np.isin(both, inliers.chosen),
    )


def _at(pinhole: Pinhole, rows: npt.NDArray[np.int64], focal_px: float) -> Vectors:
    return pinhole.points_px[rows] / focal_px


def _poses(rays: _Rays, photo_up: Vectors, view_up: Vectors) -> Iterator[_Pose]:
    """Yield the poses that may explain the matches, each scored over all of them."""
    photo, view = _homogeneous(rays.photo), _homogeneous(rays.view)
    essentials = []
    for chosen in (rays.inlier, np.ones(len(rays.inlier), np.bool_)):
        essential = _essential_matrix(rays.photo[chosen], rays.view[chosen])
        if essential is not None:
            essentials.append(_pose_of_essential(essential, photo, view, photo_up, view_up))
    rotation = _rotation(photo[rays.inlier], view[rays.inlier])
    off = np.linalg.norm(np.cross(_unit(photo) @ rotation.T, _unit(view)), axis=1)
    alone = _Pose(rotation, _score(off), 1.0, _tilt_deg(rotation, photo_up, view_up))
    most = max((pose.score for pose in essentials), default=0.0)
    if alone.score > 0 and alone.score >= ROTATION_PREFERENCE * most:
        yield replace(alone, score=max(alone.score, most))
    yield from essentials


def _essential_matrix(photo: Vectors, view: Vectors) -> Vectors | None:
    try:
        essential, _ = cv2.findEssentialMat(
            photo,
            view,
            np.eye(3),
            cv2.USAC_MAGSAC,
            ESSENTIAL_CONFIDENCE,
            RAY_TOLERANCE / 2,
            ESSENTIAL_ITERATIONS,
        )
    except cv2.error as error:
        # OpenCV asserts, instead of returning nothing, where no sample gives a model.
        log.debug("no essential matrix of %d matches: %s", len(photo), error)
        return None
    if essential is None or essential.shape != (3, 3):
        return None
    return np.asarray(essential, np.float64)


def _pose_of_essential(
    essential: Vectors, photo: Vectors, view: Vectors, photo_up: Vectors, view_up: Vectors
) -> _Pose:
    """Return the pose of an essential matrix that keeps both cameras upright.

    Its two rotations differ by half a turn about the baseline, so at most one is upright.
    """
    first, second, baseline = (
        np.asarray(part, np.float64) for part in cv2.decomposeEssentialMat(essential)
    )
    tilt_deg, rotation = min(
        ((_tilt_deg(turn, photo_up, view_up), turn) for turn in (first, second)),
        key=lambda tilted: tilted[0],
    )
    off = _sampson(essential, photo, view)
    fits = off < RAY_TOLERANCE
    if not fits.any():
        return _Pose(rotation, 0.0, 0.0, tilt_deg)
    ahead, behind = _shares_in_front(rotation, baseline.ravel(), photo[fits], view[fits])
    towards = baseline.ravel() if ahead >= behind else -baseline.ravel()
    return _Pose(rotation, _score(off), max(ahead, behind), tilt_deg, baseline=towards)


def _score(off: npt.NDArray[np.float64]) -> float:
    """Return the matches explained, a perfect one counting 1 and one at the tolerance 0."""
    return float(np.maximum(0.0, 1.0 - (off / RAY_TOLERANCE) ** 2).sum())


def _sampson(essential: Vectors, photo: Vectors, view: Vectors) -> npt.NDArray[np.float64]:
    """Return the first-order distance of each match from its epipolar lines."""
    in_view, in_photo = photo @ essential.T, view @ essential
    slope = (in_view[:, :2] ** 2).sum(axis=1) + (in_photo[:, :2] ** 2).sum(axis=1)
    distance = np.abs((view * in_view).sum(axis=1)) / np.sqrt(np.maximum(slope, 1e-18))
    return np.asarray(distance, np.float64)


def _shares_in_front(
    rotation: Vectors, baseline: Vectors, photo: Vectors, view: Vectors
) -> tuple[float, float]:
    """Return the shares of matches in front of both cameras, for this and the opposite baseline."""
    turned = photo @ rotation.T
    normal = np.cross(view, turned)
    depth_photo = -(np.cross(view, baseline) * normal).sum(axis=1)
    depth_view = -(np.cross(turned, baseline) * normal).sum(axis=1)
    forwards = (depth_photo > 0) & (depth_view > 0)
    backwards = (depth_photo < 0) & (depth_view < 0)
    return float(forwards.mean()), float(backwards.mean())


def _rotation(photo: Vectors, view: Vectors) -> Vectors:
    """Return the rotation that best turns one set of rays into the other, outliers losing weight.

    Source: W. Kabsch, Acta Crystallographica A32, 1976; iteratively reweighted.
    """
    photo, view = _unit(photo), _unit(view)
    weights = np.ones(len(photo))
    rotation: Vectors = np.eye(3)
    for _ in range(ROTATION_STEPS):
        left, _, right = np.linalg.svd((view * weights[:, None]).T @ photo)
        flip = np.diag((1.0, 1.0, float(np.sign(np.linalg.det(left @ right)))))
        rotation = left @ flip @ right
        off = np.linalg.norm(photo @ rotation.T - view, axis=1)
        weights = 1.0 / (1.0 + (off / max(float(np.median(off)), RAY_TOLERANCE / 2)) ** 2)
    return rotation


def _tilt_deg(rotation: Vectors, photo_up: Vectors, view_up: Vectors) -> float:
    return math.degrees(math.acos(float(np.clip(rotation @ photo_up @ view_up, -1.0, 1.0))))


def _up(attitude: Attitude) -> Vectors:
    """Return the world's up in a camera's axes right, down, forward."""
    right, up, forward = _axes(attitude)[:, 2]
    return np.array((right, -up, forward))


def _azimuth_deg(direction: Vectors, attitude: Attitude) -> float:
    """Return the azimuth of a direction in a camera's axes, its heading being 0."""
    right, up, forward = _axes(attitude)
    east, north, _ = direction[0] * right - direction[1] * up + direction[2] * forward
    return math.degrees(math.atan2(east, north))


def _axes(attitude: Attitude) -> Vectors:
    camera = make_camera("perspective", 90.0, 0.0, attitude.pitch_deg, attitude.roll_deg)
    return camera_axes(camera).astype(np.float64)


def _homogeneous(points: Vectors) -> Vectors:
    return np.concatenate((points, np.ones((len(points), 1))), axis=1)


def _unit(rays: Vectors) -> Vectors:
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True), np.float64)
