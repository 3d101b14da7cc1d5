"""Photos resized to one width whatever they show, as the released code does: a faulty baseline."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model_core.config import StripGeometry

WIDEST_PHOTO_DEG = 120.0
"""Wider pictures are parts of panoramas."""

_SEEN = 0.999


def resize_frames(
    circles: Tensor,
    seen: Tensor,
    centre_px: Tensor,
    fov_deg: Tensor,
    half_height_deg: Tensor,
    pitch_deg: Tensor,
    window_px: int,
    geometry: StripGeometry,
) -> tuple[Tensor, Tensor]:
    """Return photos (B, 3, H, window_px) and their masks (B, H, window_px).

    A photo's plane fills the window from edge to edge and from top to bottom. What its circle does
    not show is masked. A part of a panorama, which has no plane, keeps its equal angles.

    Args:
        circles: float (B, 3, H, W).
        seen: bool (B, W), the columns that a picture shows.
        centre_px: (B,) the columns of the optical axes, fractional.
        fov_deg: (B,) horizontal.
        half_height_deg: (B,) half of the vertical field of view.
        pitch_deg: (B,) up from the horizon.
        window_px: Columns of every photo.
        geometry: The circles' frame.
    """
    height, width = circles.shape[2:]
    across = _middles(window_px, circles.device)[None, None, :]
    down = -_middles(height, circles.device)[None, :, None]
    half, upper, pitch = (
        torch.deg2rad(x).view(-1, 1, 1) for x in (fov_deg / 2, half_height_deg, pitch_deg)
    )
    plane = (fov_deg <= WIDEST_PHOTO_DEG).view(-1, 1, 1)
    azimuth = torch.where(plane, torch.atan(across * torch.tan(half)), across * half)
    beside = torch.where(plane, torch.cos(azimuth), 1.0)
    elevation = torch.atan(down * torch.tan(upper) * beside) + pitch
    column = centre_px.view(-1, 1, 1) + torch.rad2deg(azimuth) / geometry.deg_per_px
    span_deg = geometry.elevation_max_deg - geometry.elevation_min_deg
    row = (geometry.elevation_max_deg - torch.rad2deg(elevation)) * height / span_deg
    # Three circles side by side: no photo reaches past the outer two.
    there = seen[:, None, None, :].to(circles.dtype).expand(-1, 1, height, -1)
    wrapped = torch.cat([circles, there], dim=1).repeat(1, 1, 1, 3)
    x = (column % width + width).expand(-1, height, -1) * 2 / (3 * width) - 1
    grid = torch.stack([x, row * 2 / height - 1], dim=-1)
    cut = F.grid_sample(wrapped, grid, padding_mode="zeros", align_corners=False)
    mask = (cut[:, 3] > _SEEN).to(circles.dtype)
    return cut[:, :3] * mask.unsqueeze(1), mask


def _middles(count: int, device: torch.device) -> Tensor:
    """Return the middles of ``count`` equal parts of [-1, 1]."""
    return (torch.arange(count, device=device) + 0.5) * 2 / count - 1
