"""A model's figures as ablations ask for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_core.bundle import default_bundle_path, load_bundle, write_bundle
from training.ablation import scoring
from training.ablation.figures import seed_score
from training.evaluate_bundle import EvaluationReport, evaluate_bundle


@pytest.mark.slow
def test_strict_is_of_the_photos_whose_place_has_a_street_view_in_time(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[EvaluationReport] = []

    def kept(*arguments: Any) -> EvaluationReport:
        reports.append(evaluate_bundle(*arguments))
        return reports[0]

    monkeypatch.setattr(scoring, "evaluate_bundle", kept)
    bare = replace(load_bundle(default_bundle_path()), path=tmp_path / "model", generator=None)
    figures = scoring.score_bundle(world / "held_out", write_bundle(bare), "cpu")
    mixed = [r for r in reports[0].recalls if r.fov_max_deg is not None]
    for policy in ("strict", "hybrid"):
        score = seed_score(1, figures, policy)
        (own,) = (recall for recall in mixed if recall.kind == policy)
        assert score is not None
        assert score.by_place is not None
        assert score.photos == own.photos == score.by_place.photos.sum()
        assert score.recall["1"] == own.recall_at_1
        assert score.recall["1"] == score.by_place.right.sum() / score.photos
        assert score.chance == own.chance
    strict, hybrid = (seed_score(1, figures, policy) for policy in ("strict", "hybrid"))
    assert strict is not None
    assert hybrid is not None
    assert 0 < strict.photos < hybrid.photos
