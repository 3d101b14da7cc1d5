"""Polar strips: frame, footprint, masks, and one result on processor and accelerator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_core.alignment.polar import (
    polar_supersampling,
    polar_transform_torch,
    satellite_strip,
)
from model_core.config import StripGeometry
from model_core.errors import ShapeError
from model_core.types import ImageU8, LonLat, MaskArray, SatelliteImage, SourceTerms

GEOMETRY = StripGeometry(width=256)
PAPER = StripGeometry(height=128, width=512, footprint_m=50.0, satellite_px=335)


def satellite(
    pixels: ImageU8, footprint_m: float = 80.0, valid: MaskArray | None = None
) -> SatelliteImage:
    valid = np.ones(pixels.shape[:2], bool) if valid is None else valid
    return SatelliteImage(pixels, valid, footprint_m, LonLat(0.0, 0.0), SourceTerms("test"))


def ground(size_px: int, footprint_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north of every pixel's centre."""
    metres = ((np.arange(size_px) + 0.5) / size_px - 0.5) * footprint_m
    return np.broadcast_to(metres, (size_px, size_px)), -metres[:, None] * np.ones(size_px)


def as_tensor(pixels: ImageU8) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float()


def noise(size_px: int, seed: int = 0) -> ImageU8:
    return np.random.default_rng(seed).integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)


@pytest.mark.parametrize("azimuth_deg", [20.0, 100.0, 200.0, 300.0])
def test_a_thing_on_the_ground_lands_at_its_azimuth_and_ring(azimuth_deg: float) -> None:
    radius_m = 25.0
    east, north = ground(512, 80.0)
    x = radius_m * np.sin(np.radians(azimuth_deg))
    y = radius_m * np.cos(np.radians(azimuth_deg))
    blob = 255 * np.exp(-((east - x) ** 2 + (north - y) ** 2) / (2 * 2.0**2))
    strip = satellite_strip(satellite(np.dstack([blob] * 3).astype(np.uint8)), GEOMETRY)
    weight = strip.pixels[..., 0].astype(float) ** 2
    column = (weight * (np.arange(256) + 0.5)).sum() / weight.sum()
    row = (weight * (np.arange(64)[:, None] + 0.5)).sum() / weight.sum()
    assert column * 360 / 256 == pytest.approx(azimuth_deg, abs=0.3)
    assert (64 - row) / 64 * 40.0 == pytest.approx(radius_m, abs=0.4)
    assert strip.heading_at_col0_deg == 0.0
    assert strip.mask.all()


@pytest.mark.parametrize(
    ("geometry", "size_px", "footprint_m"),
    [
        (GEOMETRY, 256, 80.0),
        (GEOMETRY, 255, 80.0),
        (GEOMETRY, 256, 100.0),
        (GEOMETRY, 256, 60.0),
        (GEOMETRY, 1024, 80.0),
        (PAPER, 335, 50.0),
        (PAPER, 335, 47.3),
    ],
)
def test_both_paths_agree_to_one_grey_level_on_noise(
    geometry: StripGeometry, size_px: int, footprint_m: float
) -> None:
    pixels = noise(size_px)
    strip = satellite_strip(satellite(pixels, footprint_m), geometry)
    tensor = polar_transform_torch(as_tensor(pixels), geometry, footprint_m)
    difference = np.abs(tensor[0].permute(1, 2, 0).numpy() - strip.pixels)
    assert difference.max() <= 1.01


def test_both_paths_agree_to_one_grey_level_on_real_images(shared_data: Path) -> None:
    paths = sorted((shared_data / "pairs" / "cvact").glob("*_sat.png"))
    assert paths
    for path in paths:
        pixels = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        strip = satellite_strip(satellite(pixels), GEOMETRY)
        tensor = polar_transform_torch(as_tensor(pixels), GEOMETRY, 80.0)
        difference = np.abs(tensor[0].permute(1, 2, 0).numpy() - strip.pixels)
        assert difference.max() <= 1.01


def test_the_geometry_s_footprint_is_sampled_in_metres() -> None:
    east, north = ground(800, 160.0)
    wide = np.dstack([np.rint(np.hypot(east, north) * 2)] * 3).astype(np.uint8)
    narrow = np.ascontiguousarray(wide[200:600, 200:600])
    from_wide = satellite_strip(satellite(wide, 160.0), GEOMETRY)
    from_narrow = satellite_strip(satellite(narrow, 80.0), GEOMETRY)
    assert np.abs(from_wide.pixels.astype(int) - from_narrow.pixels).max() <= 1
    expected = 2 * (64 - np.arange(64) - 0.5) / 64 * 40.0
    assert from_wide.pixels.mean((1, 2)) == pytest.approx(expected, abs=1.0)


def test_what_lies_outside_the_image_is_masked_and_black() -> None:
    strip = satellite_strip(satellite(np.full((128, 128, 3), 200, np.uint8), 40.0), GEOMETRY)
    radius_m = (64 - np.arange(64) - 0.5) / 64 * 40.0
    azimuth = np.radians((np.arange(256) + 0.5) * 360 / 256)
    reach = radius_m[:, None] * np.maximum(np.abs(np.sin(azimuth)), np.abs(np.cos(azimuth)))
    assert not strip.mask[reach > 20.7].any()
    assert strip.mask[reach < 19.3].all()
    assert (strip.pixels[~strip.mask] == 0).all()
    assert (strip.pixels[strip.mask] == 200).all()


def test_invalid_pixels_are_masked_and_do_not_bleed() -> None:
    pixels = np.full((256, 256, 3), 180, np.uint8)
    valid = np.ones((256, 256), bool)
    valid[:, 128:] = False
    pixels[~valid] = 0
    strip = satellite_strip(satellite(pixels, valid=valid), GEOMETRY)
    assert not strip.mask[:40, 4:124].any()
    assert strip.mask[:40, 132:252].all()
    assert (strip.pixels[strip.mask] == 180).all()
    assert (strip.pixels[~strip.mask] == 0).all()


def test_shift_moves_the_centre_in_metres_east_and_north() -> None:
    east, north = ground(512, 120.0)
    blob = 255 * np.exp(-((east - 12.0) ** 2 + (north - 20.0) ** 2) / (2 * 1.5**2))
    tensor = as_tensor(np.dstack([blob] * 3).astype(np.uint8))
    shifted = polar_transform_torch(tensor, GEOMETRY, 120.0, shift_m=torch.tensor([[12.0, 0.0]]))
    row, column = np.unravel_index(int(shifted[0, 0].argmax()), (64, 256))
    assert min(column, 256 - column) <= 2
    assert (64 - row - 0.5) / 64 * 40.0 == pytest.approx(20.0, abs=1.0)


def test_scale_widens_the_sampled_footprint() -> None:
    pixels = cv2.GaussianBlur(noise(512), (0, 0), 8)
    scaled = polar_transform_torch(as_tensor(pixels), GEOMETRY, 160.0, scale=torch.tensor([1.5]))
    wide = polar_transform_torch(
        as_tensor(pixels), dataclasses.replace(GEOMETRY, footprint_m=120.0), 160.0
    )
    assert (scaled - wide).abs().mean() < 0.5


def test_outer_rings_do_not_alias() -> None:
    checker = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    strip = satellite_strip(satellite(np.dstack([checker] * 3)), GEOMETRY)
    assert polar_supersampling(GEOMETRY, 256, 80.0) == (2, 2)
    assert strip.pixels[:16].astype(float).std() < 35


def test_gradients_pass_after_use_in_inference_mode() -> None:
    images = as_tensor(noise(64))
    with torch.inference_mode():
        polar_transform_torch(images, GEOMETRY, 80.0)
    trained = images.clone().requires_grad_()
    polar_transform_torch(trained, GEOMETRY, 80.0).sum().backward()
    assert trained.grad is not None
    assert float(trained.grad.abs().sum()) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_an_accelerator_gives_the_processor_s_strip() -> None:
    pixels = noise(335)
    strip = satellite_strip(satellite(pixels, 50.0), PAPER)
    tensor = polar_transform_torch(as_tensor(pixels).cuda(), PAPER, 50.0).cpu()
    assert np.abs(tensor[0].permute(1, 2, 0).numpy() - strip.pixels).max() <= 1.01


def test_half_precision_images_keep_their_type() -> None:
    images = as_tensor(noise(256)) / 255
    half = polar_transform_torch(images.half(), GEOMETRY)
    assert half.dtype == torch.float16
    assert (half.float() - polar_transform_torch(images, GEOMETRY)).abs().max() < 2e-3


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\(S, S, 3\)"):
        satellite_strip(satellite(np.zeros((4, 5, 3), np.uint8)), GEOMETRY)
    with pytest.raises(ShapeError, match="validity"):
        satellite_strip(satellite(noise(8), valid=np.ones((4, 4), bool)), GEOMETRY)
    with pytest.raises(ShapeError, match=r"\(B, 3, S, S\)"):
        polar_transform_torch(torch.zeros(1, 3, 4, 5), GEOMETRY)
    with pytest.raises(ShapeError, match="shift_m"):
        polar_transform_torch(torch.zeros(2, 3, 8, 8), GEOMETRY, shift_m=torch.zeros(2))
