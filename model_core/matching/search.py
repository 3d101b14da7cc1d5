"""Search a gallery for photos: standardised scores of every place, the best ones with headings.

Each field of view that a photo may have is scored on its own and standardised against the places
of the area before fields of view are compared. The shortlist is correlated again in full
precision, which also gives its headings as distributions, and looked at from beside: a place counts
as much as the mean likelihood of the points around it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.config import SearchConfig
from model_core.errors import ShapeError
from model_core.matching.correlation import (
    PhotoFeatures,
    QueryBatch,
    best_shifts,
    heading_of_shift,
    prepare_queries,
)
from model_core.matching.null_distribution import (
    FEW_PLACES,
    NullDistribution,
    null_of_few,
    null_of_many,
)
from model_core.matching.scan import (
    Clock,
    FeatureTable,
    Scan,
    correlate_rows,
    feature_shape,
    scan_gallery,
)
from model_core.types import (
    CancelCheck,
    FloatArray,
    Match,
    ProgressCallback,
    ignore_progress,
    never_cancelled,
)

# How many null deviations a right shift is taken to stand out, for heading distributions.
SEPARATION = 2.0
# Times top_k rows are scored again after a scan in half precision.
OVERFETCH = 4
# Most bytes of best cosines and shifts, and most photos times fields of view, in one pass over
# the gallery; more photos make more passes.
KEPT_BYTES = 1 << 30
MAX_QUERIES = 256
# Natural log of the likelihood ratio that a deviation is worth between looks at one place.
LOOK_GAIN = 2.0


class Looks(FeatureTable, Protocol):
    """The places ``rows`` (n,) seen from several points each, a row of features a look."""

    @property
    def rows(self) -> npt.NDArray[np.int64]: ...  # noqa: D102


class Beside(Protocol):
    """What can show places from beside; ``gallery.beside.PlacesBeside`` is one."""

    def look(  # noqa: D102
        self, rows: Sequence[int], *, progress: ProgressCallback, cancel: CancelCheck
    ) -> Looks | None: ...


@dataclass(frozen=True)
class RetrievalResult:
    """What correlation says of one photo and every place.

    ``scores`` float32 (N,): standardised, the best field of view of each place, minus infinity
    where too little of a place is covered; ``headings_deg``, ``fovs_deg`` and ``correlation``
    (the raw cosine) (N,) belong to it. ``top`` holds the best places, best first;
    ``heading_grid_deg`` and ``heading_probability`` (len(top), bins) say how probable each heading
    is, given that the place is right.
    """

    scores: FloatArray
    headings_deg: FloatArray
    fovs_deg: FloatArray
    correlation: FloatArray
    top: tuple[Match, ...]
    heading_grid_deg: FloatArray
    heading_probability: FloatArray


def search_gallery(
    gallery: FeatureTable,
    photo_features: Sequence[PhotoFeatures],
    config: SearchConfig,
    device: torch.device,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    beside: Beside | None = None,
) -> RetrievalResult:
    """Return the places of a gallery scored for one photo.

    Args:
        gallery: Features of every place.
        photo_features: The photo under one field of view, or under each that it may have.
        config: Shortlist, block size, least coverage.
        device: Where the products run.
        progress: Told after every block, and of every place that is looked at from beside.
        cancel: Asked between blocks.
        beside: Shows the best places from beside; None leaves that out.

    Raises:
        ShapeError: The features do not fit the gallery, or there are none.
        Cancelled: The user asked to stop.
        DeviceError: Not even one row fits into the device's memory.
    """
    photos = [photo_features]
    return search_photos(gallery, photos, config, device, progress, cancel, beside=beside)[0]


def search_photos(
    gallery: FeatureTable,
    photos: Sequence[Sequence[PhotoFeatures]],
    config: SearchConfig,
    device: torch.device,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
    clock: Clock = time.perf_counter,
    beside: Beside | None = None,
) -> list[RetrievalResult]:
    """Return the places of a gallery scored for many photos, in as few passes as memory allows.

    Args:
        gallery: Features of every place.
        photos: For each photo its features under every possible field of view; widths may differ.
        config: Shortlist, block size, least coverage.
        device: Where the products run.
        progress: Told after every block, and of every place that is looked at from beside.
        cancel: Asked between blocks.
        clock: Seconds, for the short trial that chooses the precision on a processor.
        beside: Shows the best places from beside; None leaves that out.

    Raises:
        ShapeError: The features do not fit the gallery, or there are none.
        Cancelled: The user asked to stop.
        DeviceError: Not even one row fits into the device's memory.
    """
    if gallery.features.shape[0] == 0:
        raise ShapeError("the gallery holds no place; build it for an area with places")
    if any(not hypotheses for hypotheses in photos):
        raise ShapeError("a photo has no features; give one field of view or more")
    results: list[RetrievalResult] = []
    for some in _passes(photos, gallery.features.shape[0]):
        flat = [features for hypotheses in some for features in hypotheses]
        scan = scan_gallery(gallery, flat, config, device, progress, cancel, clock)
        start = 0
        for hypotheses in some:
            mine = scan.of_queries(slice(start, start + len(hypotheses)))
            results.append(
                _result(gallery, hypotheses, mine, config, device, progress, cancel, beside)
            )
            start += len(hypotheses)
    return results


def best_rows(scores: FloatArray, count: int) -> npt.NDArray[np.int64]:
    """Return the rows of the ``count`` largest scores, best first, ties by row."""
    rows = np.arange(len(scores))
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        above = np.flatnonzero(scores > least)
        equal = np.flatnonzero(scores == least)[: count - len(above)]
        rows = np.concatenate([above, equal])
    return rows[np.lexsort((rows, -scores[rows]))]


def heading_probability(cosines: FloatArray, nulls: Sequence[NullDistribution]) -> FloatArray:
    """Return how probable each shift of each place is, float32 (K, bins), rows summing to one.

    ``softmax(SEPARATION * z)`` over the standardised cosines ``z``: the posterior over shifts when
    a right shift scores ``SEPARATION`` deviations above a wrong one, both normal.

    Args:
        cosines: float32 (K, bins), minus infinity where a window was not scored.
        nulls: The null distribution of each row's field of view.
    """
    std = np.array([null.std for null in nulls], np.float64).reshape(-1, 1)
    logits = SEPARATION * cosines.astype(np.float64) / std
    peak = logits.max(1, keepdims=True)
    weights = np.exp(logits - np.where(np.isfinite(peak), peak, 0.0))
    total = weights.sum(1, keepdims=True)
    uniform = np.full_like(weights, 1.0 / cosines.shape[1])
    shares = np.divide(weights, total, out=uniform, where=total > 0)
    return np.asarray(shares, np.float32)


def _join_looks(
    cosines: Tensor, seen: Tensor, nulls: Sequence[NullDistribution]
) -> tuple[Tensor, FloatArray]:
    """Return places by all their looks: the best look's cosines, and the joint score.

    The score is the log of the mean likelihood ratio over looks, ``LOOK_GAIN`` a deviation, in
    deviations: a place that stands out from one point alone counts less than from several.

    Args:
        cosines: (n, Q, bins) from the places themselves.
        seen: (n * L, Q, bins) from L points around each.
        nulls: The null distribution of each of Q queries.

    Returns:
        (n, Q, bins), and float32 (n, Q).
    """
    count, queries, bins = cosines.shape
    looks = torch.cat([cosines[:, None], seen.view(count, -1, queries, bins)], dim=1)
    peaks = looks.amax(dim=3)
    best = peaks.argmax(dim=1)[:, None, :, None].expand(-1, -1, -1, bins)
    scores = np.stack(
        [nulls[q].standardise(peaks[..., q].cpu().numpy()) for q in range(queries)], axis=2
    )
    ratio = np.logaddexp.reduce(LOOK_GAIN * scores, axis=1) - math.log(scores.shape[1])
    return looks.gather(1, best)[:, 0], (ratio / LOOK_GAIN).astype(np.float32)


def _passes(
    photos: Sequence[Sequence[PhotoFeatures]], rows: int
) -> Iterator[list[Sequence[PhotoFeatures]]]:
    """Yield photos in groups that one pass can hold in memory, at least one photo a group."""
    most = min(MAX_QUERIES, KEPT_BYTES // (8 * rows))
    group: list[Sequence[PhotoFeatures]] = []
    for hypotheses in photos:
        if group and sum(map(len, group)) + len(hypotheses) > most:
            yield group
            group = []
        group.append(hypotheses)
    if group:
        yield group


def _result(
    gallery: FeatureTable,
    hypotheses: Sequence[PhotoFeatures],
    scan: Scan,
    config: SearchConfig,
    device: torch.device,
    progress: ProgressCallback,
    cancel: CancelCheck,
    beside: Beside | None,
) -> RetrievalResult:
    """Return one photo's result: standardise, refine the shortlist, choose the field of view."""
    rows, _, bins, _ = gallery.features.shape
    prepared = prepare_queries(hypotheses, feature_shape(gallery), device)
    nulls = _nulls(gallery, scan.best, prepared, config, device)
    best, shift, scores = scan.best.copy(), scan.shift.copy(), _standardise(scan.best, nulls)

    fetched = config.top_k * (1 if scan.exact else OVERFETCH)
    if beside is not None:
        fetched = max(fetched, config.beside_places)
    listed = np.sort(best_rows(scores.max(1), min(rows, fetched)))
    cosines = correlate_rows(gallery, listed, prepared, config, device)
    best[listed], shift[listed] = (part.cpu().numpy() for part in best_shifts(cosines))
    scores[listed] = _standardise(best[listed], nulls)
    if beside is not None:
        nearest = listed[best_rows(scores[listed].max(1), config.beside_places)]
        looks = beside.look(nearest.tolist(), progress=progress, cancel=cancel)
        if looks is not None:
            at = np.searchsorted(listed, looks.rows)
            seen = correlate_rows(looks, slice(None), prepared, config, device)
            cosines[at], scores[looks.rows] = _join_looks(cosines[at], seen, nulls)
            best[looks.rows], shift[looks.rows] = (
                part.cpu().numpy() for part in best_shifts(cosines[at])
            )

    fov = scores.argmax(1)
    row = np.arange(rows)
    widths = np.array([photo.width for photo in hypotheses])
    fovs = np.array([photo.fov_deg for photo in hypotheses], np.float32)[fov]
    headings = heading_of_shift(shift[row, fov], widths[fov], bins).astype(np.float32)
    combined = _standardise_combined(scores[row, fov], len(hypotheses))
    correlation = best[row, fov]

    places = listed[best_rows(combined[listed], min(rows, config.top_k))]
    values = (combined[places], correlation[places], headings[places], fovs[places])
    top = tuple(
        Match(int(place), *(float(value) for value in of_place))
        for place, *of_place in zip(places, *values, strict=True)
    )
    picked = cosines.cpu().numpy()[np.searchsorted(listed, places), fov[places]]
    grid = heading_of_shift(np.arange(bins)[None, :], widths[fov[places]][:, None], bins)
    probability = heading_probability(picked, [nulls[i] for i in fov[places]])
    return RetrievalResult(
        combined, headings, fovs, correlation, top, grid.astype(np.float32), probability
    )


def _nulls(
    gallery: FeatureTable,
    best: FloatArray,
    prepared: QueryBatch,
    config: SearchConfig,
    device: torch.device,
) -> list[NullDistribution]:
    scored = np.isfinite(best).sum(axis=0)
    few = None
    if (scored < FEW_PLACES).any():
        few = correlate_rows(gallery, slice(None), prepared, config, device).cpu().numpy()
    return [
        null_of_many(best[:, query])
        if few is None or scored[query] >= FEW_PLACES
        else null_of_few(few[:, query], width)
        for query, width in enumerate(prepared.widths)
    ]


def _standardise(best: FloatArray, nulls: Sequence[NullDistribution]) -> FloatArray:
    columns = [null.standardise(best[:, query]) for query, null in enumerate(nulls)]
    return np.stack(columns, axis=1)


def _standardise_combined(scores: FloatArray, hypotheses: int) -> FloatArray:
    """Return the best of several standardised scores as one, so that chance is zero again."""
    if hypotheses == 1 or np.isfinite(scores).sum() < FEW_PLACES:
        return scores
    return null_of_many(scores).standardise(scores)
