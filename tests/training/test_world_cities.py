"""Twelve named cities: of different build, held-out ones of another make, old seeds untouched."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_core.config import PlaceConfig, StripGeometry
from model_core.errors import ConfigError, InputError
from training.cli_world import read_source
from training.datasets.rendered import RenderSource, check_one_split
from training.world.cities import (
    CITIES,
    check_seed,
    district_seed,
    parse_cities,
    plan_of,
    split_of,
    style_of,
)
from training.world.city import build_city
from training.world.families import FACADES, GROUNDS, SENSORS, TREES
from training.world.gallery import render_city_gallery
from training.world.geometry import CityGeometry, build_geometry
from training.world.noise import NoiseBank
from training.world.samples import render_city_samples
from training.world.styles import DEMO_CITY_SEED, demo_style, draw_style

TINY = StripGeometry(height=16, width=32, footprint_m=60.0)


def fingerprint(city: CityGeometry) -> str:
    digest = hashlib.sha256()
    for table in (city.boxes, city.rounds):
        for column in vars(table).values():
            digest.update(np.ascontiguousarray(column).tobytes())
    digest.update(city.ground.cells.tobytes() + city.standing.cells.tobytes())
    for road in city.roads:
        digest.update(road.points.tobytes())
    return digest.hexdigest()[:16]


def test_towns_the_country_and_the_demo_are_what_they_were():
    """Data and figures of before stay comparable: not one coordinate may move."""
    assert fingerprint(build_geometry(5, draw_style(5))) == "2c6264dbec554982"
    assert fingerprint(build_geometry(3100, draw_style(3100))) == "83b4868c980976a5"
    demo = build_geometry(DEMO_CITY_SEED, demo_style(), 200.0, 6, 0.125)
    assert fingerprint(demo) == "9d99fb112d8bd3e4"


def test_six_cities_to_train_on_and_six_held_out():
    names = {split: [c.name for c in CITIES if c.split == split] for split in ("train", "test")}
    assert len(names["train"]) == len(names["test"]) == 6
    assert len({c.name for c in CITIES}) == 12


@pytest.mark.parametrize("kind", ["facades", "trees", "ground", "sensors"])
def test_held_out_cities_share_no_family_with_any_training_city(kind: str):
    towns = {
        {"facades": s.facade_pool, "trees": s.trees, "ground": s.ground, "sensors": s.sensors}[kind]
        for s in (draw_style(seed) for seed in (1, 400, 2999, 3000, 4999))
    }
    train = towns | {getattr(c, kind) for c in CITIES if c.split == "train"}
    test = {getattr(c, kind) for c in CITIES if c.split == "test"}
    assert not train & test
    table = {"facades": FACADES, "trees": TREES, "ground": GROUNDS, "sensors": SENSORS}[kind]
    assert all(table[a] != table[b] for a in train for b in test)


def test_held_out_ground_has_a_grain_of_its_own():
    banks = {}
    for city in CITIES:
        family = GROUNDS[city.ground]
        banks[city.name] = {family.below, family.above}
        assert family.below != family.above
    train = set().union(*(banks[c.name] for c in CITIES if c.split == "train")) | {1, 2}
    test = [banks[c.name] for c in CITIES if c.split == "test"]
    assert not train & set().union(*test)
    cpu = torch.device("cpu")
    a, b = NoiseBank.make(cpu, 30).rough, NoiseBank.make(cpu, 1).rough
    assert abs(float(torch.corrcoef(torch.stack([a.ravel(), b.ravel()]))[0, 1])) < 0.05


def test_cities_are_of_different_build():
    heights = {
        name: np.percentile(build_geometry(seed, style_of(seed), 120.0, 1).boxes.eave_m, 95)
        for name in ("hong_kong", "perth", "stockholm")
        for seed in [district_seed(name, 3)]
    }
    assert heights["hong_kong"] > 2 * heights["stockholm"] > 2 * heights["perth"]


def test_a_district_differs_from_the_next_one_and_comes_again():
    first, second = (district_seed("lima", k) for k in (0, 1))
    a, b = (build_geometry(s, style_of(s), 80.0, 1) for s in (first, second))
    assert fingerprint(a) != fingerprint(b)
    assert fingerprint(a) == fingerprint(build_geometry(first, style_of(first), 80.0, 1))


def test_the_command_line_names_cities():
    assert parse_cities("1:4") == [1, 2, 3]
    assert parse_cities("7") == [7]
    assert parse_cities("los_angeles:0:2,berlin:5:6") == [10000, 10001, 12005]
    assert parse_cities("test:3") == [16003 + 1000 * k for k in range(6)]
    assert len(parse_cities("train:0:20")) == 120
    assert split_of(parse_cities("perth:0")[0]) == "test"
    assert plan_of(parse_cities("toronto:7")[0]).name == "toronto"


@pytest.mark.parametrize(
    "text", ["atlantis:0:3", "berlin", "berlin:3:3", "1:2:3", "a:b", "berlin:0:1001"]
)
def test_what_names_no_city_is_refused(text: str):
    with pytest.raises(ConfigError, match=r"berlin|atlantis|cities|city"):
        parse_cities(text)


@pytest.mark.parametrize("seed", [-1, 5000, DEMO_CITY_SEED, 9999, 22000, 29999, 100000])
def test_seeds_between_are_kept(seed: int):
    with pytest.raises(ConfigError, match="kept for the demo"):
        check_seed(seed)


def test_a_folder_never_mixes_training_and_held_out_cities(tmp_path: Path):
    with pytest.raises(InputError, match="folders of their own"):
        check_one_split(tmp_path, parse_cities("berlin:0,lima:0"), RenderSource(), 80)
    city = tmp_path / "city_10000"
    city.mkdir()
    facts = RenderSource().facts(10000)
    (city / "district.json").write_text(json.dumps(facts))
    check_one_split(tmp_path, [3, 12000], RenderSource(), 80)
    with pytest.raises(InputError, match="another folder"):
        check_one_split(tmp_path, [30001], RenderSource(split="test"), 80)
    (city / "district.json").write_text(json.dumps({**facts, "renderer": 0}))
    with pytest.raises(InputError, match="version 0"):
        check_one_split(tmp_path, [3], RenderSource(), 80)


def test_a_city_that_is_there_has_to_be_the_one_asked_for(tmp_path: Path):
    def real(name: str, **more: Any) -> RenderSource:
        about = {"geometry": name, "source": f"{name}.osm", "licence": "ODbL"}
        return RenderSource(split="train", real_about=about, **more)

    city = tmp_path / "city_30000"
    city.mkdir()
    (city / "district.json").write_text(json.dumps(real("krems").facts(30000)))
    check_one_split(tmp_path, [30000, 30001], real("krems"), 80)
    check_one_split(tmp_path, [30001], real("piedmont"), 80)
    with pytest.raises(InputError, match=r"city_30000 .*'krems' there, 'piedmont' here.*--cities"):
        check_one_split(tmp_path, [30000], real("piedmont"), 80)
    with pytest.raises(InputError, match="state 'none' there, 'flood' here"):
        check_one_split(tmp_path, [30000], real("krems", state="flood"), 80)
    facts = {**real("krems").facts(30000), "places": 80}
    (city / "district.json").write_text(json.dumps(facts))
    check_one_split(tmp_path, [30000], real("krems"), 80)
    check_one_split(tmp_path, [30001], real("krems"), 40)
    with pytest.raises(InputError, match="places 80 there, 40 here"):
        check_one_split(tmp_path, [30000], real("krems"), 40)


def test_prepared_geometry_says_its_split(tmp_path: Path):
    with pytest.raises(InputError, match="holds no prepared city"):
        read_source("0:2", "none", "everyday", tmp_path)
    about = {
        **{"format": 1, "name": "delft", "center_lonlat": [4.4, 52.0], "split": "test"},
        **{"source": "delft.json", "licence": "CC0", "counts": {}},
    }
    (tmp_path / "city.json").write_text(json.dumps(about))
    seeds, source = read_source("0:2", "none", "everyday", tmp_path)
    assert (seeds, source.split_of(seeds[0])) == ([30000, 30001], "test")
    (tmp_path / "city.json").write_text(json.dumps({**about, "split": "val"}))
    with pytest.raises(InputError, match="'val' and must be train or test"):
        read_source("0:2", "none", "everyday", tmp_path)


def test_an_unknown_tier_or_state_is_named():
    with pytest.raises(ConfigError, match="impossible"):
        read_source("1:2", "none", "impossible", None)
    with pytest.raises(ConfigError, match="drought"):
        read_source("1:2", "drought", "everyday", None)


def test_geometry_that_is_given_is_what_is_rendered():
    """Real geometry takes the place of what the seed would have drawn, gallery included."""
    given = replace(build_geometry(8, draw_style(8), 90.0), seed=30008)
    samples = render_city_samples(30008, 2, TINY, "cpu", 1, geometry=given)
    on_roads = np.concatenate(given.road_lines())
    gap = np.linalg.norm(samples.place_xy[:, None] - on_roads[None], axis=-1).min(1)
    assert gap.max() < 0.01
    laid = PlaceConfig(spacing_m=30.0, grid_spacing_m=50.0)
    gallery = render_city_gallery(30008, 50.0, laid, TINY, "cpu", given)
    assert len(gallery.place_xy) == len(gallery.satellite) > 4
    city = build_city(30008, given.style, torch.device("cpu"), suns=1, geometry=given)
    assert city.geometry is given
    assert city.half_m == 90.0
