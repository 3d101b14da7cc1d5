"""How places that are not the photo's score: the yardstick that makes fields of view comparable.

A narrow window reaches higher cosines by chance than a wide one. The best cosine of each place is
therefore measured against the places of the same area under the same field of view, nearly all of
which are wrong: ``score = (cosine - mean) / std`` with robust estimates of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from model_core.types import FloatArray

FEW_PLACES = 20
LEAST_STD = 1e-4
_MAD_TO_STD = 1.4826


@dataclass(frozen=True)
class NullDistribution:
    """Mean and standard deviation of the best cosine of a wrong place."""

    mean: float
    std: float

    def standardise(self, cosines: FloatArray) -> FloatArray:
        """Return cosines as standard deviations above the mean, minus infinity kept."""
        scores: FloatArray = ((cosines - self.mean) / self.std).astype(np.float32)
        return scores


def null_of_many(best: FloatArray) -> NullDistribution:
    """Return the null distribution from median and median deviation of (N,) best cosines.

    The few right places among them hardly move it. Places that could not be scored (minus
    infinity) do not count.
    """
    finite = best[np.isfinite(best)]
    if finite.size == 0:
        return NullDistribution(0.0, 1.0)
    middle = float(np.median(finite))
    spread = _MAD_TO_STD * float(np.median(np.abs(finite - middle)))
    return NullDistribution(middle, max(spread, LEAST_STD))


def null_of_few(cosines: FloatArray, width: int) -> NullDistribution:
    """Return the null distribution of the best cosine from all shifts of a few places.

    With under ``FEW_PLACES`` places their best cosines say little, but their shifts are many: the
    single-shift cosine is taken as normal, and the largest of the ``m`` windows that are
    independent follows from extreme-value theory (Blom's mean, Gumbel's deviation).

    Args:
        cosines: float32 (N, bins), minus infinity where a window was not scored.
        width: The photo's bins; windows half a width apart count as independent.
    """
    single = null_of_many(cosines.ravel())
    independent = max(1.0, cosines.shape[1] / max(1.0, width / 2.0))
    return NullDistribution(
        single.mean + single.std * _mean_of_largest(independent),
        max(single.std * _std_of_largest(independent), LEAST_STD),
    )


def _mean_of_largest(count: float) -> float:
    """Return the mean of the largest of ``count`` standard normal values."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1.0 else 0.0


def _std_of_largest(count: float) -> float:
    """Return the standard deviation of the largest of ``count`` standard normal values."""
    if count <= 1.0:
        return 1.0
    gumbel = math.pi / math.sqrt(6.0) / math.sqrt(2.0 * math.log(count))
    return min(gumbel, 1.0)
