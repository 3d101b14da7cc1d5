"""What a matcher is asked to do: losses on the correlation of photos with places at all headings.

Every loss takes the same correlation and the same masks, so that losses can be compared by name
alone; ``matching_loss`` gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from model_core.errors import ConfigError

LossName = Literal["infonce", "paper", "triplet", "soft_margin_triplet", "release"]

MASKED_LOGIT = -1e4
"""Stands for minus infinity, whose log-sum-exp has no gradient."""

LEAST_COSINE = -1.0
"""Of windows that show too little of a photo to be searched; log-sum-exp needs a finite one."""

TRIPLET_MARGIN = 0.2
"""On squared distances of unit vectors (Schroff et al. 2015)."""

SOFT_MARGIN_WEIGHT = 10.0
"""How steep the soft margin is (Hu et al. 2018)."""

RELEASE_TEMPERATURE = 0.07


class MatchingLoss(Protocol):
    """A loss of one batch of photos against places.

    Args:
        correlation: (B, N, W) from ``training.correlation``, N >= B; row b's own place is column b.
        start_bin: (B,) true left edge in bins, fractional; not read where it is unknown.
        logit_scale: Scalar, the inverse temperature; losses with a fixed one ignore it.
        masked: bool (B, N) false negatives.
        label_smoothing: Spread over the unmasked places only; not every loss knows it.
        heading_known: bool (B,). Where it is False any heading of the right place is right.
    """

    def __call__(  # noqa: D102
        self,
        correlation: Tensor,
        start_bin: Tensor,
        logit_scale: Tensor,
        masked: Tensor,
        *,
        label_smoothing: float,
        heading_known: Tensor,
    ) -> Tensor: ...


@dataclass(frozen=True)
class Whereabouts:
    """Where photos were taken and their places lie.

    ``camera_xy`` and ``place_xy`` are (N, 2) metres east and north in the city, ``city`` is (N,).
    """

    camera_xy: Tensor
    place_xy: Tensor
    city: Tensor

    def at(self, rows: slice) -> Whereabouts:
        """Return some rows."""
        return Whereabouts(self.camera_xy[rows], self.place_xy[rows], self.city[rows])


def right_too(photos: Whereabouts, places: Whereabouts, radius_m: float) -> Tensor:
    """Return bool (B, N): places too near to be wrong answers to a photo, its own among them.

    A place is near by its centre or by its own photo's camera, and to the photo's camera or, centre
    to centre, to the photo's place.

    Source: places nearer than the scoring radius are right answers too.
    """
    pairs = (
        (photos.camera_xy, places.camera_xy),
        (photos.camera_xy, places.place_xy),
        (photos.place_xy, places.place_xy),
    )
    same_city = photos.city[:, None] == places.city[None, :]
    return same_city & torch.stack([distances_m(*pair) < radius_m for pair in pairs]).any(dim=0)


def distances_m(one: Tensor, other: Tensor) -> Tensor:
    """Return (B, N): how far apart points (B, 2) and (N, 2) in metres lie."""
    # Products of large coordinates would be metres off.
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def false_negative_mask(where: Whereabouts, radius_m: float) -> Tensor:
    """Return bool (B, B): other places too near to a photo to serve as negatives."""
    return right_too(where, where, radius_m).fill_diagonal_(False)


def matching_loss(name: str) -> MatchingLoss:
    """Return the loss of that name.

    Args:
        name: ``infonce`` (default), ``paper`` (one direction, Gumbel-Softmax alignment),
            ``triplet``, ``soft_margin_triplet``, or ``release`` (as the released code has it).

    Raises:
        ConfigError: Unknown name.
    """
    losses: dict[str, MatchingLoss] = {
        "infonce": _infonce,
        "paper": _paper,
        "triplet": _triplet,
        "soft_margin_triplet": _soft_margin_triplet,
        "release": _release,
    }
    if name not in losses:
        raise ConfigError(f"unknown loss {name!r}; known here: {', '.join(get_args(LossName))}")
    return losses[name]


def heading_loss(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    heading_known: Tensor | None = None,
) -> Tensor:
    """Return the cross-entropy of the true place at the true heading among all of both.

    Arguments as for ``MatchingLoss``; headings are known where ``heading_known`` is None.
    """
    logits = _masked_logits(correlation, logit_scale, masked)
    joint = F.log_softmax(logits.flatten(1), dim=1).view(logits.shape)
    own = _own(joint)
    hit = _at_heading(own, start_bin)
    if heading_known is not None:
        hit = torch.where(heading_known, hit, torch.logsumexp(own, dim=1))
    return -hit.mean()


def place_and_heading_loss(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    label_smoothing: float,
    heading_known: Tensor | None = None,
) -> Tensor:
    """Return the symmetric InfoNCE in which a photo's classes are (place, heading) pairs.

    Photo to place: one softmax over every unmasked place and every heading, whose target is the
    true place at the true heading, split between its two nearest bins, or at all headings together
    where the true one is unknown. Place to photo: one softmax over photos of the log-sum-exp over
    headings, which is the differentiable alignment. Arguments as for ``MatchingLoss``.
    """
    logits = _masked_logits(correlation, logit_scale, masked)
    hit = heading_loss(correlation, start_bin, logit_scale, masked, heading_known)
    pooled = torch.logsumexp(logits, dim=2)
    forward = (1 - label_smoothing) * hit + label_smoothing * _spread(
        F.log_softmax(pooled, dim=1), masked
    )
    photos = len(pooled)
    backward = _cross_entropy(pooled[:, :photos].t(), masked[:, :photos].t(), label_smoothing)
    return 0.5 * (forward + backward)


def _infonce(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    *,
    label_smoothing: float,
    heading_known: Tensor,
) -> Tensor:
    return place_and_heading_loss(
        correlation, start_bin, logit_scale, masked, label_smoothing, heading_known
    )


def _paper(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    *,
    label_smoothing: float,
    heading_known: Tensor,
) -> Tensor:
    """InfoNCE of the photo's direction; Gumbel-Softmax picks the heading (paper Eq. 5)."""
    picked = F.gumbel_softmax(correlation * logit_scale, hard=True, dim=2)
    aligned = (picked * correlation).sum(2)
    logits = (aligned * logit_scale).masked_fill(masked, MASKED_LOGIT)
    return _cross_entropy(logits, masked, label_smoothing)


def _triplet(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    *,
    label_smoothing: float,
    heading_known: Tensor,
) -> Tensor:
    gaps, counted = _gaps(correlation, start_bin, masked, heading_known)
    return _mean_of(F.relu(gaps + TRIPLET_MARGIN), counted) + _unused(logit_scale)


def _soft_margin_triplet(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    *,
    label_smoothing: float,
    heading_known: Tensor,
) -> Tensor:
    gaps, counted = _gaps(correlation, start_bin, masked, heading_known)
    return _mean_of(F.softplus(SOFT_MARGIN_WEIGHT * gaps), counted) + _unused(logit_scale)


def _release(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    *,
    label_smoothing: float,
    heading_known: Tensor,
) -> Tensor:
    """Both directions, the right answer left out of the denominator, headings by the maximum.

    False negatives stay masked: that code's batches hold no neighbours, these do.
    """
    nearness = -_distances(correlation) / RELEASE_TEMPERATURE
    others = _negatives(masked)
    hit = nearness.diagonal()
    total = torch.zeros_like(hit)
    for logits, wrong in ((nearness, others), (nearness.t(), others.t())):
        rivals = torch.logsumexp(logits.masked_fill(~wrong, MASKED_LOGIT), dim=1)[: len(hit)]
        total = total + torch.where(wrong.any(1)[: len(hit)], rivals - hit, 0.0 * hit)
    return 0.5 * total.mean() + _unused(logit_scale)


def _masked_logits(correlation: Tensor, logit_scale: Tensor, masked: Tensor) -> Tensor:
    return (correlation * logit_scale).masked_fill(masked[:, :, None], MASKED_LOGIT)


def _own(values: Tensor) -> Tensor:
    """Return (B, W): every photo's values at its own place, of (B, N, W)."""
    rows = torch.arange(len(values), device=values.device)
    return values[rows, rows]


def _at_heading(own: Tensor, start_bin: Tensor) -> Tensor:
    """Return (B,): values (B, W) at fractional bins, between the two nearest."""
    bins = own.shape[1]
    left = torch.floor(start_bin)
    fraction = (start_bin - left)[:, None]
    index = left.long()[:, None] % bins
    after = own.gather(1, (index + 1) % bins)
    return (own.gather(1, index) * (1 - fraction) + after * fraction).squeeze(1)


def _distances(correlation: Tensor) -> Tensor:
    """Return squared distances (B, N) of unit vectors at each pair's best heading."""
    return 2.0 - 2.0 * correlation.amax(dim=2)


def _negatives(masked: Tensor) -> Tensor:
    """Return bool (B, N): the wrong answers."""
    wrong = ~masked
    return wrong & ~torch.eye(*masked.shape, dtype=torch.bool, device=masked.device)


def _gaps(
    correlation: Tensor, start_bin: Tensor, masked: Tensor, heading_known: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the triplets' distances, right less wrong, and which are counted, both (B, N + B).

    A known heading says where the right distance is taken; the wrong answers take their best.
    Both directions: photos against places, then places against photos.
    """
    distances, wrong = _distances(correlation), _negatives(masked)
    known = 2.0 - 2.0 * _at_heading(_own(correlation), start_bin)
    right = torch.where(heading_known, known, distances.diagonal())
    photos = len(right)
    forward = right[:, None] - distances
    backward = right[None, :] - distances[:, :photos]
    gaps = torch.cat([forward, backward], dim=1)
    return gaps, torch.cat([wrong, wrong[:, :photos]], dim=1)


def _mean_of(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)


def _unused(logit_scale: Tensor) -> Tensor:
    """Return a zero that keeps the temperature in the graph: every parameter has a gradient."""
    return 0.0 * logit_scale


def _cross_entropy(logits: Tensor, masked: Tensor, label_smoothing: float) -> Tensor:
    log_probability = F.log_softmax(logits, dim=1)
    hit = -log_probability.diagonal().mean()
    return (1 - label_smoothing) * hit + label_smoothing * _spread(log_probability, masked)


def _spread(log_probability: Tensor, masked: Tensor) -> Tensor:
    """Return the cross-entropy to the uniform distribution over unmasked entries."""
    kept = ~masked
    filled = log_probability.masked_fill(masked, 0.0)
    return -(filled.sum(1) / kept.sum(1)).mean()
