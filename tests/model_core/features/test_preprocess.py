"""Strips become normalised tensors with masked pixels at zero."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_core.errors import ShapeError
from model_core.features.preprocess import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    normalize_images,
    to_tensor,
)
from model_core.types import Strip


def make_strip(height: int = 16, width: int = 24, value: int = 200) -> Strip:
    pixels = np.full((height, width, 3), value, np.uint8)
    pixels[:, :, 2] = 10
    mask = np.ones((height, width), bool)
    mask[:4] = False
    return Strip(pixels, mask)


def test_pixels_are_normalised_and_masked_ones_zero() -> None:
    images, mask = to_tensor([make_strip(), make_strip(value=100)])
    assert images.shape == (2, 3, 16, 24)
    assert images.dtype == mask.dtype == torch.float32
    assert (images[:, :, :4] == 0).all()
    assert (mask[:, :4] == 0).all()
    assert (mask[:, 4:] == 1).all()
    expected = (200 / 255 - IMAGENET_MEAN[0]) / IMAGENET_STD[0]
    assert images[0, 0, 8, 8].item() == pytest.approx(expected, abs=1e-5)
    blue = (10 / 255 - IMAGENET_MEAN[2]) / IMAGENET_STD[2]
    assert images[1, 2, 8, 8].item() == pytest.approx(blue, abs=1e-5)


def test_normalising_tensors_gives_what_strips_give() -> None:
    strip = make_strip()
    images, mask = to_tensor([strip])
    raw = torch.from_numpy(strip.pixels).permute(2, 0, 1)[None].float() / 255
    torch.testing.assert_close(normalize_images(raw, mask), images)
    assert (normalize_images(raw)[:, :, 0] != 0).any()


def test_empty_and_mixed_batches_are_refused() -> None:
    with pytest.raises(ShapeError, match="no strip"):
        to_tensor([])
    with pytest.raises(ShapeError, match="one size"):
        to_tensor([make_strip(), make_strip(width=32)])
    bad = Strip(make_strip().pixels, np.ones((3, 3), bool))
    with pytest.raises(ShapeError, match="one size"):
        to_tensor([bad])
