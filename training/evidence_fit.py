"""Fit what scores and unmatched street views are worth to photos of known places.

Two questions, each put to what answers it. How probably a photo matches a street view so far away:
the share of photos that did. How far right places stand out by their score: the constants under
which the truth of all photos, here or elsewhere, is most probable. Figures are of photos of areas
that had no part in the fit that ranks them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from model_core.candidates import merge_neighbours
from model_core.config import EvidenceModel, RankingConfig
from model_core.evidence import (
    Vector,
    log_score_ratio,
    posterior,
    seen_from,
)
from training.evidence_photos import StudiedPhoto
from training.metrics import reliability

SEEN_AT_MOST = 0.85
"""A caution, not a measurement: real street views are recognised less often than rendered ones, for
their season, traffic and years differ more, so their silence counts less."""
_LEAST = 1e-12
_BOUNDS = {
    "seen": (0.05, SEEN_AT_MOST),
    "seen_sigma_m": (3.0, 40.0),
    "informed": (0.05, 0.95),
    "separation": (0.2, 6.0),
}
FITTED = tuple(_BOUNDS)


@dataclass(frozen=True)
class EvidenceFigures:
    """How good a search's probabilities are.

    Attributes:
        photos: Photos of the areas that they were sought in.
        foreign: Photos that were not.
        rank1: Share of photos whose first candidate is right.
        rank1_far: The same of those with no full circle within 25 m of them.
        far: How many those are.
        probability: Mean probability of the first candidate.
        calibration_error: Expected difference of the probability said and the share that is right,
            over as many photos here as elsewhere: the prior of a search.
        log_likelihood: Mean natural log of the probability of the truth of a photo that is there.
        log_elsewhere: Mean natural log of the probability of "elsewhere" for one that is not.
        wrongly_elsewhere: Share of photos that are there and said not to be.
        rightly_elsewhere: Share of photos that are not there and said not to be.
        reliability: (probability, share right, weight) of each tenth of probability, alike.
    """

    photos: int
    foreign: int
    rank1: float
    rank1_far: float
    far: int
    probability: float
    calibration_error: float
    log_likelihood: float
    log_elsewhere: float
    wrongly_elsewhere: float
    rightly_elsewhere: float
    reliability: tuple[tuple[float, float, float], ...]


def fit_evidence(photos: Sequence[StudiedPhoto], start: EvidenceModel) -> EvidenceModel:
    """Return ``start`` with the constants of retrieval and of unmatched street views fitted."""
    located = [photo for photo in photos if photo.photo_m is not None]
    gaps = np.array([photo.view_gap_m for photo in located])
    matched = np.array([photo.matched for photo in located])

    def match_loss(model: EvidenceModel) -> float:
        chance = model.seen * np.exp(np.square(gaps) / (-2.0 * model.seen_sigma_m**2))
        chance = np.clip(chance, _LEAST, 1.0 - _LEAST)
        return -float(np.where(matched, np.log(chance), np.log1p(-chance)).mean())

    near = np.isfinite(gaps) & (gaps <= 3.0 * _BOUNDS["seen_sigma_m"][1])
    gaps, matched = gaps[near], matched[near]
    model = _minimised(match_loss, start, ("seen", "seen_sigma_m")) if near.any() else start
    fixed = [_log_places(photo, model) for photo in photos]

    def truth_loss(model: EvidenceModel) -> float:
        here, elsewhere = [], []
        for photo, log_places in zip(photos, fixed, strict=True):
            log_ratio = log_places + log_score_ratio(photo.scores, model)
            probability, outside = posterior(log_ratio)
            if photo.photo_m is None:
                elsewhere.append(outside)
            elif (right := photo.right).any():
                here.append(float(probability[right].sum()))
        return -sum(
            float(np.log(np.maximum(part, _LEAST)).mean()) for part in (here, elsewhere) if part
        )

    return _minimised(truth_loss, model, ("informed", "separation"))


def _minimised(
    loss: Callable[[EvidenceModel], float], start: EvidenceModel, names: tuple[str, ...]
) -> EvidenceModel:
    def model_at(values: Vector) -> EvidenceModel:
        changed: dict[str, Any] = dict(zip(names, map(float, values), strict=True))
        return replace(start, **changed)

    bounds = [_BOUNDS[name] for name in names]
    first = [np.clip(getattr(start, name), *_BOUNDS[name]) for name in names]
    found = minimize(
        lambda values: loss(model_at(values)),
        first,
        method="Nelder-Mead",
        bounds=bounds,
        options={"xatol": 0.01, "fatol": 1e-5, "maxiter": 400},
    )
    return model_at(np.round(found.x, 2))


def _log_places(photo: StudiedPhoto, model: EvidenceModel) -> Vector:
    """Return each place's log likelihood ratio by street views, (N,)."""
    unseen = np.log1p(-seen_from(photo.tried, photo.xy_m, model))
    return np.asarray(np.logaddexp(unseen, photo.log_match))


def fit_across_areas(
    photos: Sequence[StudiedPhoto], start: EvidenceModel
) -> tuple[EvidenceModel, EvidenceFigures, EvidenceFigures]:
    """Return the fit to all photos, the figures under ``start`` and those of fits.

    The last are of each area's photos under the constants fitted to the other areas.
    """
    names = sorted({photo.area for photo in photos})
    model_of = {
        name: fit_evidence([photo for photo in photos if photo.area != name], start)
        for name in names
    }
    before = evidence_figures(photos, lambda photo: start)
    after = evidence_figures(photos, lambda photo: model_of[photo.area])
    return fit_evidence(photos, start), before, after


def evidence_figures(
    photos: Sequence[StudiedPhoto], model_for: Callable[[StudiedPhoto], EvidenceModel]
) -> EvidenceFigures:
    """Return how good the probabilities of some photos are, each under its own constants."""
    config = RankingConfig()
    first, right, here, far, truth, outside = [], [], [], [], [], []
    for photo in photos:
        model = model_for(photo)
        log_ratio = _log_places(photo, model) + log_score_ratio(photo.scores, model)
        probability, elsewhere = posterior(log_ratio)
        peak, members = merge_neighbours(probability, photo.xy_m, config.merge_radius_m, 1)[0]
        is_right = photo.right
        first.append(float(probability[members].sum()))
        right.append(bool(is_right[peak]))
        here.append(photo.photo_m is not None)
        far.append(photo.view_gap_m > config.merge_radius_m)
        truth.append(float(probability[is_right].sum()) if here[-1] else elsewhere)
        outside.append(elsewhere >= config.not_in_area_probability)
    said, correct, own = np.array(first), np.array(right, np.float64), np.array(here)
    log_truth, away = np.log(np.maximum(truth, _LEAST)), np.array(outside, np.float64)
    weight = np.where(own, 1.0, own.sum() / max((~own).sum(), 1))
    bins = reliability(said, correct > 0.0, weight)
    return EvidenceFigures(
        photos=int(own.sum()),
        foreign=int((~own).sum()),
        rank1=_mean(correct[own]),
        rank1_far=_mean(correct[own & np.array(far)]),
        far=int((own & np.array(far)).sum()),
        probability=_mean(said[own]),
        calibration_error=float(np.average(np.abs(bins[0] - bins[1]), weights=bins[2])),
        log_likelihood=_mean(log_truth[own]),
        log_elsewhere=_mean(log_truth[~own]),
        wrongly_elsewhere=_mean(away[own]),
        rightly_elsewhere=_mean(away[~own]),
        reliability=tuple((float(p), float(r), float(w)) for p, r, w in zip(*bins, strict=True)),
    )


def _mean(values: Vector) -> float:
    return float(values.mean()) if len(values) else math.nan
