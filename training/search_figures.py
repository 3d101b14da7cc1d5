"""How often whole searches are right, as figures and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

RANKS = (1, 5, 10)
_COLUMNS = ("ranked by", "photos", *(f"R@{k}" for k in RANKS), "interval of R@1", "chance",
            "heading", "said", "error of it")  # fmt: skip


@dataclass(frozen=True)
class SearchFigures:
    """What came of photos of several areas under one way to rank.

    Attributes:
        mode: How their places were ranked.
        photos: How many they are.
        places: Places searched, all areas together.
        recall: Share with a right candidate among the first 1, 5 and 10; right is within 25 m.
        interval: Bootstrap of the first of these over photos, within areas: 2.5 and 97.5 percent.
        chance: Share that one blind guess among an area's places gets right.
        heading_error_deg: Median of the right first candidates, None without any.
        probability: Mean that was said of the first candidates, given that a photo is of the area:
            what is laid elsewhere is left out, since all of these are.
        calibration_error: Mean gap between that and what was right, in ten bins.
    """

    mode: str
    photos: int
    places: int
    recall: tuple[float, ...]
    interval: tuple[float, float]
    chance: float | None
    heading_error_deg: float | None
    probability: float
    calibration_error: float


def search_table(figures: Sequence[SearchFigures]) -> Table:
    """Return the figures as a table for the terminal."""
    title = f"Whole searches of {figures[0].places} places, right within 25 m"
    table = Table(title=title, title_justify="left", padding=(0, 0))
    for number, column in enumerate(_COLUMNS):
        table.add_column(column, justify="left" if number == 0 else "right")
    for one in figures:
        table.add_row(*_cells(one))
    return table


def search_markdown(figures: Sequence[SearchFigures]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + " --- |" * len(_COLUMNS),
        *("| " + " | ".join(_cells(one)) + " |" for one in figures),
    ]
    return "\n".join(lines)


def _cells(one: SearchFigures) -> tuple[str, ...]:
    heading = one.heading_error_deg
    return (
        one.mode,
        str(one.photos),
        *(f"{share:.1%}" for share in one.recall),
        f"{one.interval[0]:.1%} to {one.interval[1]:.1%}",
        "-" if one.chance is None else f"{one.chance:.1%}",
        "-" if heading is None else f"{heading:.1f}°",
        f"{one.probability:.2f}",
        f"{one.calibration_error:.2f}",
    )
