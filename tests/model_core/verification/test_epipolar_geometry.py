"""Inliers and headings from points in space seen by two cameras, where the truth is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model_core.alignment.projection import Camera, camera_axes, image_points, make_camera
from model_core.verification import geometry
from model_core.verification.geometry import EpipolarInliers, epipolar_inliers, pinholes
from model_core.verification.heading import Attitude, RelativeHeading, relative_heading
from model_core.verification.local_features import LocalFeatures

Points = npt.NDArray[np.float64]
SIZE = (1024, 768)
PANORAMA_SIZE = (2048, 1024)
NOISE_PX = 0.4
LEVEL = Attitude()


@dataclass(frozen=True)
class View:
    """A camera at a position (east, north, up), metres."""

    camera: Camera
    position_m: tuple[float, float, float]


def street(count: int, seed: int) -> Points:
    """Points on the two sides of a street that runs north, and on what closes it."""
    rng = np.random.default_rng(seed)
    along, up = rng.uniform(-40, 60, count), rng.uniform(-1, 9, count)
    across = np.where(rng.random(count) < 0.5, -7.0, 7.0) + rng.normal(0, 0.7, count)
    end = rng.random(count) < 0.15
    along, across = np.where(end, 60.0, along), np.where(end, rng.uniform(-7, 7, count), across)
    return np.column_stack((across, along, up))


def facade(count: int, seed: int) -> Points:
    """Points of one flat wall east of the street."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        (np.full(count, 12.0), rng.uniform(-12, 12, count), rng.uniform(-1, 8, count))
    )


def seen(points: Points, view: View, size: tuple[int, int], rng: np.random.Generator) -> Points:
    """Where points appear, in pixels from the centre; outside the image beyond half its size."""
    rays = (points - np.array(view.position_m)).astype(np.float32)
    on_image = image_points(rays, view.camera, size).astype(np.float64) * np.array(size)
    return on_image + rng.normal(0, NOISE_PX, on_image.shape)


def features(points_px: Points, view: View, size: tuple[int, int]) -> LocalFeatures:
    points = points_px
    if view.camera.projection == "equirectangular":
        points = points_px * (view.camera.fov_deg / size[0]) * np.array((1.0, -1.0))
    blank = np.zeros((len(points), 128), np.uint8)
    return LocalFeatures(view.camera.projection, size, points.astype(np.float32), blank)


def shared_features(
    points: Points, photo: View, view: View, outliers: int = 0
) -> tuple[LocalFeatures, LocalFeatures]:
    """Both images' features of the points both see, and wrong matches after them."""
    rng = np.random.default_rng(99)
    sizes = [
        PANORAMA_SIZE if v.camera.projection == "equirectangular" else SIZE for v in (photo, view)
    ]
    shown = [seen(points, v, size, rng) for v, size in zip((photo, view), sizes, strict=True)]
    inside = np.ones(len(points), np.bool_)
    for pixels, size in zip(shown, sizes, strict=True):
        inside &= np.all(np.abs(pixels) <= np.array(size) / 2, axis=1)
    rows = [
        np.concatenate((px[inside], (rng.random((outliers, 2)) - 0.5) * (size[0], size[1] / 2)))
        for px, size in zip(shown, sizes, strict=True)
    ]
    return features(rows[0], photo, sizes[0]), features(rows[1], view, sizes[1])


def fit(
    photo: LocalFeatures,
    view: LocalFeatures,
    photo_fov_deg: float | None = 60.0,
    view_fov_deg: float | None = 60.0,
) -> EpipolarInliers | None:
    rows = np.arange(len(photo))
    return epipolar_inliers(
        pinholes(photo, rows, photo_fov_deg), pinholes(view, rows, view_fov_deg)
    )


def heading(
    inliers: EpipolarInliers | None,
    photo: LocalFeatures,
    view: LocalFeatures,
    photo_attitude: Attitude = LEVEL,
    view_attitude: Attitude = LEVEL,
) -> RelativeHeading:
    assert inliers is not None
    found = relative_heading(
        inliers,
        photo_attitude,
        view_attitude,
        photo.size_px[0] / 2,
        view.size_px[0] / 2,
    )
    assert found is not None
    return found


def apart_deg(first: float, second: float) -> float:
    return abs((first - second + 180.0) % 360.0 - 180.0)


def perspective(heading_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Camera:
    return make_camera("perspective", 60.0, heading_deg, pitch_deg, roll_deg)


@pytest.mark.parametrize("outliers", [0, 60])
def test_inliers_are_the_true_matches(outliers: int) -> None:
    photo, view = View(perspective(5), (0, 0, 1.6)), View(perspective(-4), (1.5, -8, 2.5))
    first, second = shared_features(street(400, 1), photo, view, outliers)
    inliers = fit(first, second)
    true = len(first) - outliers
    assert inliers is not None
    assert (inliers.chosen < true).sum() > 0.8 * true
    assert (inliers.chosen >= true).sum() <= 0.1 * outliers


def test_unrelated_points_give_few_inliers() -> None:
    rng = np.random.default_rng(3)
    both = [
        LocalFeatures(
            "perspective",
            SIZE,
            ((rng.random((60, 2)) - 0.5) * SIZE).astype(np.float32),
            np.zeros((60, 128), np.uint8),
        )
        for _ in range(2)
    ]
    inliers = fit(*both)
    assert inliers is None or len(inliers) < 15


def test_too_few_matches_give_nothing() -> None:
    photo = View(perspective(0), (0, 0, 1.6))
    first, second = shared_features(street(400, 1)[:20], photo, photo)
    rows = np.arange(7)
    assert epipolar_inliers(pinholes(first, rows, 60.0), pinholes(second, rows, 60.0)) is None


@pytest.mark.parametrize("turn_deg", [-35.0, 0.0, 20.0])
def test_heading_between_two_photos(turn_deg: float) -> None:
    photo, view = View(perspective(turn_deg), (0, 0, 1.6)), View(perspective(0), (1, -6, 2.5))
    first, second = shared_features(street(600, 4), photo, view, 40)
    found = heading(fit(first, second), first, second)
    assert apart_deg(found.heading_deg, turn_deg) < 1.0
    assert found.fov_deg == pytest.approx(60.0)


def test_heading_of_a_photo_taken_at_the_view() -> None:
    photo, view = View(perspective(17), (0, 0, 1.6)), View(perspective(0), (0, 0, 1.6))
    first, second = shared_features(street(600, 5), photo, view)
    assert apart_deg(heading(fit(first, second), first, second).heading_deg, 17.0) < 0.3


def test_heading_before_a_flat_wall() -> None:
    """A plane allows two poses; most matches lie on it and the few that do not decide."""
    photo, view = View(perspective(75), (0, -4, 1.6)), View(perspective(85), (0, 2, 1.6))
    points = np.concatenate((facade(300, 6), street(200, 6)))
    first, second = shared_features(points, photo, view)
    assert apart_deg(heading(fit(first, second), first, second).heading_deg, 350.0) < 2.0


def test_tilted_cameras() -> None:
    photo = View(perspective(10, pitch_deg=14, roll_deg=-6), (0, 0, 1.6))
    view = View(perspective(0, pitch_deg=-8, roll_deg=3), (1, -6, 2.5))
    first, second = shared_features(street(600, 7), photo, view)
    found = heading(fit(first, second), first, second, Attitude(14, -6), Attitude(-8, 3))
    assert apart_deg(found.heading_deg, 10.0) < 1.0


@pytest.mark.parametrize("true_deg", [0.0, 100.0, 181.0, 355.0])
def test_heading_in_a_panorama(true_deg: float) -> None:
    """The pinholes of a panorama find the photo's direction wherever it is."""
    photo = View(perspective(true_deg), (0, 0, 1.6))
    view = View(make_camera("equirectangular", 360.0), (0.8, -5, 2.5))
    first, second = shared_features(street(900, 8), photo, view, 40)
    inliers = fit(first, second, view_fov_deg=None)
    found = heading(inliers, first, second)
    assert apart_deg(found.heading_deg, true_deg) < 1.0
    assert found.sigma_deg < 5


@pytest.mark.parametrize("photo_m", [(0.8, 9.0, 1.6), (-3.0, -20.0, 1.6), (4.0, -3.0, 1.6)])
@pytest.mark.parametrize("true_deg", [5.0, 190.0])
def test_bearing_from_a_panorama(photo_m: tuple[float, float, float], true_deg: float) -> None:
    """In which direction from the panorama the photo was taken, ahead, behind or beside."""
    photo = View(perspective(true_deg), photo_m)
    view = View(make_camera("equirectangular", 360.0, 0.0), (0.8, -5, 2.5))
    first, second = shared_features(street(900, 8), photo, view, 40)
    found = heading(fit(first, second, view_fov_deg=None), first, second)
    east, north = photo_m[0] - 0.8, photo_m[1] + 5.0
    assert found.bearing_deg is not None
    assert apart_deg(found.bearing_deg, np.degrees(np.arctan2(east, north))) < 6.0


def test_bearing_between_photos_tells_ahead_from_behind() -> None:
    for north_m, bearing_deg in ((8.0, 0.0), (-8.0, 180.0)):
        photo, view = View(perspective(4), (0, north_m, 1.6)), View(perspective(0), (0, 0, 1.6))
        first, second = shared_features(street(600, 4), photo, view, 20)
        found = heading(fit(first, second), first, second)
        assert found.bearing_deg is not None
        assert apart_deg(found.bearing_deg, bearing_deg) < 6.0


def test_a_photo_taken_at_the_view_has_no_bearing() -> None:
    photo, view = View(perspective(17), (0, 0, 1.6)), View(perspective(0), (0, 0, 1.6))
    first, second = shared_features(street(600, 5), photo, view)
    assert heading(fit(first, second), first, second).bearing_deg is None


def test_panorama_in_a_panorama() -> None:
    photo = View(make_camera("equirectangular", 360.0, 130.0), (0, 0, 1.6))
    view = View(make_camera("equirectangular", 360.0), (0.8, -5, 2.5))
    first, second = shared_features(street(900, 9), photo, view, 40)
    found = heading(fit(first, second, None, None), first, second)
    assert apart_deg(found.heading_deg, 130.0) < 1.0


def test_heading_without_a_field_of_view() -> None:
    photo = View(perspective(12), (0, 0, 1.6))
    view = View(make_camera("equirectangular", 360.0), (0.8, -5, 2.5))
    first, second = shared_features(street(900, 10), photo, view)
    known = heading(fit(first, second, 60.0, None), first, second)
    unknown = heading(fit(first, second, None, None), first, second)
    assert apart_deg(unknown.heading_deg, 12.0) < 3 * unknown.sigma_deg
    assert unknown.sigma_deg > known.sigma_deg
    assert unknown.fov_deg == pytest.approx(60.0, abs=10)


def test_few_inliers_give_no_heading() -> None:
    photo = View(perspective(5), (0, 0, 1.6))
    first, second = shared_features(street(400, 1), photo, View(perspective(0), (1, -6, 2.5)))
    inliers = fit(first, second)
    assert inliers is not None
    few = EpipolarInliers(inliers.query, inliers.reference, inliers.chosen[:11])
    assert relative_heading(few, LEVEL, LEVEL, 512, 512) is None


def test_roll_convention_agrees_with_the_camera() -> None:
    """A camera's axes and the attitude speak of the same roll and pitch."""
    axes = camera_axes(perspective(0, pitch_deg=90))
    assert math.isclose(float(axes[2, 2]), 1.0, abs_tol=1e-6)


def test_matches_that_no_sample_explains_are_no_error(monkeypatch) -> None:
    def asserts(*_: object) -> None:
        raise cv2.error("(-215:Assertion failed) !model.empty()")

    monkeypatch.setattr(geometry.cv2, "findFundamentalMat", asserts)
    points = np.random.default_rng(0).random((20, 2)) * 500
    assert len(geometry._fundamental_inliers(points, points)) == 0
