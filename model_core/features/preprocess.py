"""Strips to tensors: ImageNet mean and deviation, masked pixels zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model_core.device import constant
from model_core.errors import ShapeError
from model_core.types import Strip

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_tensor(strips: Sequence[Strip], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Return strips as a normalised batch: images (B, 3, H, W) and mask (B, H, W), both float32.

    Args:
        strips: One or more strips of the same height and width.
        device: Where the tensors go; the bytes travel, not the floats.

    Raises:
        ShapeError: No strip, or strips of different sizes.
    """
    if not strips:
        raise ShapeError("no strip was given; a batch needs at least one")
    shape = strips[0].pixels.shape
    for strip in strips:
        if strip.pixels.shape != shape or strip.mask.shape != shape[:2]:
            raise ShapeError(
                f"strip of {strip.pixels.shape} with mask {strip.mask.shape} beside one of "
                f"{shape}; batch strips of one size"
            )
    pixels = torch.from_numpy(np.stack([strip.pixels for strip in strips])).to(device)
    mask = torch.from_numpy(np.stack([strip.mask for strip in strips])).to(device).float()
    images = pixels.permute(0, 3, 1, 2).float().div_(255.0)
    return normalize_images(images, mask), mask


def normalize_images(images: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return images normalised by ImageNet's mean and deviation, masked pixels zero.

    Args:
        images: float (B, 3, H, W) RGB in [0, 1].
        mask: float or bool (B, H, W), 1 where a pixel is seen; None: everywhere.
    """
    mean, std = (
        constant(values, images.device, images.dtype).view(1, 3, 1, 1)
        for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    normalized = (images - mean) / std
    return normalized if mask is None else normalized * mask.to(normalized.dtype).unsqueeze(1)
