"""Training end to end at the smallest size: render, two steps, bundle, resume, refuse."""

from pathlib import Path

import pytest
import torch

from model_core.bundle import load_bundle
from model_core.config import ModelConfig, StripGeometry
from model_core.errors import ConfigError, InputError
from training.datasets.rendered import load_rendered, render_dataset
from training.train import read_config, train

CONFIG = Path(__file__).resolve().parents[2] / "training" / "configs" / "smoke.yaml"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    cpu = torch.device("cpu")
    render_dataset(folder / "train", [3], 10, StripGeometry(), cpu)
    render_dataset(folder / "held_out", [4100], 6, StripGeometry(), cpu)
    return folder


@pytest.mark.slow
def test_two_steps_make_a_bundle_that_loads_resumes_and_guards_its_folder(
    rendered: Path, tmp_path: Path
):
    config = read_config(CONFIG)
    lines: list[str] = []
    data = (rendered / "train", rendered / "held_out")
    bundle = train(*data, tmp_path / "run", config, say=lines.append)
    model = load_bundle(bundle)
    assert model.street_view_trained
    assert model.training["steps"] == 2
    assert "Held-out rendered cities" in model.card
    assert any("chance" in line for line in lines)

    again = train(*data, tmp_path / "run", config, resume=True, say=lines.append)
    assert load_bundle(again).model_hash == model.model_hash  # no steps were left to do

    other = tmp_path / "other.yaml"
    other.write_text(CONFIG.read_text().replace("steps: 2", "steps: 3"))
    with pytest.raises(ConfigError, match="another run"):
        train(*data, tmp_path / "run", read_config(other), resume=True, say=lines.append)


@pytest.mark.slow
def test_rendering_again_keeps_whole_cities_and_redoes_missing_ones(rendered: Path, tmp_path: Path):
    cpu = torch.device("cpu")
    city = rendered / "train" / "city_00003"
    before = (city / "query.npy").stat().st_mtime_ns
    render_dataset(rendered / "train", [3], 10, StripGeometry(), cpu)
    assert (city / "query.npy").stat().st_mtime_ns == before
    places = load_rendered(rendered / "train", ModelConfig())
    assert len(places) <= 10
    assert places.query.shape[1:] == (2, 64, 128, 3)


def test_a_set_of_other_strips_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no rendered city"):
        load_rendered(tmp_path, ModelConfig())


def test_an_unknown_option_of_a_run_is_named(tmp_path: Path):
    path = tmp_path / "run.yaml"
    path.write_text("matcher:\n  stepz: 3\n")
    with pytest.raises(ConfigError, match=r"matcher\.stepz"):
        read_config(path)
