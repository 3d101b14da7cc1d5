"""Cameras: from directions in the world to points in a photo or panorama, and resampling there.

World axes are east, north, up; a camera's are right, up, forward. Heading turns clockwise from
north, pitch is positive looking up, roll is positive when the camera is turned clockwise as seen
from behind it, so that the horizon turns counter-clockwise in the image (as in Google's Photo
Sphere metadata). Pixels are square and the optical axis meets the image's centre; an
equirectangular image has equal angles a pixel along both axes, its middle row on the horizon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from model_core.errors import InputError, ShapeError
from model_core.types import ImageU8, MaskArray, Projection

Vectors = npt.NDArray[np.float32]

MAX_PERSPECTIVE_FOV_DEG = 175.0

RESAMPLING_DENSITY = 1.5
"""Images keep at least this many pixels a target pixel (at their centre) before resampling."""


@dataclass(frozen=True)
class Camera:
    """What maps directions to pixels; angles in degrees, ``fov_deg`` horizontal."""

    projection: Projection
    fov_deg: float
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    @property
    def is_full_circle(self) -> bool:
        """Whether left and right edge of the image meet."""
        return self.projection == "equirectangular" and self.fov_deg >= 359.5

    def px_per_deg(self, width_px: int) -> float:
        """Return the pixels a degree at the centre of an image of that width."""
        if self.projection == "equirectangular":
            return width_px / self.fov_deg
        return math.radians(1.0) * width_px / 2 / math.tan(math.radians(self.fov_deg) / 2)


def make_camera(
    projection: Projection,
    fov_deg: float | None,
    heading_deg: float = 0.0,
    pitch_deg: float | None = 0.0,
    roll_deg: float | None = 0.0,
) -> Camera:
    """Return a camera; an equirectangular image of unknown width is a full circle.

    Args:
        projection: How the image was made.
        fov_deg: Horizontal field of view.
        heading_deg: Azimuth of the optical axis, of the centre column for a panorama.
        pitch_deg: Up from the horizon; None (unknown) is taken as level.
        roll_deg: Clockwise seen from behind the camera; None is taken as level.

    Raises:
        InputError: The field of view is unknown, or impossible for the projection.
    """
    widest_deg = 360.0 if projection == "equirectangular" else MAX_PERSPECTIVE_FOV_DEG
    if fov_deg is None:
        if projection == "perspective":
            raise InputError(
                "the field of view of a perspective image is unknown; give it, or a focal length"
            )
        fov_deg = widest_deg
    if not 0.0 < fov_deg <= widest_deg:
        raise InputError(
            f"a field of view of {fov_deg:g} degrees is impossible for a {projection} image; "
            f"give one above 0 and up to {widest_deg:g}"
        )
    return Camera(projection, fov_deg, heading_deg, pitch_deg or 0.0, roll_deg or 0.0)


def camera_axes(camera: Camera) -> Vectors:
    """Return the camera's right, up and forward axes as the rows of a (3, 3) matrix."""
    heading, pitch, roll = np.radians((camera.heading_deg, camera.pitch_deg, camera.roll_deg))
    forward = np.array(
        (np.sin(heading) * np.cos(pitch), np.cos(heading) * np.cos(pitch), np.sin(pitch))
    )
    level_right = np.array((np.cos(heading), -np.sin(heading), 0.0))
    level_up = np.cross(level_right, forward)
    right = np.cos(roll) * level_right - np.sin(roll) * level_up
    up = np.cos(roll) * level_up + np.sin(roll) * level_right
    return np.stack((right, up, forward)).astype(np.float32)


def directions(
    azimuth_deg: npt.NDArray[np.float64], elevation_deg: npt.NDArray[np.float64]
) -> Vectors:
    """Return unit vectors (len(elevation), len(azimuth), 3) of a grid of directions."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)[:, None]
    level = np.cos(elevation)
    height = np.broadcast_to(np.sin(elevation), (elevation.size, azimuth.size))
    rays = np.stack((level * np.sin(azimuth), level * np.cos(azimuth), height), axis=-1)
    return rays.astype(np.float32)


def pixel_rays(camera: Camera, size: tuple[int, int]) -> Vectors:
    """Return the world directions that a camera's pixels look along.

    Args:
        camera: The camera.
        size: Width and height of the image in pixels.

    Returns:
        (height, width, 3) vectors, of length 1 for a panorama only.
    """
    width, height = size
    across = np.arange(width, dtype=np.float64) - (width - 1) / 2
    up = (height - 1) / 2 - np.arange(height, dtype=np.float64)
    if camera.projection == "equirectangular":
        px_per_deg = camera.px_per_deg(width)
        rays = directions(across / px_per_deg, up / px_per_deg)[..., [0, 2, 1]]
    else:
        rays = np.empty((height, width, 3), np.float32)
        rays[..., 0], rays[..., 1] = across, up[:, None]
        rays[..., 2] = width / 2 / math.tan(math.radians(camera.fov_deg) / 2)
    return cast(Vectors, rays @ camera_axes(camera))


def seen_by(
    pixels: ImageU8, camera: Camera, other: Camera, size: tuple[int, int]
) -> tuple[ImageU8, MaskArray]:
    """Return what another camera in an image's place would have taken, and where it is known.

    Args:
        pixels: uint8 (h, w, 3).
        camera: The image's camera.
        other: The other camera.
        size: Width and height of its image in pixels.

    Returns:
        uint8 (size[1], size[0], 3), black where not known, and the bool mask.

    Raises:
        ShapeError: ``pixels`` is not an RGB image.
    """
    return resample(pixels, camera, pixel_rays(other, size), other.px_per_deg(size[0]))


def image_points(rays: Vectors, camera: Camera, size: tuple[int, int]) -> Vectors:
    """Return where rays meet the image: fractions of its width and height from its centre.

    Args:
        rays: (..., 3) vectors in the world.
        camera: The camera.
        size: Width and height of the image in pixels.

    Returns:
        (..., 2) fractions, both within +-0.5 on the image; infinite behind a perspective camera.
    """
    right, up, forward = np.moveaxis(rays @ camera_axes(camera).T, -1, 0)
    width, height = size
    if camera.projection == "equirectangular":
        across_deg = np.degrees(np.arctan2(right, forward))
        down_deg = -np.degrees(np.arctan2(up, np.hypot(right, forward)))
        return np.stack(
            (across_deg / camera.fov_deg, down_deg / (camera.fov_deg * height / width)), axis=-1
        )
    focal_widths = 0.5 / math.tan(math.radians(camera.fov_deg) / 2)
    in_front = forward > 1e-6
    depth = np.where(in_front, forward, 1.0)
    points = np.stack(
        (right / depth * focal_widths, -up / depth * (focal_widths * width / height)), axis=-1
    )
    points[~in_front] = np.inf
    return points


def resample(
    pixels: ImageU8, camera: Camera, rays: Vectors, target_px_per_deg: float, pool: int = 1
) -> tuple[ImageU8, MaskArray]:
    """Return the image seen along rays, and where it covers them.

    The image is first reduced by area averaging, to no less than ``RESAMPLING_DENSITY`` times the
    target's resolution, then read bilinearly; ``pool`` x ``pool`` rays are averaged into a pixel,
    which keeps the wide edges of a perspective image from aliasing.

    Args:
        pixels: uint8 (h, w, 3).
        camera: Its camera.
        rays: (H * pool, W * pool, 3) vectors in the world.
        target_px_per_deg: Resolution of the result, without pooling.
        pool: Rays a pixel along each axis.

    Returns:
        uint8 (H, W, 3), black where not covered, and the bool (H, W) coverage.

    Raises:
        ShapeError: ``pixels`` is not an RGB image.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ShapeError(f"an image must be (h, w, 3), not {pixels.shape}; convert it to RGB")
    height, width = pixels.shape[:2]
    points = image_points(rays, camera, (width, height))
    excess = camera.px_per_deg(width) / (target_px_per_deg * RESAMPLING_DENSITY)
    reduced = _reduced(pixels, excess)
    across, down = _pixel_maps(points, reduced.shape[1], reduced.shape[0])
    if camera.is_full_circle:
        reduced = cast(ImageU8, cv2.copyMakeBorder(reduced, 0, 0, 1, 1, cv2.BORDER_WRAP))
        across = across + 1
        covered = np.abs(points[..., 1]) <= 0.5
    else:
        covered = np.all(np.abs(points) <= 0.5, axis=-1)
    sampled = cv2.remap(reduced, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = covered
    if pool > 1:
        size = (rays.shape[1] // pool, rays.shape[0] // pool)
        sampled = cv2.resize(sampled, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(covered.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    sampled[~mask] = 0
    return cast(ImageU8, sampled), mask


def _reduced(pixels: ImageU8, excess: float) -> ImageU8:
    """Return the image with up to ``excess`` times fewer pixels a side, area averaged.

    Halving is a fraction of the cost of any other factor, so the rest below 2 is left in place.
    """
    while excess >= 2.0:
        height, width = pixels.shape[:2]
        if width % 2 or height % 2:
            size = (max(1, round(width / excess)), max(1, round(height / excess)))
            return cast(ImageU8, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        size = (width // 2, height // 2)
        pixels = cast(ImageU8, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        excess /= 2
    return pixels


def _pixel_maps(
    points: Vectors, width: int, height: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return column and row indices in an image, kept within half a pixel of its edges."""
    across = np.clip((points[..., 0] + 0.5) * width - 0.5, -0.5, width - 0.5)
    down = np.clip((points[..., 1] + 0.5) * height - 0.5, -0.5, height - 0.5)
    return across.astype(np.float32), down.astype(np.float32)
