"""Every row of the paper's tables can be asked for, built and trained by name."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_core.bundle import default_bundle_path, init_bundle, load_bundle
from model_core.config import ModelConfig, StripGeometry, to_mapping
from model_core.errors import BundleError, ConfigError
from model_core.fusion.place_encoder import PlaceEncoder
from training.ablate import Ablation, _set_otherwise, row_config, run_folder
from training.ablation.tables import FULL, TABLES, Row, choose_rows, find_table
from training.losses import matching_loss
from training.matcher import ReferenceShares
from training.train import TrainConfig, read_config

CONFIGS = Path(__file__).resolve().parents[3] / "training" / "configs"
ROWS = [(table.name, row) for table in TABLES.values() for row in table.rows]


@functools.cache
def shape_of(model: ModelConfig) -> tuple[int, ...]:
    """The shape (C, h, bins) of a model's features, without weights."""
    with torch.device("meta"):
        return tuple(PlaceEncoder(model).encode_satellite(torch.empty(1, 3, 64, 128)).shape[1:])


@pytest.fixture
def ablation(tmp_path: Path) -> Ablation:
    return Ablation(tmp_path, tmp_path, tmp_path, steps=50, device="cpu")


def test_every_row_that_the_paper_prints_is_here() -> None:
    names = {name: [row.name for row in table.rows] for name, table in TABLES.items()}
    assert names == {
        "fusion": ["concat", "fc", "awa", "aff", "iaff", "linear"],
        "references": ["svi", "si", "both"],
        "policy": ["strict", "hybrid", "nearest", "synthetic"],
        "calibration": ["none", "metadata", "orb", "sift", "features"],
        "correlation": ["on", "off"],
        "backbones": [
            "vgg16",
            "resnet50",
            "efficientnet_b0",
            "vit",
            "base",
            "ours-none",
            "ours-svi-si",
            "ours-all",
        ],
        "losses": ["triplet", "soft_margin_triplet", "infonce"],
        "headline": ["default", "release", "release-searched", "paper", "linear"],
    }


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[f"{t}-{r.name}" for t, r in ROWS])
def test_every_row_builds_its_model(table: str, row: Row, ablation: Ablation) -> None:
    config = row_config(row, ablation, seed=3)
    assert (config.matcher.steps, config.matcher.seed) == (50, 3)
    assert config.model.geometry == TrainConfig().model.geometry
    assert callable(matching_loss(config.matcher.loss))
    channels, rows, bins = shape_of(config.model)
    assert (channels, rows) == (16, config.model.feature_height)
    assert bins == config.model.azimuth_bins == 16


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_rows_differ_in_what_the_table_is_about_alone(table, ablation: Ablation) -> None:
    shared = [
        to_mapping(replace(row_config(row, ablation, 1), model=TrainConfig().model))
        for row in table.rows
        if row.preset == "default"
    ]
    for config in shared:
        config["matcher"].pop("loss")
    assert all(config == shared[0] for config in shared)


@pytest.mark.parametrize("name", ["paper", "release", "release-searched"])
def test_rivals_learn_from_both_references_beside_any_recipe(name: str, ablation: Ablation) -> None:
    own = read_config(CONFIGS / f"{name.split('-')[0]}.yaml").matcher
    assert own.references == ReferenceShares(si=0.0, svi=0.0, both=1.0, all=0.0)
    (row,) = choose_rows(find_table("headline"), (name,)).rows
    beside = replace(ablation, base=read_config(CONFIGS / "gpu.yaml"))
    found = row_config(row, beside, seed=1).matcher
    assert found.references == own.references
    assert found.layout_weight == own.layout_weight == 0.0
    assert "layouts" in find_table("headline").note


def test_rows_have_equal_steps_whatever_patience_their_configuration_asks_for(
    ablation: Ablation,
) -> None:
    patient = replace(ablation, base=replace(TrainConfig(), patience=4), options=("patience=3",))
    (row, *_) = TABLES["fusion"].rows
    assert row_config(row, patient, 1) == row_config(row, ablation, 1)
    assert run_folder(row, patient, 1) == run_folder(row, ablation, 1)


def test_trainings_from_other_weights_of_the_same_path_are_others(
    ablation: Ablation, tmp_path: Path
) -> None:
    (row, *_) = TABLES["fusion"].rows
    config, data = ModelConfig(backbone="atto"), tmp_path / "data"
    data.mkdir()

    def folder(start_from: Path | str) -> Path:
        options = (f"start_from={start_from}",)
        return run_folder(row, replace(ablation, data=data, options=options), 1)

    first, second = (init_bundle(tmp_path / name, config, seed=0) for name in ("one", "two"))
    before = folder(first)
    assert before == folder(second) != folder("null")
    init_bundle(first, config, seed=1)
    assert folder(first) != before == folder(second)
    assert folder("packaged") == folder(default_bundle_path())
    with pytest.raises(BundleError):
        folder(tmp_path / "nowhere")


def test_reports_say_what_is_set_otherwise_than_by_default(ablation: Ablation) -> None:
    options = ("matcher.references.si=0.25", "start_from=packaged")
    given = replace(
        ablation, base=replace(TrainConfig(), batch=7, pretrained=True), options=options
    )
    said = _set_otherwise(row_config(Row("default"), given, 1))
    begun = f"packaged (model {load_bundle(default_bundle_path()).model_hash[:12]})"
    assert said["start_from"] == begun
    assert (said["matcher.references.si"], said["pretrained"]) == (0.25, True)
    assert not {"batch", "matcher.steps", "matcher.learning_rate"} & set(said)


def test_the_papers_best_row_is_the_same_in_every_table() -> None:
    best = [
        max(row.paper.same[0] for row in table.rows if row.paper)
        for name, table in TABLES.items()
        if name not in ("policy", "headline")
    ]
    assert set(best) == {FULL.same[0]}


def test_an_option_for_all_rows_does_not_undo_what_a_row_is_about(ablation: Ablation) -> None:
    options = ("model.fusion=aff", "model.backbone=atto", "model.geometry.width=256", "batch=7")
    given = replace(ablation, options=options)
    rows = {row.name: row_config(row, given, 1) for row in TABLES["headline"].rows}
    assert rows["linear"].model.fusion == "linear"
    assert rows["default"].model.fusion == "aff"
    assert rows["release"].model.backbone == "atto"
    assert rows["release"].model.shared_weights == "none"
    frame = StripGeometry(height=64, width=256)
    assert all(config.model.geometry == frame and config.batch == 7 for config in rows.values())


def test_release_is_scored_as_it_scores_itself_and_with_our_search() -> None:
    rows = {row.name: row for row in TABLES["headline"].rows}
    assert rows["release"].scored == ("heading_search=false",)
    assert rows["release"].gallery == "photos"
    assert rows["release-searched"].scored == ()
    assert {row.gallery for name, row in rows.items() if name != "release"} == {"places"}
    assert rows["release"].options == rows["release-searched"].options
    assert [name for name, row in rows.items() if not row.searches] == ["release"]
    assert [row.searches for row in TABLES["correlation"].rows] == [True, False]


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="fusion, references, policy"):
        find_table("optimisers")
    with pytest.raises(ConfigError, match="concat, fc"):
        choose_rows(TABLES["fusion"], ("sum",))
    assert [r.name for r in choose_rows(TABLES["fusion"], ("iaff",)).rows] == ["iaff"]
