"""The engine's strips of rendered files are the strips that training renders directly."""

import dataclasses

import numpy as np
import pytest
import torch

from model_core.alignment.panorama import photo_strip, street_strip
from model_core.alignment.polar import satellite_strip
from model_core.config import StripGeometry
from model_core.types import LonLat, SatelliteImage, SourceTerms
from training.world.appearance import GroundAppearance, draw_ground_appearance
from training.world.city import City, build_city
from training.world.crops import crop_squares
from training.world.ground import CameraPose, StripFrame, render_strips
from training.world.photo import lens_of_35mm, render_panorama, render_photo
from training.world.plan import places_on_streets
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.styles import city_generator, draw_style

GEOMETRY = StripGeometry(64, 256, -30.0, 40.0, footprint_m=80.0, satellite_px=256)
FRAME = StripFrame(256, 64, -30.0, 40.0)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(6, draw_style(6), torch.device("cpu"), half_m=120.0, suns=2)


@pytest.fixture(scope="module")
def look() -> GroundAppearance:
    look = draw_ground_appearance(np.random.default_rng(2), 0, 5, 2, crowd=False)
    sensor = dataclasses.replace(
        look.sensor, noise=0.0, blur_px=0.0, exposure=0.8, gamma=1.0, balance=np.ones(3, "f4")
    )
    return dataclasses.replace(look, sensor=sensor)


@pytest.fixture(scope="module")
def spot(city) -> tuple[float, float]:
    place = places_on_streets(city.geometry, 1, 60.0, city_generator(6, 99))[0][0]
    return float(place[0]), float(place[1])


@pytest.fixture(scope="module")
def direct(city, look, spot) -> np.ndarray:
    """The strip as training renders it, without the sensor's tone curve."""
    image = render_strips(city, [CameraPose(spot)], [look], FRAME)[0] * 0.8
    return (image.clamp(0, 1) * 255).permute(1, 2, 0).numpy()


def best_turn(strip: np.ndarray, mask: np.ndarray, whole: np.ndarray) -> int:
    """The column of a full circle at which a strip fits best."""
    wide = strip.shape[1]
    gaps = []
    for start in range(whole.shape[1]):
        part = np.roll(whole, -start, axis=1)[:, :wide]
        gaps.append(np.abs(part - strip)[mask].mean())
    return int(np.argmin(gaps))


def test_a_panorama_becomes_the_strip_with_north_in_column_0(city, look, spot, direct):
    pixels = render_panorama(city, CameraPose(spot, heading_deg=130.0), look, 1024, 0)
    strip = street_strip(pixels, "equirectangular", 130.0, 360.0, 0.0, 0.0, GEOMETRY)
    assert best_turn(strip.pixels.astype(float), strip.mask, direct) == 0
    assert np.abs(strip.pixels - direct)[strip.mask].mean() < 14


@pytest.mark.parametrize("heading", [20.0, 215.0])
def test_a_photo_fits_the_strip_at_its_heading(city, look, spot, direct, heading):
    lens = lens_of_35mm(800, 600, 24)
    pose = CameraPose(spot, heading_deg=heading, pitch_deg=4.0, roll_deg=3.0)
    pixels = render_photo(city, pose, look, lens, seed=1)
    strip = photo_strip(pixels, "perspective", lens.fov_deg, 4.0, 3.0, GEOMETRY, 8)
    start = best_turn(strip.pixels.astype(float), strip.mask, direct)
    axis = (start + strip.pixels.shape[1] / 2) * 360 / 256
    assert abs((axis - heading + 180) % 360 - 180) < 2.0


def test_the_satellite_strip_has_the_road_where_the_layout_has_it(city, spot):
    appearance = draw_satellite_appearance(np.random.default_rng(3), 0, max_lean_deg=0.1)
    palette = np.tile(np.float32([0.1, 0.8, 0.1]), (10, 1))
    palette[2] = (0.9, 0.05, 0.05)
    appearance = dataclasses.replace(appearance, palette=palette, haze=0.0)
    whole = render_satellite(city, appearance)
    crop = crop_squares(whole, np.float32([spot]), 80.0, 256, city.half_m, 0.5, city.device)[0]
    image = SatelliteImage(
        crop, np.ones(crop.shape[:2], np.bool_), 80.0, LonLat(0.0, 0.0), SourceTerms("rendered")
    )
    strip = satellite_strip(image, GEOMETRY).pixels.astype(float)
    red = strip[..., 0] > strip[..., 1]
    rows, columns = np.mgrid[0:64, 0:256]
    radius = (64 - rows - 0.5) / 64 * 40
    turn = np.radians((columns + 0.5) * 360 / 256)
    points = np.stack([spot[0] + radius * np.sin(turn), spot[1] + radius * np.cos(turn)], -1)
    asphalt = city.geometry.ground.at(points.reshape(-1, 2)).reshape(64, 256) == 2
    assert (red == asphalt).mean() > 0.85
    assert (red == np.roll(asphalt, 64, axis=1)).mean() < (red == asphalt).mean() - 0.1
