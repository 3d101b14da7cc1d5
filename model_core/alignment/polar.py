"""Satellite images unrolled around their centre: north at column 0, the outermost ring on top.

Row ``i`` of ``H`` looks at the ring of radius ``(H - i - 0.5) / H * footprint_m / 2``, column ``j``
of ``W`` at the azimuth ``(j + 0.5) * 360 / W``. Source: paper Eq. 1, with the columns turned to run
clockwise from north.

The outer rings step over several image pixels a column, so both paths sample every strip pixel at
``polar_supersampling`` points and average them; bilinear sampling alone aliases there. Sampling
points lie on 1/32 of an image pixel, the grid of ``cv2.remap``, so that processor and accelerator
read the same points.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model_core.config import StripGeometry
from model_core.device import constant
from model_core.errors import ShapeError
from model_core.types import FloatArray, ImageU8, MaskArray, SatelliteImage, Strip

REMAP_STEPS_PER_PX = 32
"""``cv2.remap`` rounds bilinear sampling points to this fraction of a pixel."""

MAX_STEP_PX = 1.6
"""A step between samples longer than this many image pixels is split."""

MAX_SUPERSAMPLING = 8

Maps = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16], MaskArray]


def polar_supersampling(
    geometry: StripGeometry, image_px: int, image_footprint_m: float
) -> tuple[int, int]:
    """Return how many samples one strip pixel averages, along rows and along columns.

    Args:
        geometry: The strip's frame.
        image_px: Pixels a side of the satellite image.
        image_footprint_m: Ground width of those pixels.
    """
    radius_px = geometry.footprint_m / image_footprint_m * image_px / 2
    steps_px = (radius_px / geometry.height, 2 * math.pi * radius_px / geometry.width)
    rows, columns = (min(MAX_SUPERSAMPLING, math.ceil(s / MAX_STEP_PX - 1e-9)) for s in steps_px)
    return max(1, rows), max(1, columns)


def satellite_strip(
    image: SatelliteImage, geometry: StripGeometry, shift_m: tuple[float, float] = (0.0, 0.0)
) -> Strip:
    """Return the polar strip of a north-up satellite image.

    The geometry's footprint is sampled in metres, whatever the image's own footprint; what lies
    outside the image or on invalid pixels is black and masked.

    Args:
        image: uint8 (S, S, 3) pixels with their bool (S, S) validity.
        geometry: Height, width and footprint of the strip.
        shift_m: The strip's centre east and north of the image's centre.

    Returns:
        A strip of (geometry.height, geometry.width), north at column 0.

    Raises:
        ShapeError: The image is not square RGB, or its validity has another shape.

    Source: paper Eq. 1.
    """
    pixels = image.image
    if pixels.ndim != 3 or pixels.shape[0] != pixels.shape[1] or pixels.shape[2] != 3:
        raise ShapeError(
            f"a satellite image must be (S, S, 3), not {pixels.shape}; "
            "read it through an imagery source"
        )
    if image.valid.shape != pixels.shape[:2]:
        raise ShapeError(
            f"validity {image.valid.shape} does not fit the satellite image {pixels.shape}; "
            "give one flag a pixel"
        )
    maps = _remap_maps(geometry, pixels.shape[0], image.footprint_m, shift_m)
    where, fractions, inside = maps
    if image.valid.all():
        sampled = _area_mean(_remap(pixels, where, fractions), geometry)
        mask = inside
        strip = sampled if mask.all() else sampled * mask[..., None]
        return Strip(strip.astype(np.uint8, copy=False), mask.copy())
    return _strip_of_valid(pixels, image.valid, maps, geometry)


def polar_transform_torch(
    images: Tensor,
    geometry: StripGeometry,
    image_footprint_m: float | None = None,
    shift_m: Tensor | None = None,
    scale: Tensor | None = None,
) -> Tensor:
    """Return the polar strips of a batch of north-up satellite images.

    Without ``shift_m`` and ``scale`` the result is that of ``satellite_strip`` to one grey level.

    Args:
        images: float (B, 3, S, S), row 0 north, any value range; black (0) where unknown.
        geometry: Height, width and footprint of the strips.
        image_footprint_m: Ground width of the images; the geometry's footprint when None.
        shift_m: float (B, 2), the strip's centre east and north of the image's centre.
        scale: float (B,), factor on the sampled footprint: above 1 the strip reaches further.

    Returns:
        float (B, 3, geometry.height, geometry.width), in the type and on the device of ``images``;
        0 outside the images.

    Raises:
        ShapeError: ``images`` is not (B, C, S, S), or an argument is not one value an image.
    """
    if images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise ShapeError(f"satellite images must be (B, 3, S, S), not {tuple(images.shape)}")
    count, image_px = images.shape[0], images.shape[2]
    footprint_m = geometry.footprint_m if image_footprint_m is None else image_footprint_m
    if shift_m is None and scale is None:
        points = _sampling_points(geometry, image_px, footprint_m)
        grid = torch.from_numpy((2 * points + 1) / image_px - 1).float().to(images.device)[None]
    else:
        ground = _ground_on(geometry, image_px, footprint_m, images.device)
        ground = _moved(ground, count, shift_m, scale)
        grid = ground * constant((2 / footprint_m, -2 / footprint_m), images.device)
    sampled = functional.grid_sample(
        images.float(),
        grid.expand(count, -1, -1, -1),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    samples = polar_supersampling(geometry, image_px, footprint_m)
    strips = functional.avg_pool2d(sampled, samples)
    inside = functional.avg_pool2d((grid.abs() <= 1).all(-1)[:, None].float(), samples) >= 0.5
    return (strips * inside).to(images.dtype)


def _moved(
    ground: Tensor,
    count: int,
    shift_m: Tensor | None,
    scale: Tensor | None,
) -> Tensor:
    """Return ground points (B, h, w, 2) scaled, then shifted, an image each."""
    for name, value, shape in (
        ("shift_m", shift_m, (count, 2)),
        ("scale", scale, (count,)),
    ):
        if value is not None and tuple(value.shape) != shape:
            raise ShapeError(f"{name} must be {shape} for {count} images, not {tuple(value.shape)}")
    moved = ground.expand(count, -1, -1, -1)
    if scale is not None:
        moved = moved * scale.to(ground).view(-1, 1, 1, 1)
    if shift_m is not None:
        moved = moved + shift_m.to(ground).view(-1, 1, 1, 2)
    return moved


@lru_cache(maxsize=8)
def _ground_on(
    geometry: StripGeometry, image_px: int, image_footprint_m: float, device: torch.device
) -> Tensor:
    """Return the ground points as float32 on a device, sent there once."""
    with torch.inference_mode(False):  # kept, and used outside of it too
        points = torch.tensor(_ground_points(geometry, image_px, image_footprint_m))
        return points.float().to(device)


@lru_cache(maxsize=8)
def _ground_points(
    geometry: StripGeometry, image_px: int, image_footprint_m: float
) -> npt.NDArray[np.float64]:
    """Return metres east and north of the centre for every sample, float64 (h, w, 2)."""
    rows, columns = polar_supersampling(geometry, image_px, image_footprint_m)
    height, width = geometry.height * rows, geometry.width * columns
    radius_m = (height - np.arange(height) - 0.5) / height * geometry.footprint_m / 2
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi
    points = radius_m[:, None, None] * np.stack((np.sin(azimuth), np.cos(azimuth)), axis=-1)
    points.setflags(write=False)
    return cast("npt.NDArray[np.float64]", points)


@lru_cache(maxsize=16)
def _sampling_points(
    geometry: StripGeometry,
    image_px: int,
    image_footprint_m: float,
    shift_m: tuple[float, float] = (0.0, 0.0),
) -> npt.NDArray[np.float64]:
    """Return column and row indices in the image for every sample, on cv2.remap's own grid."""
    ground = _ground_points(geometry, image_px, image_footprint_m) + shift_m
    px_per_m = image_px / image_footprint_m
    points = ground * (px_per_m, -px_per_m) + (image_px - 1) / 2
    points = np.round(points * REMAP_STEPS_PER_PX) / REMAP_STEPS_PER_PX
    points.setflags(write=False)
    return points


@lru_cache(maxsize=16)
def _remap_maps(
    geometry: StripGeometry, image_px: int, image_footprint_m: float, shift_m: tuple[float, float]
) -> Maps:
    """Return the two maps of cv2.remap and the bool (H, W) mask of what lies in the image."""
    points = _sampling_points(geometry, image_px, image_footprint_m, shift_m)
    within: MaskArray = np.all(np.abs(points - (image_px - 1) / 2) <= image_px / 2, axis=-1)
    inside = _area_mean(within.astype(np.float32), geometry) >= 0.5
    clipped = np.clip(points, -0.5, image_px - 0.5).astype(np.float32)
    where, fractions = cv2.convertMaps(clipped[..., 0], clipped[..., 1], cv2.CV_16SC2)
    for array in (where, fractions, inside):
        array.setflags(write=False)
    return (
        cast("npt.NDArray[np.int16]", where),
        cast("npt.NDArray[np.uint16]", fractions),
        inside,
    )


def _remap(
    pixels: ImageU8 | FloatArray, where: npt.NDArray[np.int16], fractions: npt.NDArray[np.uint16]
) -> npt.NDArray[Any]:
    sampled = cv2.remap(pixels, where, fractions, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cast("npt.NDArray[Any]", sampled)


def _area_mean(samples: npt.NDArray[Any], geometry: StripGeometry) -> npt.NDArray[Any]:
    """Return the mean over the samples of every strip pixel."""
    size = (geometry.width, geometry.height)
    if samples.shape[1::-1] == size:
        return samples
    pooled = cv2.resize(samples, size, interpolation=cv2.INTER_AREA)
    return cast("npt.NDArray[Any]", pooled)


def _strip_of_valid(
    pixels: ImageU8, valid: MaskArray, maps: Maps, geometry: StripGeometry
) -> Strip:
    """Return the strip of an image with holes: invalid pixels have no weight in any sample."""
    where, fractions, inside = maps
    weight = valid.astype(np.float32)
    weighted: FloatArray = np.dstack((pixels * weight[..., None], weight))
    pooled = _area_mean(_remap(weighted, where, fractions), geometry)
    mask = inside & (pooled[..., 3] >= 0.5)
    mean = pooled[..., :3] / np.maximum(pooled[..., 3:], 1e-6)
    strip = np.where(mask[..., None], np.round(mean), 0).clip(0, 255).astype(np.uint8)
    return Strip(strip, mask)
