"""Answers in words agree with what the engine computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from model_core.config import RankingConfig


def evidence_of(
    plugin: Callable[[str], Any], answer_of: Callable[..., Any], **properties: Any
) -> str:
    answer = answer_of("/p/a.jpg", 1)
    answer.candidates["features"][0]["properties"].update(properties)
    (candidate,) = plugin("layers.candidate").candidates_of(answer)
    return str(plugin("wording").evidence(candidate))


@pytest.mark.parametrize("kind", ["real", "synthetic", "none"])
@pytest.mark.parametrize(("above", "strength"), [(-1, "weak"), (0, "strong")])
def test_evidence_is_strong_from_as_many_points_as_the_engine_takes_for_proof(
    plugin: Callable[[str], Any],
    answer_of: Callable[..., Any],
    above: int,
    strength: str,
    kind: str,
) -> None:
    """Whatever stands for the place itself: points are shared with a street view that was seen."""
    count = RankingConfig().confident_inliers + above
    said = evidence_of(plugin, answer_of, inliers=count, street_view=kind)
    assert said == f"{count} points shared with a street view: {strength} evidence"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("real", "not confirmed by the street view"),
        ("synthetic", "one made from the imagery"),
        ("none", "no street view near"),
    ],
)
def test_without_shared_points_the_score_stands_alone(
    plugin: Callable[[str], Any], answer_of: Callable[..., Any], kind: str, words: str
) -> None:
    said = evidence_of(plugin, answer_of, inliers=0, street_view=kind)
    assert words in said
    assert said.endswith("the model's score alone")
