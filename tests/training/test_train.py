"""Training end to end at the smallest size: render, two steps, resume, export, locate, refuse."""

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model_core.bundle import load_bundle
from model_core.config import ModelConfig, StripGeometry
from model_core.errors import BundleError, ConfigError, InputError
from training.datasets.rendered import load_rendered, render_dataset
from training.matcher import MatcherConfig, ReferenceShares
from training.run_config import read_run_config
from training.train import TrainConfig, override, read_config, train
from training.train_config import MiningConfig
from training.train_panogan import PanoGANTrainConfig

CONFIGS = Path(__file__).resolve().parents[2] / "training" / "configs"
CONFIG = CONFIGS / "smoke.yaml"


def clock_that_stops_after(steps: int):
    """Seconds such that a run of two minutes stops after some steps: one look a step."""
    late = 10_000.0
    return itertools.chain([0.0], [1.0] * (steps - 1), itertools.repeat(late)).__next__


@pytest.mark.slow
def test_a_resumed_run_ends_where_an_unbroken_one_does(world: Path, tmp_path: Path):
    data = (world / "train", world / "held_out")
    config = TrainConfig(
        matcher=MatcherConfig(
            steps=4, windows_per_photo=1, references=ReferenceShares(all=0.5), warmup_steps=2
        ),
        mining=MiningConfig(from_step=2, negatives=4),
        batch=6,
        cities_per_batch=1,
        evaluate_every=2,
        precision="32-true",
        accelerator="cpu",
    )
    quiet = list[str]().append
    killed = tmp_path / "killed"
    looks = itertools.count()

    def kept_in_the_third_step() -> float:
        if next(looks) == 3:
            shutil.copytree(tmp_path / "whole", killed)
        return 0.0

    train(*data, tmp_path / "whole", config, say=quiet, clock=kept_in_the_third_step)
    train(*data, killed, config, resume=True, say=quiet)
    broken = tmp_path / "broken"
    train(*data, broken, config, minutes=2, say=quiet, clock=clock_that_stops_after(3))
    train(*data, broken, config, resume=True, say=quiet)
    whole = load_file(tmp_path / "whole" / "last.safetensors")
    assert "stream.hard_negatives" in whole
    for run in (broken, killed):
        resumed = load_file(run / "last.safetensors")
        assert set(whole) == set(resumed)
        for name, value in whole.items():
            assert torch.allclose(value, resumed[name], atol=1e-6, rtol=0.0), name


@pytest.mark.slow
def test_a_run_stops_when_recall_rises_no_more_and_is_exported_at_its_best(
    world: Path, tmp_path: Path
):
    config = override(
        read_config(CONFIG),
        ["matcher.steps=50", "matcher.learning_rate=0", "evaluate_every=1", "patience=2"],
    )
    data = (world / "train", world / "held_out")
    bundle = train(*data, tmp_path / "run", config, say=list[str]().append)
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["step"] for row in history] == [1, 2, 3]
    assert load_bundle(bundle).training["steps"] == 1
    train(*data, tmp_path / "run", config, resume=True, say=list[str]().append)
    again = json.loads((tmp_path / "run" / "history.json").read_text())
    assert again == history, "a run whose patience is spent learns nothing more"


@pytest.mark.slow
def test_a_run_that_never_gets_better_than_its_start_is_exported_as_it_began(
    world: Path, tmp_path: Path
):
    tiny = ["matcher.windows_per_photo=1", "batch=6", "patience=1", "evaluate_every=2"]
    still = ["matcher.steps=50", "matcher.learning_rate=0"]
    config = override(read_config(CONFIGS / "custom_city.yaml"), [*tiny, *still])
    data, run = (world / "train", world / "held_out"), tmp_path / "run"
    train(*data, run, config, minutes=2, say=list[str]().append, clock=clock_that_stops_after(1))
    history = json.loads((run / "history.json").read_text())
    assert [row["step"] for row in history] == [0, 1]
    said: list[str] = []
    bundle = train(*data, run, config, resume=True, say=said.append)
    history = json.loads((run / "history.json").read_text())
    steps = [row["step"] for row in history]
    assert steps == [0, 1, 2], "what was judged where the run was stopped spends no patience"
    assert load_bundle(bundle).training["steps"] == 0
    assert "no step found more than the weights it began with" in " ".join(said)


def test_a_run_folder_is_guarded(tmp_path: Path, world: Path):
    data = (world / "train", world / "held_out")
    run = tmp_path / "run"
    config = override(read_config(CONFIG), ["matcher.steps=1", "matcher.windows_per_photo=1"])
    train(*data, run, config, say=list[str]().append)
    with pytest.raises(ConfigError, match="--resume"):
        train(*data, run, config)
    other = override(config, ["matcher.steps=3", "batch=9"])
    with pytest.raises(ConfigError, match=r"batch is 8 there, 9 here; matcher.steps is 1 there, 3"):
        train(*data, run, other, resume=True)
    noted = (run / "run.json").read_bytes()
    with pytest.raises(ConfigError, match=r"as --data: \d+ of train there, \d+ of held_out here"):
        train(data[1], data[1], run, config, resume=True)
    assert (run / "run.json").read_bytes() == noted
    with pytest.raises(ConfigError, match="no checkpoint"):
        train(*data, tmp_path / "new", config, resume=True)
    (run / "last.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="no checkpoint of this run"):
        train(*data, run, config, resume=True)


@pytest.mark.slow
def test_a_resumed_run_still_says_what_its_first_weights_had_learned_from(
    world: Path, tmp_path: Path
):
    data, quiet = (world / "train", world / "held_out"), list[str]().append
    tiny = ["matcher.windows_per_photo=1", "batch=6", "evaluate_every=1"]
    config = override(read_config(CONFIG), [*tiny, "matcher.steps=1"])
    first = train(*data, tmp_path / "first", config, say=quiet)
    later = override(config, ["matcher.steps=2", f"start_from={first}"])
    run = tmp_path / "second"
    train(*data, run, later, minutes=2, say=quiet, clock=clock_that_stops_after(1))
    bundle = train(*data, run, later, resume=True, say=quiet)
    training = load_bundle(bundle).training
    (stage,) = training["before"]
    assert (stage["command"], stage["steps"], training["steps"]) == ("train", 1, 2)
    assert stage["sources"] == training["sources"]


@pytest.mark.slow
def test_rendering_again_keeps_whole_cities_and_redoes_missing_ones(world: Path, tmp_path: Path):
    cpu = torch.device("cpu")
    city = world / "train" / "city_00003"
    before = (city / "query.npy").stat().st_mtime_ns
    render_dataset(world / "train", [3], 12, StripGeometry(), cpu)
    assert (city / "query.npy").stat().st_mtime_ns == before
    places = load_rendered(world / "train", ModelConfig())
    assert len(places) <= 12
    assert places.query.shape[1:] == (2, 64, 128, 3)


@pytest.mark.slow
def test_one_folder_is_parted_so_that_what_is_watched_is_not_learnt(world: Path, tmp_path: Path):
    folder = world / "train"
    config = override(read_config(CONFIG), ["matcher.steps=1", "precision=bf16-mixed"])
    train(folder, folder, tmp_path / "run", config, say=list[str]().append)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    places = len(load_rendered(folder, config.model))
    assert 0 < about["held_out_places"] < about["places"]
    assert about["places"] + about["held_out_places"] < places


def test_a_set_of_other_strips_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no rendered city"):
        load_rendered(tmp_path, ModelConfig())


@pytest.mark.parametrize(("stride", "bins"), [(2, 64), (4, 32), (8, 16)])
def test_rendered_labels_come_in_the_models_bins(world: Path, stride: int, bins: int):
    rendered = np.load(world / "train" / "city_00003" / "layout.npy").astype(np.float32)
    labels = load_rendered(world / "train", ModelConfig(width_stride=stride)).layout
    assert labels.shape[1] == bins
    there = np.repeat(rendered, 2, axis=1)
    there = there.reshape(len(there), bins, 64 // bins, -1).mean(axis=2)
    np.testing.assert_allclose(labels, there, rtol=2e-3, atol=1e-3)


def test_bins_that_rendered_labels_do_not_fit_are_refused(world: Path):
    with pytest.raises(ConfigError, match=r"has 25 bins .* have 32; choose .* 16, 32 or 64"):
        load_rendered(world / "train", ModelConfig(width_stride=5))


def test_cities_of_another_version_of_the_renderer_are_refused(world: Path, tmp_path: Path):
    shutil.copytree(world / "train", tmp_path / "old")
    facts_file = tmp_path / "old" / "city_00003" / "district.json"
    facts_file.write_text(json.dumps({**json.loads(facts_file.read_text()), "renderer": 2}))
    with pytest.raises(InputError, match="rendered by version 2, this is version 3"):
        load_rendered(tmp_path / "old", ModelConfig())


def test_imagenet_weights_need_a_network_and_a_backbone_that_has_them(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    data = (world / "train", world / "held_out")
    config = override(read_config(CONFIG), ["pretrained=true"])
    with pytest.raises(ConfigError, match="no ImageNet weights"):
        train(*data, tmp_path / "atto", config, say=list[str]().append)
    tiny = override(config, ["model.backbone=tiny"])
    with pytest.raises(BundleError, match="check the network"):
        train(*data, tmp_path / "tiny", tiny, say=list[str]().append)


def test_an_unknown_option_of_a_run_is_named(tmp_path: Path):
    path = tmp_path / "run.yaml"
    path.write_text("matcher:\n  stepz: 3\n")
    with pytest.raises(ConfigError, match=r"matcher\.stepz"):
        read_config(path)


RECIPES = sorted(CONFIGS.glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_one(path: Path):
    if path.stem.startswith("panogan"):
        assert read_run_config(PanoGANTrainConfig, path) != PanoGANTrainConfig()
        return
    config = read_config(path)
    if path.stem in ("paper", "release"):
        assert config.model.preset == path.stem
        assert config.model.backbone == "base"
        smaller = override(config, ["model.geometry.width=256", "model.geometry.height=64"])
        assert smaller.model.geometry.footprint_m == 50.0
        assert smaller.model.azimuth_bins == 8


def test_a_preset_that_is_named_brings_its_own_model():
    config = override(read_config(CONFIG), ["model.preset=release", "model.backbone=atto"])
    assert config.model.shared_weights == "none"
    assert (config.model.geometry.footprint_m, config.model.backbone) == (50.0, "atto")
    assert dataclasses.replace(config, model=ModelConfig()) == read_config(CONFIG)
    with pytest.raises(ConfigError, match="known here: default, paper, release"):
        override(config, ["model.preset=unheard"])
