"""What scores and inliers say of each place, as likelihood ratios and a posterior.

Every place starts with the same prior; together they share one half, the other half stands for
"elsewhere". Two likelihood ratios, each relative to a wrong place, move it:

* retrieval: a standardised score ``z`` of a right place is taken as normal around ``d``, of a wrong
  one around 0, and the model as knowing this kind of photo with probability ``r``::

      (1 - r) + r exp(d z - d^2 / 2)

* verification: ``k`` inliers with a street view are odds of ``exp(slope (k - t))`` that the photo
  was taken near it, ``t`` being what wrong places of the area reach. Where it then was,
  ``position`` says. The odds are shared out among the places near that spot,
  the nearest first. A street view tried in vain speaks against the places around it, the nearest
  most, and the more the more of the circle it shows.

Both are mixtures with a floor, so either can carry the answer alone against a silent other. The
constants of retrieval and of views tried in vain were fitted to rendered areas
(``python -m training calibrate-evidence``), those of inliers chosen on real photos.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from model_core.config import EvidenceModel, RankingConfig
from model_core.matching.search import RetrievalResult
from model_core.position import TriedViews

Vector = npt.NDArray[np.float64]

_MAD_TO_STD = 1.4826


def log_retrieval_ratio(
    retrieval: RetrievalResult | None, count: int, model: EvidenceModel
) -> Vector:
    """Return the natural log of each of ``count`` places' likelihood ratio by its score, (N,)."""
    if retrieval is None:
        return np.zeros(count)
    return log_score_ratio(retrieval.scores.astype(np.float64), model)


def log_score_ratio(scores: Vector, model: EvidenceModel) -> Vector:
    """Return the natural log of the likelihood ratios (N,) of standardised scores (N,).

    Places that could not be scored have a ratio of one.
    """
    beyond = np.maximum(scores - model.max_score, 0.0)
    kept = scores - (1.0 - model.score_beyond) * beyond
    gain = model.separation * kept - model.separation**2 / 2.0
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

    ``(1 - seen) + N sum_v odds_v kernel_v``. ``kernel_v`` is a Gaussian of the distance to the spot
    over the place nearest to it and that place's neighbours, and sums to one; ``seen`` is how
    probably a photo of the place would have matched the views tried.

    Args:
        tried: The verifications.
        spots_m: From ``photo_spots``, (V, 2).
        xy_m: Places, (N, 2).
        threshold: From ``inlier_threshold``.
        reach_m: Places this near each other are neighbours.
        alone: There is no retrieval.
        model: Constants.
    """
    unseen = 1.0 - seen_from(tried, xy_m, model)
    log_unseen = np.log(np.minimum(unseen, model.unproven) if alone else unseen)
    return np.asarray(
        np.logaddexp(log_unseen, log_match_ratio(tried, spots_m, xy_m, threshold, reach_m, model))
    )


def seen_from(tried: TriedViews, xy_m: Vector, model: EvidenceModel) -> Vector:
    """Return how probably a photo of each place would have matched a view that was tried, (N,).

    The view that says most decides: neighbouring views fail together, under snow for example.
    """
    seen = np.zeros(len(xy_m))
    if len(tried.inliers) == 0:
        return seen
    import shapely  # not at the top: evaluation takes the constants where it is missing

    tree = shapely.STRtree([shapely.Point(x, y) for x, y in tried.xy_m])
    reach_m = 3.0 * model.seen_sigma_m
    place, view = tree.query(shapely.points(xy_m), predicate="dwithin", distance=reach_m)
    squared = np.square(xy_m[place] - tried.xy_m[view]).sum(1)
    kernel = np.exp(squared / (-2.0 * model.seen_sigma_m**2))
    np.maximum.at(seen, place, model.seen * tried.shown[view] * kernel)
    return seen


def log_match_ratio(
    tried: TriedViews,
    spots_m: Vector,
    xy_m: Vector,
    threshold: float,
    reach_m: float,
    model: EvidenceModel,
) -> Vector:
    """Return what the inliers add to each place's likelihood ratio, its natural log, (N,).

    Minus infinity at places that no view speaks for; arguments as of ``log_verification_ratio``.
    """
    count = len(xy_m)
    log_ratio = np.full(count, -np.inf)
    log_odds = log_inlier_odds(tried.inliers, threshold, model)
    negligible = math.log(1e-4 * (1.0 - model.seen) / count)
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
