"""Areas to search in, from rendering to the constants that a model takes from them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from model_core.bundle import default_bundle_path, load_bundle
from model_core.errors import ConfigError, InputError
from model_core.scoring import read_truth
from training.cli import app
from training.demo import DEMO_FOLDER
from training.evidence_photos import FOREIGN_PHOTOS, study_areas
from training.world import area
from training.world.cities import district_seed, style_of
from training.world.ranges import AVAILABLE_SHARE
from training.world.styles import AREA_SEEDS, DEMO_CITY_SEED

FEW_VIEWS_SEED = 5006


def test_seeds_of_areas_are_none_of_the_demo_and_none_to_learn_from() -> None:
    assert DEMO_CITY_SEED not in AREA_SEEDS
    for seed in (1, DEMO_CITY_SEED, 6000, district_seed("berlin", 0)):
        with pytest.raises(ConfigError, match="area seed"):
            area.plan_area(seed)
    assert area.plan_area(5000) == area.plan_area(5000)
    assert len({area.plan_area(seed).view_share for seed in AREA_SEEDS[:20]}) == 20
    tested = area.plan_area(district_seed("hong_kong", 1))
    assert (tested.name, tested.view_share) == ("Hong Kong, district 1", AVAILABLE_SHARE)
    assert tested.style == style_of(tested.seed) != area.plan_area(5000).style


@pytest.mark.slow
def test_an_area_holds_what_a_search_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(area.plan_area(FEW_VIEWS_SEED), view_share=0.08)
    views: list[object] = []

    def place_views(*arguments: Any) -> Any:
        views.extend(placed := real(*arguments))
        return placed

    real = area.place_views
    monkeypatch.setattr(area, "plan_area", lambda seed: plan)
    monkeypatch.setattr(area, "place_views", place_views)
    monkeypatch.setattr(area, "PANORAMA_PX", 360)
    (folder,) = area.render_areas(tmp_path, [FEW_VIEWS_SEED], 2)
    assert {path.name for path in folder.iterdir()} == {
        "area.geojson", "imagery.tif", "photos", "roads.geojson", "street_views", "truth.csv",
    }  # fmt: skip
    truth = read_truth(folder / "truth.csv")
    assert sorted(truth) == sorted(path.name for path in (folder / "photos").iterdir())
    assert len(list((folder / "street_views").iterdir())) == len(views) > 4
    with (
        rasterio.open(folder / "imagery.tif") as imagery,
        rasterio.open(DEMO_FOLDER / "imagery.tif") as demo,
    ):
        assert imagery.bounds == demo.bounds
        assert np.abs(imagery.read().astype(int) - demo.read()).mean() > 10


def test_areas_are_whole_or_not_there_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_halfway(plan: area.AreaPlan, folder: Path, photos: int) -> None:
        folder.mkdir()
        (folder / "half").touch()
        if plan.seed == 5001:
            raise KeyboardInterrupt

    monkeypatch.setattr(area, "render_area", stop_halfway)
    with pytest.raises(KeyboardInterrupt):
        area.render_areas(tmp_path, [5000, 5001], 1)
    assert [path.name for path in tmp_path.glob("area_*")] == ["area_5000"]
    rendered: list[int] = []
    monkeypatch.setattr(
        area, "render_area", lambda plan, folder, _: (rendered.append(plan.seed), folder.mkdir())
    )
    area.render_areas(tmp_path, [5000, 5001], 1)
    assert rendered == [5001]


@pytest.mark.slow
def test_photos_are_sought_in_their_area_and_in_another(
    demo_areas: list[Path], tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(default_bundle_path(), tmp_path / "model"))
    model, out = load_bundle(bundle), tmp_path / "report"
    kept = out / model.model_hash[:12]
    found = study_areas(demo_areas, bundle, kept)
    own = [photo for photo in found if photo.photo_m is not None]
    assert len(own) == len(found) - len(own) == 4 <= 2 * FOREIGN_PHOTOS
    for photo in found:
        assert len(photo.scores) == len(photo.xy_m) > 15
        assert len(photo.tried.inliers) == 6
        assert bool(photo.right.any()) is (photo.photo_m is not None)
    (file,) = kept.glob("area_1-*.safetensors")
    written = file.stat().st_mtime_ns
    arguments = ["--data", str(demo_areas[0].parent), "--out", str(out), "--bundle", str(bundle)]
    told = CliRunner().invoke(app, ["calibrate-evidence", *arguments, "--write"])
    assert told.exit_code == 0, told.output
    assert "right at rank 1" in told.output
    assert file.stat().st_mtime_ns == written, "what is kept is not sought again"
    after = load_bundle(bundle)
    assert (after.model_hash, after.card) == (model.model_hash, model.card)
    assert after.evidence != model.evidence
    file.write_bytes(b"half a file")
    with pytest.raises(InputError, match="delete it"):
        study_areas(demo_areas, bundle, kept)


def test_one_area_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two areas"):
        study_areas([tmp_path], None, tmp_path)
    told = CliRunner().invoke(app, ["areas", "--out", str(tmp_path), "--seeds", "many"])
    assert told.exit_code == 2
    assert "FIRST:LAST" in told.output
