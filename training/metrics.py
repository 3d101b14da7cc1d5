"""Figures of ranked places: recall, heading error, chance, intervals, risk-coverage, calibration.

Ranks, shares of chance and headings are computed on the device, a block of photos at a time;
figures of all photos on arrays of one number a photo.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import gammaln
from torch import Tensor
from torchmetrics.functional.classification import binary_calibration_error

from model_core.config import EvidenceModel
from model_core.matching.null_distribution import LEAST_STD

RADIUS_M = 25.0
"""What counts as right where one radius is told."""
RADII_M = (RADIUS_M, 50.0, 100.0)
RANKS = ("1", "5", "10", "1%")
HEADING_WITHIN_DEG = (5.0, 10.0, 22.5)
RELIABILITY_BINS = 10
_MAD_TO_STD = 1.4826
_DRAWN_VALUES = 1 << 24

Vector = npt.NDArray[np.float64]


def rank_of_right(scores: Tensor, right: Tensor) -> Tensor:
    """Return the rank from 1 of the best placed right answer, int64 (B,).

    Wrong places with the same score go first, so that a model that cannot tell places apart gains
    nothing. Where no right place is scored, the rank is one beyond the last.

    Args:
        scores: (B, N); minus infinity where a place cannot be scored.
        right: bool (B, N), the places that count as right.
    """
    best = scores.masked_fill(~right, -torch.inf).amax(dim=1)
    before = ((scores >= best[:, None]) & ~right).sum(dim=1)
    return torch.where(torch.isfinite(best), before + 1, scores.shape[1] + 1)


def chance_of_reach(scored: npt.ArrayLike, right: npt.ArrayLike, reach: npt.ArrayLike) -> Vector:
    """Return the chance that a random order has a right answer among the first few, exact.

    ``1 - C(n - m, k) / C(n, k)`` for ``m`` right ones of ``n``. Arguments broadcast.

    Args:
        scored: Numbers ``n`` of places in the random order.
        right: Numbers ``m`` of right ones among them.
        reach: Numbers ``k`` of answers that are looked at.
    """
    n, m = np.asarray(scored, np.float64), np.asarray(right, np.float64)
    k = np.minimum(np.asarray(reach, np.float64), n)
    left = np.maximum(n - m - k, 0.0)
    none = gammaln(n - m + 1) + gammaln(n - k + 1) - gammaln(left + 1) - gammaln(n + 1)
    chance: Vector = np.where(n - m < k, 1.0, -np.expm1(none))
    return np.where(m > 0, chance, 0.0)


def heading_error_deg(shift: Tensor, start_bin: Tensor, bins: int) -> Tensor:
    """Return how far apart two headings are, given as left edges in bins; degrees in [0, 180]."""
    turned = (shift - start_bin) * (360.0 / bins)
    return (torch.remainder(turned + 180.0, 360.0) - 180.0).abs()


def first_probability(
    scores: Tensor, near_first: Tensor, model: EvidenceModel | None = None
) -> Tensor:
    """Return the probability of the first answer, from scores alone, (B,).

    Scores become standard deviations above the photo's other places, then likelihood ratios, then
    a posterior, and neighbours of the first answer count for it: what ``model_core.evidence`` and
    the merging of candidates do with a photo of one field of view. A search lays half of all
    probability elsewhere beforehand; these photos are known to be of one of the places, so
    nothing is.

    Args:
        scores: (B, N) best cosines; minus infinity where a place cannot be scored.
        near_first: bool (B, N), the places that are merged with the first answer.
        model: Constants of the evidence.
    """
    model = model or EvidenceModel()
    finite = torch.isfinite(scores)
    known = scores.float().masked_fill(~finite, torch.nan)
    middle = known.nanquantile(0.5, dim=1, keepdim=True)
    spread = _MAD_TO_STD * (known - middle).abs().nanquantile(0.5, dim=1, keepdim=True)
    z = (known - middle) / spread.clamp(min=LEAST_STD)
    z = z - (1.0 - model.score_beyond) * (z - model.max_score).clamp(min=0.0)
    gain = model.separation * z - model.separation**2 / 2.0 + math.log(model.informed)
    log_ratio = torch.logaddexp(torch.full_like(gain, math.log1p(-model.informed)), gain)
    posterior = torch.where(finite, log_ratio, 0.0).softmax(dim=1)
    return (posterior * near_first).sum(dim=1)


@dataclass(frozen=True)
class Outcomes:
    """What came of Q photos against one kind of reference; arrays share their first axis.

    Attributes:
        city: int64 (Q,).
        place: int64 (Q,), the photo's own place, a row of the place set.
        photo: int64 (Q,), which photo of that place.
        state: int64 (Q,), of disaster.
        available: bool (Q,), its own place has a street view within the age that serves it.
        fov_deg: float64 (Q,).
        places: int64 (Q,), how many places there were to search.
        rank: int64 (Q, R), of the best placed answer within each radius.
        scored: int64 (Q,), how many of them could be scored; a random order is one of these.
        right: int64 (Q, R), how many of those lie within each radius.
        heading_error_deg: float64 (Q,), at the nearest place; NaN where unknown.
        first_heading_error_deg: float64 (Q,), of the first answer; NaN where unknown.
        first_distance_m: float64 (Q,), of the first answer from the truth.
        probability: float64 (Q,), of the first answer; see ``first_probability``.
        radii_m: The R radii.
    """

    city: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    photo: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]
    available: npt.NDArray[np.bool_]
    fov_deg: Vector
    places: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    scored: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    heading_error_deg: Vector
    first_heading_error_deg: Vector
    first_distance_m: Vector
    probability: Vector
    radii_m: tuple[float, ...] = RADII_M

    def __len__(self) -> int:
        """The number of photos."""
        return len(self.city)

    def take(self, rows: npt.NDArray[Any]) -> Outcomes:
        """Return the photos at ``rows``, an index or a mask."""
        parts = {k: v[rows] for k, v in vars(self).items() if k != "radii_m"}
        return Outcomes(**parts, radii_m=self.radii_m)

    def reached(self) -> npt.NDArray[np.bool_]:
        """Return which photos have a right answer in reach, bool (Q, R, 4)."""
        found = self.rank <= self.places[:, None]
        return (self.rank[:, :, None] <= self._reach()[:, None, :]) & found[:, :, None]

    def chance(self) -> Vector:
        """Return the chance that a random order has a right answer in reach, (Q, R, 4)."""
        return chance_of_reach(
            self.scored[:, None, None], self.right[:, :, None], self._reach()[:, None, :]
        )

    def chance_rank(self) -> Vector:
        """Return the mean rank that a random order gives the best right answer, (Q, R)."""
        mean: Vector = (self.scored[:, None] + 1.0) / (self.right + 1.0)
        return np.where(self.right > 0, mean, self.places[:, None] + 1.0)

    def _reach(self) -> npt.NDArray[np.int64]:
        """Return how many answers R@1, R@5, R@10 and R@1% look at, (Q, 4)."""
        percent = np.maximum(1, -(-self.places // 100))
        ones = np.ones_like(percent)
        return np.stack([ones, 5 * ones, 10 * ones, percent], axis=1)


def join_outcomes(parts: Sequence[Outcomes]) -> Outcomes:
    """Return several sets of photos as one."""
    names = [k for k in vars(parts[0]) if k != "radii_m"]
    joined = {k: np.concatenate([getattr(p, k) for p in parts]) for k in names}
    return Outcomes(**joined, radii_m=parts[0].radii_m)


@dataclass(frozen=True)
class Share:
    """A share of photos, the 2.5 and 97.5 percentiles of its bootstrap, and that of chance."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Figures:
    """Figures of many photos.

    ``shares`` by name: ``R@5 25m``, ``heading 10``, ``first 10``; those of headings are left out
    where no photo's is known. ``numbers``: median_rank, mean_rank and chance_rank within the
    smallest radius, median_heading_error_deg, median_first_heading_error_deg,
    median_first_distance_m, aurc, aurc_chance, ece, mean_probability, places. A median of nothing,
    or in another city, is None.
    """

    photos: int
    shares: Mapping[str, Share]
    numbers: Mapping[str, float | None]

    def share(self, name: str) -> float:
        """Return one share's value."""
        return self.shares[name].value


def share_values(outcomes: Outcomes) -> tuple[list[str], Vector, Vector]:
    """Return names (M), what each photo says of each share (Q, M), NaN where nothing, and chance.

    The values are 0 or 1, so that their mean over any photos is the share there.
    """
    names = [f"R@{k} {r:g}m" for r in outcomes.radii_m for k in RANKS]
    count = len(outcomes)
    values = [outcomes.reached().reshape(count, len(names)).astype(np.float64)]
    chances = [outcomes.chance().reshape(count, len(names))]
    for label, error in (
        ("heading", outcomes.heading_error_deg),
        ("first", outcomes.first_heading_error_deg),
    ):
        for within in HEADING_WITHIN_DEG:
            names.append(f"{label} {within:g}")
            inside = np.where(np.isnan(error), np.nan, error <= within)
            values.append(inside[:, None])
            chances.append(np.full((count, 1), within / 180.0))
    return names, np.concatenate(values, 1), np.concatenate(chances, 1)


def summarize(
    outcomes: Outcomes, samples: int = 1000, seed: int = 0, device: torch.device | str = "cpu"
) -> Figures:
    """Return the figures of photos; those of none are zero shares and no numbers.

    Args:
        outcomes: The photos.
        samples: Bootstrap draws.
        seed: Of the bootstrap.
        device: Where it is drawn.
    """
    names, values, chances = share_values(outcomes)
    if not len(outcomes):
        return Figures(0, {name: Share(0.0, 0.0, 0.0, 0.0) for name in names}, {})
    intervals = bootstrap_intervals(values, outcomes.city, outcomes.place, samples, seed, device)
    means, chance = _means(values), _means(chances)
    shares = {
        name: Share(float(means[k]), float(low), float(high), float(chance[k]))
        for k, (name, (low, high)) in enumerate(zip(names, intervals, strict=True))
        if not np.isnan(values[:, k]).all()
    }
    right = outcomes.reached()[:, 0, 0]
    risk = risk_coverage(outcomes.probability, right)[1]
    numbers = {
        "median_rank": _median(outcomes.rank[:, 0]),
        "mean_rank": float(outcomes.rank[:, 0].mean()),
        "chance_rank": float(outcomes.chance_rank()[:, 0].mean()),
        "median_heading_error_deg": _median(outcomes.heading_error_deg),
        "median_first_heading_error_deg": _median(outcomes.first_heading_error_deg),
        "median_first_distance_m": _median(outcomes.first_distance_m),
        "aurc": float(risk.mean()),
        "aurc_chance": float(1.0 - right.mean()),
        "ece": calibration_error(outcomes.probability, right),
        "mean_probability": float(outcomes.probability.mean()),
        "places": float(outcomes.places.mean()),
    }
    return Figures(len(outcomes), shares, numbers)


def bootstrap_intervals(
    values: Vector,
    city: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    samples: int = 1000,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Vector:
    """Return the 2.5 and 97.5 percentiles (M, 2) of the means of values (Q, M) over photos.

    Places are drawn with replacement within their city, each with all its photos, since photos of
    one place fail together; every city keeps its weight. NaN counts neither for nor against.

    Args:
        values: One row a photo.
        city: (Q,).
        place: (Q,), the photo's own place.
        samples: Draws.
        seed: Of the draws.
        device: Where to draw.
    """
    chance = torch.Generator(device).manual_seed(seed)
    table = torch.as_tensor(values, dtype=torch.float32, device=device)
    sums = torch.zeros(samples, table.shape[1], device=device)
    counts = torch.zeros_like(sums)
    for one in np.unique(city):
        rows = np.flatnonzero(city == one)
        found, of_place = np.unique(place[rows], return_inverse=True)
        mine = table[torch.as_tensor(rows, device=device)]
        blank = torch.zeros(len(found), table.shape[1], device=device)
        at = torch.as_tensor(of_place, device=device)
        total = blank.index_add(0, at, mine.nan_to_num(0.0))
        known = blank.index_add(0, at, (~mine.isnan()).float())
        step = max(1, _DRAWN_VALUES // total.numel())
        for first in range(0, samples, step):
            draws = min(step, samples - first)
            drawn = torch.randint(len(found), (draws, len(found)), generator=chance, device=device)
            sums[first : first + draws] += total[drawn].sum(1)
            counts[first : first + draws] += known[drawn].sum(1)
    means = (sums / counts.clamp(min=1.0)).double()
    edges = torch.tensor([0.025, 0.975], dtype=torch.float64, device=device)
    return np.asarray(means.quantile(edges, dim=0).T.cpu().numpy(), np.float64)


def risk_coverage(confidence: Vector, right: npt.NDArray[np.bool_]) -> tuple[Vector, Vector]:
    """Return coverage (Q,) and the share of wrong answers among the surest so many photos (Q,).

    Photos of the same confidence share their risk, so that the order of the input cannot matter.
    The mean of the risks is the area under the curve (AURC).
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = 1.0 - right[order].astype(np.float64)
    _, group, size = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    shared = np.bincount(group, wrong) / size
    answered = np.arange(1, len(wrong) + 1)
    return answered / len(wrong), np.cumsum(shared[group]) / answered


def calibration_error(probability: Vector, right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error: mean gap of probability and share right, by bin."""
    said = torch.as_tensor(probability, dtype=torch.float64).clamp(0.0, 1.0)
    true = torch.as_tensor(right).long()
    return float(binary_calibration_error(said, true, n_bins=RELIABILITY_BINS, norm="l1"))


def reliability(
    probability: Vector, right: npt.NDArray[np.bool_], weight: Vector | None = None
) -> tuple[Vector, Vector, Vector]:
    """Return mean probability, share right and weight of the bins that hold any photo.

    Args:
        probability: (Q,) said of each answer.
        right: (Q,) whether it is right.
        weight: (Q,) of each photo; 1 if None, so that weights are numbers of photos.
    """
    weight = np.ones(len(probability)) if weight is None else weight
    row = np.clip((probability * RELIABILITY_BINS).astype(np.int64), 0, RELIABILITY_BINS - 1)
    total = np.bincount(row, weight, RELIABILITY_BINS).astype(np.float64)
    held = np.flatnonzero(total)
    said = np.bincount(row, weight * probability, RELIABILITY_BINS)[held] / total[held]
    share = np.bincount(row, weight * right, RELIABILITY_BINS)[held] / total[held]
    return said, share, total[held]


def _means(values: Vector) -> Vector:
    known = ~np.isnan(values)
    means: Vector = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means


def _median(values: npt.NDArray[Any]) -> float | None:
    known = values[~np.isnan(values)]
    middle = float(np.median(known)) if len(known) else math.nan
    return middle if math.isfinite(middle) else None
