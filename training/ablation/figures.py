"""From the scores of trained rows to figures: means over seeds, intervals, orderings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ablation.tables import PaperFigures, Table
from training.metrics import Vector

RECALLS = {
    "1": "recall_at_1",
    "5": "recall_at_5",
    "10": "recall_at_10",
    "1%": "recall_at_1_percent",
}
AREAS = ("same", "cross")
WIDEST_FOV_DEG = 180.0
DIFFERS, UNCLEAR, AGREES = "differs", "cannot be told apart", "as in the paper"
_DRAWS = 2000


@dataclass(frozen=True)
class ByPlace:
    """Photos of P places at F fields of view, and those whose first answer is ``right``.

    ``place``, ``city`` (P,), ``photos``, ``right`` (F, P), all int64.
    """

    place: npt.NDArray[np.int64]
    city: npt.NDArray[np.int64]
    photos: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeedScore:
    """One trained model on one set: recall by rank, chance at rank 1, photos a field of view.

    ``by_place`` is None of scores that were written before places were kept.
    """

    seed: int
    recall: Mapping[str, float]
    chance: float
    photos: int
    by_place: ByPlace | None = None


@dataclass(frozen=True)
class RowFigures:
    """A row on one set, over its seeds, shares in [0, 1].

    ``low`` and ``high`` bound 95 % of the bootstrap of R@1 over seeds, and over places where
    ``over_places``, else over photos, which is too narrow where photos share a place. ``times`` is
    R@1 of the table's first row over this one's, and the bounds of 95 % where places are known.
    ``order`` says whether R@1 puts the row above and below the same others as the paper does, see
    ``mark_orderings``; empty where the paper says nothing of it.
    """

    recall: Mapping[str, float]
    low: float
    high: float
    chance: float
    photos: int
    seeds: tuple[int, ...]
    order: str = ""
    over_places: bool = False
    times: tuple[float, ...] = ()


def seed_score(seed: int, figures: Sequence[Mapping[str, Any]], kind: str) -> SeedScore | None:
    """Return the score of one kind of reference, None where it was not measured.

    The mean over the fields of view that a photo may have: circles are left out. ``strict`` was not
    measured where its figures are of all photos, as scores once held it.

    Args:
        seed: Of the training.
        figures: One mapping a kind and field of view, as ``training evaluate`` writes them.
        kind: Of the references, or the policy.
    """
    rows = [f for f in figures if f["kind"] == kind and f["fov_deg"] < WIDEST_FOV_DEG]
    if kind == "strict":
        rows = [f for f in rows if f.get("queries") == "common"]
    if not rows:
        return None
    recall = {
        rank: float(np.mean([row[key] for row in rows]))
        for rank, key in RECALLS.items()
        if all(key in row for row in rows)
    }
    chance = float(np.mean([row["chance"] for row in rows]))
    photos = min(int(row["photos"]) for row in rows)
    return SeedScore(seed, recall, chance, photos, _by_place(rows))


def _by_place(rows: Sequence[Mapping[str, Any]]) -> ByPlace | None:
    """Return what is known of every place at some fields of view."""
    if not all("by_place" in row for row in rows):
        return None
    parts = [row["by_place"] for row in rows]
    place, first = np.unique(np.concatenate([part["place"] for part in parts]), return_index=True)
    counts = np.zeros((2, len(parts), len(place)), np.int64)
    for number, part in enumerate(parts):
        counts[:, number, np.searchsorted(place, part["place"])] = part["photos"], part["right"]
    return ByPlace(place, np.concatenate([part["city"] for part in parts])[first], *counts)


def row_figures(scores: Sequence[SeedScore]) -> RowFigures | None:
    """Return the figures of a row over its seeds, None where no seed has been scored."""
    if not scores:
        return None
    shared = [rank for rank in RECALLS if all(rank in score.recall for score in scores)]
    drawn = _drawn_over_places(scores)
    low, high = _bounds(_drawn_over_photos(scores) if drawn is None else drawn)
    return RowFigures(
        {rank: float(np.mean([s.recall[rank] for s in scores])) for rank in shared},
        low,
        high,
        float(np.mean([s.chance for s in scores])),
        scores[0].photos,
        tuple(score.seed for score in scores),
        over_places=drawn is not None,
    )


def times_of(first: Sequence[SeedScore], other: Sequence[SeedScore]) -> tuple[float, ...]:
    """Return R@1 of one row over that of another, and the bounds of 95 % where places are known.

    Both are drawn over the same places, each over its own seeds. Nothing where a row has no score
    or finds nothing.
    """
    shares = [
        float(np.mean([s.recall["1"] for s in some])) if some else 0.0 for some in (first, other)
    ]
    if not min(shares) > 0.0:
        return ()
    drawn = [_drawn_over_places(some, stream) for stream, some in enumerate((first, other))]
    value = shares[0] / shares[1]
    if drawn[0] is None or drawn[1] is None:
        return (value,)
    return (value, *_bounds(drawn[0] / np.maximum(drawn[1], np.finfo(np.float64).tiny)))


def _bounds(drawn: Vector) -> tuple[float, float]:
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def _drawn_over_places(scores: Sequence[SeedScore], stream: int = 0) -> Vector | None:
    """Return R@1 of many draws, of seeds and of places within each city; None without places.

    Scores on the same places draw the same ones.
    """
    parts = [score.by_place for score in scores if score.by_place is not None]
    if len(parts) < len(scores):
        return None
    recall = np.zeros((_DRAWS, len(parts)))
    for number, part in enumerate(parts):
        chance = np.random.default_rng(0)
        weight = np.zeros((_DRAWS, len(part.city)), np.float32)
        for city in np.unique(part.city):
            rows = np.flatnonzero(part.city == city)
            even = np.full(len(rows), 1.0 / len(rows))
            weight[:, rows] = chance.multinomial(len(rows), even, size=_DRAWS)
        found = weight @ part.right.T.astype(np.float32)
        recall[:, number] = (found / np.maximum(weight @ part.photos.T, 1)).mean(axis=1)
    drawn = np.random.default_rng([1, stream]).integers(len(parts), size=recall.shape)
    means: Vector = np.take_along_axis(recall, drawn, axis=1).mean(axis=1)
    return means


def _drawn_over_photos(scores: Sequence[SeedScore]) -> Vector:
    """Return R@1 of many draws, of seeds and of photos: right ones of as many are binomial."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(scores), size=(_DRAWS, len(scores)))
    p, n = (
        np.array([s.recall["1"] for s in scores])[drawn],
        np.array([s.photos for s in scores])[drawn],
    )
    means: Vector = (rng.binomial(n, p) / n).mean(axis=1)
    return means


def mark_orderings(
    table: Table,
    scores: Mapping[str, Sequence[SeedScore]],
    figures: Mapping[str, RowFigures | None],
    area: str,
) -> dict[str, RowFigures | None]:
    """Return the figures with how each row's place among the others compares with the paper's.

    ``DIFFERS`` where 95 % of a difference to another row lie on the other side of zero than the
    paper's, else ``UNCLEAR`` where they lie on both sides, else ``AGREES``. Rows are drawn over the
    same places where their scores are of the same ones; else what counts is whether their intervals
    overlap.
    """
    paper = {row.name: printed_recall(row.paper, area) for row in table.rows}
    rows = [
        _Drawn(name, found, scores[name], _drawn_over_places(scores[name], stream))
        for stream, (name, found) in enumerate(figures.items())
        if found is not None and paper[name]
    ]
    marked = dict(figures)
    for row in rows:
        ahead = [(paper[row.name][0] - paper[other.name][0], _above(row, other)) for other in rows]
        alike = [ours if theirs > 0.0 else -ours for theirs, ours in ahead if theirs]
        if alike:
            order = DIFFERS if min(alike) < 0 else UNCLEAR if min(alike) == 0 else AGREES
            marked[row.name] = replace(row.figures, order=order)
    return marked


@dataclass(frozen=True)
class _Drawn:
    """A row, and R@1 of many draws where places are known."""

    name: str
    figures: RowFigures
    scores: Sequence[SeedScore]
    recall: Vector | None


def _above(row: _Drawn, other: _Drawn) -> int:
    """Return 1 where a row surely finds more than another, -1 where less, 0 where none can tell."""
    low, high = row.figures.low - other.figures.high, row.figures.high - other.figures.low
    same = _same_places([*row.scores, *other.scores])
    if same and row.recall is not None and other.recall is not None:
        low, high = _bounds(row.recall - other.recall)
    return int(low > 0.0) - int(high < 0.0)


def _same_places(scores: Sequence[SeedScore]) -> bool:
    places = [score.by_place.place for score in scores if score.by_place is not None]
    return len(places) == len(scores) and all(np.array_equal(p, places[0]) for p in places)


def printed_recall(paper: PaperFigures | None, area: str) -> tuple[float, ...]:
    """Return what the paper prints for a row in percent, empty where it prints nothing."""
    if paper is None:
        return ()
    return paper.same if area == "same" else paper.cross
