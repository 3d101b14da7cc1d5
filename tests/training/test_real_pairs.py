"""Figures on real pairs: counted rightly, and worse than chance for no model by construction."""

from pathlib import Path

import numpy as np
import pytest

from model_core.bundle import default_bundle_path, load_bundle
from model_core.errors import InputError
from training.real_pairs import (
    FOOTPRINTS_M,
    FOVS_DEG,
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


@pytest.mark.slow
def test_the_packaged_model_is_scored_at_every_footprint_and_field_of_view(shared_data: Path):
    figures = evaluate_pairs(load_bundle(default_bundle_path()), shared_data / "pairs", samples=50)
    assert len(figures) == 2 * len(FOOTPRINTS_M) * len(FOVS_DEG)
    for one in figures:
        assert 0.0 <= one.recall_at_1 <= one.recall_at_5 <= 1.0
        assert one.recall_at_1_interval[0] <= one.recall_at_1 <= one.recall_at_1_interval[1]
        assert 1.0 <= one.median_rank <= one.pairs
    assert pairs_markdown(figures).count("| cv") == len(figures)
