"""The cosine of photos with places at every heading, weighted by what both show, on any device.

Source: paper Eq. 4, with the window's norm taken before any maximum; ``model_core.matching`` has
the same for searches of stored galleries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model_core.gallery.weighting import bin_energy
from model_core.matching.correlation import ENERGY_FLOOR

MIN_COVERAGE = 0.5


@dataclass(frozen=True)
class Described:
    """Features (N, C, h, W) weighted by coverage (N, W); no coverage where nothing is known."""

    features: Tensor
    coverage: Tensor

    def at(self, rows: Tensor | slice) -> Described:
        """Return some places."""
        return Described(self.features[rows], self.coverage[rows])

    @classmethod
    def weighted(cls, features: Tensor, coverage: Tensor) -> Described:
        """Return features (N, C, h, W) weighted by coverage (N, W)."""
        return cls(features * coverage[:, None, None], coverage)

    @classmethod
    def whole(cls, features: Tensor) -> Described:
        """Return features (N, C, h, W) that cover all of their width."""
        return cls(features, torch.ones_like(features[:, 0, 0]))


def window_correlation(
    photos: Described,
    places: Described,
    *,
    min_coverage: float = MIN_COVERAGE,
    uncovered: float = -torch.inf,
    heading_search: bool = True,
) -> Tensor:
    """Return the cosine of every photo with every window of every place.

    The same as ``model_core.matching.correlation.correlate_block`` for photos of one width, laid
    out for large batches of photos on one device, and with gradients.

    Args:
        photos: B photos, (B, C, h, w) and (B, w).
        places: N full circles, (N, C, h, W) and (N, W).
        min_coverage: The share of a photo that a window has to cover.
        uncovered: The value of windows that are covered less.
        heading_search: All windows; False takes the one of columns 0 to w alone.

    Returns:
        (B, N, W) float32: entry k is the window whose left edge is bin k; (B, N, 1) without a
        search.
    """
    count, width = len(places.features), photos.features.shape[-1]
    query, cover = photos.features.float(), photos.coverage.float()
    circle, circle_cover = places.features.float(), places.coverage.float()
    if not heading_search:
        circle, circle_cover = circle[..., :width], circle_cover[..., :width]
    energy = bin_energy(query.square().sum((1, 2)), cover)
    circle_energy = bin_energy(circle.square().sum((1, 2)), circle_cover)
    windows, window_cover, window_energy = (
        _windows(one, width, heading_search) for one in (circle, circle_cover, circle_energy)
    )
    steps = windows.shape[-2]
    flat = windows.permute(0, 3, 1, 2, 4).reshape(count * steps, -1)
    window_cover, window_energy = window_cover.flatten(0, 1), window_energy.flatten(0, 1)
    # A cosine in bf16 is off by 0.004, which the temperature would make a large part of a logit.
    with torch.autocast(query.device.type, enabled=False):
        product = query.flatten(1) @ flat.T
        norm = (energy @ window_cover.T).clamp(min=ENERGY_FLOOR)
        norm = norm * (cover @ window_energy.T).clamp(min=ENERGY_FLOOR)
        covered = cover @ window_cover.T
    share = covered / cover.sum(1, keepdim=True).clamp(min=ENERGY_FLOOR)
    cosine = (product * norm.rsqrt()).masked_fill(share < min_coverage - 1e-6, uncovered)
    return cosine.view(len(query), count, steps)


def _windows(circles: Tensor, width: int, heading_search: bool) -> Tensor:
    """Return (..., W, width): the bins from every bin on, around the circle, or from the first."""
    if not heading_search:
        return circles.unsqueeze(-2)
    return torch.cat([circles, circles[..., : width - 1]], dim=-1).unfold(-1, width, 1)


def join(parts: Sequence[Described]) -> Described:
    """Return all that some describe, one after another."""
    features = torch.cat([part.features for part in parts])
    return Described(features, torch.cat([part.coverage for part in parts]))
