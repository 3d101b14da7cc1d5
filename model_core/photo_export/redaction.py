"""Regions of a photo made unreadable for good."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from model_core.errors import InputError
from model_core.types import ImageU8

CELLS = 4
"""Along its longer side a region keeps this many colours, whatever its size."""

COLOUR_STEP = 16
"""And each of them only this exactly: letters cannot be guessed by trying them all."""


@dataclass(frozen=True)
class Region:
    """A rectangle; its edges are shares of the upright photo's width and height.

    Raises:
        InputError: Its edges are no shares, or enclose nothing.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        across = 0.0 <= self.left < self.right <= 1.0
        if not (across and 0.0 <= self.top < self.bottom <= 1.0):
            raise InputError(
                "a region to blur has edges left < right and top < bottom from 0 to 1, not "
                f"{self.left:g}, {self.top:g}, {self.right:g}, {self.bottom:g}"
            )


def blur_regions(pixels: ImageU8, regions: Iterable[Region]) -> ImageU8:
    """Return a copy in which nothing within the regions can be made out, nor brought back.

    A region becomes a few cells of its mean colours, coarsely rounded, with soft edges between.

    Args:
        pixels: uint8 (H, W, 3), upright.
        regions: What to blur; pixels that are touched count as inside.
    """
    blurred = pixels.copy()
    height, width = pixels.shape[:2]
    for region in regions:
        left, right = math.floor(region.left * width), math.ceil(region.right * width)
        top, bottom = math.floor(region.top * height), math.ceil(region.bottom * height)
        blurred[top:bottom, left:right] = _unreadable(blurred[top:bottom, left:right])
    return blurred


def _unreadable(part: ImageU8) -> ImageU8:
    height, width = part.shape[:2]
    cell_px = max(height, width) / CELLS
    cells = (max(1, round(width / cell_px)), max(1, round(height / cell_px)))
    means = cv2.resize(part, cells, interpolation=cv2.INTER_AREA).astype(np.float32)
    coarse = np.clip(np.round(means / COLOUR_STEP) * COLOUR_STEP, 0, 255).astype(np.uint8)
    pixelated = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(
        pixelated, (0, 0), max(0.5, cell_px / 4), borderType=cv2.BORDER_REPLICATE
    )
    return cast(ImageU8, soft)
