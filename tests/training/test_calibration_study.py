"""What calibration mends and spoils, and the gate that follows."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_core.config import ModelConfig, StripGeometry
from model_core.errors import InputError
from training import calibration_study as study
from training.ablation.calibration import markdown, write_calibration
from training.datasets.places import PlaceSet

GEOMETRY = StripGeometry(height=64, width=256, elevation_min_deg=-45.0, elevation_max_deg=45.0)
CONFIG = ModelConfig(geometry=GEOMETRY)


def places_whose_views_are_polar_strips(count: int) -> PlaceSet:
    """Satellite crops full of rectangles, and street views that are their polar strips: what ORB
    and SIFT can match."""
    rng = np.random.default_rng(2)
    crops = np.full((count, 160, 160, 3), 110, np.uint8)
    for crop in crops:
        for _ in range(70):
            x, y, w, h = (int(v) for v in rng.integers((0, 0, 4, 4), (150, 150, 22, 22)))
            colour = tuple(int(v) for v in rng.integers(0, 256, 3))
            cv2.rectangle(crop, (x, y), (x + w, y + h), colour, -1)
    street = study.satellite_strips(crops, GEOMETRY, torch.device("cpu"))
    ones = np.ones
    return PlaceSet(
        satellite=crops,
        street=street,
        street_seen=ones((count, 256), bool),
        street_days=np.zeros(count, np.int32),
        query=street[:, None],
        query_seen=ones((count, 1, 256), bool),
        query_days=np.zeros((count, 1), np.int32),
        query_state=np.zeros((count, 1), np.uint8),
        heading_known=ones((count, 1), bool),
        query_offset_m=np.zeros((count, 1, 2), np.float32),
        imagery_shift_m=np.zeros((count, 2), np.float32),
        street_offset_m=np.zeros((count, 2), np.float32),
        place_xy=np.arange(2 * count, dtype=np.float32).reshape(count, 2) * 100,
        layout=np.zeros((count, 32, 16), np.float16),
        query_layout=np.zeros((count, 1, 32, 16), np.float16),
        city=np.zeros(count, np.int64),
        block=np.zeros(count, np.int64),
    )


@pytest.fixture(scope="module")
def figures() -> dict[str, study.CalibrationFigures]:
    places = places_whose_views_are_polar_strips(20)
    found = study.study_calibration(
        places, CONFIG, None, torch.device("cpu"), ("none", "metadata", "orb", "sift", "release")
    )
    return {figure.method: figure for figure in found}


def test_a_share_of_headings_is_turned_far() -> None:
    off = study.wrong_headings(100, 360, seed=1)
    wrong = off[off != 0]
    assert len(wrong) == 30
    assert ((np.abs(wrong) >= 30) & (np.abs(wrong) <= 180)).all()
    assert (wrong > 0).any()
    assert (wrong < 0).any()
    assert np.array_equal(off, study.wrong_headings(100, 360, seed=1))


def test_keypoints_mend_what_looks_alike(figures: dict[str, study.CalibrationFigures]) -> None:
    for method in ("orb", "sift"):
        figure = figures[method]
        assert figure.turned == 6
        assert figure.shipped.recovered == 1.0
        assert figure.shipped.harmed == 0.0
        assert figure.median_error_deg < 2.0
        assert figure.derived.min_confidence is not None
        assert figure.derived.harmed <= 0.01


def test_trusting_the_metadata_mends_and_spoils_nothing(
    figures: dict[str, study.CalibrationFigures],
) -> None:
    for method in ("none", "metadata"):
        assert figures[method].shipped.recovered == 0.0
        assert figures[method].shipped.harmed == 0.0


def test_the_released_calibration_spoils_what_it_touches(
    figures: dict[str, study.CalibrationFigures],
) -> None:
    assert figures["release"].shipped.recovered < 0.5
    assert figures["release"].derived.recovered < 0.5


def test_the_gate_is_the_least_confidence_that_spoils_little() -> None:
    confidence = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    wrong = np.array([False, False, False, False, True, True])
    after = np.array([90.0, 90.0, 0.0, 0.0, 0.0, 0.0])
    before = np.where(wrong, 100.0, 0.0)
    assert study._derive(confidence, after, before, wrong) == 0.3
    bold, spoilt = confidence[::-1], np.full(6, 90.0)  # surest where it is wrong
    nothing = study._derive(bold, spoilt, before, wrong)
    assert study._through(nothing, bold, spoilt, before, wrong).min_confidence is None


def test_the_table_is_written_with_the_papers_figures(
    figures: dict[str, study.CalibrationFigures], tmp_path: Path
) -> None:
    path = write_calibration(list(figures.values()), tmp_path / "new", "20 places")
    assert "| orb | 100.0% | 0.0% |" in path.read_text()
    assert "54.27 / 32.12" in markdown([figures["orb"]], "20 places")
    document = json.loads(path.with_suffix(".json").read_text())
    assert document["rows"][3]["paper_percent"]["same"][0] == 37.92
    assert path.with_suffix(".png").stat().st_size > 1000


def test_a_set_is_copied_with_its_street_views_turned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_whose_views_are_polar_strips(3)
    city = tmp_path / "data" / "city_00001"
    city.mkdir(parents=True)
    street = np.roll(places.street, 64, axis=2)  # 90 degrees off
    street[2] = 90  # nothing to match
    np.save(city / "street.npy", street)
    np.save(city / "satellite.npy", places.satellite)
    np.save(city / "place_xy.npy", places.place_xy)
    (city / "geometry.json").write_text(json.dumps(asdict(GEOMETRY)))
    for method in ("orb", "release"):
        study.calibrate_dataset(tmp_path / "data", tmp_path / method, method)
    orb = np.load(tmp_path / "orb" / "city_00001" / "street.npy")
    assert np.abs(orb[:2].astype(int) - places.street[:2]).mean() < 2.0
    assert np.array_equal(orb[2], street[2])
    made = tmp_path / "release" / "city_00001"
    assert not np.load(made / "street_seen.npy")[2].any()
    assert np.load(made / "street_seen.npy")[:2].all()
    assert np.array_equal(np.load(made / "place_xy.npy"), places.place_xy)
    with pytest.raises(InputError, match="no rendered city"):
        study.calibrate_dataset(tmp_path / "orb" / "nowhere", tmp_path / "x", "orb")

    def no_right(*_: object) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", no_right)
    study.calibrate_dataset(tmp_path / "data", tmp_path / "copied", "orb")
    copied = np.load(tmp_path / "copied" / "city_00001" / "place_xy.npy")
    assert np.array_equal(copied, places.place_xy)


def test_a_model_is_needed_for_its_features_and_gives_recall() -> None:
    from model_core.fusion.place_encoder import PlaceEncoder

    torch.manual_seed(0)
    places = places_whose_views_are_polar_strips(4)
    config = ModelConfig(geometry=GEOMETRY)
    found = study.study_calibration(
        places, config, PlaceEncoder(config), torch.device("cpu"), ("none", "features")
    )
    assert [figure.method for figure in found] == ["none", "features"]
    assert all(0.0 <= figure.recall_at_1 <= 1.0 for figure in found if figure.recall_at_1)
    lines: list[str] = []
    study.study_calibration(
        places, config, None, torch.device("cpu"), ("features",), say=lines.append
    )
    assert lines == ["features: left out, there is no model"]


def test_photos_that_show_too_little_to_be_judged_by_are_named() -> None:
    from model_core.fusion.place_encoder import PlaceEncoder

    places = places_whose_views_are_polar_strips(4)
    places.query_seen[:, :, 40:] = False
    config = ModelConfig(geometry=GEOMETRY)
    with pytest.raises(InputError, match="90 degrees"):
        study.study_calibration(places, config, PlaceEncoder(config), torch.device("cpu"), ())


def test_places_without_street_views_are_refused() -> None:
    places = places_whose_views_are_polar_strips(3)
    places.street_seen[:] = False
    with pytest.raises(InputError, match="street views"):
        study.study_calibration(places, CONFIG, None, torch.device("cpu"))
