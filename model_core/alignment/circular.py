"""Statistics of angles: a mean of 359 and 1 degrees is 0, not 180."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from model_core.errors import ShapeError

Angles = npt.NDArray[np.float64]

GRID_STEPS = 720
"""Points on the circle where densities are evaluated, half a degree apart."""


def circular_difference_deg(angle_deg: float, from_deg: float) -> float:
    """Return the turn from one angle to another, in [-180, 180), clockwise positive."""
    return (angle_deg - from_deg + 180.0) % 360.0 - 180.0


def circular_mean_deg(angles_deg: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the direction of the mean unit vector, in [0, 360).

    Raises:
        ShapeError: There is no angle, or the weights do not fit.
    """
    vector = _mean_vector(angles_deg, weights)
    return math.degrees(math.atan2(vector.imag, vector.real)) % 360.0


def circular_resultant(angles_deg: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the length of the mean unit vector: 1 when all angles agree, 0 when none do.

    Raises:
        ShapeError: There is no angle, or the weights do not fit.
    """
    return min(1.0, abs(_mean_vector(angles_deg, weights)))


def circular_density(angles_deg: npt.ArrayLike, bandwidth_deg: float) -> Angles:
    """Return a smoothed count of angles at ``GRID_STEPS`` points from 0 degrees on.

    Args:
        angles_deg: Any number of angles.
        bandwidth_deg: Standard deviation of the kernel, whose height is 1: at each point the
            density is about the number of angles within a bandwidth or so.
    """
    angles = np.asarray(angles_deg, dtype=np.float64).ravel()
    grid_deg = np.arange(GRID_STEPS) * 360.0 / GRID_STEPS
    cells = np.rint(angles % 360.0 * GRID_STEPS / 360.0).astype(np.int64) % GRID_STEPS
    counts = np.bincount(cells, minlength=GRID_STEPS)
    off_deg = (grid_deg + 180.0) % 360.0 - 180.0
    kernel = np.exp(-(off_deg**2) / (2 * bandwidth_deg**2))
    density: Angles = np.fft.irfft(np.fft.rfft(counts) * np.fft.rfft(kernel), GRID_STEPS)
    return np.maximum(density, 0.0)


def circular_mode_deg(
    angles_deg: npt.ArrayLike, bandwidth_deg: float = 3.0, prior: Angles | None = None
) -> float:
    """Return the direction around which most angles gather, in [0, 360).

    Args:
        angles_deg: One or more angles.
        bandwidth_deg: How near angles must be to support each other.
        prior: A factor on the density at each of its ``GRID_STEPS`` points.

    Raises:
        ShapeError: There is no angle.
    """
    angles = np.asarray(angles_deg, dtype=np.float64).ravel()
    if angles.size == 0:
        raise ShapeError("no angle to find a mode of; check for matches first")
    density = circular_density(angles, bandwidth_deg)
    peak_deg = float(np.argmax(density if prior is None else density * prior)) * 360.0 / GRID_STEPS
    off_deg = (angles - peak_deg + 180.0) % 360.0 - 180.0
    near = np.abs(off_deg) <= 2 * bandwidth_deg
    if not near.any():
        return peak_deg
    return circular_mean_deg(angles[near], np.exp(-(off_deg[near] ** 2) / (2 * bandwidth_deg**2)))


def _mean_vector(angles_deg: npt.ArrayLike, weights: npt.ArrayLike | None) -> complex:
    angles = np.radians(np.asarray(angles_deg, dtype=np.float64).ravel())
    if angles.size == 0:
        raise ShapeError("no angle to average; check for angles first")
    if weights is None:
        return complex(np.exp(1j * angles).mean())
    factors = np.asarray(weights, dtype=np.float64).ravel()
    if factors.shape != angles.shape or factors.sum() <= 0.0:
        raise ShapeError("weights must be one an angle, with a sum above 0")
    return complex((np.exp(1j * angles) * factors).sum() / factors.sum())
