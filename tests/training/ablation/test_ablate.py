"""A tiny table end to end: two rows, two steps, one city of twelve places."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model_core.bundle import load_bundle
from model_core.errors import Cancelled, ConfigError, InputError
from training import ablate as module
from training.ablate import Ablation, ablate, fingerprint, run_folder
from training.ablation.tables import TABLES, Row, choose_rows
from training.cli import app
from training.datasets.rendered import RenderSource

TINY = ("precision=32-true", "batch=6", "cities_per_batch=1", "matcher.windows_per_photo=1")
FUSION = choose_rows(TABLES["fusion"], ("iaff", "linear"))


@pytest.fixture
def ablation(world: Path, tmp_path: Path) -> Ablation:
    """Learns from one city and is scored on another."""
    out = tmp_path / "out"
    return Ablation(world / "train", world / "held_out", out, 2, (1,), options=TINY, device="cpu")


@pytest.mark.slow
def test_a_table_is_trained_scored_and_not_done_twice(
    ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    where = ["--data", ablation.data, "--held-out", ablation.held_out, "--out", ablation.out]
    size = ["--rows", "iaff,linear", "--steps", "2", "--seeds", "1", "--device", "cpu"]
    sets = [part for option in TINY for part in ("--set", option)]
    command = ["ablate", "--table", "fusion", *map(str, where), *size, *sets]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "32.12 / 46.82 / 63.51 / 74.44" in result.output
    assert "matcher.windows_per_photo=1" in " ".join(result.output.split())
    path = ablation.out / "fusion.md"
    assert path.with_suffix(".png").exists()
    rows = {row["name"]: row for row in json.loads(path.with_suffix(".json").read_text())["rows"]}
    for name in ("iaff", "linear"):
        ours = rows[name]["ours"]["cross"]
        assert 0.0 <= ours["low"] <= ours["recall"]["1"] <= ours["high"] <= 1.0
        assert ours["chance"] > 0.0
        assert ours["seeds"] == [1]
    assert rows["iaff"]["paper_percent"]["same"][0] == 54.27
    bundles = [load_bundle(run_folder(row, ablation, 1) / "bundle") for row in FUSION.rows]
    assert [bundle.config.fusion for bundle in bundles] == ["iaff", "linear"]
    assert bundles[0].model_hash != bundles[1].model_hash

    def no_training(*_: object, **__: object) -> Path:
        raise AssertionError("these weights are there already")

    monkeypatch.setattr(module, "train", no_training)
    again = ablate(FUSION, ablation, lines.append)
    assert json.loads(again.with_suffix(".json").read_text())["rows"] == list(rows.values())
    # What is scored needs no weights any more, as where scores alone came back from elsewhere.
    shutil.rmtree(run_folder(FUSION.rows[1], ablation, 1) / "bundle")
    again = ablate(FUSION, ablation, lines.append)
    assert json.loads(again.with_suffix(".json").read_text())["rows"] == list(rows.values())
    # Other tables take the same weights where they ask for the same training.
    loss = choose_rows(TABLES["losses"], ("infonce",))
    assert "Not measured" not in ablate(loss, ablation, lines.append).read_text()
    references = ablate(TABLES["references"], ablation, lines.append).read_text()
    assert references.count("32.12") == 1
    assert "Not measured" not in references
    policies = ablate(TABLES["policy"], ablation, lines.append).read_text()
    assert "Not in the scores, cross area: synthetic; once" in policies
    assert "Not measured" not in policies


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_where_it_was(
    ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, lines = Row("linear", ("model.fusion=linear",)), []
    longer = replace(ablation, steps=4)
    real, resumed = module.train, []

    def stopped(*arguments: object, **named: object) -> Path:
        """Training that runs out of time after two of four steps."""
        data, held_out, run, config = arguments
        half = replace(config.matcher, steps=2)
        bundle = real(data, held_out, run, replace(config, matcher=half), **named)
        (run / "config.json").unlink()
        return bundle

    def counted(*arguments: object, **named: object) -> Path:
        resumed.append(named["resume"])
        return real(*arguments, **named)

    monkeypatch.setattr(module, "train", stopped)
    table = replace(FUSION, rows=(row,))
    assert (
        "Not measured yet, cross area: linear." in ablate(table, longer, lines.append).read_text()
    )
    monkeypatch.setattr(module, "train", counted)
    text = ablate(table, longer, lines.append).read_text()
    assert "Not measured" not in text
    assert resumed == [True]
    assert load_bundle(run_folder(row, longer, 1) / "bundle").training["steps"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "release"])
def test_presets_learn_small_and_are_scored_as_their_row_says(
    name: str, ablation: Ablation
) -> None:
    small = replace(ablation, options=(*TINY, "model.backbone=atto"))
    table = TABLES["headline"]
    rows = tuple(row for row in table.rows if row.name.split("-")[0] == name)
    lines: list[str] = []
    path = ablate(replace(table, rows=rows), small, lines.append)
    document = json.loads(path.with_suffix(".json").read_text())
    assert [row["name"] for row in document["rows"]] == [row.name for row in rows]
    assert all(row["ours"]["cross"] is not None for row in document["rows"])
    run = run_folder(rows[0], small, 1)
    assert load_bundle(run / "bundle").config.preset == name
    method = {"paper": "orb", "release": "release"}[name]
    assert len(list((small.out / "calibrated").glob(f"*_{method}/city_*/street.npy"))) == 2
    if name == "release":
        (itself,) = run.glob("bundle_*")
        assert not load_bundle(itself).config.heading_search
        assert load_bundle(run / "bundle").config.heading_search


def test_a_table_whose_time_is_up_says_so_and_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[float] = iter([0.0, 61.0])
    for name in ("data", "held_out"):
        (tmp_path / name).mkdir()
    none = Ablation(tmp_path / "data", tmp_path / "held_out", tmp_path / "out", 2, minutes=1.0)
    text = ablate(FUSION, none, clock=lambda: next(clock)).read_text()
    assert "The time was up" in text
    assert "Not measured yet, cross area: iaff, linear." in text


def test_missing_data_and_unknown_tables_are_named(tmp_path: Path) -> None:
    nowhere = Ablation(tmp_path / "a", tmp_path / "b", tmp_path / "out", 2, device="cpu")
    with pytest.raises(InputError, match="training render"):
        ablate(FUSION, nowhere)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="--watch"):
        ablate(FUSION, replace(nowhere, watch=tmp_path / "c"))
    paths = ["--data", str(tmp_path), "--held-out", str(tmp_path), "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(app, ["ablate", "--table", "colours", *paths])
    assert result.exit_code == 2
    assert "fusion, references" in " ".join(result.output.split())
    result = CliRunner().invoke(app, ["ablate", "--table", "fusion", "--seeds", "one", *paths])
    assert result.exit_code == 2


@pytest.mark.parametrize("option", ["held_out", "same_area", "watch"])
@pytest.mark.parametrize("table", ["fusion", "calibration"])
def test_what_is_learned_from_is_not_scored_nor_watched_by(
    table: str, option: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "held_out").mkdir()
    apart = Ablation(data, tmp_path / "held_out", tmp_path / "out", 2, device="cpu")
    same = replace(apart, **{option: data / ".." / "data"})
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')}.*the folder of --data"):
        ablate(TABLES[table], same)


@pytest.mark.slow
def test_calibration_is_of_held_out_places_and_one_model_and_says_so(ablation: Ablation) -> None:
    table = choose_rows(TABLES["calibration"], ("none",))
    lines: list[str] = []
    for asked in (
        replace(ablation, minutes=1.0),
        replace(ablation, same_area=ablation.held_out.with_name("train")),
    ):
        apart = replace(asked, data=ablation.out.parent)
        with pytest.raises(ConfigError, match="leave out --same-area and --minutes"):
            ablate(table, apart, lines.append)
    text = ablate(table, ablation, lines.append).read_text()
    assert "places of held_out, model" in text
    assert "as packaged. 30%" in text


def test_sets_are_told_apart_by_what_is_in_them_links_or_not(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    for folder, place in ((first, b"here"), (second, b"else")):
        (folder / "city_00001").mkdir(parents=True)
        (folder / "city_00001" / "place_xy.npy").write_bytes(place)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "city_00001").symlink_to(first / "city_00001")
    assert fingerprint(linked) == fingerprint(first)
    assert fingerprint(first) != fingerprint(second)


def test_a_set_rendered_again_elsewhere_is_the_same_set(tmp_path: Path) -> None:
    """Processors differ in the last digits of what they render, never in what was asked for."""
    for name, seed, count, off in (
        *(("here", 7, 3, 0.0), ("there", 7, 3, 1e-5)),
        *(("other", 8, 3, 0.0), ("larger", 7, 4, 0.0)),
    ):
        city = tmp_path / name / "city_00001"
        city.mkdir(parents=True)
        np.save(city / "place_xy.npy", np.full((count, 2), 1.0 + off, np.float32))
        (city / "district.json").write_text(json.dumps(RenderSource().facts(seed)))
    here, there, other, larger = (
        fingerprint(tmp_path / name) for name in ("here", "there", "other", "larger")
    )
    assert here == there
    assert len({here, other, larger}) == 3


def test_a_row_that_fails_is_noted_and_the_others_go_on(
    ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored, lines = [], []

    def train_row(row: Row, *_: object) -> bool:
        if row.name in ("concat", "fc"):
            raise ConfigError("no fitting 'fusion'")
        return True

    def score_row(row: Row, *_: object) -> None:
        scored.append(row.name)
        if row.name == "aff":
            raise InputError("no rendered city")

    monkeypatch.setattr(module, "train_row", train_row)
    monkeypatch.setattr(module, "score_row", score_row)
    text = ablate(TABLES["fusion"], ablation, lines.append).read_text()
    assert scored == ["awa", "aff", "iaff", "linear"]
    assert "- concat, seed 1, could not be trained or scored: no fitting 'fusion'" in text
    assert "- aff, seed 1, could not be trained or scored: no rendered city" in text
    assert any("no rendered city" in line for line in lines)
    failing = choose_rows(TABLES["fusion"], ("concat", "fc"))
    with pytest.raises(ConfigError, match="no fitting"):
        ablate(failing, ablation, lines.append)

    def stopped(*_: object) -> bool:
        raise Cancelled("stopped")

    monkeypatch.setattr(module, "train_row", stopped)
    with pytest.raises(Cancelled):
        ablate(TABLES["fusion"], ablation, lines.append)


def test_trainings_are_watched_by_places_of_their_own(
    ablation: Ablation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[Path] = []

    def noting(data: Path, held_out: Path, *_: object, **__: object) -> None:
        watched.append(held_out)

    monkeypatch.setattr(module, "train", noting)
    few = tmp_path / "few"
    for watch in (few, None):
        module.train_row(Row("default"), replace(ablation, watch=watch), 1, None)
    assert watched == [few, ablation.held_out]
