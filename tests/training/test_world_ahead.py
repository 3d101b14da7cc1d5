"""Cities are drafted ahead of the renderer, the same ones, and fail where the user sees it."""

import cv2
import numpy as np
import pytest
import torch

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from training.datasets.rendered import render_dataset
from training.world.ahead import build_ahead
from training.world.cities import check_seed
from training.world.crops import crop_squares

SMALL = StripGeometry(height=16, width=64)
SEEDS = [51, 52]
CPU = torch.device("cpu")


def test_without_workers_jobs_come_in_order():
    assert list(build_ahead(check_seed, [3, 1, 2], 0)) == [(3, 3), (1, 1), (2, 2)]


@pytest.mark.slow
def test_an_error_in_a_worker_reaches_the_user_after_what_came_before():
    built = build_ahead(check_seed, [9, 4, 7001, 2], 1)
    assert [next(built), next(built)] == [(9, 9), (4, 4)]
    with pytest.raises(ConfigError, match="city seed 7001"):
        next(built)


def test_fewer_than_no_workers_are_refused():
    with pytest.raises(ConfigError, match="workers"):
        list(build_ahead(check_seed, [1], -1))


@pytest.mark.slow
def test_an_interrupted_run_with_workers_goes_on_to_the_set_rendered_without(tmp_path):
    def stop(step):
        raise KeyboardInterrupt

    render_dataset(tmp_path / "alone", SEEDS, 2, SMALL, CPU)
    helped, told = tmp_path / "helped", []
    with pytest.raises(KeyboardInterrupt):
        render_dataset(helped, SEEDS, 2, SMALL, CPU, stop, workers=2)
    assert [path.name for path in helped.iterdir()] == ["city_00051"]
    render_dataset(helped, SEEDS, 2, SMALL, CPU, told.append)
    assert [(step.done, step.total, step.message) for step in told] == [(2, 2, "city 52")]
    files = sorted((tmp_path / "alone").rglob("*.npy"))
    assert len(files) > 20
    for path in files:
        other = helped / path.relative_to(tmp_path / "alone")
        np.testing.assert_array_equal(np.load(path), np.load(other))


def test_crops_are_centred_on_their_points_and_north_up():
    whole = np.zeros((80, 80, 3), np.uint8)
    whole[20:40, 50:70] = (200, 100, 50)
    centers = np.float32([[10.0, 5.0], [-10.0, -10.0]])
    crops = crop_squares(whole, centers, 10.0, 20, 20.0, 0.5, CPU)
    assert (crops[0] == (200, 100, 50)).all()
    assert (crops[1] == 0).all()
    higher = centers[:1] + np.float32([0.0, 5.0])
    shifted = crop_squares(whole, higher, 10.0, 20, 20.0, 0.5, CPU)
    assert (shifted[0, :10] == 0).all()
    assert (shifted[0, 10:] == (200, 100, 50)).all()


def test_crops_may_have_sides_of_their_own():
    whole = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    centers = np.zeros((2, 2), np.float32)
    both = crop_squares(whole, centers, np.float32([8.0, 16.0]), 16, 16.0, 0.5, CPU)
    np.testing.assert_array_equal(both[0], whole[24:40, 24:40])
    wide = crop_squares(whole, centers[:1], 16.0, 16, 16.0, 0.5, CPU)
    np.testing.assert_array_equal(both[1:], wide)


def test_crops_are_those_of_opencv_to_one_grey_level():
    rng = np.random.default_rng(1)
    whole = rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)
    centers = rng.uniform(-12, 12, (8, 2)).astype(np.float32)
    crops = crop_squares(whole, centers, 53.7, 80, 50.0, 0.5, CPU).astype(int)
    scale = 53.7 / 80 / 0.5
    first = 0.5 * scale - 0.5 - 53.7
    for crop, (east, north) in zip(crops, centers, strict=True):
        start = (east + 50.0) / 0.5 + first, (50.0 - north) / 0.5 + first
        matrix = np.array([[scale, 0, start[0]], [0, scale, start[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        wanted = cv2.warpAffine(whole, matrix, (80, 80), flags=flags)
        assert np.abs(crop - wanted).max() <= 1
