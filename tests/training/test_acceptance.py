"""From configuration files to a located photo: both models, two steps each, in one bundle."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from model_core.bundle import load_bundle
from model_core.config import LocateConfig, StreetViewConfig, VerificationConfig
from model_core.errors import ConfigError
from model_core.pipeline import LocateRequest, locate
from model_core.references.survey import Sources
from training.cli import app
from training.export import export_run
from training.run_config import read_run_config
from training.train import read_config, train
from training.train_panogan import PanoGANTrainConfig, train_panogan

CONFIGS = Path(__file__).resolve().parents[2] / "training" / "configs"
CPU = torch.device("cpu")
TINY = ("precision=32-true", "batch=6", "cities_per_batch=1", "matcher.windows_per_photo=1")


@dataclass(frozen=True)
class Made:
    """The folders of both runs, and what was said while they were made."""

    matcher: Path
    generator: Path
    bundle: Path
    lines: tuple[str, ...]


def run(*arguments: object) -> str:
    """Run a command of the training package and return what it printed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def stops_after(steps: int):
    """Seconds such that a run of two minutes stops after some steps: one look a step."""
    return itertools.chain([0.0], [1.0] * (steps - 1), itertools.repeat(1e4)).__next__


@pytest.fixture(scope="module")
def made(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Both models, the matcher stopped after a step and resumed, exported into one bundle."""
    out = tmp_path_factory.mktemp("acceptance")
    data, lines = (world / "train", world / "held_out"), list[str]()
    matcher, generator, bundle = out / "matcher", out / "generator", out / "bundle"
    config = read_config(CONFIGS / "smoke.yaml")
    train(*data, matcher, config, minutes=2, say=lines.append, clock=stops_after(1))
    assert load_bundle(matcher / "bundle").training["steps"] == 1
    train(*data, matcher, config, resume=True, say=lines.append)
    recipe = read_run_config(PanoGANTrainConfig, CONFIGS / "panogan_smoke.yaml")
    train_panogan(*data, generator, recipe, CPU, say=lines.append)
    where = ("--run", matcher, "--out", bundle, "--generator", generator)
    run("export", *where, "--name", "tiny", "--packaged")
    return Made(matcher, generator, bundle, tuple(lines))


@pytest.mark.slow
def test_both_models_are_trained_resumed_and_exported_into_one_bundle(made: Made) -> None:
    assert "resumed at step 1" in made.lines
    assert any("chance" in line for line in made.lines)
    assert list((made.matcher / "tensorboard").iterdir())
    history = json.loads((made.matcher / "history.json").read_text())
    assert [row["step"] for row in history] == [1, 2]
    model = load_bundle(made.bundle)
    assert model.generator is not None
    assert model.street_view_trained
    assert model.training["steps"] == 2
    assert model.training["synthesis"]["rows"][0]["name"] == "PanoGAN, second pass"
    assert model.card.startswith("# Model card: tiny")
    for said in ("Rendered cities only", "Must not be used", "chance R@1", "| 1 cities |"):
        assert said in model.card
    assert model.card.count("## Made street views") == 1


@pytest.mark.slow
def test_the_engine_locates_a_photo_with_the_bundle_and_made_street_views(
    made: Made, repository: Path, tmp_path: Path
) -> None:
    demo = repository / "resources" / "demo"
    config = LocateConfig(
        street_view=StreetViewConfig(policy="synthetic"),
        verification=VerificationConfig(budget_views=0),
    )
    request = LocateRequest(
        photos=(demo / "photos" / "photo_01.jpg",),
        area="13.4197,46.9802,13.4208,46.9809",
        sources=Sources(imagery=str(demo / "imagery.tif"), roads=str(demo / "roads.geojson")),
        bundle=made.bundle,
        gallery=tmp_path / "gallery",
        config=config,
    )
    outcome = locate(request)
    (result,) = outcome.results
    assert not result.error
    assert {candidate.street_view for candidate in result.candidates} == {"synthetic"}
    model = load_bundle(made.bundle)
    assert outcome.provenance.model_hash == model.model_hash
    assert outcome.provenance.settings["generator_hash"] == model.generator_hash
    (counts,) = (note for note in outcome.notes if "with imagery" in note)
    assert "0 with a street view" in counts
    assert "with one made" in counts


@pytest.mark.slow
def test_the_bundle_is_scored_with_made_street_views_and_beside_every_fill_in(
    made: Made, world: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    command = ("evaluate", "--data", world / "held_out", "--bundle", made.bundle, "--out", out)
    run(*command, "--policy", "synthetic", "--fov", "90", "--samples", 5, "--device", "cpu")
    report = json.loads(out.read_text())
    mixed = {row["policy"]: row for row in report["rows"] if row["fov"] == "45-120"}
    assert set(mixed) == {
        "strict", "hybrid", "nearest", "synthetic", "mask", "mean", "satellite"
    }  # fmt: skip
    assert {row["policy"] for row in report["rows"] if row["fov"] == "90"} == {"synthetic"}
    assert not any("no street-view generator" in note for note in report["notes"])
    assert mixed["synthetic"]["photos"] == mixed["nearest"]["photos"] > 0


@pytest.mark.slow
def test_the_table_of_policies_is_filled_with_a_generator_that_is_given(
    made: Made, world: Path, tmp_path: Path
) -> None:
    where = ("--data", world / "train", "--held-out", world / "held_out", "--out", tmp_path)
    sets = [part for option in TINY for part in ("--set", option)]
    size = ("--steps", 1, "--seeds", 1, "--device", "cpu", *sets)
    run("ablate", "--table", "policy", *where, *size)
    rows = json.loads((tmp_path / "policy.json").read_text())["rows"]
    assert [row["name"] for row in rows if row["ours"]["cross"] is None] == ["synthetic"]
    run("ablate", "--table", "policy", *where, *size, "--generator", made.generator)
    rows = json.loads((tmp_path / "policy.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["strict", "hybrid", "nearest", "synthetic"]
    assert all(row["ours"]["cross"]["chance"] > 0.0 for row in rows)
    (scored,) = (tmp_path / "runs").glob("*/seed_1/bundle_*")
    assert load_bundle(scored).generator is not None


def test_a_generator_of_another_frame_is_not_exported(made: Made, tmp_path: Path) -> None:
    run_folder = tmp_path / "generator"
    run_folder.mkdir()
    for path in made.generator.iterdir():
        if path.is_file():
            (run_folder / path.name).write_bytes(path.read_bytes())
    options = json.loads((run_folder / "config.json").read_text())
    options["model"]["geometry"]["footprint_m"] = 50.0
    (run_folder / "config.json").write_text(json.dumps(options))
    with pytest.raises(ConfigError, match="another frame"):
        export_run(made.matcher, tmp_path / "out", generator=run_folder)
