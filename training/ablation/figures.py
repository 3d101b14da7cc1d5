"""From the scores of trained rows to figures: means over seeds, intervals, orderings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.ablation.tables import PaperFigures, Row, Table

RECALLS = {
    "1": "recall_at_1",
    "5": "recall_at_5",
    "10": "recall_at_10",
    "1%": "recall_at_1_percent",
}
AREAS = ("same", "cross")
WIDEST_FOV_DEG = 180.0
_DRAWS = 2000


@dataclass(frozen=True)
class SeedScore:
    """One trained model on one set: recall by rank, chance at rank 1, photos a field of view."""

    seed: int
    recall: Mapping[str, float]
    chance: float
    photos: int


@dataclass(frozen=True)
class RowFigures:
    """A row on one set, over its seeds, shares in [0, 1].

    ``low`` and ``high`` bound 95 % of the bootstrap of R@1 over seeds and photos. ``differs``: by
    our R@1 the row is better than one that the paper has above it, or worse than one below it.
    """

    recall: Mapping[str, float]
    low: float
    high: float
    chance: float
    photos: int
    seeds: tuple[int, ...]
    differs: bool = False


def seed_score(seed: int, figures: Sequence[Mapping[str, Any]], kind: str) -> SeedScore | None:
    """Return the score of one kind of reference, None where it was not measured.

    The mean over the fields of view that a photo may have: circles are left out.

    Args:
        seed: Of the training.
        figures: One mapping a kind and field of view, as ``training evaluate`` writes them.
        kind: Of the references, or the policy.
    """
    rows = [f for f in figures if f["kind"] == kind and f["fov_deg"] < WIDEST_FOV_DEG]
    if not rows:
        return None
    recall = {
        rank: float(np.mean([row[key] for row in rows]))
        for rank, key in RECALLS.items()
        if all(key in row for row in rows)
    }
    chance = float(np.mean([row["chance"] for row in rows]))
    return SeedScore(seed, recall, chance, min(int(row["photos"]) for row in rows))


def row_figures(scores: Sequence[SeedScore]) -> RowFigures | None:
    """Return the figures of a row over its seeds, None where no seed has been scored."""
    if not scores:
        return None
    shared = [rank for rank in RECALLS if all(rank in score.recall for score in scores)]
    low, high = _interval([s.recall["1"] for s in scores], [s.photos for s in scores])
    return RowFigures(
        {rank: float(np.mean([s.recall[rank] for s in scores])) for rank in shared},
        low,
        high,
        float(np.mean([s.chance for s in scores])),
        scores[0].photos,
        tuple(score.seed for score in scores),
    )


def _interval(shares: Sequence[float], photos: Sequence[int]) -> tuple[float, float]:
    """Return the bounds of 95 % of means, seeds drawn with replacement and photos within them.

    The number of right photos among as many drawn with replacement is binomial.
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(shares), size=(_DRAWS, len(shares)))
    p, n = np.asarray(shares)[drawn], np.asarray(photos)[drawn]
    means = (rng.binomial(n, p) / n).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def mark_orderings(
    table: Table, figures: Mapping[str, RowFigures | None], area: str
) -> dict[str, RowFigures | None]:
    """Return the figures with those rows marked that change places with one of the paper's."""
    known: dict[str, tuple[float, float]] = {}
    for row in table.rows:
        printed, ours = _printed_at_1(row, area), figures[row.name]
        if printed is not None and ours is not None:
            known[row.name] = (printed, ours.recall["1"])
    moved = {
        name
        for name, (printed, ours) in known.items()
        if any((printed - other) * (ours - another) < 0 for other, another in known.values())
    }
    return {
        name: None if found is None else _marked(found, name in moved)
        for name, found in figures.items()
    }


def _marked(found: RowFigures, differs: bool) -> RowFigures:
    return RowFigures(
        found.recall, found.low, found.high, found.chance, found.photos, found.seeds, differs
    )


def _printed_at_1(row: Row, area: str) -> float | None:
    printed = printed_recall(row.paper, area)
    return printed[0] if printed else None


def printed_recall(paper: PaperFigures | None, area: str) -> tuple[float, ...]:
    """Return what the paper prints for a row in percent, empty where it prints nothing."""
    if paper is None:
        return ()
    return paper.same if area == "same" else paper.cross
