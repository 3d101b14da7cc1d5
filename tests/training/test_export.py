"""From a run folder to a bundle: its card, its size, and what is said of a folder that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from model_core.bundle import load_bundle
from model_core.config import ModelConfig, StreetViewConfig, StripGeometry, to_mapping
from model_core.errors import BundleError, ConfigError, InputError
from model_core.fusion.place_encoder import PlaceEncoder
from training.checkpoint import write_averaged
from training.data_sources import data_sources
from training.export import export_run
from training.model_card import write_card
from training.train import TrainConfig
from training.world.version import RENDERER_VERSION

MODEL = ModelConfig(geometry=StripGeometry(height=32, width=64, satellite_px=32), feature_height=2)
RECALL = {
    "kind": "si",
    "fov_deg": 90.0,
    "photos": 40,
    "recall_at_1": 0.25,
    "recall_at_5": 0.5,
    "chance": 0.05,
    "median_heading_error_deg": 12.0,
}


def make_run(folder: Path, model: ModelConfig = MODEL) -> Path:
    """A run folder as train leaves it."""
    folder.mkdir()
    options = json.dumps(to_mapping(TrainConfig(model=model)))
    (folder / "config.json").write_text(options)
    source = {"name": "city", "provider": "Mapillary", "licence": "CC BY-SA 4.0", "images": 12}
    (folder / "run.json").write_text(
        json.dumps({"device": "NVIDIA H100", "places": 12, "sources": [source]})
    )
    (folder / "history.json").write_text(json.dumps([{"step": 7, "recalls": [RECALL]}]))
    torch.manual_seed(3)
    write_averaged(folder / "last.safetensors", PlaceEncoder(model), 7)
    return folder


def test_a_card_names_data_licences_device_size_and_chance(tmp_path: Path) -> None:
    model = load_bundle(export_run(make_run(tmp_path / "run"), tmp_path / "out"))
    row = "| city | Mapillary | CC BY-SA 4.0 | 12 images |"
    for said in (
        row,
        "| satellite |",
        "NVIDIA H100",
        "25.0%",
        "5.0%",
        "7 steps",
        "MB",
        "matcher 11",
    ):
        assert said in model.card
    assert "Rendered cities only" not in model.card


def test_figures_of_an_evaluation_go_into_the_card(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"figures": [{**RECALL, "recall_at_1": 0.777}]}))
    run = make_run(tmp_path / "run")
    model = load_bundle(export_run(run, tmp_path / "out", figures=figures))
    assert "77.7%" in model.card
    assert "25.0%" not in model.card
    figures.write_text("{}")
    with pytest.raises(InputError, match="holds no figures"):
        export_run(run, tmp_path / "out", figures=figures)
    figures.write_text(json.dumps({"figures": [RECALL], "model_hash": "of another"}))
    with pytest.raises(InputError, match="of another model"):
        export_run(run, tmp_path / "out", figures=figures)
    figures.write_text(json.dumps({"figures": [RECALL], "model_hash": model.model_hash}))
    export_run(run, tmp_path / "out", figures=figures)
    figures.write_text(json.dumps({"figures": [RECALL], "options": {"gallery": "photos"}}))
    with pytest.raises(ConfigError, match="not of --gallery photos"):
        export_run(run, tmp_path / "out", figures=figures)


def test_a_card_says_where_figures_are_of_places_that_the_training_was_watched_by(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "run")
    noted = json.loads((run / "run.json").read_text())
    watched = {"name": "lund", "provider": "Mapillary", "licence": "CC BY-SA 4.0", "images": 3}
    (run / "run.json").write_text(json.dumps({**noted, "held_out_sources": [watched]}))
    card = load_bundle(export_run(run, tmp_path / "out")).card
    assert "| satellite | lund |" in card
    assert "watched by the places of lund" in card
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"figures": [RECALL], "data": "build/malmo"}))
    card = load_bundle(export_run(run, tmp_path / "out", figures=figures)).card
    assert "| satellite | malmo |" in card
    assert "watched by" not in card


RENDERED = {"name": "all", "provider": "rendered", "licence": "made here", "cities": 3}


@pytest.mark.parametrize(
    ("changed", "rendered"),
    [
        ({}, True),
        ({"train": {"pretrained": True}}, False),
        ({"before": [{"steps": 5, "sources": [{**RENDERED, "licence": "ODbL 1.0"}]}]}, True),
        ({"before": [{"steps": 5, "sources": []}]}, False),
        ({"before": [{"steps": 5, "sources": [RENDERED], "pretrained": True}]}, False),
    ],
)
def test_a_card_claims_rendered_cities_alone_only_of_all_stages(
    changed: dict[str, Any], rendered: bool
) -> None:
    summary = {"steps": 7, "sources": [RENDERED], "held_out": [RECALL], **changed}
    card = write_card(MODEL, summary)
    assert ("Rendered cities only" in card) == rendered
    for stage in changed.get("before", ()):
        for source in stage["sources"]:
            assert f"| all, 5 steps | rendered | {source['licence']} | 3 cities |" in card


def test_one_percent_of_a_small_gallery_is_no_column(tmp_path: Path) -> None:
    rows = [{**RECALL, "recall_at_10": 0.6, "recall_at_1_percent": 0.25}]
    summary = {"steps": 7, "held_out": rows}
    assert "R@1%" not in write_card(MODEL, summary)
    rows.append({**rows[0], "recall_at_1_percent": 0.3})
    assert "R@1%" in write_card(MODEL, summary)


def policy_row(policy: str, recall: float, queries: str = "all", **fields: Any) -> dict[str, Any]:
    """A row of a report: 40 photos, 30 of places with a street view in time."""
    row = {"model": "model", "kind": "both", "policy": policy, "fov": "45-120", "search": "full"}
    shares = {"R@1 25m": {"value": recall, "low": 0.0, "high": 1.0, "chance": 0.05}}
    photos = 40 if queries == "all" else 30
    return {**row, "state": "all", "queries": queries, "photos": photos, "shares": shares, **fields}


@pytest.mark.parametrize(("hybrid", "best"), [(0.5, "nearest"), (0.7, "hybrid")])
def test_the_card_says_which_policy_finds_most(tmp_path: Path, hybrid: float, best: str) -> None:
    rows = [
        policy_row("hybrid", hybrid),
        policy_row("hybrid", 0.6, "common"),
        policy_row("nearest", 0.55),
        policy_row("strict", 0.9),
        policy_row("nearest", 0.99, fov="90"),
        policy_row("nearest", 0.98, search="known"),
        policy_row("nearest", 0.97, kind="svi"),
        policy_row("nearest", 0.96, model="colour histogram"),
        policy_row("nearest", 0.95, state="flood"),
    ]
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"figures": [RECALL], "rows": rows, "radius_m": 25.0}))
    model = load_bundle(export_run(make_run(tmp_path / "run"), tmp_path / "out", figures=report))
    without = (40 * hybrid - 30 * 0.6) / 10
    assert f"| hybrid | {hybrid:.1%} | 60.0% | {without:.1%} |" in model.card
    assert "| nearest | 55.0% | - | 55.0% |" in model.card
    assert "| 40 photos | 30 with a street view in time | 10 without |" in model.card
    assert f"`{best}` finds most" in model.card
    default = StreetViewConfig().policy
    assert ("it is taken" if best == default else f"`{default}` is taken") in model.card
    assert write_card(model.config, dict(model.training)) == model.card


def test_a_model_too_large_to_travel_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ModelConfig(backbone="tiny"))
    with pytest.raises(ConfigError, match=r"matcher has \d+\.\d MB and 8 may travel"):
        export_run(run, tmp_path / "out", packaged=True)
    assert not (tmp_path / "out").exists()
    assert load_bundle(export_run(run, tmp_path / "out")).config.backbone == "tiny"


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json cannot be read"):
        export_run(tmp_path, tmp_path / "out")
    run = make_run(tmp_path / "run")
    (run / "history.json").write_text("[]")
    with pytest.raises(InputError, match="no figures of step 7"):
        export_run(run, tmp_path / "out")


def test_a_generator_is_taken_only_from_a_bundle_that_has_one(
    tmp_path: Path, repository: Path
) -> None:
    packaged = repository / "resources" / "models" / "default"
    if load_bundle(packaged).generator is not None:
        packaged = export_run(make_run(tmp_path / "other"), tmp_path / "without")
    with pytest.raises(BundleError, match="holds no generator"):
        export_run(make_run(tmp_path / "run"), tmp_path / "out", generator=packaged)


def test_sources_are_counted_by_provider_and_licence(tmp_path: Path) -> None:
    city = tmp_path / "my_city"
    city.mkdir()
    rows = [("Mapillary", "CC BY-SA 4.0", True, "train")] * 3
    rows += [("own photos", None, True, "test"), ("own photos", None, False, "train")]
    rows += [("Strict Views", "all rights reserved", False, "train")]
    columns = ["provider", "licence", "may_train", "split"]
    pd.DataFrame(rows, columns=columns).to_parquet(city / "manifest.parquet")
    found = {(row["provider"], row["licence"], row["images"]) for row in data_sources(tmp_path)}
    assert found == {("Mapillary", "CC BY-SA 4.0", 3), ("own photos", "not named", 1)}
    (learned,) = data_sources(tmp_path, "train")
    assert (learned["provider"], learned["images"]) == ("Mapillary", 3)
    (city / "manifest.parquet").write_bytes(b"damaged")
    with pytest.raises(InputError, match="collect the city again"):
        data_sources(tmp_path)
    assert data_sources(city / "nothing")[0]["licence"].startswith("as the data set's own")


def test_real_geometry_and_published_sets_are_named_with_their_licence(tmp_path: Path) -> None:
    drawn = {"seed": 3, "real": False, "renderer": RENDERER_VERSION}
    real = drawn | {"real": True, "source": "town.osm.gz", "licence": "ODbL 1.0, OSM"}
    for number, facts in enumerate((drawn, real, real)):
        city = tmp_path / "world" / f"city_{number:05d}"
        city.mkdir(parents=True)
        (city / "district.json").write_text(json.dumps(facts))
    ours, theirs = data_sources(tmp_path / "world")
    assert (ours["cities"], theirs["cities"]) == (1, 2)
    assert "nobody's photos" in ours["licence"]
    assert (theirs["licence"], "town.osm.gz" in theirs["provider"]) == ("ODbL 1.0, OSM", True)


def test_a_published_set_is_named_with_what_its_makers_allow(tmp_path: Path) -> None:
    index = tmp_path / "splits" / "train-19zl.csv"
    index.parent.mkdir()
    index.write_text("bingmap/19/1.jpg,streetview/panos/1.jpg,streetview/annotations/1.png\n")
    (found,) = data_sources(tmp_path)
    assert found["name"] == "CVUSA"
    assert found["licence"].startswith("not stated")
