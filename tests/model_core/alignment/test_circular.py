"""Angles are averaged on the circle."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.alignment.circular import (
    circular_density,
    circular_difference_deg,
    circular_mean_deg,
    circular_mode_deg,
    circular_resultant,
)
from model_core.errors import ShapeError


def turned(angle_deg: float, by_deg: float) -> float:
    return abs(circular_difference_deg(angle_deg, by_deg))


@pytest.mark.parametrize(
    ("angle", "start", "expected"),
    [(10, 350, 20), (350, 10, -20), (180, 0, -180), (0, 180, -180), (725, 0, 5)],
)
def test_differences_take_the_short_way(angle: float, start: float, expected: float) -> None:
    assert circular_difference_deg(angle, start) == pytest.approx(expected)


def test_the_mean_crosses_north() -> None:
    assert turned(circular_mean_deg([350, 0, 10]), 0.0) < 1e-9
    assert circular_mean_deg([359, 1], weights=[1, 3]) == pytest.approx(0.5, abs=1e-3)


def test_angles_that_cancel_out_have_no_resultant() -> None:
    assert circular_resultant([40.0]) == pytest.approx(1.0, abs=1e-9)
    assert circular_resultant([0, 90, 180, 270]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("true_deg", [0.0, 137.25, 359.8])
def test_the_mode_survives_outliers_where_a_mean_does_not(true_deg: float) -> None:
    rng = np.random.default_rng(3)
    gathered = (true_deg + rng.normal(0, 1.0, 40)) % 360.0
    scattered = rng.uniform(20, 200, 100)
    angles = np.concatenate((gathered, scattered))
    assert turned(circular_mode_deg(angles), true_deg) < 0.7
    assert turned(float(np.mean(angles)), true_deg) > 10


def test_a_prior_decides_between_equal_modes() -> None:
    angles = [5.0, 5.0, 200.0, 200.0]
    for favoured in (5.0, 200.0):
        prior = 0.1 + circular_density([favoured], 10.0)
        assert circular_mode_deg(angles, prior=prior) == pytest.approx(favoured, abs=0.01)


def test_density_counts_angles_around_the_circle() -> None:
    density = circular_density([359.5, 0.5, 0.0], 3.0)
    assert density[0] == pytest.approx(3.0, abs=0.1)
    assert density[360] == pytest.approx(0.0, abs=1e-9)


def test_nothing_to_average_is_an_error() -> None:
    for statistic in (circular_mean_deg, circular_resultant, circular_mode_deg):
        with pytest.raises(ShapeError):
            statistic([])
    with pytest.raises(ShapeError, match="weights"):
        circular_mean_deg([1.0, 2.0], weights=[1.0])
