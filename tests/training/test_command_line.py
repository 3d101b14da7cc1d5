"""The command line of training, as the QGIS plugin runs it: lines to follow, figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_core.bundle import default_bundle_path, load_bundle
from model_core.errors import ConfigError
from training.cli import app
from training.train import override, read_config

RUN = CliRunner()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with one rendered city, and what was printed."""
    folder = tmp_path_factory.mktemp("cities")
    options = ["--cities", "7:8", "--places", "6", "--width", "128", "--device", "cpu"]
    result = RUN.invoke(app, ["render", "--out", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result.output


@pytest.mark.slow
def test_rendering_says_each_city_on_a_line_of_its_own(city: tuple[Path, str]) -> None:
    assert "city 7: 1 of 1" in city[1].splitlines()


@pytest.mark.slow
def test_evaluating_writes_the_figures_with_the_model_they_are_of(
    city: tuple[Path, str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "figures.json"
    arguments = ["evaluate", "--data", str(city[0]), "--device", "cpu", "--out", str(out)]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "street view" in result.output
    report = json.loads(out.read_text())
    assert report["model_hash"] == load_bundle(default_bundle_path()).model_hash
    assert report["places"] <= 6
    kinds = {(figure["kind"], figure["fov_deg"]) for figure in report["figures"]}
    assert {("si", 70.0), ("svi", 70.0), ("both", 360.0)} <= kinds
    for figure in report["figures"]:
        assert 0.0 <= figure["recall_at_1"] <= figure["recall_at_5"] <= 1.0
        assert 0.0 < figure["chance"] <= 1.0


def test_evaluating_nothing_says_how_to_render(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["evaluate", "--data", str(tmp_path), "--device", "cpu"])
    assert result.exit_code == 2
    assert "holds no rendered city" in " ".join(result.output.split())


def test_options_are_overridden_by_name() -> None:
    config = override(read_config(None), ["matcher.steps=7", "accelerator=cpu"])
    assert (config.matcher.steps, config.accelerator) == (7, "cpu")
    assert config.batch == read_config(None).batch


def test_unknown_option_of_training_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="matcher"):
        override(read_config(None), ["matcher.stepps=7"])
