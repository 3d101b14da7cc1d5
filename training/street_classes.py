"""What the pixels of a street view show, as far as the true layout around its place tells."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model_core.config import StripGeometry
from model_core.errors import ShapeError
from training.world.layout import LAYOUT_CHANNELS

STREET_CLASSES = ("sky", "building", "canopy", "road", "green", "ground")
_CAMERA_HEIGHT_M = 2.0
_RING_ENDS_M = (8.0, 20.0)
_COVERS_A_RING = 4


def street_class_shares(layout: Tensor, geometry: StripGeometry) -> Tensor:
    """Return class probabilities (B, classes, H, W) of full-circle strips, one sum a pixel.

    Above the horizon a pixel is building below the skyline and sky over it, with the bin's canopy
    spread evenly over both. Below it shows the ground at the distance where a level ray from 2 m
    meets it, and the building where that lies behind its front.

    Args:
        layout: float (B, bins, K) labels; see ``training.world.layout.LAYOUT_CHANNELS``.
        geometry: The strips' frame; its width is a multiple of the bins.

    Raises:
        ShapeError: Labels of another kind, or bins that do not divide the width.
    """
    if layout.shape[-1] != len(LAYOUT_CHANNELS) or geometry.width % layout.shape[1]:
        raise ShapeError(
            f"layout labels are {tuple(layout.shape)}; classes of {geometry.width} columns need "
            f"(B, bins, {len(LAYOUT_CHANNELS)}); set segmentation_classes to 0 without them"
        )
    label = layout.float().repeat_interleave(geometry.width // layout.shape[1], dim=1)
    label = label.permute(2, 0, 1).unsqueeze(2)
    elevation = _row_elevations_rad(geometry, layout.device).view(1, -1, 1)
    above = elevation > 0
    reach_m = _CAMERA_HEIGHT_M / torch.tan((-elevation).clamp(min=1e-3))
    behind_front = (reach_m > label[0].exp()) & (label[1] > 0)
    building = torch.where(above, elevation < label[1], behind_front).float()
    rows_above = above.float().mean().clamp_min(1e-6)
    canopy = torch.where(above, (label[3] / rows_above).clamp(0, 1), torch.zeros_like(building))
    ring = sum((reach_m > end).long() for end in _RING_ENDS_M)
    covers = label[4:].reshape(len(_RING_ENDS_M) + 1, _COVERS_A_RING, *label.shape[1:])
    choice = torch.nn.functional.one_hot(torch.as_tensor(ring), len(covers)).movedim(-1, 0)
    road, pavement, green, other = (covers * choice.unsqueeze(1)).sum(0).clamp(0, 1)
    open_ground = (1 - building) * (~above)
    shares = (
        (1 - building) * above * (1 - canopy),
        building * (1 - canopy),
        canopy,
        open_ground * road,
        open_ground * green,
        open_ground * (pavement + other),
    )
    stacked = torch.stack([share.expand_as(building) for share in shares], dim=1)
    return stacked / stacked.sum(dim=1, keepdim=True).clamp_min(1e-6)


def _row_elevations_rad(geometry: StripGeometry, device: torch.device) -> Tensor:
    rows = (torch.arange(geometry.height, device=device) + 0.5) / geometry.height
    span = geometry.elevation_max_deg - geometry.elevation_min_deg
    return (geometry.elevation_max_deg - rows * span) * (math.pi / 180)
