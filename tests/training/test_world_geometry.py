"""The rendered city's geometry: repeatable, plausible, different at two dates."""

import numpy as np
import pytest

from model_core.config import StripGeometry
from model_core.errors import ConfigError
from training.world.geometry import CityGeometry, build_geometry
from training.world.ground_map import Ground
from training.world.samples import render_city_samples
from training.world.solids import BOTH_DATES, FIRST_DATE, SECOND_DATE, BoxKind
from training.world.styles import (
    COUNTRY_FROM_SEED,
    DEMO_CITY_SEED,
    DEMO_STYLE_SEED,
    TRAIN_SEED_LIMIT,
    demo_style,
    draw_style,
)

HALF_M = 120.0


@pytest.fixture(scope="module")
def city() -> CityGeometry:
    return build_geometry(4, draw_style(4), HALF_M)


def test_a_seed_gives_the_same_city_again(city):
    again = build_geometry(4, draw_style(4), HALF_M)
    np.testing.assert_array_equal(city.ground.cells, again.ground.cells)
    np.testing.assert_array_equal(city.boxes.center, again.boxes.center)
    np.testing.assert_array_equal(city.rounds.top_m, again.rounds.top_m)


def test_another_seed_gives_another_city(city):
    other = build_geometry(5, draw_style(4), HALF_M)
    assert (city.ground.cells != other.ground.cells).mean() > 0.1


def test_buildings_stand_beside_the_streets(city):
    houses = city.boxes.kind == BoxKind.BUILDING
    under = city.ground.at(city.boxes.center[houses])
    assert houses.sum() > 20
    assert np.isin(under, [Ground.ASPHALT, Ground.MARKING]).mean() < 0.02


def test_a_street_is_free_and_a_building_is_not(city):
    on_streets = np.concatenate(city.road_lines())
    inside = np.abs(on_streets).max(axis=1) < HALF_M - 5
    assert city.free(on_streets[inside]).mean() > 0.95
    houses = (city.boxes.kind == BoxKind.BUILDING) & (np.abs(city.boxes.center).max(1) < HALF_M)
    assert not city.free(city.boxes.center[houses]).any()


def test_some_buildings_change_between_the_dates():
    changed, houses = 0, 0
    for seed in range(1, 7):
        city = build_geometry(seed, draw_style(seed), HALF_M, traffic_sets=1)
        group = city.boxes.group[city.boxes.kind == BoxKind.BUILDING]
        changed += int(np.isin(group, [FIRST_DATE, SECOND_DATE]).sum())
        houses += len(group)
        assert (group == BOTH_DATES).mean() > 0.6
    assert 0.03 < changed / houses < 0.3


def test_the_demo_city_is_never_trained_on():
    assert min(DEMO_CITY_SEED, DEMO_STYLE_SEED) >= TRAIN_SEED_LIMIT
    with pytest.raises(ConfigError, match="kept for the demo"):
        render_city_samples(DEMO_CITY_SEED, 1, StripGeometry(), "cpu")


def test_the_demo_wears_facades_that_no_training_city_has():
    assert demo_style().facade_pool == "demo"
    assert {draw_style(seed).facade_pool for seed in range(30)} == {"train"}


def test_styles_differ():
    styles = [draw_style(seed) for seed in range(40)]
    assert len({style.family for style in styles}) == 6
    assert len({style.pattern for style in styles}) == 4


def test_the_country_has_more_green_and_fewer_houses_than_the_city(city):
    country = build_geometry(COUNTRY_FROM_SEED, draw_style(COUNTRY_FROM_SEED), HALF_M)
    assert draw_style(COUNTRY_FROM_SEED).family == "country"
    assert (country.ground.cells == Ground.GRASS).mean() > (
        city.ground.cells == Ground.GRASS
    ).mean()
    assert len(country.buildings) < len(city.buildings)
