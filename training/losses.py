"""InfoNCE over places and headings, from correlation windows that are each normalised."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MASKED_LOGIT = -1e4
"""Stands for minus infinity, whose log-sum-exp has no gradient."""


def window_correlation(photos: Tensor, references: Tensor) -> Tensor:
    """Return the cosine of every photo with every window of every reference.

    Args:
        photos: (B, C, h, w) features.
        references: (N, C, h, W) features of full circles; uncovered bins are zero.

    Returns:
        (B, N, W): entry k is the window whose left edge is bin k, normalised by itself.

    Source: paper Eq. 4, with the window's norm taken before any maximum.
    """
    width = photos.shape[-1]
    query = F.normalize(photos.float().flatten(1), dim=1, eps=1e-6)
    circle = references.float()
    wrapped = torch.cat([circle, circle[..., : width - 1]], dim=-1) if width > 1 else circle
    windows = wrapped.unfold(-1, width, 1).permute(0, 3, 1, 2, 4).flatten(2)
    windows = F.normalize(windows, dim=2, eps=1e-6)
    return torch.einsum("bd,nsd->bns", query, windows)


def false_negative_mask(place_xy: Tensor, city: Tensor, radius_m: float) -> Tensor:
    """Return bool (B, B): other places too near to serve as negatives.

    Source: places nearer than the scoring radius are right answers too.
    """
    near = torch.cdist(place_xy, place_xy) < radius_m
    near = near & (city[:, None] == city[None, :])
    near.fill_diagonal_(False)
    return near


def heading_loss(
    correlation: Tensor, start_bin: Tensor, logit_scale: Tensor, masked: Tensor
) -> Tensor:
    """Return the cross-entropy of the true place at the true heading among all of both.

    Args:
        correlation: (B, N, W) from ``window_correlation``; row b's own place is column b.
        start_bin: (B,) true left edge in bins, fractional: split between its two nearest bins.
        logit_scale: Scalar, the inverse temperature.
        masked: bool (B, N) false negatives.
    """
    batch, _, bins = correlation.shape
    logits = _masked_logits(correlation, logit_scale, masked)
    joint = F.log_softmax(logits.flatten(1), dim=1).view(logits.shape)
    rows = torch.arange(batch, device=logits.device)
    own = joint[rows, rows]
    left = torch.floor(start_bin)
    fraction = (start_bin - left)[:, None]
    index = left.long()[:, None] % bins
    hit = own.gather(1, index) * (1 - fraction) + own.gather(1, (index + 1) % bins) * fraction
    return -hit.mean()


def _masked_logits(correlation: Tensor, logit_scale: Tensor, masked: Tensor) -> Tensor:
    return (correlation * logit_scale).masked_fill(masked[:, :, None], MASKED_LOGIT)


def place_and_heading_loss(
    correlation: Tensor,
    start_bin: Tensor,
    logit_scale: Tensor,
    masked: Tensor,
    label_smoothing: float,
) -> Tensor:
    """Return the symmetric InfoNCE in which a photo's classes are (place, heading) pairs.

    Photo to place: one softmax over every unmasked place and every heading, whose target is the
    true place at the true heading, split between its two nearest bins. Place to photo: one softmax
    over photos of the log-sum-exp over headings, which is the differentiable alignment.

    Args:
        correlation: (B, B, W) from ``window_correlation``; row b's own place is column b.
        start_bin: (B,) true left edge in bins, fractional.
        logit_scale: Scalar, the inverse temperature.
        masked: bool (B, B) false negatives.
        label_smoothing: Spread over the unmasked entries only.
    """
    logits = _masked_logits(correlation, logit_scale, masked)
    hit = heading_loss(correlation, start_bin, logit_scale, masked)
    pooled = torch.logsumexp(logits, dim=2)
    forward = (1 - label_smoothing) * hit + label_smoothing * _spread(
        F.log_softmax(pooled, dim=1), masked
    )
    backward = _cross_entropy(pooled.t(), masked.t(), label_smoothing)
    return 0.5 * (forward + backward)


def _cross_entropy(logits: Tensor, masked: Tensor, label_smoothing: float) -> Tensor:
    log_probability = F.log_softmax(logits, dim=1)
    hit = -log_probability.diagonal().mean()
    return (1 - label_smoothing) * hit + label_smoothing * _spread(log_probability, masked)


def _spread(log_probability: Tensor, masked: Tensor) -> Tensor:
    """Return the cross-entropy to the uniform distribution over unmasked entries."""
    kept = ~masked
    filled = log_probability.masked_fill(masked, 0.0)
    return -(filled.sum(1) / kept.sum(1)).mean()
