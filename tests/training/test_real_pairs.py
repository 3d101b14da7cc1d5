"""Figures on real pairs: counted rightly, and worse than chance for no model by construction."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model_core.bundle import default_bundle_path, load_bundle
from model_core.errors import ConfigError, InputError
from training.cli import app
from training.pairs_history import append_run, history_table, read_history
from training.real_pairs import (
    FOOTPRINTS_M,
    FOVS_DEG,
    PairFigures,
    evaluate_pairs,
    find_pairs,
    pairs_markdown,
    summarize_ranks,
)


def test_both_sets_are_found_whole(shared_data: Path):
    pairs = find_pairs(shared_data / "pairs")
    assert {name: len(found) for name, found in pairs.items()} == {"cvusa": 13, "cvact": 5}
    assert all(path.exists() for found in pairs.values() for pair in found for path in pair)


def test_a_folder_without_pairs_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="holds no pairs"):
        find_pairs(tmp_path)


def test_ranks_become_shares_and_the_bootstrap_draws_whole_pairs():
    ranks = np.array([[1, 1], [1, 1], [6, 6], [2, 2]])
    errors = np.full((4, 2), 10.0)
    figures = summarize_ranks("made", 50.0, 90.0, ranks, errors, np.random.default_rng(0), 4000)
    assert figures.recall_at_1 == 0.5
    assert figures.recall_at_5 == 0.75
    assert figures.median_rank == 1.5
    assert figures.median_heading_error_deg == 10.0
    assert figures.chance_at_1 == 0.25
    low, high = figures.recall_at_1_interval
    assert low == 0.0  # four whole pairs, half of them right: no narrower than that
    assert high == 1.0


def test_a_model_that_resizes_photos_is_not_scored_by_windows_of_panoramas(shared_data: Path):
    bundle = load_bundle(default_bundle_path())
    resizing = replace(bundle, config=replace(bundle.config, photo_fit="resized"))
    with pytest.raises(ConfigError, match="resizes its photos"):
        evaluate_pairs(resizing, shared_data / "pairs")


@pytest.mark.slow
def test_the_packaged_model_is_scored_at_every_footprint_and_field_of_view(shared_data: Path):
    figures = evaluate_pairs(load_bundle(default_bundle_path()), shared_data / "pairs", samples=50)
    assert len(figures) == 2 * len(FOOTPRINTS_M) * len(FOVS_DEG)
    for one in figures:
        assert 0.0 <= one.recall_at_1 <= one.recall_at_5 <= 1.0
        assert one.recall_at_1_interval[0] <= one.recall_at_1 <= one.recall_at_1_interval[1]
        assert 1.0 <= one.median_rank <= one.pairs
    assert pairs_markdown(figures).count("| cv") == len(figures)


def made_figures(recall: float) -> list[PairFigures]:
    """Figures of one set at two footprints."""
    return [
        PairFigures("cvact", footprint_m, 90.0, 5, recall, (0.0, 0.5), 1.0, 3.0, 80.0)
        for footprint_m in (50.0, 70.0)
    ]


def test_the_history_keeps_every_run_with_its_model_and_what_had_changed(tmp_path: Path):
    path = tmp_path / "new" / "history.jsonl"
    first, second = (datetime(2026, 3, day, 9, tzinfo=UTC) for day in (1, 8))
    append_run(path, made_figures(0.2), "abc" * 20, "before snow", first)
    append_run(path, made_figures(0.4), "def" * 20, "after snow", second)
    runs = read_history(path)
    assert [run.label for run in runs] == ["before snow", "after snow"]
    assert runs[1].measured_at.startswith("2026-03-08")
    assert runs[0].figures == tuple(made_figures(0.2))
    table = history_table(runs)
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert ("cvact", "90", "20%", "20%  3.0", "40%  3.0") in rows
    assert str(table.caption).splitlines()[1].startswith("2  2026-03-08")


def test_a_history_with_a_broken_line_names_it(tmp_path: Path):
    path = tmp_path / "history.jsonl"
    append_run(path, made_figures(0.2), "abc", "", datetime(2026, 3, 1, tzinfo=UTC))
    with path.open("a") as file:
        file.write('{"label": "cut o\n')
    with pytest.raises(InputError, match="line 2"):
        read_history(path)


def test_the_command_prints_the_figures_over_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("training.real_pairs.evaluate_pairs", lambda *_: made_figures(0.2))
    arguments = ["pairs", "--data", str(tmp_path)]
    history = tmp_path / "history.jsonl"
    arguments += ["--history", str(history), "--label", "new light"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "over time" in result.output
    (run,) = read_history(history)
    assert run.model_hash == load_bundle(default_bundle_path()).model_hash
    assert run.label == "new light"
