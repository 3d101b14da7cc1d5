"""What is learned from and what it is watched by share nothing, and neither shows a test place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
from PIL import Image
from shapely.geometry import Point

from model_core.config import ModelConfig
from model_core.errors import InputError
from training.datasets.load import load_apart, load_places
from training.datasets.rendered import RenderSource
from training.world.cities import CitySplit
from training.world.geometry import CityGeometry

CONFIG = ModelConfig()
QUIET = list[str]().append
METRES_A_DEGREE = 111_320.0


def rendered(folder: Path, seed: int, source: RenderSource | None = None) -> Path:
    """Put a city into a folder, as far as what is written beside its arrays."""
    city = folder / f"city_{seed:05d}"
    city.mkdir(parents=True)
    (city / "district.json").write_text(json.dumps((source or RenderSource()).facts(seed)))
    return folder


def real(name: str, split: CitySplit = "train") -> RenderSource:
    return RenderSource(real_geometry=no_geometry, split=split, real_about={"geometry": name})


def no_geometry(seed: int) -> CityGeometry:
    raise AssertionError(f"nothing of seed {seed} is rendered here")


def collected(folder: Path, east_m: list[float], split: list[str]) -> Path:
    """Write a city of places so many metres east of 10 E on the equator, each of one colour."""
    folder.mkdir(parents=True)
    names = [f"p{number}" for number in range(len(split))]
    for number, name in enumerate(names):
        Image.new("RGB", (64, 64), (40 + 20 * number, 90, 90)).save(folder / f"{name}.png")
    unknown = ("heading_deg", "heading_sigma_deg", "pitch_deg", "roll_deg", "fov_deg")
    columns: dict[str, Any] = {
        "kind": "satellite",
        "image_id": names,
        "place_id": names,
        "split": split,
        "block": names,
        "path": [f"{name}.png" for name in names],
        **dict.fromkeys((*unknown, "captured_at", "frame")),
        "projection": "north_up",
        "footprint_m": 100.0,
        **dict.fromkeys(("sequence", "attribution"), ""),
        **dict.fromkeys(("provider", "licence"), "own"),
        "may_train": True,
    }
    points = [Point(10.0 + east / METRES_A_DEGREE, 0.0) for east in east_m]
    frame = geopandas.GeoDataFrame(columns, geometry=points, crs="EPSG:4326")
    frame.to_parquet(folder / "manifest.parquet")
    return folder


def test_cities_kept_for_tests_are_not_learned_from(tmp_path: Path) -> None:
    test, held_out = rendered(tmp_path / "test", 16000), rendered(tmp_path / "other", 3)
    for watched in (held_out, test):
        with pytest.raises(InputError, match=r"16000 are kept for tests.*train:0:20"):
            load_apart(test, watched, CONFIG, QUIET)
    with pytest.raises(InputError, match="30000 are kept for tests"):
        load_apart(rendered(tmp_path / "real", 30000, real("delft", "test")), held_out, CONFIG)


def test_a_city_is_not_both_learned_from_and_held_out(tmp_path: Path) -> None:
    data = rendered(rendered(tmp_path / "data", 3), 30000, real("krems"))
    for number, (seed, source) in enumerate(((3, None), (30017, real("krems")))):
        held_out = rendered(tmp_path / f"held_out_{number}", seed, source)
        with pytest.raises(InputError, match=rf"its cities {'3' if source is None else 'krems'} "):
            load_apart(data, held_out, CONFIG, QUIET)


def test_a_training_is_never_watched_by_test_places_of_another_folder(tmp_path: Path) -> None:
    data = collected(tmp_path / "data", [0.0, 300.0], ["train", "train"])
    far = [5000.0, 5300.0, 5600.0, 5900.0]
    parts = ["train", "validation", "test", "test"]
    lines: list[str] = []
    for splits, watched, count in (
        (parts, "validation", 1),
        (["train", "train", "test", "test"], "train", 2),
    ):
        held_out = collected(tmp_path / watched, far, splits)
        train, others = load_apart(data, held_out, CONFIG, lines.append)
        assert len(train) == 2
        colors = others.satellite[:, 0, 0, 0].tolist()
        assert len(colors) == count
        assert np.max(colors) < 75, "the two that test are the brightest"
        assert lines[-1] == (
            f"{watched}: watched by its part {watched!r}, without what it keeps for tests"
        )
    only = collected(tmp_path / "only", far[:1], ["test"])
    with pytest.raises(InputError, match="keeps all its places for tests"):
        load_apart(data, only, CONFIG, QUIET)


def test_collected_cities_that_overlap_are_not_one_set(tmp_path: Path) -> None:
    first = collected(tmp_path / "two" / "first", [0.0, 200.0], ["train"] * 2)
    second = collected(tmp_path / "two" / "second", [160.0, 900.0], ["train"] * 2)
    with pytest.raises(InputError, match=f"{first} and {second}.* within 50 m.*as one area"):
        load_places(tmp_path / "two", CONFIG, say=QUIET)
    collected(tmp_path / "apart" / "first", [0.0, 200.0], ["train"] * 2)
    collected(tmp_path / "apart" / "second", [260.0, 900.0], ["train"] * 2)
    assert len(load_places(tmp_path / "apart", CONFIG, say=QUIET)) == 4


def test_a_held_out_city_does_not_overlap_what_is_learned_from(tmp_path: Path) -> None:
    data = collected(tmp_path / "data", [0.0, 200.0, 400.0], ["train", "train", "test"])
    beside = collected(tmp_path / "beside", [210.0, 900.0], ["test", "validation"])
    with pytest.raises(InputError, match=f"{data} and {beside}"):
        load_apart(data, beside, CONFIG, QUIET)
    beside_test = collected(tmp_path / "beside_test", [410.0, 900.0], ["test", "validation"])
    train, watched = load_apart(data, beside_test, CONFIG, QUIET)
    assert (len(train), len(watched)) == (2, 1), "what is not learned from leaks nothing"
