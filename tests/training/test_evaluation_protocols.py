"""Which places a model is tested on: whole cities, or the part of each that training left out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.config import ModelConfig
from model_core.errors import ConfigError
from training.datasets.places import PlaceSet
from training.datasets.rendered import RenderSource
from training.datasets.splits import BUFFER_M, same_area
from training.evaluation.options import EvaluateOptions
from training.evaluation.test_set import SAME_AREA, load_test_set
from training.train import TrainConfig, prepare

CONFIG = ModelConfig()


@pytest.fixture
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, PlaceSet]:
    """A folder that is read as 60 places in a row, 100 m apart, every fifth without a photo."""
    rng = np.random.default_rng(0)
    count, width, bins = 60, CONFIG.geometry.width, CONFIG.azimuth_bins
    seen = np.ones((count, 1, width), np.bool_)
    seen[::5] = False
    places = PlaceSet(
        satellite=np.zeros((count, 4, 4, 3), np.uint8),
        street=rng.integers(1, 256, (count, 2, width, 3), np.uint8),
        street_seen=np.ones((count, width), np.bool_),
        street_days=np.zeros(count, np.int32),
        query=rng.integers(1, 256, (count, 1, 2, width, 3), np.uint8),
        query_seen=seen,
        query_days=np.zeros((count, 1), np.int32),
        query_state=np.zeros((count, 1), np.uint8),
        heading_known=np.ones((count, 1), np.bool_),
        query_offset_m=np.zeros((count, 1, 2), np.float32),
        imagery_shift_m=np.zeros((count, 2), np.float32),
        street_offset_m=np.zeros((count, 2), np.float32),
        place_xy=np.stack([100.0 * np.arange(count), np.zeros(count)], 1).astype(np.float32),
        layout=np.zeros((count, bins, 0), np.float16),
        query_layout=np.zeros((count, 1, bins, 0), np.float16),
        city=np.zeros(count, np.int64),
        block=np.arange(count) // 4,
    )
    (tmp_path / "city_00001").mkdir()
    (tmp_path / "city_00001" / "district.json").write_text(json.dumps(RenderSource().facts(1)))

    def load(_: Path, __: ModelConfig, imagery: str) -> PlaceSet:
        return dataclasses.replace(places, satellite=places.satellite + len(imagery))

    monkeypatch.setattr("training.datasets.load.load_rendered", load)
    return tmp_path, places


def test_whole_cities_are_searched_and_places_with_a_photo_located(
    rendered: tuple[Path, PlaceSet],
) -> None:
    folder, places = rendered
    test = load_test_set(folder, CONFIG, EvaluateOptions())
    assert len(test.places) == len(places)
    rows = np.arange(len(places))
    assert test.queries(rows).tolist() == [row for row in rows if row % 5]


def test_same_area_leaves_what_training_did_not_see(rendered: tuple[Path, PlaceSet]) -> None:
    folder, places = rendered
    test = load_test_set(folder, CONFIG, EvaluateOptions(protocol="same"))
    parts = same_area(places)
    assert np.array_equal(test.places.place_xy, parts.test.place_xy)
    assert 0 < len(test.places) < len(parts.train)
    assert test.protocol == SAME_AREA
    assert any("left out" in note for note in test.notes)


def test_same_area_shares_no_place_with_what_a_run_learned_from(
    rendered: tuple[Path, PlaceSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = rendered
    monkeypatch.setattr("training.data_sources.data_sources", lambda *_: [])
    monkeypatch.setattr("training.train.load_galleries", lambda _: {})
    config = TrainConfig(model=dataclasses.replace(CONFIG, backbone="atto"))
    trained, watched, _ = prepare(
        folder, folder, tmp_path / "run", config, lambda _: None, torch.device("cpu")
    )
    tested = load_test_set(folder, CONFIG, EvaluateOptions(protocol="same")).places
    for learned in (trained, watched.places):
        away_m = learned.place_xy[:, None] - tested.place_xy[None]
        assert np.hypot(away_m[..., 0], away_m[..., 1]).min() >= BUFFER_M


@pytest.mark.parametrize(("photos", "least", "most"), [(1, 50.0, 80.0), (3, 50.0, 240.0)])
def test_street_views_can_be_cut_down_to_what_a_few_photos_show(
    rendered: tuple[Path, PlaceSet], photos: int, least: float, most: float
) -> None:
    folder, whole = rendered
    options = EvaluateOptions(street_photos=photos)
    test = load_test_set(folder, CONFIG, options)
    again = load_test_set(folder, CONFIG, options)
    shown_deg = test.places.street_seen.sum(axis=1) * CONFIG.geometry.deg_per_px
    step_deg = CONFIG.geometry.deg_per_px
    assert least - step_deg <= shown_deg.min() <= shown_deg.max() <= most + photos * step_deg
    assert np.ptp(shown_deg) > 10.0
    seen = test.places.street_seen
    assert np.array_equal(test.places.street.any(axis=(1, 3)), seen)
    assert np.array_equal(
        test.places.street.transpose(0, 2, 1, 3)[seen], whole.street.transpose(0, 2, 1, 3)[seen]
    )
    assert np.array_equal(again.places.street_seen, seen)
    assert any(f"{photos} photos" in note for note in test.notes)


def test_imagery_of_after_is_asked_for(rendered: tuple[Path, PlaceSet]) -> None:
    folder, _ = rendered
    values = {
        imagery: load_test_set(folder, CONFIG, EvaluateOptions(imagery=imagery)).places  # type: ignore[arg-type]
        for imagery in ("before", "after")
    }
    assert values["before"].satellite.max() == len("before")
    assert values["after"].satellite.max() == len("after")


def test_a_set_without_imagery_of_after_and_an_unknown_state_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="before"):
        load_test_set(tmp_path, CONFIG, EvaluateOptions(imagery="after"))
    with pytest.raises(ConfigError, match="flood"):
        load_test_set(tmp_path, CONFIG, EvaluateOptions(state="earthquake"))
    with pytest.raises(ConfigError, match="street-photos"):
        EvaluateOptions(street_photos=-1)
