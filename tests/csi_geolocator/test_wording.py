"""Answers in words agree with what the engine computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from model_core.config import RankingConfig


@pytest.mark.parametrize(("above", "strength"), [(-1, "weak"), (0, "strong")])
def test_evidence_is_strong_from_as_many_points_as_the_engine_takes_for_proof(
    plugin: Callable[[str], Any], answer_of: Callable[..., Any], above: int, strength: str
) -> None:
    answer = answer_of("/p/a.jpg", 1)
    count = RankingConfig().confident_inliers + above
    answer.candidates["features"][0]["properties"]["inliers"] = count
    (candidate,) = plugin("layers.candidate").candidates_of(answer)
    said = plugin("wording").evidence(candidate)
    assert said == f"{count} points shared with a street view: {strength} evidence"
