"""Views of one city agree with its geometry and with each other, and only there."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from model_core.alignment.polar import polar_transform_torch
from model_core.config import StripGeometry
from training.world import plan
from training.world.appearance import draw_ground_appearance
from training.world.city import City, build_city
from training.world.columns import Cameras, cast_columns
from training.world.ground import CameraPose, StripFrame, render_strips
from training.world.layout import LAYOUT_CHANNELS, draw_layout
from training.world.photo import lens_of_35mm, lens_rays, render_panorama, render_photo
from training.world.plan import places_on_streets
from training.world.samples import CitySamples, render_city_samples
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.styles import city_generator, draw_style
from training.world.surfaces import is_building

SMALL = StripGeometry(height=32, width=128)
FRAME = StripFrame(128, 32, -30.0, 40.0)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(6, draw_style(6), torch.device("cpu"), half_m=120.0, suns=2)


@pytest.fixture(scope="module")
def places(city) -> np.ndarray:
    return places_on_streets(city.geometry, 8, 60.0, city_generator(6, 99))[0]


@pytest.fixture(scope="module")
def samples() -> CitySamples:
    return render_city_samples(8, 3, SMALL, "cpu")


def look_at(city: City, date: int = 0, seed: int = 1):
    return draw_ground_appearance(np.random.default_rng(seed), date, 5, 2, crowd=False)


def pose_at(place, **more) -> CameraPose:
    return CameraPose((float(place[0]), float(place[1])), **more)


def test_the_skyline_from_the_ground_is_that_of_the_map_from_above(city, places):
    """Walk outwards over the height map and compare with what the columns meet."""
    xy = torch.from_numpy(places)
    count = len(places)
    none = torch.full((count,), -100)
    cameras = Cameras(
        xy, torch.full((count,), 2.0), torch.zeros(count, 2), torch.zeros_like(none), none
    )
    azimuth = torch.deg2rad(torch.arange(0.0, 360.0, 3.0))[None].expand(count, -1)
    columns = cast_columns(city, cameras, azimuth)
    house = is_building(city, columns).repeat_interleave(5, -1)
    tangent = torch.where(house, (columns.top_m - 2.0) / columns.reach_m, -1e9)
    seen = tangent.max(-1).values.clamp_min(0).atan().rad2deg().numpy()
    solid = city.heights[0].solid_m.numpy()
    reach = np.arange(2.0, 100.0, 0.25)
    way = np.stack([np.sin(azimuth[0].numpy()), np.cos(azimuth[0].numpy())], -1)
    walk = places[:, None, None] + way[None, :, None] * reach[:, None]
    col = ((walk[..., 0] + city.half_m) / 0.5).astype(int).clip(0, len(solid) - 1)
    row = ((city.half_m - walk[..., 1]) / 0.5).astype(int).clip(0, len(solid) - 1)
    rise = np.where(solid[row, col] > 2.5, (solid[row, col] - 2.0) / reach, 0)
    mapped = np.degrees(np.arctan(rise.max(-1).clip(0)))
    assert np.median(np.abs(mapped - seen)) < 0.6
    assert np.corrcoef(mapped.ravel(), seen.ravel())[0, 1] > 0.9


def test_streets_from_above_lie_where_the_ground_has_them(city):
    look = draw_satellite_appearance(np.random.default_rng(3), 0, max_lean_deg=0.1)
    palette = look.palette.copy()
    palette[:] = (0.2, 0.6, 0.2)
    palette[2] = (0.9, 0.1, 0.1)
    look = dataclasses.replace(look, palette=palette, haze=0.0)
    image = render_satellite(city, look).astype(float)
    red = image[..., 0] > image[..., 1]
    asphalt = cv2.resize(city.geometry.ground.cells, red.shape, interpolation=0) == 2
    open_sky = (city.heights[0].top_m == 0).numpy()
    assert (red == asphalt)[open_sky].mean() > 0.97


def test_a_leaning_view_moves_roofs_and_leaves_the_ground(city):
    look = draw_satellite_appearance(np.random.default_rng(3), 0)
    upright = render_satellite(city, dataclasses.replace(look, lean=(0.0, 0.0))).astype(float)
    leaning = render_satellite(city, dataclasses.replace(look, lean=(0.4, 0.0))).astype(float)
    change = np.abs(upright - leaning).mean(-1)
    top = city.heights[0].top_m.numpy()
    nearby = cv2.dilate((top > 0).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
    assert change[top > 4].mean() > 4 * change[~nearby].mean()


def test_layout_says_what_the_strip_shows(city, places):
    xy = torch.from_numpy(places)
    layout = draw_layout(city, xy, torch.zeros(len(xy), dtype=torch.long), SMALL, 32)
    assert layout.shape == (len(xy), 32, len(LAYOUT_CHANNELS))
    values = dict(zip(LAYOUT_CHANNELS, layout.float().unbind(-1), strict=True))
    assert values["road_0_8m"].mean() > values["road_20_40m"].mean()
    far = values["log_building_distance"] > np.log(50)
    assert (values["building_within_40m"][far] == 0).all()
    shares = sum(values[f"{name}_8_20m"] for name in ("road", "pavement", "green", "other"))
    torch.testing.assert_close(shares, torch.ones_like(shares), atol=0.01, rtol=0)


def test_a_photo_shows_its_part_of_the_panorama(city, places):
    """The photo's rays, looked up in a panorama of the same moment, show the same colours."""
    look = look_at(city)
    clean = dataclasses.replace(look.sensor, noise=0.0, blur_px=0.0)
    look = dataclasses.replace(look, sensor=clean)
    lens = lens_of_35mm(320, 240, 28)
    pose = pose_at(places[0], heading_deg=70.0, pitch_deg=6.0, roll_deg=-4.0)
    photo = render_photo(city, pose, look, lens, seed=0).astype(float)
    whole = render_panorama(city, pose_at(places[0], heading_deg=0.0), look, 1440, seed=0)
    azimuth, elevation = lens_rays(lens, pose)
    column = ((azimuth + 70.0) / 360 + 0.5) % 1 * 1440 - 0.5
    row = (90 - elevation) / 180 * 720 - 0.5
    same = cv2.remap(whole, column.astype("f4"), row.astype("f4"), cv2.INTER_LINEAR).astype(float)
    column = (column + 60) % 1440
    aside = cv2.remap(whole, column.astype("f4"), row.astype("f4"), cv2.INTER_LINEAR).astype(float)
    assert np.abs(photo - same).mean() < 0.5 * np.abs(photo - aside).mean()


@pytest.mark.parametrize(("width", "height"), [(800, 600), (600, 800)])
def test_a_lens_covers_its_field_of_view(width, height):
    lens = lens_of_35mm(width, height, 26)
    assert lens.focal_35mm == pytest.approx(26)
    azimuth, elevation = lens_rays(lens, CameraPose((0.0, 0.0)))
    middle = azimuth[height // 2]
    step = middle[width // 2] - middle[width // 2 - 1]
    assert float(middle[-1] - middle[0]) == pytest.approx(lens.fov_deg, abs=2 * float(step))
    assert elevation[0, width // 2] > 0 > elevation[-1, width // 2]


def test_a_camera_that_rolls_clockwise_lowers_its_right_side():
    _, elevation = lens_rays(lens_of_35mm(400, 300, 26), CameraPose((0.0, 0.0), roll_deg=5.0))
    assert elevation[150, -1] < elevation[150, 0]


def test_the_same_pose_looks_different_at_another_date(city, places):
    poses = [pose_at(places[1])] * 2
    first = look_at(city)
    images = render_strips(city, poses, [first, dataclasses.replace(first, date=1)], FRAME)
    assert (images[0] - images[1]).abs().max() > 0.1


def test_views_do_not_depend_on_their_batch(city, places):
    poses = [pose_at(place) for place in places[:3]]
    looks = [look_at(city, seed=k) for k in range(3)]
    together = render_strips(city, poses, looks, FRAME)
    alone = render_strips(city, poses[1:2], looks[1:2], FRAME)
    assert ((together[1] - alone[0]).abs() > 0.02).float().mean() < 0.01


def test_samples_come_again_from_the_same_seed(samples):
    again = render_city_samples(8, 3, SMALL, "cpu")
    for field in dataclasses.fields(CitySamples):
        np.testing.assert_array_equal(getattr(samples, field.name), getattr(again, field.name))


def test_the_imagery_s_shift_says_where_it_shows_a_place(monkeypatch):
    """Strips centred there are those of imagery without a shift, and of no other centre."""
    drawn = plan.draw_registration

    def without_scale(count, rng):
        errors = drawn(count, rng)
        return dataclasses.replace(errors, scale=np.ones_like(errors.scale))

    def in_place(count, rng):
        errors = without_scale(count, rng)
        return dataclasses.replace(errors, shift_m=np.zeros_like(errors.shift_m))

    monkeypatch.setattr(plan, "draw_registration", without_scale)
    shifted = render_city_samples(8, 6, SMALL, "cpu")
    monkeypatch.setattr(plan, "draw_registration", in_place)
    exact = render_city_samples(8, 6, SMALL, "cpu")
    assert np.abs(shifted.imagery_shift_m).max() > 2.0
    assert not exact.imagery_shift_m.any()

    def strips(samples, shift_m):
        images = torch.from_numpy(samples.satellite).permute(0, 3, 1, 2).float()
        return polar_transform_torch(images, SMALL, samples.crop_m, torch.from_numpy(shift_m))

    def off(shift_m):
        difference = strips(shifted, shift_m) - strips(exact, np.zeros_like(shift_m))
        return float(difference.abs().mean())

    right = off(shifted.imagery_shift_m)
    assert right < 0.5 * off(0.0 * shifted.imagery_shift_m)
    assert right < 0.4 * off(-shifted.imagery_shift_m)


def test_samples_keep_their_promises(samples):
    assert samples.satellite.shape == (3, 160, 160, 3)
    assert samples.street.shape == (3, 32, 128, 3)
    assert samples.query.shape == (3, 2, 32, 128, 3)
    assert samples.crop_m == pytest.approx(100.0)
    away = np.linalg.norm(samples.query_offset_m, axis=-1)
    assert away.min() > 0.2
    assert away.max() <= 20
    assert np.isfinite(samples.layout.astype(float)).all()
