"""The bundled demo, as ``make demo`` runs it."""

import csv
import json
from pathlib import Path

import pyogrio
import pytest
from rich.console import Console

from training.demo import DEMO_FOLDER, mode_scores, run_demo, strip_photos


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("demo")
    console = Console(record=True, width=140)
    rows = run_demo(DEMO_FOLDER, DEMO_FOLDER / "photos", out, console)
    return out, rows, console.export_text()


def score(rows, mode: str, photos: str = "all"):
    return next(
        one.score for one in mode_scores(rows) if one.mode == mode and one.photos.startswith(photos)
    )


@pytest.mark.slow
def test_the_demo_places_its_photos(finished):
    _, rows, _ = finished
    both = score(rows, "both")
    assert both.photos == 20
    assert both.rank1 >= 0.75
    assert both.top5 >= 0.8
    assert both.heading_error_deg is not None
    assert both.heading_error_deg <= 15.0


@pytest.mark.slow
def test_the_demo_prints_a_line_for_each_photo_and_each_way_to_rank(finished):
    _, rows, text = finished
    for row in rows["both"]:
        assert row.photo in text
    for mode in ("retrieval alone", "verification alone", "both"):
        assert mode in text
    for group in ("view near", "no view near"):
        assert group in text


@pytest.mark.slow
def test_the_demo_leaves_layers_heat_and_a_map(finished):
    out, _, _ = finished
    layers = {name for name, _ in pyogrio.list_layers(out / "candidates.gpkg")}
    assert {"candidates", "fields_of_view"} <= layers
    candidates = pyogrio.read_dataframe(out / "candidates.gpkg", layer="candidates")
    assert candidates["photo"].nunique() == 20
    assert (candidates["photo_sha256"].str.len() == 64).all()
    assert (candidates["model_hash"].str.len() == 64).all()
    assert (out / "heat.tif").stat().st_size > 0
    assert (out / "map.html").stat().st_size > 0
    assert json.loads((out / "scores.json").read_text())


def test_the_demo_is_small_and_complete():
    size = sum(path.stat().st_size for path in DEMO_FOLDER.rglob("*") if path.is_file())
    assert size < 6_000_000
    with (DEMO_FOLDER / "truth.csv").open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    assert len(truth) == 20
    assert {Path(row["file"]).name for row in truth} == {
        path.name for path in (DEMO_FOLDER / "photos").iterdir()
    }
    fields = [float(row["fov_deg"]) for row in truth]
    assert min(fields) >= 30
    assert max(fields) <= 112


def test_stripped_photos_have_other_names_and_no_metadata(tmp_path: Path):
    from model_core.photo import read_photo

    strip_photos(DEMO_FOLDER / "photos", tmp_path)
    names = {path.name for path in (DEMO_FOLDER / "photos").iterdir()}
    stripped = sorted((tmp_path / "photos").iterdir())
    assert len(stripped) == len(names)
    assert not names & {path.name for path in stripped}
    photo = read_photo(stripped[0])
    assert photo.fov_deg is None
    assert photo.captured_at is None
    assert photo.lonlat is None
