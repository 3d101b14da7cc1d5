"""Re-projection: where things stand in strips, what is masked, how partial panoramas merge."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model_core.alignment.panorama import (
    merge_strips,
    perspective_crop,
    photo_bins,
    photo_strip,
    street_strip,
)
from model_core.config import StripGeometry
from model_core.errors import InputError, ShapeError
from model_core.types import ImageU8, Strip

GEOMETRY = StripGeometry(width=256)
STRIDE = 8
BAR_STEP_DEG = 15.0
BAND_STEP_DEG = 12.0
Grid = npt.NDArray[np.float64]


def pattern(azimuth_deg: Grid, elevation_deg: Grid) -> ImageU8:
    """Red: vertical bars every 15 degrees; green: bands of elevation every 12; blue: azimuth."""

    def ridge(value: Grid, step: float) -> Grid:
        off = (value + step / 2) % step - step / 2
        return 250 * np.exp(-(off**2) / (2 * 1.5**2))

    blue = 127 + 100 * np.sin(np.radians(azimuth_deg))
    red = ridge(azimuth_deg, BAR_STEP_DEG)
    green = ridge(elevation_deg, BAND_STEP_DEG)
    return np.rint(np.dstack((red, green, blue))).astype(np.uint8)


def rendered(
    projection: str,
    size: tuple[int, int],
    fov_deg: float,
    heading_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
) -> ImageU8:
    """The pattern as a camera sees it: rolled, then pitched, then turned, ray by ray."""
    width, height = size
    across = np.arange(width) - (width - 1) / 2
    up = ((height - 1) / 2 - np.arange(height))[:, None]
    if projection == "perspective":
        focal = width / 2 / math.tan(math.radians(fov_deg / 2))
        x, y, z = np.broadcast_arrays(across, up, focal)
    else:
        lon, lat = (np.radians(v * fov_deg / width) for v in (across, up))
        x, y, z = np.broadcast_arrays(
            np.cos(lat) * np.sin(lon), np.sin(lat), np.cos(lat) * np.cos(lon)
        )
    roll, pitch = math.radians(roll_deg), math.radians(pitch_deg)
    x, y = x * math.cos(roll) + y * math.sin(roll), y * math.cos(roll) - x * math.sin(roll)
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    azimuth_deg = np.degrees(np.arctan2(x, z)) + heading_deg
    return pattern(azimuth_deg, np.degrees(np.arctan2(y, np.hypot(x, z))))


def ridge_errors(values: Grid, mask: npt.NDArray[np.bool_], at: Grid) -> Grid:
    """Return, in pixels along axis 1, how far each wholly seen ridge lies from where it should."""
    errors = []
    pixels = np.arange(values.shape[1]) + 0.5
    for expected in at:
        near = np.abs(pixels - expected) < 4.0
        seen = mask[:, near].all(axis=1)
        weight = values[seen][:, near].astype(float) ** 2
        errors.append((weight * pixels[near]).sum(axis=1) / weight.sum(axis=1) - expected)
    return np.concatenate(errors)


def check_strip(strip: Strip, least: int) -> None:
    """Bars and bands stand where the frame says, to a fifth of a pixel."""
    width, height = strip.mask.shape[1], strip.mask.shape[0]
    left_deg = (strip.heading_at_col0_deg + 180.0) % 360.0 - 180.0
    azimuth_deg = np.arange(-360, 720, BAR_STEP_DEG)
    columns = (azimuth_deg - left_deg) / GEOMETRY.deg_per_px
    columns = columns[(columns > 5) & (columns < width - 5)]
    across = ridge_errors(strip.pixels[..., 0], strip.mask, columns)
    elevation_deg = np.arange(-24, 36, BAND_STEP_DEG)
    rows = (GEOMETRY.elevation_max_deg - elevation_deg) / 70.0 * height
    down = ridge_errors(strip.pixels[..., 1].T, strip.mask.T, rows)
    assert across.size >= least
    assert down.size >= least
    assert np.abs(across).max() < 0.2
    assert np.abs(down).max() < 0.2


ATTITUDES = [(0.0, 0.0), (8.0, 0.0), (-6.0, 4.0), (5.0, -9.0), (12.0, 15.0)]


@pytest.mark.parametrize(
    ("fov_deg", "attitude"), list(itertools.product([40.0, 66.0, 90.0, 110.0], ATTITUDES))
)
def test_perspective_photos_keep_azimuth_and_elevation(
    fov_deg: float, attitude: tuple[float, float]
) -> None:
    pitch_deg, roll_deg = attitude
    photo = rendered("perspective", (1000, 750), fov_deg, 0.0, pitch_deg, roll_deg)
    strip = photo_strip(photo, "perspective", fov_deg, pitch_deg, roll_deg, GEOMETRY, STRIDE)
    check_strip(strip, least=20)


@pytest.mark.parametrize("heading_deg", [0.0, 77.3, 181.0, 351.0])
@pytest.mark.parametrize("attitude", ATTITUDES[:4])
def test_street_views_land_at_their_heading(
    heading_deg: float, attitude: tuple[float, float]
) -> None:
    pitch_deg, roll_deg = attitude
    for projection, size, fov_deg in (
        ("perspective", (1200, 900), 80.0),
        ("equirectangular", (1440, 720), 360.0),
        ("equirectangular", (1024, 512), 200.0),
    ):
        view = rendered(projection, size, fov_deg, heading_deg, pitch_deg, roll_deg)
        strip = street_strip(view, projection, heading_deg, fov_deg, pitch_deg, roll_deg, GEOMETRY)
        assert strip.mask.shape == (64, 256)
        assert strip.heading_at_col0_deg == 0.0
        check_strip(strip, least=100)
        azimuth = np.radians((np.arange(256) + 0.5) * 360 / 256)
        expected = np.broadcast_to(127 + 100 * np.sin(azimuth), (64, 256))
        assert np.abs(strip.pixels[..., 2] - expected)[strip.mask].max() < 4
        assert (strip.pixels[~strip.mask] == 0).all()


def test_a_full_panorama_covers_the_circle_without_a_seam() -> None:
    smooth = rendered("equirectangular", (1000, 500), 360.0, 200.3)
    strip = street_strip(smooth, "equirectangular", 200.3, None, None, None, GEOMETRY)
    assert strip.mask.all()
    around = strip.pixels[..., 2].astype(int)
    assert np.abs(np.diff(np.hstack((around, around[:, :1])), axis=1)).max() <= 5


@pytest.mark.parametrize(
    ("fov_deg", "bins"), [(40.0, 4), (56.0, 5), (59.0, 5), (60.0, 6), (95.0, 9), (110.0, 10)]
)
def test_a_photo_s_strip_is_whole_bins_with_the_axis_in_the_middle(
    fov_deg: float, bins: int
) -> None:
    photo = rendered("perspective", (1200, 900), fov_deg)
    strip = photo_strip(photo, "perspective", fov_deg, 0.0, 0.0, GEOMETRY, STRIDE)
    assert photo_bins(fov_deg, GEOMETRY, STRIDE) == bins
    assert strip.mask.shape == (64, bins * STRIDE)
    assert strip.heading_at_col0_deg == pytest.approx(360.0 - bins * 11.25 / 2)
    seen = strip.mask.any(axis=0)
    assert np.array_equal(seen, seen[::-1])
    assert seen.sum() * GEOMETRY.deg_per_px == pytest.approx(
        min(fov_deg, bins * 11.25), abs=1.5 * GEOMETRY.deg_per_px
    )
    centre = strip.pixels[30:34, bins * 4 - 1 : bins * 4 + 1, 0]
    assert centre.min() > 200


def test_a_portrait_photo_is_cut_to_the_elevation_range() -> None:
    photo = rendered("perspective", (900, 1600), 50.0)
    strip = photo_strip(photo, "perspective", 50.0, 0.0, 0.0, GEOMETRY, STRIDE)
    middle = strip.mask[:, strip.mask.shape[1] // 2]
    assert middle.all()
    landscape = rendered("perspective", (1600, 900), 50.0)
    strip = photo_strip(landscape, "perspective", 50.0, 0.0, 0.0, GEOMETRY, STRIDE)
    half_deg = math.degrees(math.atan(math.tan(math.radians(25.0)) * 9 / 16))
    seen = int(strip.mask[:, strip.mask.shape[1] // 2].sum())
    assert seen * 70 / 64 == pytest.approx(2 * half_deg, abs=1.2)


def test_a_panorama_query_fills_the_circle() -> None:
    photo = rendered("equirectangular", (1024, 512), 360.0)
    strip = photo_strip(photo, "equirectangular", None, None, None, GEOMETRY, STRIDE)
    assert strip.mask.shape == (64, 256)
    assert strip.mask.all()
    assert strip.heading_at_col0_deg == 180.0
    check_strip(strip, least=1000)


def test_a_large_photo_does_not_alias() -> None:
    stripes = np.zeros((2250, 3000, 3), np.uint8)
    stripes[:, ::2] = 255
    strip = photo_strip(stripes, "perspective", 60.0, 0.0, 0.0, GEOMETRY, STRIDE)
    assert strip.pixels[strip.mask].min() > 115
    assert strip.pixels[strip.mask].max() < 140


def test_merged_views_make_a_partial_panorama() -> None:
    headings = (10.0, 70.0, 200.0)
    strips = [
        street_strip(
            rendered("perspective", (1000, 800), 80.0, heading),
            "perspective",
            heading,
            80.0,
            0.0,
            0.0,
            GEOMETRY,
        )
        for heading in headings
    ]
    merged = merge_strips(strips)
    assert np.array_equal(merged.mask, np.any([s.mask for s in strips], axis=0))
    check_strip(merged, least=300)
    assert not merged.mask[:, 90:110].any()
    assert (merged.pixels[~merged.mask] == 0).all()


def test_the_better_centred_view_wins_where_views_overlap() -> None:
    def flat(grey: int, heading: float) -> Strip:
        view = np.full((800, 1000, 3), grey, np.uint8)
        return street_strip(view, "perspective", heading, 80.0, 0.0, 0.0, GEOMETRY)

    merged = merge_strips([flat(50, 0.0), flat(200, 50.0)])
    row = merged.pixels[36, :, 0].astype(int)
    column = [round(azimuth / GEOMETRY.deg_per_px) for azimuth in (12, 25, 38)]
    assert row[column[0]] < 65
    assert 100 < row[column[1]] < 150
    assert row[column[2]] > 185


def test_a_complete_panorama_beside_a_photo_wins() -> None:
    panorama = Strip(np.full((64, 256, 3), 90, np.uint8), np.ones((64, 256), bool))
    view = np.full((800, 1000, 3), 200, np.uint8)
    photo = street_strip(view, "perspective", 30.0, 80.0, 0.0, 0.0, GEOMETRY)
    merged = merge_strips([photo, panorama])
    assert merged.mask.all()
    assert np.abs(merged.pixels.astype(int) - 90).max() <= 2


def test_a_crop_of_a_panorama_is_what_a_camera_there_would_take() -> None:
    panorama = rendered("equirectangular", (3072, 1536), 360.0, heading_deg=130.0)
    crop = perspective_crop(panorama, 100.0, 60.0, (600, 450), pano_heading_deg=130.0)
    direct = rendered("perspective", (600, 450), 60.0, heading_deg=100.0)
    assert crop.shape == (450, 600, 3)
    assert np.abs(crop.astype(int) - direct).mean() < 1.0
    tilted = perspective_crop(panorama, 100.0, 60.0, (600, 450), 130.0, pitch_deg=10.0)
    direct = rendered("perspective", (600, 450), 60.0, heading_deg=100.0, pitch_deg=10.0)
    assert np.abs(tilted.astype(int) - direct).mean() < 1.0


def test_a_real_panorama_and_a_crop_of_it_agree_on_the_cylinder(shared_data: Path) -> None:
    path = shared_data / "panoramas" / "strasbourg" / "stra_1_1.jpg"
    panorama = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    whole = street_strip(panorama, "equirectangular", 234.0, 360.0, 0.0, 0.0, GEOMETRY)
    crop = perspective_crop(panorama, 300.0, 75.0, (1200, 900), pano_heading_deg=234.0)
    part = street_strip(crop, "perspective", 300.0, 75.0, 0.0, 0.0, GEOMETRY)
    seen = part.mask
    assert seen.mean() == pytest.approx(75 / 360 * 0.85, abs=0.04)
    error = np.abs(whole.pixels.astype(int) - part.pixels)[seen]
    assert error.mean() < 2.0
    photo = photo_strip(crop, "perspective", 75.0, 0.0, 0.0, GEOMETRY, STRIDE)
    rolled = np.roll(whole.pixels, -round((300.0 - 39.375) / GEOMETRY.deg_per_px), axis=1)
    error = np.abs(rolled[:, :56].astype(int) - photo.pixels)[photo.mask]
    assert error.mean() < 6.0


def test_unusable_cameras_and_images_are_named() -> None:
    view = np.zeros((10, 20, 3), np.uint8)
    with pytest.raises(InputError, match="unknown"):
        street_strip(view, "perspective", 0.0, None, 0.0, 0.0, GEOMETRY)
    with pytest.raises(InputError, match="impossible"):
        street_strip(view, "perspective", 0.0, 180.0, 0.0, 0.0, GEOMETRY)
    with pytest.raises(ShapeError, match="RGB"):
        street_strip(view[..., 0], "perspective", 0.0, 90.0, 0.0, 0.0, GEOMETRY)
    with pytest.raises(ShapeError, match="at least one"):
        merge_strips([])
    small = Strip(np.zeros((4, 8, 3), np.uint8), np.ones((4, 8), bool))
    with pytest.raises(ShapeError, match="frames"):
        merge_strips([small, Strip(small.pixels, small.mask, 90.0)])
