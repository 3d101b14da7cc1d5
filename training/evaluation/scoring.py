"""Photos against galleries, in blocks: best cosine and heading of every place, then outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from model_core.config import EvidenceModel, ModelConfig, RankingConfig, StreetViewConfig
from model_core.matching.correlation import best_shifts
from model_core.matching.null_distribution import null_of_many
from model_core.matching.search import LOOK_GAIN
from training.correlation import Described, window_correlation
from training.evaluation.galleries import Gallery
from training.evaluation.photos import PhotoBlock, PhotoList
from training.losses import distances_m
from training.metrics import (
    Outcomes,
    first_probability,
    heading_error_deg,
    rank_of_right,
)

Search = Literal["full", "none", "known"]
"""``full`` takes the best heading; ``none`` compares the columns from 0 on alone, as a model
without a search of headings does; ``known`` is told the heading."""
_WINDOW_VALUES = {"cpu": 1 << 24, "cuda": 1 << 28}


def own_search(config: ModelConfig) -> Search:
    """Return how a model scores itself: without a search of headings as the released code does.

    That compares a photo of whatever heading with the references' columns from 0 on.
    """
    return "full" if config.heading_search else "none"


@dataclass(frozen=True)
class Ranking:
    """Score and left edge in bins of every place for every photo, both (B, N)."""

    scores: Tensor
    shifts: Tensor

    def but(self, other: Ranking, where: Tensor) -> Ranking:
        """Return the ranking with another's values where a mask (B, N) says so."""
        return Ranking(
            torch.where(where, other.scores, self.scores),
            torch.where(where, other.shifts, self.shifts),
        )


def rank_places(
    photos: Described, gallery: Gallery, block: PhotoBlock, searches: Sequence[Search]
) -> dict[Search, Ranking]:
    """Return the gallery ranked for a block of photos, under each way to search.

    Args:
        photos: The block's features.
        gallery: Places; those whose street view does not serve a photo count by ``otherwise``.
        block: The photos; their days and true headings are used.
        searches: See ``Search``.
    """
    serving = gallery.serving(block.batch.query_days)
    found: dict[Search, list[Ranking]] = {search: [] for search in searches}
    looks: list[list[Ranking]] = [[] for _ in gallery.beside]
    start_bin = block.windows.start_bin
    bins, depth = gallery.described.features.shape[-1], photos.features[0].numel()
    most = _WINDOW_VALUES.get(photos.features.device.type, 1 << 24)
    step = max(1, most // (bins * max(depth, len(photos.features))))
    for first in range(0, len(gallery), step):
        some = slice(first, first + step)
        cosines = window_correlation(photos, gallery.described.at(some))
        if gallery.otherwise is not None and not bool(serving[:, some].all()):
            other = window_correlation(photos, gallery.otherwise.at(some))
            cosines = torch.where(serving[:, some, None], cosines, other)
        for search in searches:
            found[search].append(_search(cosines, start_bin, search))
        if "full" in searches:
            for look, parts in zip(gallery.beside, looks, strict=True):
                parts.append(_search(window_correlation(photos, look.at(some)), start_bin, "full"))
    ranked = {search: _whole(parts) for search, parts in found.items()}
    if "full" in ranked and looks:
        joined = _join_looks([ranked["full"], *map(_whole, looks)])
        one_look = serving & gallery.street_near
        ranked["full"] = (
            joined if gallery.otherwise is None else ranked["full"].but(joined, ~one_look)
        )
    return ranked


def _whole(parts: Sequence[Ranking]) -> Ranking:
    return Ranking(
        torch.cat([part.scores for part in parts], dim=1),
        torch.cat([part.shifts for part in parts], dim=1),
    )


def _join_looks(looks: Sequence[Ranking]) -> Ranking:
    """Return places by all looks at them, as ``matching.search`` joins looks; still cosines."""
    scores = torch.stack([look.scores for look in looks])
    shifts = torch.stack([look.shifts for look in looks])
    spread = torch.stack(
        [torch.as_tensor(null_of_many(one.detach().cpu().numpy()).std) for one in looks[0].scores]
    ).to(scores)
    gain = (LOOK_GAIN / spread)[:, None]
    joint = (torch.logsumexp(scores * gain, dim=0) - math.log(len(looks))) / gain
    best = scores.argmax(dim=0, keepdim=True)
    return Ranking(joint, shifts.gather(0, best)[0])


def _search(cosines: Tensor, start_bin: Tensor, search: Search) -> Ranking:
    if search == "full":
        return Ranking(*best_shifts(cosines))
    if search == "none":
        return Ranking(cosines[..., 0], torch.zeros_like(cosines[..., 0]))
    bins, left = cosines.shape[-1], torch.floor(start_bin)
    weight = (start_bin - left)[:, None]
    first, second = (
        cosines.gather(2, ((left.long() + k) % bins)[:, None, None].expand(-1, cosines.shape[1], 1))
        for k in (0, 1)
    )
    mixed = first.squeeze(2) * (1 - weight) + second.squeeze(2) * weight
    at = start_bin[:, None].expand(-1, cosines.shape[1])
    return Ranking(torch.where(torch.isnan(mixed), -torch.inf, mixed), at)


def judge(
    ranking: Ranking,
    gallery: Gallery,
    block: PhotoBlock,
    photos: PhotoList,
    bins: int,
    radii_m: tuple[float, ...],
    evidence: EvidenceModel | None = None,
) -> Outcomes:
    """Return what came of a block of photos.

    Args:
        ranking: Of the gallery.
        gallery: The places.
        block: The photos.
        photos: The list that the block is of.
        bins: Of a full circle.
        radii_m: What counts as right.
        evidence: What the scores are worth; as of the packaged model if None.
    """
    batch, scores = block.batch, ranking.scores
    truth = batch.place_xy + (batch.query_offset_m if gallery.from_camera else 0.0)
    away = distances_m(truth, gallery.xy_m)
    away = away.masked_fill(batch.city[:, None] != gallery.city[None, :], torch.inf)
    scored = torch.isfinite(scores)
    near = [away <= radius_m for radius_m in radii_m]
    ranks = torch.stack([rank_of_right(scores, right) for right in near], dim=1)
    among = torch.stack([(right & scored).sum(1) for right in near], dim=1)
    first = scores.argmax(1, keepdim=True)
    own = away.argmin(1, keepdim=True)
    first_xy, first_city = gallery.xy_m[first[:, 0]], gallery.city[first[:, 0]]
    merged = distances_m(first_xy, gallery.xy_m) <= RankingConfig().merge_radius_m
    merged = merged & (first_city[:, None] == gallery.city[None, :])
    errors = [
        heading_error_deg(ranking.shifts.gather(1, at)[:, 0], block.windows.start_bin, bins)
        .where(batch.heading_known & scored.gather(1, at)[:, 0], torch.nan)
        .cpu()
        .numpy()
        .astype(np.float64)
        for at in (own, first)
    ]
    return Outcomes(
        city=batch.city.cpu().numpy(),
        place=photos.place[block.rows],
        photo=photos.photo[block.rows],
        state=batch.query_state.long().cpu().numpy(),
        available=batch.street_available(StreetViewConfig().max_age_days, strict=True)
        .cpu()
        .numpy(),
        fov_deg=block.fov_deg,
        places=np.full(len(scores), len(gallery), np.int64),
        rank=ranks.cpu().numpy(),
        scored=scored.sum(1).cpu().numpy(),
        right=among.cpu().numpy(),
        heading_error_deg=errors[0],
        first_heading_error_deg=errors[1],
        first_distance_m=away.gather(1, first)[:, 0].double().cpu().numpy(),
        probability=first_probability(scores, merged, evidence).double().cpu().numpy(),
        radii_m=radii_m,
    )
