"""Squares cut out of one image of a city, all at once, on the device that renders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from model_core.types import FloatArray, ImageU8

_SUBPIXELS, _FINE = 32, 1024


def crop_squares(
    whole: ImageU8,
    centers: FloatArray,
    crop_m: float | FloatArray,
    size_px: int,
    half_m: float,
    cell_m: float,
    device: torch.device,
) -> ImageU8:
    """Return squares of a whole-city image centred on points, north up, (N, size, size, 3) uint8.

    Positions are rounded to 1/32 of a pixel of the image, as ``cv2.warpAffine`` does; what lies
    outside the image repeats its edge.

    Args:
        whole: (R, R, 3), the square of ``half_m`` around the city's centre.
        centers: (N, 2) metres east and north.
        crop_m: Side of the squares in metres, one for all or (N,).
        size_px: Side of the squares in pixels.
        half_m: Half of the image's side.
        cell_m: A pixel of the image.
        device: Where to cut.
    """
    spots = np.asarray(centers, np.float32)
    side = np.broadcast_to(np.asarray(crop_m, np.float64), len(spots))
    scale = side / size_px / cell_m
    first = np.asarray(0.5 * scale - 0.5 - side / 2 / cell_m, np.float32)
    step = np.arange(size_px) * scale[:, None]
    east = np.asarray((spots[:, 0] + half_m) / cell_m + first, np.float64)[:, None]
    north = np.asarray((half_m - spots[:, 1]) / cell_m + first, np.float64)[:, None]
    col, row = (
        torch.from_numpy(_snapped(fine)).to(device)
        for fine in (np.rint(step * _FINE) + np.rint(east * _FINE), np.rint((step + north) * _FINE))
    )
    image = torch.from_numpy(whole).to(device).permute(2, 0, 1)[None].float()
    size = whole.shape[0]
    at = [(2 * t + 1) / size - 1 for t in (col, row)]
    across = at[0][:, None].expand(-1, size_px, -1)
    down = at[1][:, :, None].expand(-1, -1, size_px)
    grid = torch.stack([across, down], -1).float().reshape(1, -1, size_px, 2)
    cut = functional.grid_sample(image, grid, padding_mode="border", align_corners=False)
    pixels = cut.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0)
    return np.asarray(pixels.reshape(len(spots), size_px, size_px, 3).cpu().numpy())


def _snapped(fine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return positions given in 1/1024 of a pixel to the nearest 1/32, in pixels."""
    many = _FINE // _SUBPIXELS
    return np.asarray((fine + many // 2) // many / _SUBPIXELS)
