"""States of disaster: seen in photos and in imagery after, absent before."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from training.world.appearance import draw_ground_appearance
from training.world.cities import style_of
from training.world.city import City, build_city
from training.world.geometry import CityGeometry, build_geometry
from training.world.ground import CameraPose, StripFrame, render_strips
from training.world.heights import raise_heights
from training.world.plan import places_on_streets, plan_district
from training.world.samples import render_city_samples
from training.world.satellite import draw_satellite_appearance, render_satellite
from training.world.solids import FIRST_DATE, BoxKind
from training.world.states import (
    STATES,
    geometry_in_state,
    photo_in_state,
    satellite_in_state,
    state_of,
)
from training.world.styles import city_generator

SEED, HALF_M = 12007, 100.0
CPU = torch.device("cpu")
FRAME = StripFrame(160, 40, -30.0, 40.0)


@pytest.fixture(scope="module")
def before() -> CityGeometry:
    return build_geometry(SEED, style_of(SEED), HALF_M)


@pytest.fixture(scope="module")
def city(before) -> City:
    return build_city(SEED, before.style, CPU, suns=2, geometry=before)


@pytest.fixture(scope="module")
def spots(city) -> np.ndarray:
    return places_on_streets(city.geometry, 4, 60.0, city_generator(SEED, 99))[0]


def seen(city: City, spots: np.ndarray, state: str, date: int = 1) -> torch.Tensor:
    looks = []
    for k in range(len(spots)):
        look = draw_ground_appearance(np.random.default_rng(k + 2), date, 5, 2, crowd=False)
        look = replace(look, season=replace(look.season, snow=0.0))
        looks.append(photo_in_state(look, state, SEED, np.random.default_rng(k)))
    poses = [CameraPose((float(x), float(y)), 1.7) for x, y in spots]
    with torch.inference_mode():
        return render_strips(city, poses, looks, FRAME, samples=1)


def above(city: City, state: str, date: int = 1) -> np.ndarray:
    look = draw_satellite_appearance(np.random.default_rng(3), date)
    look = satellite_in_state(look, state, SEED, np.random.default_rng(1))
    with torch.inference_mode():
        return render_satellite(city, look).astype(float)


def test_the_list_starts_with_everyday():
    """Data on disk hold indices into it."""
    assert STATES == ("none", "rubble", "flood", "tents", "snow", "smoke", "night")


def test_mixed_draws_a_state_a_district():
    drawn = {state_of(seed, "mixed") for seed in range(60)}
    assert drawn == set(STATES[1:])
    assert state_of(7, "mixed") == state_of(7, "mixed")
    with pytest.raises(ConfigError, match="drought"):
        state_of(7, "drought")


@pytest.mark.parametrize("state", ["rubble", "tents"])
def test_the_first_date_stands_as_it_stood(before, state):
    after = geometry_in_state(before, state, SEED)
    one, other = (raise_heights(g, 0, None, CPU).solid_m for g in (before, after))
    torch.testing.assert_close(one, other)


def test_rubble_takes_houses_down_and_leaves_heaps(before):
    after = geometry_in_state(before, "rubble", SEED)
    stood, stands = (raise_heights(g, 1, None, CPU).solid_m for g in (before, after))
    house = stood > 3
    lost = ((stands < 0.7 * stood) & house).float().sum() / house.sum()
    assert 0.25 < float(lost) < 0.7
    assert (after.boxes.kind == BoxKind.RUBBLE).sum() > 50
    assert sum(facts.ruin for facts in after.buildings) > 5
    assert (after.boxes.group == FIRST_DATE).sum() > (before.boxes.group == FIRST_DATE).sum()


def test_nobody_stands_in_a_heap_and_no_car_in_a_tent(before):
    for state, kind in (("rubble", BoxKind.RUBBLE), ("tents", BoxKind.TENT)):
        after = geometry_in_state(before, state, SEED)
        new = after.boxes.center[after.boxes.kind == kind]
        inside = new[np.abs(new).max(1) < HALF_M - 1]
        assert not after.free(inside).any()
        cars = after.boxes.center[after.boxes.kind == BoxKind.CAR]
        gap = np.linalg.norm(cars[:, None] - inside[None], axis=-1).min(1)
        assert gap.min() > 0.6


def test_tents_stand_on_open_ground_clear_of_houses(before):
    after = geometry_in_state(before, "tents", SEED)
    tents = after.boxes.corners()[after.boxes.kind == BoxKind.TENT].reshape(-1, 2)
    assert len(tents) > 4 * 25
    assert (before.standing.at(tents) == 0).mean() > 0.97


def test_a_facade_that_fell_shows_dark_rooms(before):
    ruins = geometry_in_state(before, "rubble", SEED)
    wrecked = build_city(SEED, ruins.style, CPU, suns=1, geometry=ruins)
    whole = build_city(SEED, before.style, CPU, suns=1, geometry=before)
    count = len(before.buildings)
    np.testing.assert_array_equal(wrecked.facades[:, :count], whole.facades)
    assert float(wrecked.facades[31, count:].max()) < float(whole.facades[31].min())


def test_water_hides_the_ground_and_leaves_what_is_higher(city, spots):
    dry, flooded = seen(city, spots, "none"), seen(city, spots, "flood")
    change = (dry - flooded).abs().mean(1)
    assert float(change[:, :20].mean()) < 0.02
    assert float(change[:, -8:].mean()) > 0.08


def test_flood_imagery_hides_streets_and_shows_roofs(city):
    dry, flooded = above(city, "none"), above(city, "flood")
    change = np.abs(dry - flooded).mean(-1)
    top = city.heights[1].top_m.numpy()
    assert change[top == 0].mean() > 4 * change[top > 4].mean()


def test_snow_whitens_the_ground_in_photos_and_imagery(city, spots):
    bare, snow = seen(city, spots, "none")[:, :, -8:], seen(city, spots, "snow")[:, :, -8:]
    assert float(snow.mean()) > 1.25 * float(bare.mean())
    assert above(city, "snow").mean() > above(city, "none").mean() + 30


def test_smoke_takes_the_contrast_of_what_is_far(city, spots):
    clear, smoky = seen(city, spots, "none"), seen(city, spots, "smoke")
    middle = slice(10, 24)
    assert float(smoky[:, :, middle].std()) < 0.6 * float(clear[:, :, middle].std())
    assert above(city, "smoke").std() < 0.8 * above(city, "none").std()


def test_night_is_dark_with_lit_windows_and_is_not_imaged(city, spots):
    day, night = seen(city, spots, "none"), seen(city, spots, "night")
    assert float(night.mean()) < 0.4 * float(day.mean())
    assert float(night.amax()) > 0.5
    np.testing.assert_array_equal(above(city, "night"), above(city, "none"))


def test_street_views_and_imagery_before_are_from_before(before):
    plan = plan_district(before, SEED, 20, 60.0, 2, "flood")
    assert all(look.date == 0 and not look.flood_m for look in plan.looks[::3])
    assert all(look.flood_m > 0 for look in plan.looks[1::3] + plan.looks[2::3])
    assert all(look.date == 0 and not look.flood_m for look in plan.satellites)
    assert plan.after is not None
    assert plan.after.flood_m == plan.looks[1].flood_m


def test_samples_of_a_state_hold_imagery_after(before):
    tiny = StripGeometry(height=16, width=32, footprint_m=60.0)
    stricken = render_city_samples(SEED, 2, tiny, "cpu", 1, geometry=before, state="rubble")
    assert stricken.satellite_after is not None
    assert stricken.satellite_after.shape == stricken.satellite.shape
    assert (stricken.query_state == STATES.index("rubble")).all()
    everyday = render_city_samples(SEED, 2, tiny, "cpu", 1, geometry=before)
    assert everyday.satellite_after is None
