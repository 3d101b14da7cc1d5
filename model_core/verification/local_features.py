"""Upright SIFT features of photos and panoramas.

Photos and street views are taken level, so descriptors are computed upright instead of along each
keypoint's own gradient: more of them match, and fewer by chance. A tilted camera is allowed for by
its roll, from metadata or from the slant of the image's vertical edges.

A panorama is cut into overlapping perspective crops along the horizon. Each crop gives the features
of its own sector only, so that no point appears twice and the ratio test keeps its meaning.

Source: D. Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004;
R. Arandjelovic and A. Zisserman, Three things everyone should know, CVPR 2012 (RootSIFT).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from model_core.alignment.projection import Camera, camera_axes, make_camera, resample
from model_core.config import VerificationConfig
from model_core.errors import ShapeError
from model_core.types import FloatArray, ImageU8, MaskArray, Projection
from model_core.verification.roll import estimate_roll_deg

DESCRIPTOR_SIZE = 128
EXTRACTION_VERSION = 2
"""Raise it when the features of an image change: cached ones are then made again."""

CONTRAST_THRESHOLD = 0.02
PANORAMA_SCALE = 4
"""A panorama may be this many times wider than a photo, and have as many times its features."""

CROP_HEIGHT_DEG = 90.0
CROP_WIDTH_DEG = 76.0
SECTOR_DEG = 60.0
BORDER_PX = 8
"""Features nearer than this to uncovered pixels describe the border, not the scene."""


@dataclass(frozen=True)
class LocalFeatures:
    """Upright SIFT features of one image.

    ``points`` float32 (K, 2): of a perspective image, pixels right of and below its centre; of a
    panorama, degrees of azimuth right of its centre column and degrees of elevation, levelled.
    ``descriptors`` uint8 (K, 128), SIFT as OpenCV rounds it. ``size_px`` is the width and height
    of the image they were found in, ``roll_deg`` the roll allowed for.
    """

    projection: Projection
    size_px: tuple[int, int]
    points: FloatArray
    descriptors: ImageU8
    roll_deg: float = 0.0

    def __len__(self) -> int:
        return len(self.points)

    def root_descriptors(self) -> FloatArray:
        """Return RootSIFT, float32 (K, 128), rows of length 1: their dot product is a cosine."""
        counts = self.descriptors.astype(np.float32)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        return cast(FloatArray, np.sqrt(counts / total))


def extract_features(
    pixels: ImageU8,
    config: VerificationConfig,
    projection: Projection = "perspective",
    *,
    fov_deg: float | None = None,
    pitch_deg: float | None = None,
    roll_deg: float | None = None,
    coverage: MaskArray | None = None,
) -> LocalFeatures:
    """Return the features of an upright image, the strongest first.

    Args:
        pixels: uint8 (H, W, 3) RGB, upright.
        config: Longest side and number of features; a panorama may have four times both.
        projection: How the image was made.
        fov_deg: Horizontal field of view; needed for a panorama that is no full circle only.
        pitch_deg: Up from the horizon; used for panoramas.
        roll_deg: Clockwise seen from behind the camera; None is estimated from the image.
        coverage: bool (H, W), False where the pixels are padding.

    Raises:
        ShapeError: The image is not RGB.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ShapeError(f"an image must be (h, w, 3), not {pixels.shape}; convert it to RGB")
    if projection == "equirectangular":
        camera = make_camera(projection, fov_deg, 0.0, pitch_deg, roll_deg)
        return _panorama_features(pixels, coverage, camera, config)
    scaled = _scaled(pixels, config.max_side_px)
    grey = _grey(scaled)
    size_px = (grey.shape[1], grey.shape[0])
    mask = None
    if coverage is not None:
        mask = cv2.resize(coverage.astype(np.uint8), size_px, interpolation=cv2.INTER_NEAREST) > 0
    roll = estimate_roll_deg(grey) if roll_deg is None else roll_deg
    points_px, descriptors = _upright_sift(grey, mask, config.max_features, roll)
    return LocalFeatures(projection, size_px, _from_centre(points_px, size_px), descriptors, roll)


def _panorama_features(
    pixels: ImageU8, coverage: MaskArray | None, camera: Camera, config: VerificationConfig
) -> LocalFeatures:
    """Return a panorama's features, one sector after the other from its centre column on."""
    pixels = _scaled(pixels, config.max_side_px * PANORAMA_SCALE)
    height, width = pixels.shape[:2]
    limit = math.ceil(config.max_features * PANORAMA_SCALE * SECTOR_DEG / 360.0)
    points, descriptors = [], []
    for azimuth_deg, crop, mask in _crops(pixels, coverage, camera):
        grey = _grey(crop)
        points_px, found = _upright_sift(grey, mask, limit, 0.0)
        centred = _from_centre(points_px, (grey.shape[1], grey.shape[0]))
        points.append(_bearings_deg(centred, _crop_focal_px(grey.shape[0]), azimuth_deg))
        descriptors.append(found)
    return LocalFeatures(
        "equirectangular", (width, height), np.concatenate(points), np.concatenate(descriptors)
    )


def _crops(
    pixels: ImageU8, coverage: MaskArray | None, camera: Camera
) -> Iterator[tuple[float, ImageU8, MaskArray]]:
    """Yield level crops: azimuth of the axis, pixels, and the sector that is theirs.

    They are as much wider than their sectors as the descriptors of most features reach.
    """
    height, width = pixels.shape[:2]
    px_per_deg = camera.px_per_deg(width)
    rows = max(64, round(2 * _tan_of_half(CROP_HEIGHT_DEG) * math.degrees(px_per_deg)))
    focal_px = _crop_focal_px(rows)
    down = np.arange(rows) - (rows - 1) / 2
    across = down[np.abs(down) <= _tan_of_half(CROP_WIDTH_DEG) * focal_px]
    rays = np.empty((rows, len(across), 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = across, -down[:, None], focal_px
    own = np.abs(np.degrees(np.arctan2(across, focal_px))) <= SECTOR_DEG / 2
    padding = None
    if coverage is not None:
        same = cv2.resize(coverage.astype(np.uint8), (width, height))
        padding = np.repeat(same[..., None] * np.uint8(255), 3, axis=2)
    for azimuth_deg in np.arange(0.0, 360.0, SECTOR_DEG):
        level = make_camera("perspective", CROP_WIDTH_DEG, float(azimuth_deg))
        world = rays @ camera_axes(level)
        crop, mask = resample(pixels, camera, world, px_per_deg)
        if padding is not None:
            mask &= resample(padding, camera, world, px_per_deg)[0][..., 0] > 127
        yield float(azimuth_deg), crop, _eroded(mask) & own


def _upright_sift(
    grey: ImageU8, mask: MaskArray | None, limit: int, roll_deg: float
) -> tuple[FloatArray, ImageU8]:
    """Return positions float32 (K, 2) in pixels and descriptors uint8 (K, 128), strongest first."""
    sift = cv2.SIFT.create(
        nfeatures=0,
        nOctaveLayers=3,
        contrastThreshold=CONTRAST_THRESHOLD,
        edgeThreshold=10,
        sigma=1.6,
        descriptorType=cv2.CV_8U,
    )
    found = sift.detect(grey, None)
    if mask is not None:
        found = [k for k in found if mask[int(k.pt[1] + 0.5), int(k.pt[0] + 0.5)]]
    once = {(k.pt, k.size): k for k in found}  # SIFT repeats a point for each of its orientations
    kept = sorted(once.values(), key=lambda k: (-k.response, k.pt))[:limit]
    if not kept:
        return np.empty((0, 2), np.float32), np.empty((0, DESCRIPTOR_SIZE), np.uint8)
    for keypoint in kept:
        keypoint.angle = -roll_deg % 360.0
    described, descriptors = sift.compute(grey, kept)
    return np.array([k.pt for k in described], np.float32), cast(ImageU8, descriptors)


def _grey(pixels: ImageU8) -> ImageU8:
    return cast(ImageU8, cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _scaled(pixels: ImageU8, max_side_px: int) -> ImageU8:
    """Return the image with its longer side at most that long."""
    height, width = pixels.shape[:2]
    scale = max_side_px / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast(ImageU8, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _eroded(mask: MaskArray) -> MaskArray:
    """Return a mask without what lies within ``BORDER_PX`` of uncovered pixels."""
    kernel = np.ones((2 * BORDER_PX + 1, 2 * BORDER_PX + 1), np.uint8)
    return cv2.erode(mask.astype(np.uint8), kernel) > 0


def _crop_focal_px(rows: int) -> float:
    return rows / 2 / _tan_of_half(CROP_HEIGHT_DEG)


def _tan_of_half(angle_deg: float) -> float:
    return math.tan(math.radians(angle_deg) / 2)


def _from_centre(points_px: FloatArray, size_px: tuple[int, int]) -> FloatArray:
    """Return positions counted from an image's centre; a pixel's own centre is a whole number."""
    centre = (np.array(size_px, np.float32) - 1.0) / 2.0
    return cast(FloatArray, points_px - centre)


def _bearings_deg(centred_px: FloatArray, focal_px: float, azimuth_deg: float) -> FloatArray:
    """Return azimuth in [-180, 180) and elevation of a level pinhole's points, degrees."""
    across, down = centred_px.astype(np.float64).T
    azimuth = azimuth_deg + np.degrees(np.arctan2(across, focal_px))
    elevation = np.degrees(np.arctan2(-down, np.hypot(across, focal_px)))
    return np.stack(((azimuth + 180.0) % 360.0 - 180.0, elevation), axis=1).astype(np.float32)
