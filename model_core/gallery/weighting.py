"""What a gallery stores of a place: features weighted by coverage, and the energy of each bin.

With features ``c g`` and energies ``c |g|^2`` the weighted inner products and norms of every
window are plain sums over bins (see ``matching.correlation``).
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST_COVERAGE = 1e-6


def weigh_bins(features: Tensor, coverage: Tensor) -> tuple[Tensor, Tensor]:
    """Return features weighted by coverage, rounded to float16, and the energy of each bin.

    Args:
        features: (n, h, bins, C), any float type.
        coverage: float32 (n, bins) in [0, 1].

    Returns:
        float16 (n, h, bins, C), and float32 (n, bins), of the rounded features.
    """
    stored = (features.float() * coverage[:, None, :, None]).half()
    return stored, bin_energy(stored.float().square().sum((1, 3)), coverage)


def bin_energy(squared: Tensor, coverage: Tensor) -> Tensor:
    """Return ``c |x|^2`` from squared norms ``|c x|^2`` and coverage ``c``, zero where that is."""
    return torch.where(coverage > 0, squared / coverage.clamp(min=_LEAST_COVERAGE), 0.0)
