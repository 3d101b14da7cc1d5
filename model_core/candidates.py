"""Stage 10, candidates: places merged and ranked, with headings, spreads and probabilities.

What scores and inliers are worth is in ``evidence``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from model_core.config import EvidenceModel, RankingConfig
from model_core.errors import ShapeError
from model_core.evidence import (
    Vector,
    inlier_threshold,
    log_retrieval_ratio,
    log_verification_ratio,
    posterior,
)
from model_core.gallery.places import PlaceTable
from model_core.matching.search import RetrievalResult
from model_core.position import TriedViews, photo_spots
from model_core.references.area import LocalFrame
from model_core.types import Candidate, LonLat, Photo, PhotoResult, StreetView, Verification

UNKNOWN_HEADING_SIGMA_DEG = 180.0 / math.sqrt(3.0)
ASSUMED_FOV_DEG = 60.0


def rank_candidates(
    photo: Photo,
    places: PlaceTable,
    retrieval: RetrievalResult | None,
    verifications: Sequence[Verification],
    config: RankingConfig,
    views: Iterable[StreetView] = (),
    model: EvidenceModel | None = None,
) -> PhotoResult:
    """Return a photo's ranked candidates, their probabilities and whether it is in the area.

    Args:
        photo: The photo.
        places: Every place of the area.
        retrieval: What correlation says of them; None without a model or references for it.
        verifications: What local features say of some street views; may be empty.
        config: Merging, number of candidates, thresholds.
        views: The street views tried, for their positions; a view that is not among them counts
            as standing at its place.
        model: Constants of the evidence.

    Raises:
        ShapeError: The retrieval is of other places.
    """
    model = model or EvidenceModel()
    if retrieval is not None and len(retrieval.scores) != len(places):
        raise ShapeError(
            f"{len(retrieval.scores)} scores for {len(places)} places; search this gallery"
        )
    _, xy_m, tried = place_views(places, verifications, views)
    threshold = inlier_threshold(tried, config, model)
    spots_m = photo_spots(tried, threshold)

    log_ratio = log_retrieval_ratio(retrieval, len(places), model)
    log_ratio = log_ratio + log_verification_ratio(
        tried, spots_m, xy_m, threshold, config.merge_radius_m, retrieval is None, model
    )
    probability, elsewhere = posterior(log_ratio)
    candidates = _candidates(
        photo, places, retrieval, tried, spots_m, probability, log_ratio, xy_m, threshold, config
    )
    return PhotoResult(
        path=photo.path,
        photo_sha256=photo.sha256,
        candidates=candidates,
        probability_elsewhere=elsewhere,
        not_in_area=elsewhere >= config.not_in_area_probability,
        place_probability=probability.astype(np.float32),
        notes=photo.notes + _notes(photo, retrieval, verifications),
    )


def merge_neighbours(
    probability: Vector, xy_m: Vector, radius_m: float, count: int
) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Return up to ``count`` groups of places, the most probable group first.

    The most probable place left takes all places left within the radius, again and again.

    Args:
        probability: (N,).
        xy_m: (N, 2).
        radius_m: Reach of a group's peak.
        count: Most groups.

    Returns:
        For each group the row of its peak and those of all its places.
    """
    left = probability.copy()
    groups: list[tuple[int, npt.NDArray[np.int64]]] = []
    while len(groups) < count:
        peak = int(left.argmax())
        if left[peak] < 0.0:
            break
        offset = xy_m - xy_m[peak]
        near = np.hypot(offset[:, 0], offset[:, 1]) <= radius_m
        members = np.flatnonzero(near & (left >= 0.0))
        groups.append((peak, members))
        left[members] = -1.0
    return sorted(groups, key=lambda group: -float(probability[group[1]].sum()))


def heading_spread_deg(headings_deg: Vector, weights: Vector, around_deg: float) -> float:
    """Return the circular standard deviation of headings around one of them, degrees.

    ``sqrt(-2 ln R)`` with ``R`` the weighted mean cosine of the deviations; that of headings
    nothing is known about at most.
    """
    total = float(weights.sum())
    if total <= 0.0:
        return UNKNOWN_HEADING_SIGMA_DEG
    agreement = float((weights * np.cos(np.radians(headings_deg - around_deg))).sum()) / total
    if agreement <= 0.0:
        return UNKNOWN_HEADING_SIGMA_DEG
    spread = math.degrees(math.sqrt(max(0.0, -2.0 * math.log(min(agreement, 1.0)))))
    return min(spread, UNKNOWN_HEADING_SIGMA_DEG)


def place_views(
    places: PlaceTable, verifications: Sequence[Verification], views: Iterable[StreetView]
) -> tuple[LocalFrame, Vector, TriedViews]:
    """Return the places' plane, the places in it (N, 2), and the street views that were tried.

    Args:
        places: Every place of the area.
        verifications: What local features say of some street views.
        views: Those street views; one that is not among them counts as standing at its place.
    """
    frame = LocalFrame(LonLat(*(float(axis) for axis in places.lonlat.mean(0))))
    xy_m = np.column_stack(frame.to_xy(places.lonlat[:, 0], places.lonlat[:, 1]))
    view_of = {view.view_id: view for view in views}
    at = np.array([xy_m[one.place_index] for one in verifications], np.float64).reshape(-1, 2)
    shown = np.full(len(verifications), ASSUMED_FOV_DEG / 360.0)
    known = [row for row, one in enumerate(verifications) if one.view_id in view_of]
    if known:
        stood = [view_of[verifications[row].view_id] for row in known]
        lonlat = np.array([(view.lonlat.lon, view.lonlat.lat) for view in stood])
        at[known] = np.column_stack(frame.to_xy(lonlat[:, 0], lonlat[:, 1]))
        shown[known] = [_share_of_circle(view) for view in stood]
    inliers = np.array([one.inliers for one in verifications], np.float64)
    heading, sigma, bearing = (
        np.array([getattr(one, name) for one in verifications], np.float64)
        for name in ("heading_deg", "heading_sigma_deg", "bearing_deg")
    )
    tried = TriedViews(
        tuple(verifications), inliers, at, shown, heading, np.nan_to_num(sigma), bearing
    )
    return frame, xy_m, tried


def _share_of_circle(view: StreetView) -> float:
    """Return how much of the circle around it a street view shows."""
    assumed_deg = 360.0 if view.projection == "equirectangular" else ASSUMED_FOV_DEG
    return min(1.0, (view.fov_deg or assumed_deg) / 360.0)


def _candidates(
    photo: Photo,
    places: PlaceTable,
    retrieval: RetrievalResult | None,
    tried: TriedViews,
    spots_m: Vector,
    probability: Vector,
    log_ratio: Vector,
    xy_m: Vector,
    threshold: float,
    config: RankingConfig,
) -> tuple[Candidate, ...]:
    groups = merge_neighbours(probability, xy_m, config.merge_radius_m, config.max_candidates)
    found: list[Candidate] = []
    for rank, (peak, members) in enumerate(groups, start=1):
        offset = spots_m - xy_m[peak]
        near = np.flatnonzero(np.hypot(offset[:, 0], offset[:, 1]) <= config.merge_radius_m)
        verified = max(
            (tried.verifications[row] for row in near), key=lambda one: one.inliers, default=None
        )
        heading, sigma = _heading(
            peak, members, probability[members], retrieval, verified, threshold
        )
        record = places.record(peak)
        found.append(
            Candidate(
                photo=photo.name,
                rank=rank,
                lonlat=record.place.lonlat,
                score=float(log_ratio[peak]),
                probability=float(probability[members].sum()),
                heading_deg=heading,
                heading_sigma_deg=sigma,
                fov_deg=_fov(photo, retrieval, peak),
                place_id=record.place.place_id,
                street_view=record.street_view,
                street_view_date=record.street_view_captured_at,
                street_view_source=record.street_view_source,
                imagery_source=record.imagery_source,
                inliers=0 if verified is None else verified.inliers,
                street_view_id=verified.view_id
                if verified is not None and verified.inliers
                else "",
            )
        )
    return tuple(found)


def _heading(
    peak: int,
    members: npt.NDArray[np.int64],
    weights: Vector,
    retrieval: RetrievalResult | None,
    verified: Verification | None,
    threshold: float,
) -> tuple[float, float]:
    """Return a group's heading and its spread: by inliers when they are sure, else by retrieval."""
    by_inliers = None if verified is None else verified.heading_deg
    if verified is not None and by_inliers is not None and verified.inliers > threshold:
        sigma = verified.heading_sigma_deg
        return by_inliers % 360.0, UNKNOWN_HEADING_SIGMA_DEG if sigma is None else sigma
    if retrieval is None:
        return (0.0 if by_inliers is None else by_inliers % 360.0), UNKNOWN_HEADING_SIGMA_DEG
    heading = float(retrieval.headings_deg[peak])
    weight_of = dict(zip(members.tolist(), weights.tolist(), strict=True))
    listed = [row for row, match in enumerate(retrieval.top) if match.place_index in weight_of]
    if not listed:
        return heading, UNKNOWN_HEADING_SIGMA_DEG
    of_place = np.array([weight_of[retrieval.top[row].place_index] for row in listed])
    shares = retrieval.heading_probability[listed].astype(np.float64) * of_place[:, None]
    grid = retrieval.heading_grid_deg[listed].astype(np.float64)
    spread_deg = heading_spread_deg(grid.ravel(), shares.ravel(), heading)
    within_deg = 360.0 / grid.shape[1] / math.sqrt(12.0)  # a bin says no more
    return heading, min(math.hypot(spread_deg, within_deg), UNKNOWN_HEADING_SIGMA_DEG)


def _fov(photo: Photo, retrieval: RetrievalResult | None, place: int) -> float:
    if retrieval is not None:
        return float(retrieval.fovs_deg[place])
    return photo.fov_deg if photo.fov_deg is not None else ASSUMED_FOV_DEG


def _notes(
    photo: Photo, retrieval: RetrievalResult | None, verifications: Sequence[Verification]
) -> tuple[str, ...]:
    notes = []
    if retrieval is None:
        notes.append("ranked by local features alone")
        if photo.fov_deg is None:
            notes.append(f"field of view unknown, drawn as {ASSUMED_FOV_DEG:.0f} degrees")
    if not verifications:
        notes.append("no street view was tried")
    return tuple(notes)
