"""The columns of the table of candidates: what a cell says, and by what rows are sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import wording
from ..i18n import tr
from ..layers.candidate import Candidate


@dataclass(frozen=True)
class Column:
    """One column: its title, what a cell says, and by what rows are sorted."""

    name: str
    title: str
    tip: str
    text: Callable[[Candidate], str]
    order: Callable[[Candidate], Any]
    right: bool = False
    width_em: float = 5.0


def columns() -> tuple[Column, ...]:
    """Return the columns in the language of QGIS."""
    return (
        Column(
            "photo",
            tr("Photo"),
            tr("The photo's file"),
            lambda c: c.photo,
            lambda c: (c.photo, c.photo_path, c.rank),
            width_em=8.0,
        ),
        Column(
            "rank",
            tr("Rank"),
            tr("1 is the best candidate of its photo"),
            lambda c: str(c.rank),
            lambda c: (c.rank, c.photo),
            right=True,
            width_em=4.5,
        ),
        Column(
            "probability",
            tr("Probability"),
            tr(
                "All places of the area and 'not in this area' sum to 100 %; these are the best of "
                "them and may sum to less"
            ),
            lambda c: wording.percent(c.probability),
            lambda c: c.probability,
            right=True,
            width_em=5.0,
        ),
        Column(
            "heading",
            tr("Heading"),
            tr("Where the camera looked, clockwise from true north, with its spread"),
            wording.heading,
            lambda c: c.heading_deg,
            right=True,
            width_em=8,
        ),
        Column(
            "inliers",
            tr("Points"),
            tr(
                "Points that photo and street view share under one geometry; {} are strong evidence"
            ).format(wording.CERTAIN_INLIERS),
            lambda c: str(c.inliers),
            lambda c: c.inliers,
            right=True,
            width_em=4.5,
        ),
        Column(
            "status",
            tr("Decision"),
            tr("What the analyst decided"),
            lambda c: wording.status(c.status),
            lambda c: c.status,
            width_em=8,
        ),
        Column(
            "precision",
            tr("Precision"),
            tr("How precise the position is, in metres, as the analyst put it"),
            lambda c: "" if c.precision_m is None else f"{c.precision_m:g} m",
            lambda c: -1.0 if c.precision_m is None else c.precision_m,
            right=True,
            width_em=5.0,
        ),
        Column(
            "street_view",
            tr("Street view"),
            tr("The date of the street view that the photo was compared with"),
            wording.street_view,
            lambda c: (c.street_view, c.street_view_date),
            width_em=8,
        ),
        Column(
            "error",
            tr("Off by"),
            tr("The distance to the true position, where it is known"),
            lambda c: "" if c.error_m is None else f"{c.error_m:.0f} m",
            lambda c: -1.0 if c.error_m is None else c.error_m,
            right=True,
            width_em=5.0,
        ),
        Column(
            "note",
            tr("Note"),
            tr("The analyst's note"),
            lambda c: c.note,
            lambda c: c.note,
            width_em=14,
        ),
    )
