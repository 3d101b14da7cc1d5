"""Metrics against brute force: ranks with ties, exact chance, intervals, risk, calibration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from model_core.config import EvidenceModel
from model_core.evidence import posterior
from training.metrics import (
    RANKS,
    Outcomes,
    bootstrap_intervals,
    calibration_error,
    chance_of_reach,
    first_probability,
    heading_error_deg,
    join_outcomes,
    rank_of_right,
    reliability,
    risk_coverage,
    summarize,
)


def outcomes(ranks: list[list[int]], places: int = 200, **other: object) -> Outcomes:
    """Photos of one city with given ranks within each radius."""
    count = len(ranks)
    values: dict[str, object] = {
        "city": np.zeros(count, np.int64),
        "place": np.arange(count),
        "photo": np.zeros(count, np.int64),
        "state": np.zeros(count, np.int64),
        "available": np.ones(count, np.bool_),
        "fov_deg": np.full(count, 90.0),
        "places": np.full(count, places),
        "rank": np.array(ranks, np.int64).reshape(count, 3),
        "scored": np.full(count, places),
        "right": np.ones((count, 3), np.int64),
        "heading_error_deg": np.zeros(count),
        "first_heading_error_deg": np.zeros(count),
        "first_distance_m": np.zeros(count),
        "probability": np.full(count, 0.5),
    }
    return Outcomes(**{**values, **other})  # type: ignore[arg-type]


def test_rank_is_that_of_the_best_right_place_after_wrong_ones_of_the_same_score() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (60, 9)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    right = rng.random(scores.shape) < 0.3
    found = rank_of_right(torch.from_numpy(scores), torch.from_numpy(right))
    for row in range(len(scores)):
        # In the least lucky order of equal scores, which wrong places come before any right one?
        order = sorted(range(9), key=lambda n: (-scores[row, n], right[row, n]))
        order = [n for n in order if np.isfinite(scores[row, n])]
        expected = next((k for k, n in enumerate(order, 1) if right[row, n]), 10)
        assert found[row] == expected


def test_a_model_that_cannot_tell_places_apart_finds_none() -> None:
    right = torch.tensor([[True, False, False]])
    assert rank_of_right(torch.zeros(1, 3), right).tolist() == [3]


@pytest.mark.parametrize(("n", "m", "k"), [(6, 2, 3), (5, 1, 1), (4, 4, 1), (7, 3, 5), (3, 1, 9)])
def test_chance_is_the_share_of_all_orders(n: int, m: int, k: int) -> None:
    orders = list(itertools.permutations(range(n)))
    share = np.mean([min(order[:k]) < m for order in orders])
    assert chance_of_reach(n, m, k) == pytest.approx(share, abs=1e-12)


def test_chance_agrees_with_the_hypergeometric_law_and_is_zero_without_a_right_place() -> None:
    n, m, k = 20000, np.array([0, 1, 7, 300]), np.array([1, 5, 10, 200])
    expected = hypergeom.sf(0, n, m[:, None], k)
    np.testing.assert_allclose(chance_of_reach(n, m[:, None], k), expected, rtol=1e-6)
    assert (chance_of_reach(n, 0, k) == 0.0).all()
    assert chance_of_reach(0, 0, 5) == 0.0


def test_headings_differ_the_short_way_round() -> None:
    error = heading_error_deg(torch.tensor([0.0, 15.5, 8.0]), torch.tensor([15.0, 0.5, 8.0]), 16)
    assert error.tolist() == [22.5, 22.5, 0.0]


def test_shares_count_photos_and_one_percent_grows_with_the_gallery() -> None:
    some = outcomes([[1, 1, 1], [2, 1, 1], [6, 6, 6], [201, 201, 3]])
    figures = summarize(some, samples=50)
    value = {k: figures.share(f"R@{k} 25m") for k in RANKS}
    assert value == {"1": 0.25, "5": 0.5, "10": 0.75, "1%": 0.5}
    assert figures.share("R@1 50m") == 0.5
    assert figures.shares["R@5 25m"].chance == pytest.approx(5 / 200)
    assert figures.numbers["median_rank"] == 4.0
    assert figures.numbers["chance_rank"] == pytest.approx(201 / 2)


def test_a_place_that_cannot_be_scored_is_not_found_even_in_a_tiny_gallery() -> None:
    # Four places only: the rank beyond the last lies within the first five and must not count.
    figures = summarize(outcomes([[5, 5, 5]], places=4), samples=5)
    assert figures.share("R@5 25m") == 0.0


def test_unknown_headings_count_neither_for_nor_against() -> None:
    errors = np.array([4.0, 40.0, np.nan, np.nan])
    figures = summarize(outcomes([[1, 1, 1]] * 4, heading_error_deg=errors), samples=50)
    assert figures.share("heading 5") == 0.5
    assert figures.shares["heading 22.5"].chance == pytest.approx(0.125)
    assert figures.numbers["median_heading_error_deg"] == 22.0


def test_no_photos_give_no_figures_instead_of_an_error() -> None:
    empty = outcomes([[1, 1, 1]]).take(np.zeros(1, np.bool_))
    figures = summarize(empty)
    assert figures.photos == 0
    assert figures.share("R@1 25m") == 0.0
    assert not figures.numbers


def test_joined_photos_keep_their_order() -> None:
    parts = [outcomes([[1, 1, 1]]), outcomes([[7, 7, 7], [3, 3, 3]])]
    assert join_outcomes(parts).rank[:, 0].tolist() == [1, 7, 3]


def test_intervals_are_those_of_the_binomial_and_the_same_for_a_seed() -> None:
    values = (np.arange(400) < 100).astype(np.float64)[:, None]
    city, place = np.zeros(400, np.int64), np.arange(400)
    low, high = bootstrap_intervals(values, city, place, samples=4000, seed=1)[0]
    half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert low == pytest.approx(0.25 - half, abs=0.01)
    assert high == pytest.approx(0.25 + half, abs=0.01)
    again = bootstrap_intervals(values, city, place, samples=4000, seed=1)[0]
    assert (low, high) == tuple(again)


def test_photos_of_one_place_are_drawn_together() -> None:
    values = (np.arange(200) < 50).astype(np.float64)[:, None]
    once, twice = (np.repeat(values, count, axis=0) for count in (1, 2))
    city, place = np.zeros(400, np.int64), np.repeat(np.arange(200), 2)
    low, high = bootstrap_intervals(once, city[:200], place[::2], samples=2000)[0]
    np.testing.assert_allclose(bootstrap_intervals(twice, city, place, 2000), [[low, high]])
    narrow = bootstrap_intervals(twice, city, np.arange(400), 2000)[0]
    assert high - low == pytest.approx(2**0.5 * (narrow[1] - narrow[0]), rel=0.1)


def test_photos_are_drawn_within_their_city() -> None:
    # Every photo of one city is right, every one of the other wrong: nothing is left to chance.
    city = np.repeat([3, 8], [30, 10])
    values = (city == 3).astype(np.float64)[:, None]
    np.testing.assert_allclose(
        bootstrap_intervals(values, city, np.arange(40), 200), [[0.75, 0.75]]
    )


def test_risk_is_the_share_wrong_of_the_surest() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    coverage, risk = risk_coverage(confidence, np.array([True, False, True, False]))
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(risk, [0.0, 0.5, 1 / 3, 0.5])


def test_equal_confidences_share_their_risk_whatever_their_order() -> None:
    right = np.array([True, True, False, False])
    flat = np.full(4, 0.3)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        np.testing.assert_allclose(risk_coverage(flat, right[order])[1], 0.5)


def test_calibration_error_is_the_gap_of_every_bin_weighed_by_its_photos() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(500)
    right = rng.random(500) < probability**2
    said, share, count = reliability(probability, right)
    assert count.sum() == 500
    gaps = (np.abs(said - share) * count).sum() / 500
    assert calibration_error(probability, right) == pytest.approx(gaps, abs=1e-6)


def test_probability_is_that_of_the_evidence_and_grows_with_the_lead() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(0.2, 0.02, (2, 300)).astype(np.float32)
    scores[0, 5], scores[1, 5] = 0.29, 0.36
    scores[:, 250:] = -np.inf
    near = np.zeros((2, 300), np.bool_)
    near[:, 4:7] = True
    found = first_probability(torch.from_numpy(scores), torch.from_numpy(near))
    model = EvidenceModel()
    for row in range(2):
        known = scores[row, :250].astype(np.float64)
        middle = np.median(known)
        z = (known - middle) / (1.4826 * np.median(np.abs(known - middle)))
        z = np.where(z > model.max_score, model.max_score + 0.2 * (z - model.max_score), z)
        log_ratio = np.zeros(300)
        log_ratio[:250] = np.log(
            1.0
            - model.informed
            + model.informed * np.exp(model.separation * z - model.separation**2 / 2)
        )
        places, elsewhere = posterior(log_ratio)
        expected = places[4:7].sum() / (1 - elsewhere)
        assert found[row] == pytest.approx(expected, rel=1e-4)
    assert found[1] > found[0]
