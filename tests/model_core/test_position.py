"""Where matched street views say a photo was taken: directions meet, compasses may lie."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.position import MOST_TOGETHER, TriedViews, photo_spots

THRESHOLD = 17.5
HEADING_DEG = 10.0


def tried(
    photo_m: tuple[float, float],
    views_m: list[tuple[float, float]],
    inliers: list[int],
    *,
    compass_off_deg: float = 0.0,
    noise_deg: float = 2.0,
) -> TriedViews:
    """Street views that matched a photo; their compasses are all off by one angle."""
    rng = np.random.default_rng(1)
    xy = np.array(views_m, np.float64)
    east, north = (np.array(photo_m) - xy).T
    bearing = np.degrees(np.arctan2(east, north)) + rng.normal(0.0, noise_deg, len(xy))
    heading = HEADING_DEG + rng.normal(0.0, noise_deg, len(xy))
    count = np.array(inliers, np.float64)
    return TriedViews(
        (), count, xy, np.ones(len(xy)),
        (heading + compass_off_deg) % 360.0, np.full(len(xy), 2.0),
        (bearing + compass_off_deg) % 360.0,
    )  # fmt: skip


def off_m(views: TriedViews, photo_m: tuple[float, float]) -> float:
    spots = photo_spots(views, THRESHOLD)
    return float(np.hypot(*(spots[int(views.inliers.argmax())] - photo_m)))


AHEAD = [(2.0, 40.0), (-2.0, 52.0), (1.0, 4.0), (0.0, 18.0), (24.0, 30.0)]
"""A street to the north, and a view round a corner."""
AROUND = [(20.0, 0.0), (-18.0, 5.0), (3.0, 30.0), (-5.0, -25.0), (25.0, 22.0)]


def test_a_photo_down_a_street_is_not_put_where_it_matches_best() -> None:
    """The views farther on share more with the photo than those beside it."""
    views = tried((0.0, 0.0), AHEAD, [90, 80, 26, 33, 40])
    middle = photo_spots(views_without_bearings(views), THRESHOLD)[0]
    assert np.hypot(*middle) > 25.0
    assert off_m(views, (0.0, 0.0)) < 0.5 * np.hypot(*middle)


@pytest.mark.parametrize("compass_off_deg", [90.0, 170.0, -120.0])
def test_compasses_that_are_all_off_are_found_out(compass_off_deg: float) -> None:
    views = tried((0.0, 0.0), AROUND, [60, 50, 45, 40, 30], compass_off_deg=compass_off_deg)
    assert off_m(views, (0.0, 0.0)) < 8.0


@pytest.mark.parametrize("wrong", range(5))
def test_one_wrong_direction_does_not_carry_the_day(wrong: int) -> None:
    views = tried((0.0, 0.0), AROUND, [60, 50, 45, 40, 30])
    views.bearing_deg[wrong] += 120.0
    assert off_m(views, (0.0, 0.0)) < 12.0


def test_along_a_single_direction_the_photo_is_near_the_view_on_the_right_side() -> None:
    views = tried((30.0, 0.0), [(0.0, 0.0)], [40])
    east, north = photo_spots(views, THRESHOLD)[0]
    assert 0.0 <= east <= 30.0
    assert abs(north) <= 10.0


def views_without_bearings(views: TriedViews) -> TriedViews:
    unknown = np.full(len(views.xy_m), np.nan)
    return TriedViews((), views.inliers, views.xy_m, views.shown, unknown, unknown, unknown)


def test_without_directions_the_views_middle_is_taken() -> None:
    views = views_without_bearings(tried((0.0, 0.0), [(-20.0, 0.0), (20.0, 0.0)], [40, 40]))
    assert photo_spots(views, THRESHOLD).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_directions_help_where_only_some_are_known() -> None:
    views = tried((0.0, 0.0), AHEAD, [90, 80, 26, 33, 40])
    views.bearing_deg[1], views.heading_deg[1] = np.nan, np.nan
    assert off_m(views, (0.0, 0.0)) < 12.0


def test_views_below_the_threshold_stand_for_themselves() -> None:
    views = tried((0.0, 0.0), [*AHEAD, (5.0, 5.0)], [90, 80, 26, 33, 40, 12])
    assert photo_spots(views, THRESHOLD)[5].tolist() == [5.0, 5.0]


def test_views_far_apart_do_not_speak_together() -> None:
    near, far = (3.0, 6.0), (903.0, 6.0)
    views = tried((0.0, 0.0), [near, far], [40, 60])
    spots = photo_spots(views, THRESHOLD)
    assert np.hypot(*(spots[0] - near)) < 40.0
    assert np.hypot(*(spots[1] - far)) < 40.0


def test_many_views_are_as_good_as_the_best_of_them() -> None:
    rng = np.random.default_rng(2)
    around = [tuple(at) for at in rng.uniform(-28.0, 28.0, (4 * MOST_TOGETHER, 2))]
    views = tried((0.0, 0.0), around, rng.integers(20, 60, len(around)).tolist())
    assert off_m(views, (0.0, 0.0)) < 8.0
