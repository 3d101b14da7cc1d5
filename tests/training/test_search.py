"""Whole searches of areas, scored: figures of hand-made rows, and a small area all the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from model_core.bundle import default_bundle_path, load_bundle
from model_core.scoring import ScoreRow
from model_core.types import PhotoResult
from training import search
from training.cli import app
from training.model_card import rewrite_card
from training.search import search_figures, write_search
from training.search_figures import SearchFigures, search_markdown


def row(
    right_rank: int | None, probability: float = 0.5, near: bool = True, elsewhere: float = 0.0
) -> ScoreRow:
    away_m = 5.0 if right_rank == 1 else 90.0
    return ScoreRow(
        photo="p.jpg",
        rank1_m=away_m,
        best_of_top_m=away_m,
        heading_error_deg=3.0,
        probability=probability,
        not_in_area=False,
        near_street_view=near,
        places_near=2,
        places=50,
        right_rank=right_rank,
        probability_elsewhere=elsewhere,
    )


def test_figures_count_right_candidates_of_all_areas() -> None:
    first = {"both": [row(1), row(4, near=False)], "retrieval alone": [row(2), row(None)]}
    second = {"both": [row(1), row(7)], "retrieval alone": [row(11), row(1)]}
    figures = {one.mode: one for one in search_figures([first, second])}
    both = figures["both"]
    assert (both.photos, both.places) == (4, 100)
    assert both.recall == (0.5, 0.75, 1.0)
    assert figures["retrieval alone"].recall == (0.25, 0.5, 0.5)
    assert both.chance == pytest.approx(2 / 50)
    assert both.heading_error_deg == 3.0
    assert 0.0 <= both.interval[0] <= 0.5 <= both.interval[1] <= 1.0
    assert figures["both, street view near"].recall[0] == pytest.approx(2 / 3)
    assert figures["both, none near"].photos == 1


def test_probabilities_are_compared_with_what_was_right() -> None:
    honest = search_figures([{"both": [row(1, 0.5), row(3, 0.5)]}])[0]
    boastful = search_figures([{"both": [row(1, 0.95), row(3, 0.95)]}])[0]
    assert honest.calibration_error == pytest.approx(0.0)
    assert boastful.calibration_error == pytest.approx(0.45)
    assert boastful.probability == pytest.approx(0.95)
    unsure = search_figures([{"both": [row(1, 0.2, elsewhere=0.6), row(3, 0.2, elsewhere=0.6)]}])[0]
    assert unsure.probability == pytest.approx(0.5), "of photos that are known to be of the area"
    assert unsure.calibration_error == pytest.approx(0.0)


def test_figures_are_written_as_json_and_as_a_table(tmp_path: Path) -> None:
    write_search(search_figures([{"both": [row(1), row(3)]}]), tmp_path / "new")
    assert json.loads((tmp_path / "new" / "search.json").read_text())[0]["recall"] == [0.5, 1, 1]
    table = (tmp_path / "new" / "search.md").read_text()
    assert "| both | 2 | 50.0% | 100.0% | 100.0% |" in table
    assert len({line.count("|") for line in table.splitlines() if line.startswith("|")}) == 1


def test_a_folder_without_areas_is_refused(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["search", "--data", str(tmp_path), "--out", str(tmp_path)])
    assert told.exit_code == 2
    assert "no area to search" in told.output


def test_a_photo_that_could_not_be_sought_is_not_left_out_of_the_figures(
    demo_areas: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = PhotoResult(Path("photo_02.jpg"), error="the file is damaged")
    monkeypatch.setattr(search, "locate", lambda *_, **__: SimpleNamespace(results=(failed,)))
    arguments = ["--data", str(demo_areas[0].parent), "--out", str(tmp_path / "report")]
    told = CliRunner().invoke(app, ["search", *arguments])
    assert told.exit_code == 2
    assert "photo_02.jpg: the file is damaged" in " ".join(told.output.split())
    assert not list(tmp_path.glob("report/*/*.json"))


@pytest.mark.slow
def test_an_area_is_searched_once_and_kept(demo_areas: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["search", "--data", str(demo_areas[0].parent), "--out", str(out)]
    (demo_areas[1] / "truth.csv").unlink()  # an area that is not finished is left alone
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    figures = {one["mode"]: one for one in json.loads((out / "search.json").read_text())}
    assert {"retrieval alone", "verification alone", "both"} <= set(figures)
    assert figures["both"]["photos"] == 2
    assert figures["both"]["places"] > 15
    (kept,) = out.glob("*/area_1-*.json")
    written = json.loads(kept.read_text())
    written["both"][0]["right_rank"] = None  # what is kept is used: nothing is sought again
    written["both"][1]["right_rank"] = 1
    kept.write_text(json.dumps(written))
    assert CliRunner().invoke(app, arguments).exit_code == 0
    again = {one["mode"]: one for one in json.loads((out / "search.json").read_text())}
    assert again["both"]["recall"][0] == 0.5
    bundle = tmp_path / "model"
    shutil.copytree(default_bundle_path(), bundle)
    told = CliRunner().invoke(app, [*arguments, "--bundle", str(bundle), "--card"])
    assert told.exit_code == 0, told.output
    model, before = load_bundle(bundle), load_bundle(default_bundle_path())
    assert model.model_hash == before.model_hash
    assert "(areas: 1," in model.card
    assert search_markdown([SearchFigures(**again["both"])]).splitlines()[-1] in model.card
    for kept_part in ("**Real pairs**", "## Made street views"):
        assert model.card.count(kept_part) == before.card.count(kept_part) == 1
    text = rewrite_card(model.config, {**model.training, "steps": 1}, model.card)
    assert "(areas: 1," in text, "figures of an evaluation leave them"
    kept.write_text("{")
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 2
    assert "delete it, and run again" in " ".join(told.output.split())
