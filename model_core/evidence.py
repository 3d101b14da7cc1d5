"""What scores and inliers say of each place, as likelihood ratios and a posterior.

Every place starts with the same prior; together they share one half, the other half stands for
"elsewhere". Two likelihood ratios, each relative to a wrong place, move it:

* retrieval: a standardised score ``z`` of a right place is taken as normal around ``d``, of a wrong
  one around 0, and the model as knowing this kind of photo with probability ``r``::

      (1 - r) + r exp(d z - d^2 / 2)

* verification: ``k`` inliers with a street view are odds of ``exp(slope (k - t))`` that the photo
  was taken near it, ``t`` being what wrong places of the area reach. Several such views close to
  each other place the photo between them. The odds are shared out among the places near that spot,
  the nearest first.

Both are mixtures with a floor, so either can carry the answer alone against a silent other.
Fitting the constants to data is a calibration that this first form does not claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.config import RankingConfig
from model_core.matching.search import RetrievalResult
from model_core.types import Verification

Vector = npt.NDArray[np.float64]

_MAD_TO_STD = 1.4826


@dataclass(frozen=True)
class EvidenceModel:
    """The constants of the likelihood ratios.

    Attributes:
        informed: Probability ``r`` that the model knows this kind of photo.
        separation: ``d``, null deviations by which right places stand out.
        max_score: Scores beyond it count ``score_beyond`` of their excess.
        score_beyond: See there; keeps the order without the certainty.
        inlier_slope: Natural log of the odds an inlier adds above the threshold.
        linear_inliers: Inliers above the threshold from which odds grow by a power law.
        inlier_power: That power.
        missed: Likelihood ratio of a place whose street views were tried in vain.
        weak_odds: Most that all views below the threshold add up to.
        spot_radius_m: Views this near each other place the photo between them.
        spot_power: Of inliers above the threshold, as weights of those views.
        spot_sigma_m: Distance between the photo and that spot, one deviation.
        spot_reach_m: A spot farther than this from every place is no evidence for any.
        far_m: Street views farther than this from the best one show what chance reaches.
        far_views: Least number of them to judge by.
        far_deviations: Robust deviations above their median that chance may reach.
    """

    informed: float = 0.5
    separation: float = 3.0
    max_score: float = 5.0
    score_beyond: float = 0.2
    inlier_slope: float = 1.5
    linear_inliers: float = 6.0
    inlier_power: float = 3.0
    missed: float = 0.6
    weak_odds: float = 0.3
    spot_radius_m: float = 60.0
    spot_power: float = 3.0
    spot_sigma_m: float = 10.0
    spot_reach_m: float = 50.0
    far_m: float = 100.0
    far_views: int = 10
    far_deviations: float = 3.0


@dataclass(frozen=True)
class TriedViews:
    """The verifications of one photo as arrays: inliers (V,) and positions (V, 2), metres."""

    verifications: tuple[Verification, ...]
    inliers: Vector
    xy_m: Vector


def log_retrieval_ratio(
    retrieval: RetrievalResult | None, count: int, model: EvidenceModel
) -> Vector:
    """Return the natural log of each place's likelihood ratio by its standardised score, (N,).

    Places that could not be scored have a ratio of one.
    """
    if retrieval is None:
        return np.zeros(count)
    scores = retrieval.scores.astype(np.float64)
    beyond = np.maximum(scores - model.max_score, 0.0)
    scores = scores - (1.0 - model.score_beyond) * beyond
    gain = model.separation * scores - model.separation**2 / 2.0
    log_ratio = np.logaddexp(math.log1p(-model.informed), math.log(model.informed) + gain)
    return np.where(np.isfinite(scores), log_ratio, 0.0)


def inlier_threshold(tried: TriedViews, config: RankingConfig, model: EvidenceModel) -> float:
    """Return the inliers from which a street view is more likely right than chance.

    ``confident_inliers`` is the least; where the views far from the best one reach more, as in an
    area full of one texture, median + ``far_deviations`` robust deviations of theirs. The median
    keeps true matches from afar, a tower say, from raising it.
    """
    least = config.confident_inliers - 0.5
    if len(tried.inliers) == 0:
        return least
    offset = tried.xy_m - tried.xy_m[int(tried.inliers.argmax())]
    far = tried.inliers[np.hypot(offset[:, 0], offset[:, 1]) > model.far_m]
    if len(far) < model.far_views:
        return least
    middle = float(np.median(far))
    spread = _MAD_TO_STD * float(np.median(np.abs(far - middle)))
    return max(least, middle + model.far_deviations * spread)


def log_inlier_odds(inliers: Vector, threshold: float, model: EvidenceModel) -> Vector:
    """Return the natural log of the odds that the photo was taken near each view, (V,).

    ``slope (k - t)`` up to ``linear_inliers`` above the threshold; from there the odds grow as
    ``(k - t) ** inlier_power``, so that views of one spot with 200 and 220 inliers stay
    comparable. The odds of views below the threshold are scaled down to a sum of ``weak_odds`` at
    most: many weak views are no strong one.
    """
    above = inliers - threshold
    knee = model.linear_inliers
    power = model.inlier_power * np.log(np.maximum(above, knee) / knee)
    log_odds: Vector = model.inlier_slope * np.minimum(above, knee) + power
    weak = above < 0.0
    if weak.any():
        total = float(np.logaddexp.reduce(log_odds[weak]))
        excess = max(0.0, total - math.log(model.weak_odds))
        log_odds = np.where(weak, log_odds - excess, log_odds)
    return log_odds


def photo_spots(tried: TriedViews, threshold: float, model: EvidenceModel) -> Vector:
    """Return where each view says the photo was taken, (V, 2) metres.

    Inliers fall with distance, so views above the threshold that stand close together place the
    photo at their mean, weighted by a power of the inliers: between two views as often as at one.
    A view below the threshold stands for its own position.
    """
    spots = tried.xy_m.copy()
    strong = np.flatnonzero(tried.inliers > threshold)
    weights = (tried.inliers[strong] - threshold) ** model.spot_power
    for view in strong:
        offset = tried.xy_m[strong] - tried.xy_m[view]
        shares = weights * (np.hypot(offset[:, 0], offset[:, 1]) <= model.spot_radius_m)
        spots[view] = shares @ tried.xy_m[strong] / shares.sum()
    return spots


def log_verification_ratio(
    tried: TriedViews,
    spots_m: Vector,
    xy_m: Vector,
    threshold: float,
    reach_m: float,
    alone: bool,
    model: EvidenceModel,
) -> Vector:
    """Return the natural log of each place's likelihood ratio by inliers, (N,).

    ``base + N sum_v odds_v kernel_v``. ``kernel_v`` is a Gaussian of the distance to the spot over
    the place nearest to it and that place's neighbours, and sums to one. ``base`` is ``missed``
    for places whose views were tried (for all, when verification is ``alone``), one for the rest.

    Args:
        tried: The verifications.
        spots_m: From ``photo_spots``, (V, 2).
        xy_m: Places, (N, 2).
        threshold: From ``inlier_threshold``.
        reach_m: Places this near each other are neighbours; a view this near has tried a place.
        alone: There is no retrieval.
        model: Constants.
    """
    count = len(xy_m)
    base = np.full(count, model.missed if alone else 1.0)
    if len(tried.inliers) == 0:
        return np.asarray(np.log(base), np.float64)
    import shapely  # not at the top: evaluation takes the constants where it is missing

    tree = shapely.STRtree([shapely.Point(x, y) for x, y in tried.xy_m])
    near, _ = tree.query(shapely.points(xy_m), predicate="dwithin", distance=reach_m)
    base[near] = model.missed
    log_ratio: Vector = np.log(base)
    log_odds = log_inlier_odds(tried.inliers, threshold, model)
    negligible = math.log(1e-4 * model.missed / count)
    for view in np.flatnonzero(log_odds > negligible):
        kernel = _log_kernel(xy_m, spots_m[view], reach_m, model)
        log_ratio = np.logaddexp(log_ratio, math.log(count) + log_odds[view] + kernel)
    return np.asarray(log_ratio, np.float64)


def posterior(log_ratio: Vector) -> tuple[Vector, float]:
    """Return the probability of each place (N,) and of elsewhere; together they sum to one."""
    log_odds = log_ratio - math.log(len(log_ratio))
    total = float(np.logaddexp.reduce(np.append(log_odds, 0.0)))
    return np.exp(log_odds - total), math.exp(-total)


def _log_kernel(xy_m: Vector, spot_m: Vector, reach_m: float, model: EvidenceModel) -> Vector:
    """Return the log of the share of a view's odds that each place gets, (N,).

    The neighbours of the nearest place alone share it: certainty about a spot must not leak as a
    ring of candidates around it.
    """
    squared = np.square(xy_m - spot_m).sum(1)
    nearest = int(squared.argmin())
    exponent = np.full(len(xy_m), -np.inf)
    if squared[nearest] > model.spot_reach_m**2:
        return exponent
    near = np.square(xy_m - xy_m[nearest]).sum(1) <= reach_m**2
    exponent[near] = squared[near] / (-2.0 * model.spot_sigma_m**2)
    return np.asarray(exponent - np.logaddexp.reduce(exponent[near]), np.float64)
