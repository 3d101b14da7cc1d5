"""Street views and photos re-projected onto the strips' cylinder of equal angles.

Row ``i`` of ``H`` looks at the elevation ``max - (i + 0.5) * (max - min) / H``, column ``j`` at the
azimuth ``heading_at_col0_deg + (j + 0.5) * 360 / width``. What an image does not show is masked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import cast

import cv2
import numpy as np

from model_core.alignment.projection import Vectors, directions, make_camera, resample, seen_by
from model_core.config import StripGeometry
from model_core.errors import ShapeError
from model_core.types import FloatArray, ImageU8, MaskArray, Projection, Strip

RAYS_PER_PX = 2

RESIZED_FOV_DEG = 119.5
"""What the released code takes every photo to show across: 170 of 512 columns."""

FEATHER_POWER = 4
"""Blending weight: the distance to an image's own edge to this power."""


def street_strip(
    pixels: ImageU8,
    projection: Projection,
    heading_deg: float,
    fov_deg: float | None,
    pitch_deg: float | None,
    roll_deg: float | None,
    geometry: StripGeometry,
) -> Strip:
    """Return the full-circle strip of a street view, north at column 0, masked where it is blind.

    Args:
        pixels: uint8 (h, w, 3), upright RGB.
        projection: How the image was made.
        heading_deg: Azimuth of the image's centre column.
        fov_deg: Horizontal field of view; None is a full circle for a panorama.
        pitch_deg: Up from the horizon; None is taken as level.
        roll_deg: Clockwise seen from behind the camera; None is taken as level.
        geometry: The strip's frame.

    Raises:
        InputError: The field of view is unknown or impossible.
        ShapeError: The image is not RGB.
    """
    camera = make_camera(projection, fov_deg, heading_deg, pitch_deg, roll_deg)
    rays = _strip_rays(geometry, geometry.width, 0.0)
    strip, mask = resample(pixels, camera, rays, _px_per_deg(geometry), RAYS_PER_PX)
    return Strip(strip, mask)


def photo_strip(
    photo_pixels: ImageU8,
    projection: Projection,
    fov_deg: float | None,
    pitch_deg: float | None,
    roll_deg: float | None,
    geometry: StripGeometry,
    width_stride: int,
) -> Strip:
    """Return the strip of a photo of unknown heading, its optical axis in the middle.

    The width is that of ``photo_bins`` azimuth bins; a panorama of 360 degrees gives a full circle.
    ``heading_at_col0_deg`` counts from the optical axis, so that adding the photo's heading to it
    puts the strip into the references' frame.

    Args:
        photo_pixels: uint8 (h, w, 3), upright RGB.
        projection: How the photo was made.
        fov_deg: Horizontal field of view; None is a full circle for a panorama.
        pitch_deg: Up from the horizon; None is taken as level.
        roll_deg: Clockwise seen from behind the camera; None is taken as level.
        geometry: The references' frame.
        width_stride: Columns a bin.

    Raises:
        InputError: The field of view is unknown or impossible.
        ShapeError: The photo is not RGB.
    """
    camera = make_camera(projection, fov_deg, 0.0, pitch_deg, roll_deg)
    width = photo_bins(camera.fov_deg, geometry, width_stride) * width_stride
    left_deg = -width / 2 * geometry.deg_per_px
    rays = _strip_rays(geometry, width, left_deg)
    strip, mask = resample(photo_pixels, camera, rays, _px_per_deg(geometry), RAYS_PER_PX)
    return Strip(strip, mask, left_deg % 360.0)


def without_padding(
    strip: Strip, coverage: MaskArray | None, make: Callable[[ImageU8], Strip]
) -> Strip:
    """Return a strip that is masked where its picture was padded.

    Args:
        strip: What ``make`` made of the picture.
        coverage: bool (h, w), where the picture shows something; None is everywhere.
        make: Makes the strip of pixels (h, w, 3).
    """
    if coverage is None:
        return strip
    shown = np.repeat(coverage[..., None].astype(np.uint8) * np.uint8(255), 3, axis=2)
    seen = strip.mask & (make(shown).pixels[..., 0] > 127)
    return Strip(strip.pixels * seen[..., None], seen, strip.heading_at_col0_deg)


def photo_bins(fov_deg: float, geometry: StripGeometry, width_stride: int) -> int:
    """Return how many azimuth bins a photo fills; a quarter of a bin may be cut."""
    all_bins = geometry.width // width_stride
    return min(all_bins, max(1, math.ceil(fov_deg * all_bins / 360.0 - 0.25)))


def resized_strip(photo_pixels: ImageU8, geometry: StripGeometry, width_stride: int) -> Strip:
    """Return the strip of a photo resized as the released code does, whatever the photo shows.

    A baseline with a known fault: at fields of view other than ``RESIZED_FOV_DEG`` the photo's
    columns and rows do not stand at the references' angles.

    Args:
        photo_pixels: uint8 (h, w, 3), upright RGB.
        geometry: The references' frame.
        width_stride: Columns a bin.
    """
    width = resized_bins(geometry.width // width_stride) * width_stride
    size = (width, geometry.height)
    pixels = cv2.resize(photo_pixels, size, interpolation=cv2.INTER_AREA)
    seen = np.ones(pixels.shape[:2], np.bool_)
    return Strip(np.asarray(pixels, np.uint8), seen, -width / 2 * geometry.deg_per_px % 360.0)


def resized_bins(all_bins: int) -> int:
    """Return how many of a circle's azimuth bins a resized photo fills."""
    return max(1, int(all_bins * RESIZED_FOV_DEG / 360.0))


def merge_strips(strips: Sequence[Strip]) -> Strip:
    """Return one partial panorama of several full-circle strips of a place.

    Where strips overlap, each pixel comes from the image that shows it furthest from its own edge,
    with a narrow blend between; a complete panorama wins everywhere.

    Args:
        strips: One or more strips of the same frame.

    Raises:
        ShapeError: There is no strip, or they differ in size or in the azimuth of column 0.
    """
    if not strips:
        raise ShapeError("no strip to merge; give at least one street view")
    first = strips[0]
    for strip in strips:
        same_size = strip.mask.shape == first.mask.shape
        if not same_size or strip.heading_at_col0_deg != first.heading_at_col0_deg:
            raise ShapeError("strips of different frames cannot be merged; use one geometry")
    if len(strips) == 1:
        return first
    weights = np.stack([_distance_to_edge(strip.mask) for strip in strips])
    weights = (weights / np.maximum(weights.max(axis=0), 1e-6)) ** FEATHER_POWER
    total = np.maximum(weights.sum(axis=0), 1e-6)
    layers = np.stack([strip.pixels for strip in strips]).astype(np.float32)
    blended = (layers * weights[..., None]).sum(axis=0) / total[..., None]
    mask = np.any([strip.mask for strip in strips], axis=0)
    pixels = np.where(mask[..., None], np.rint(blended), 0).astype(np.uint8)
    return Strip(pixels, mask, first.heading_at_col0_deg)


def perspective_crop(
    pixels_equirect: ImageU8,
    heading_deg: float,
    fov_deg: float,
    out_size: tuple[int, int],
    pano_heading_deg: float = 0.0,
    pitch_deg: float = 0.0,
) -> ImageU8:
    """Return what a perspective camera in the panorama's place would have taken.

    Args:
        pixels_equirect: uint8 (h, w, 3), a full-circle equirectangular panorama.
        heading_deg: Azimuth of the optical axis.
        fov_deg: Horizontal field of view.
        out_size: Width and height of the photo in pixels.
        pano_heading_deg: Azimuth of the panorama's centre column.
        pitch_deg: Up from the horizon.

    Returns:
        uint8 (out_size[1], out_size[0], 3), black above and below the panorama.

    Raises:
        InputError: The field of view is impossible.
        ShapeError: The panorama is not RGB.
    """
    panorama = make_camera("equirectangular", 360.0, pano_heading_deg)
    camera = make_camera("perspective", fov_deg, heading_deg, pitch_deg)
    return seen_by(pixels_equirect, panorama, camera, out_size)[0]


@lru_cache(maxsize=8)
def _strip_rays(geometry: StripGeometry, width: int, left_deg: float) -> Vectors:
    """Return the world directions of a strip's sampling points, ``RAYS_PER_PX`` a pixel."""
    rows, columns = geometry.height * RAYS_PER_PX, width * RAYS_PER_PX
    azimuth_deg = left_deg + (np.arange(columns) + 0.5) / RAYS_PER_PX * geometry.deg_per_px
    span_deg = geometry.elevation_max_deg - geometry.elevation_min_deg
    elevation_deg = geometry.elevation_max_deg - (np.arange(rows) + 0.5) / rows * span_deg
    rays = directions(azimuth_deg, elevation_deg)
    rays.setflags(write=False)
    return rays


def _px_per_deg(geometry: StripGeometry) -> float:
    """Return the finer of a strip's two resolutions."""
    span_deg = geometry.elevation_max_deg - geometry.elevation_min_deg
    return max(1 / geometry.deg_per_px, geometry.height / span_deg)


def _distance_to_edge(mask: MaskArray) -> FloatArray:
    """Return each pixel's distance to the nearest uncovered one around the circle, 0 outside."""
    width = mask.shape[1]
    if mask.all():
        return np.full(mask.shape, float(width), np.float32)
    around = np.concatenate((mask, mask, mask), axis=1).astype(np.uint8)
    distance = cv2.distanceTransform(around, cv2.DIST_L2, 5)[:, width : 2 * width]
    return cast(FloatArray, distance)
