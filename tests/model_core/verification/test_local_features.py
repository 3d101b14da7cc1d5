"""Local features: upright, levelled, limited, each point of a panorama once."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from model_core.alignment.panorama import perspective_crop
from model_core.config import VerificationConfig
from model_core.errors import ShapeError
from model_core.types import ImageU8
from model_core.verification import local_features
from model_core.verification.descriptor_matching import match_descriptors
from model_core.verification.local_features import LocalFeatures, extract_features
from model_core.verification.roll import estimate_roll_deg

CONFIG = VerificationConfig(max_side_px=640, max_features=1500)
MakeTexture = Callable[[int, int, int], ImageU8]


def turned(image: ImageU8, degrees: float) -> ImageU8:
    """What a camera turned clockwise sees: the scene turned counter-clockwise, corners cut."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    margin = height // 5
    whole = cv2.warpAffine(image, turn, (width, height))
    return np.ascontiguousarray(whole[margin:-margin, margin:-margin])


def matches(first: LocalFeatures, second: LocalFeatures) -> int:
    return len(match_descriptors(first.root_descriptors(), second.root_descriptors(), 0.8))


def test_features_fit_their_image_and_limit(make_texture: MakeTexture) -> None:
    image = make_texture(1280, 960, 1)
    features = extract_features(image, CONFIG)
    assert features.size_px == (640, 480)
    assert 500 < len(features) <= CONFIG.max_features
    assert np.abs(features.points).max(axis=0)[0] <= 320
    assert np.abs(features.points).max(axis=0)[1] <= 240
    lengths = np.linalg.norm(features.root_descriptors(), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-5)


def test_same_image_gives_same_features(make_texture: MakeTexture) -> None:
    image = make_texture(640, 480, 2)
    first, second = extract_features(image, CONFIG), extract_features(image, CONFIG)
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.descriptors, second.descriptors)


def test_no_point_appears_twice_at_one_size(make_texture: MakeTexture) -> None:
    features = extract_features(make_texture(640, 480, 3), CONFIG)
    rows = np.column_stack((features.points, features.descriptors))
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize("roll_deg", [-22.0, -8.0, 0.0, 14.0])
def test_roll_is_seen_in_vertical_edges(make_texture: MakeTexture, roll_deg: float) -> None:
    image = turned(make_texture(900, 700, 4), roll_deg)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert estimate_roll_deg(grey) == pytest.approx(roll_deg, abs=1.5)


def test_roll_of_a_blank_image_is_none() -> None:
    assert estimate_roll_deg(np.full((480, 640), 90, np.uint8)) == 0.0


def test_tilted_photo_still_matches(make_texture: MakeTexture) -> None:
    level = make_texture(900, 700, 5)
    tilted = turned(level, 20.0)
    reference = extract_features(level, CONFIG)
    estimated = matches(extract_features(tilted, CONFIG), reference)
    told = matches(extract_features(tilted, CONFIG, roll_deg=20.0), reference)
    ignored = matches(extract_features(tilted, CONFIG, roll_deg=0.0), reference)
    assert estimated > 3 * ignored
    assert estimated > 0.8 * told


def test_blank_image_has_no_features() -> None:
    features = extract_features(np.full((240, 320, 3), 90, np.uint8), CONFIG)
    assert len(features) == 0
    assert features.root_descriptors().shape == (0, 128)


def test_padding_has_no_features(make_texture: MakeTexture) -> None:
    image = make_texture(640, 480, 6)
    coverage = np.zeros(image.shape[:2], np.bool_)
    coverage[:, 400:] = True
    features = extract_features(image, CONFIG, coverage=coverage)
    assert len(features) > 50
    assert features.points[:, 0].min() >= 400 - 320 - 1


def test_panorama_covers_the_circle_once(panorama: ImageU8) -> None:
    features = extract_features(panorama, CONFIG, "equirectangular")
    azimuth = features.points[:, 0]
    counts, _ = np.histogram(azimuth, np.arange(-180, 181, 30))
    assert counts.min() > 20
    assert np.abs(features.points[:, 1]).max() < 46
    assert len(features) <= 4 * CONFIG.max_features
    # Neighbouring crops overlap by 30 degrees; their shared points must not both be there.
    rounded = np.round(features.points, 1)
    assert len(np.unique(rounded, axis=0)) > 0.9 * len(rounded)


def test_panorama_points_are_bearings(panorama: ImageU8) -> None:
    """A photo cut from the panorama finds its points where the cut was made."""
    heading_deg, fov_deg, size = 75.0, 60.0, (400, 300)
    photo = extract_features(perspective_crop(panorama, heading_deg, fov_deg, size), CONFIG)
    whole = extract_features(panorama, CONFIG, "equirectangular")
    pairs = match_descriptors(photo.root_descriptors(), whole.root_descriptors(), 0.8)
    focal_px = 200 / np.tan(np.radians(fov_deg / 2))
    right, down = photo.points[pairs[:, 0]].T
    azimuth = heading_deg + np.degrees(np.arctan2(right, focal_px))
    elevation = np.degrees(np.arctan2(-down, np.hypot(right, focal_px)))
    off = np.abs(whole.points[pairs[:, 1]] - np.column_stack((azimuth, elevation)))
    assert len(pairs) > 60
    assert np.median(off) < 0.1


def test_crops_little_wider_than_their_sectors_keep_the_features_of_square_ones(
    panorama: ImageU8, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = extract_features(panorama, CONFIG, "equirectangular")
    monkeypatch.setattr(local_features, "CROP_WIDTH_DEG", local_features.CROP_HEIGHT_DEG)
    square = extract_features(panorama, CONFIG, "equirectangular")
    apart_deg = np.abs(square.points[:, None] - narrow.points[None]).max(axis=2)
    nearest = apart_deg.argmin(axis=1)
    counts = square.descriptors.astype(int) - narrow.descriptors[nearest]
    same = (apart_deg.min(axis=1) < 0.02) & (np.abs(counts).max(axis=1) <= 6)
    assert same.mean() > 0.9
    assert len(narrow) == pytest.approx(len(square), rel=0.01)


def test_padding_of_a_partial_panorama_has_no_features(panorama: ImageU8) -> None:
    coverage = np.zeros(panorama.shape[:2], np.bool_)
    coverage[:, 256:768] = True
    image = np.where(coverage[..., None], panorama, 0).astype(np.uint8)
    features = extract_features(image, CONFIG, "equirectangular", coverage=coverage)
    assert len(features) > 100
    assert np.abs(features.points[:, 0]).max() < 90


def test_grey_image_is_refused() -> None:
    with pytest.raises(ShapeError, match="RGB"):
        extract_features(np.zeros((48, 64), np.uint8), CONFIG)
