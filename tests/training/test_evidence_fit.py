"""What scores and unmatched street views are worth, fitted to photos whose places are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_core.config import EvidenceModel
from model_core.position import TriedViews
from training.evidence_fit import SEEN_AT_MOST, evidence_figures, fit_across_areas, fit_evidence
from training.evidence_photos import StudiedPhoto
from training.evidence_report import FIGURES_FILE, PLOT_FILE, evidence_table, write_evidence

SIDE, SPACING_M = 15, 20.0
PLACES_M = np.stack(np.meshgrid(*[np.arange(SIDE) * SPACING_M] * 2), -1).reshape(-1, 2)


def studied(
    rng: np.random.Generator, here: bool, lead: float, seen: float, area: str, views: int = 12
) -> StudiedPhoto:
    """A photo whose place stands out by ``lead`` deviations, beside panoramas that may match it."""
    place = int(rng.integers(len(PLACES_M)))
    scores = rng.normal(size=len(PLACES_M))
    photo_m = PLACES_M[place] + rng.normal(0.0, 2.0, 2)
    if here:
        scores[place] += lead
    views_m = PLACES_M[rng.choice(len(PLACES_M), views, replace=False)].copy()
    if rng.random() < 0.7:
        views_m[0] = photo_m + rng.normal(0.0, 3.0, 2)
    inliers = rng.integers(4, 12, views).astype(float)
    gap = np.hypot(*(views_m - photo_m).T)
    matches = here & (rng.random(views) < seen * np.exp(-0.5 * (gap / 12.0) ** 2))
    inliers[matches] = 60.0
    unknown = np.full(views, np.nan)
    tried = TriedViews((), inliers, views_m, np.ones(views), unknown, unknown, unknown)
    return StudiedPhoto(area, scores, PLACES_M, tried, photo_m if here else None)


def many(lead: float, seen: float, count: int = 160) -> list[StudiedPhoto]:
    rng = np.random.default_rng(5)
    return [
        studied(rng, number % 4 > 0, lead, seen, f"area_{number % 3}") for number in range(count)
    ]


@pytest.mark.parametrize("lead", [1.5, 4.0])
def test_constants_follow_what_right_places_score(lead: float) -> None:
    fitted = fit_evidence(many(lead, 0.8), EvidenceModel())
    assert fitted.separation == pytest.approx(lead, abs=0.8)
    assert fitted.informed > 0.5


def test_views_that_often_fail_say_less_when_they_do() -> None:
    often, seldom = (fit_evidence(many(2.0, seen), EvidenceModel()).seen for seen in (0.8, 0.3))
    assert often == pytest.approx(0.8, abs=0.12)
    assert seldom == pytest.approx(0.3, abs=0.15)


def test_rendered_views_that_never_fail_are_not_believed() -> None:
    assert fit_evidence(many(2.0, 1.0), EvidenceModel()).seen == SEEN_AT_MOST


def test_a_fit_is_judged_where_it_was_not_made_and_makes_confidence_honest() -> None:
    boastful = replace(EvidenceModel(), separation=6.0, seen=0.05)
    _, before, after = fit_across_areas(many(1.5, 0.7, 240), boastful)
    assert (before.photos, before.foreign) == (180, 60)
    assert after.log_likelihood + after.log_elsewhere > before.log_likelihood + before.log_elsewhere
    assert after.calibration_error < before.calibration_error
    assert after.rank1 >= before.rank1 - 0.05
    assert sum(weight for _, _, weight in after.reliability) == pytest.approx(360.0)


def test_figures_of_certain_photos() -> None:
    """Every photo found for sure, every stranger sent away for sure."""
    photos = many(30.0, 0.8, 40)
    model = replace(EvidenceModel(), separation=5.0)
    own = [photo for photo in photos if photo.photo_m is not None]
    figures = evidence_figures(own, lambda photo: model)
    assert figures.rank1 == 1.0
    assert figures.wrongly_elsewhere == 0.0
    assert figures.log_likelihood > -0.1
    assert np.isnan(figures.log_elsewhere)


def test_the_report_is_written(tmp_path: Path) -> None:
    photos = many(2.0, 0.7, 60)
    fitted, before, after = fit_across_areas(photos, EvidenceModel())
    write_evidence(tmp_path, EvidenceModel(), fitted, before, after)
    told = json.loads((tmp_path / FIGURES_FILE).read_text())
    assert told["fitted"]["constants"]["seen"] == fitted.seen
    assert told["before"]["rank1"] == before.rank1
    assert (tmp_path / PLOT_FILE).stat().st_size > 5000
    assert evidence_table(EvidenceModel(), fitted, before, after).row_count == 12
