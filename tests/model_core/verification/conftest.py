"""Rendered input: textures full of corners, a room of them as a panorama, points in space."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from model_core.types import ImageU8


def texture(width: int, height: int, seed: int) -> ImageU8:
    """Upright rectangles of all sizes and greys, as windows and doors are."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 128, np.uint8)
    for size in np.geomspace(height / 3, 6, 900):
        w, h = (size * rng.uniform(0.5, 1.5, 2)).astype(int) + 2
        x, y = rng.integers(-w, width), rng.integers(-h, height)
        color = tuple(int(v) for v in rng.integers(0, 256, 3))
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), color, -1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


@pytest.fixture(scope="session")
def make_texture() -> Callable[[int, int, int], ImageU8]:
    return texture


@pytest.fixture(scope="session")
def panorama() -> ImageU8:
    """A full-circle equirectangular panorama whose edges meet."""
    image = texture(1024, 512, 7)
    ramp = np.linspace(0.0, 1.0, 64)[None, :, None]
    blended = image[:, -64:] * (1 - ramp) + image[:, :64][:, ::-1] * ramp
    image[:, -64:] = blended.astype(np.uint8)
    return image
