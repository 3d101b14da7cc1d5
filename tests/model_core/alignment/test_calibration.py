"""Calibration: the right turn with the right sign, or none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model_core.alignment.calibration import (
    CalibrationGate,
    apply_calibration,
    calibrate,
    feature_correlation,
)
from model_core.alignment.panorama import merge_strips, perspective_crop, street_strip
from model_core.alignment.polar import satellite_strip
from model_core.config import PRESETS, StripGeometry
from model_core.errors import ConfigError, ShapeError
from model_core.types import (
    Calibration,
    CalibrationMethod,
    ImageU8,
    LonLat,
    SatelliteImage,
    SourceTerms,
    Strip,
)

PAPER = PRESETS["paper"].geometry
KEYPOINT_METHODS: tuple[CalibrationMethod, ...] = ("orb", "sift")


def scene(geometry: StripGeometry, seed: int = 0) -> Strip:
    """A strip full of corners: overlapping rectangles around the circle."""
    rng = np.random.default_rng(seed)
    height, width = geometry.height, geometry.width
    canvas = np.full((height, 2 * width, 3), 120, np.uint8)
    for _ in range(120):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = (int(v) for v in rng.integers(width // 64, width // 12, 2))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        for left in (x, x + width):
            cv2.rectangle(canvas, (left, y), (left + w, y + h), colour, -1)
    pixels = np.ascontiguousarray(canvas[:, width // 2 : width // 2 + width])
    return Strip(pixels, np.ones((height, width), bool))


def worn(strip: Strip, columns: int, seed: int = 1) -> Strip:
    """The strip moved right, in other light and with noise."""
    noise = np.random.default_rng(seed).normal(0, 6, strip.pixels.shape)
    pixels = np.clip(np.roll(strip.pixels, columns, axis=1) * 0.8 + 25 + noise, 0, 255)
    return Strip(pixels.astype(np.uint8), np.roll(strip.mask, columns, axis=1))


def turn_px(calibration: Calibration, width: int) -> float:
    return calibration.shift_deg * width / 360.0


@pytest.mark.parametrize("method", KEYPOINT_METHODS)
@pytest.mark.parametrize("columns", [137, -137, 250, 3])
def test_a_rolled_strip_is_brought_back(method: CalibrationMethod, columns: int) -> None:
    satellite = scene(PAPER)
    street = worn(satellite, columns)
    calibration = calibrate(street, satellite, method)
    assert calibration.accepted
    assert calibration.method == method
    assert turn_px(calibration, PAPER.width) == pytest.approx(-columns, abs=0.5)
    assert calibration.confidence > 0.5
    level = worn(satellite, 0).pixels.astype(float)
    after = np.abs(apply_calibration(street, calibration).pixels - level).mean()
    before = np.abs(street.pixels - level).mean()
    assert after < min(12.0, before)


@pytest.mark.parametrize("method", KEYPOINT_METHODS)
def test_low_strips_calibrate_too(method: CalibrationMethod) -> None:
    geometry = StripGeometry(width=256)
    satellite = scene(geometry, seed=5)
    calibration = calibrate(worn(satellite, 40), satellite, method)
    assert calibration.accepted
    assert turn_px(calibration, geometry.width) == pytest.approx(-40, abs=0.5)


@pytest.mark.parametrize("method", KEYPOINT_METHODS)
def test_unrelated_strips_keep_the_metadata(method: CalibrationMethod) -> None:
    for seed in range(4):
        calibration = calibrate(scene(PAPER, seed), scene(PAPER, seed + 10), method)
        assert not calibration.accepted
        assert calibration.shift_deg == 0.0
        assert calibration.confidence < 0.2


@pytest.mark.parametrize("method", KEYPOINT_METHODS)
def test_few_matches_keep_the_metadata(method: CalibrationMethod) -> None:
    satellite = scene(PAPER)
    mask = np.zeros(satellite.mask.shape, bool)
    mask[:, 60:90] = True
    narrow = Strip(satellite.pixels * mask[..., None], mask)
    gate = CalibrationGate(min_matches=60)
    assert calibrate(narrow, satellite, method, gate=gate) == Calibration(method)
    blank = Strip(np.zeros_like(satellite.pixels), satellite.mask)
    assert calibrate(blank, satellite, method) == Calibration(method)


@pytest.mark.parametrize("method", ["orb", "sift", "features"])
def test_without_a_satellite_image_the_metadata_stays(method: CalibrationMethod) -> None:
    assert calibrate(scene(PAPER), None, method) == Calibration(method)


def test_metadata_and_none_measure_nothing() -> None:
    satellite = scene(PAPER)
    street = worn(satellite, 137)
    metadata = calibrate(street, satellite, "metadata", prior_sigma_deg=5.0)
    assert metadata.accepted
    assert metadata.shift_deg == 0.0
    assert metadata.confidence > calibrate(street, None, "metadata", 60.0).confidence
    assert calibrate(street, satellite, "none") == Calibration("none")
    assert apply_calibration(street, metadata) is street


def test_a_partial_panorama_calibrates_where_it_looks(shared_data: Path) -> None:
    path = shared_data / "panoramas" / "strasbourg" / "stra_1_1.jpg"
    panorama: ImageU8 = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    whole = street_strip(panorama, "equirectangular", 234.0, 360.0, 0.0, 0.0, PAPER)
    views = []
    for heading in (80.0, 150.0):
        crop = perspective_crop(panorama, heading, 80.0, (800, 600), pano_heading_deg=234.0)
        views.append(street_strip(crop, "perspective", heading + 24.0, 80.0, 0.0, 0.0, PAPER))
    partial = merge_strips(views)
    for method in KEYPOINT_METHODS:
        calibration = calibrate(partial, whole, method)
        assert calibration.accepted
        assert calibration.shift_deg == pytest.approx(-24.0, abs=0.5)
        turned = apply_calibration(partial, calibration)
        error = np.abs(turned.pixels.astype(int) - whole.pixels)[turned.mask & whole.mask]
        assert error.mean() < 4


def test_real_pairs_never_turn_far_on_no_evidence(shared_data: Path) -> None:
    folder = shared_data / "pairs" / "cvact"
    geometry = StripGeometry(width=256)
    paths = sorted(folder.glob("*_sat.png"))
    assert len(paths) >= 5
    for path in paths:
        pixels = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        valid = np.ones(pixels.shape[:2], bool)
        image = SatelliteImage(pixels, valid, 50.0, LonLat(0, 0), SourceTerms("test"))
        satellite = satellite_strip(image, geometry)
        ground = cv2.imread(str(path).replace("_sat", "_pano"))[..., ::-1]
        street = street_strip(
            np.ascontiguousarray(ground), "equirectangular", 0.0, 360.0, 0.0, 0.0, geometry
        )
        for method in KEYPOINT_METHODS:
            calibration = calibrate(street, satellite, method)
            assert calibration.accepted or calibration.shift_deg == 0.0
            assert abs(calibration.shift_deg) < 15.0


def feature_maps(bins: int, seed: int = 0) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(16, 4, bins)).astype(np.float32)


def masked_strip(covered: slice | None = None) -> Strip:
    mask = np.zeros((64, 256), bool)
    mask[:, covered or slice(None)] = True
    return Strip(np.zeros((64, 256, 3), np.uint8), mask)


@pytest.mark.parametrize("bins", [16, 32])
@pytest.mark.parametrize("turn", [0, 5, -3])
def test_features_find_the_turn_by_correlation(bins: int, turn: int) -> None:
    satellite = feature_maps(bins)
    noise = 0.5 * feature_maps(bins, seed=9)
    street = np.roll(satellite, turn, axis=-1) + noise
    calibration = calibrate(masked_strip(), None, "features", encoder_features=(street, satellite))
    assert calibration.accepted
    assert calibration.shift_deg * bins / 360.0 == pytest.approx(-turn, abs=0.1)


def test_features_of_a_partial_panorama_are_compared_where_it_looks() -> None:
    satellite = feature_maps(32)
    satellite[..., 20:24] *= 4.0
    street = np.roll(satellite, 6, axis=-1)
    street[..., 12:] = 7.0
    calibration = calibrate(
        masked_strip(slice(0, 96)), None, "features", encoder_features=(street, satellite)
    )
    assert calibration.accepted
    assert calibration.shift_deg * 32 / 360.0 == pytest.approx(-6, abs=0.1)


def test_a_turn_between_bins_is_found_between_bins() -> None:
    noise = feature_maps(256).reshape(64, 256)
    fine = np.sum([np.roll(noise, k, axis=1) for k in range(16)], axis=0, dtype=np.float32)
    satellite = fine.reshape(16, 4, 32, 8).mean(-1)
    street = np.roll(fine, 20, axis=1).reshape(16, 4, 32, 8).mean(-1)
    calibration = calibrate(
        masked_strip(), None, "features", prior_sigma_deg=30.0, encoder_features=(street, satellite)
    )
    assert calibration.shift_deg * 32 / 360.0 == pytest.approx(-2.5, abs=0.25)


def test_unrelated_features_keep_the_metadata() -> None:
    accepted = [
        calibrate(
            masked_strip(),
            None,
            "features",
            encoder_features=(feature_maps(32, seed), feature_maps(32, seed + 100)),
        ).accepted
        for seed in range(50)
    ]
    assert sum(accepted) <= 1


def test_correlation_is_the_cosine_of_the_turned_maps() -> None:
    street, satellite = feature_maps(16), feature_maps(16, seed=1)
    correlation = feature_correlation(street, satellite)
    for turn in (0, 1, 11):
        turned = np.roll(street, turn, axis=-1)
        expected = (turned * satellite).sum() / np.linalg.norm(turned) / np.linalg.norm(satellite)
        assert correlation[turn] == pytest.approx(expected, abs=1e-5)


def test_whole_columns_roll_exactly_and_fractions_interpolate() -> None:
    strip = scene(StripGeometry(width=256))
    turned = apply_calibration(strip, Calibration("orb", 10 * 360 / 256, 1.0, True))
    assert np.array_equal(turned.pixels, np.roll(strip.pixels, 10, axis=1))
    halves = apply_calibration(
        apply_calibration(strip, Calibration("orb", -1.0, 1.0, True)),
        Calibration("orb", -360 / 256 + 1.0, 1.0, True),
    )
    rolled = np.roll(strip.pixels, -1, axis=1).astype(float)
    assert np.abs(halves.pixels - rolled).mean() < 6
    assert np.abs(strip.pixels - rolled).mean() > np.abs(halves.pixels - rolled).mean()


def test_masked_columns_do_not_bleed_when_a_fraction_is_applied() -> None:
    mask = np.zeros((8, 36), bool)
    mask[:, 10:20] = True
    strip = Strip(np.where(mask[..., None], 200, 0).astype(np.uint8), mask)
    turned = apply_calibration(strip, Calibration("orb", 34.0, 1.0, True))
    assert (turned.pixels[turned.mask] == 200).all()
    assert (turned.pixels[~turned.mask] == 0).all()
    assert turned.mask[0].nonzero()[0].tolist() == list(range(13, 23))


def test_misuse_is_named() -> None:
    strip = scene(StripGeometry(width=256))
    with pytest.raises(ConfigError, match="encoder_features"):
        calibrate(strip, strip, "features")
    with pytest.raises(ConfigError, match="known: metadata"):
        calibrate(strip, strip, "surf")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="feature maps"):
        feature_correlation(feature_maps(16), feature_maps(32))
    with pytest.raises(ShapeError, match="coverage"):
        feature_correlation(feature_maps(16), feature_maps(16), np.ones(3, np.float32))


def test_the_released_code_doubles_an_error_and_knows_no_circle() -> None:
    satellite = scene(PAPER)
    seen = satellite.mask.copy()
    seen[:, :100] = seen[:, 400:] = False
    middle = Strip(satellite.pixels, seen)
    near = calibrate(worn(middle, 37), middle, "release")
    assert near.accepted
    # The right turn is 37 columns to the left; it turns as far to the right.
    assert turn_px(near, PAPER.width) == pytest.approx(37, abs=4)
    # Where matches cross north, a linear mean is no turn at all.
    far = calibrate(worn(satellite, 250), satellite, "release")
    assert abs(abs(turn_px(far, PAPER.width)) - 250) > 50


def test_the_released_code_gives_a_place_up_that_has_few_matches() -> None:
    plain = Strip(np.full((128, 512, 3), 90, np.uint8), np.ones((128, 512), bool))
    assert not calibrate(plain, scene(PAPER), "release").accepted
