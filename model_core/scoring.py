"""How far from the truth the answers are. Only a scorer reads the truth, never a stage.

A photo counts as right when its first candidate is within 25 m; the oracle says for how many
photos any place is that near, and chance what a blind guess among the places would get.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import pyproj
from rich.table import Table

from model_core.errors import InputError
from model_core.types import LonLat, PhotoResult, Place

RIGHT_WITHIN_M = 25.0
TOP = 5
TRUTH_COLUMNS = ("file", "lon", "lat", "heading_deg", "fov_deg", "near_street_view")

_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_YES = {"1", "true", "yes", "y"}
_NO = {"0", "false", "no", "n"}


@dataclass(frozen=True)
class Truth:
    """Where a photo was really taken; None for what is not known."""

    lonlat: LonLat
    heading_deg: float | None = None
    fov_deg: float | None = None
    near_street_view: bool | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One photo's answer beside the truth; distances in metres on the ellipsoid.

    None where there is no candidate or no true heading. ``places_near`` of ``places`` lie within
    the radius that counts as right; both are 0 where no places were given. ``right_rank`` is the
    first near enough candidate's, None if there is none. ``probability_elsewhere`` is what was said
    of lying outside the area.
    """

    photo: str
    rank1_m: float | None
    best_of_top_m: float | None
    heading_error_deg: float | None
    probability: float
    not_in_area: bool
    near_street_view: bool | None
    places_near: int
    places: int
    radius_m: float = RIGHT_WITHIN_M
    error: str = ""
    right_rank: int | None = None
    probability_elsewhere: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the first candidate is near enough."""
        return self.rank1_m is not None and self.rank1_m <= self.radius_m

    @property
    def in_top(self) -> bool:
        """Whether any of the first five candidates is near enough."""
        return self.best_of_top_m is not None and self.best_of_top_m <= self.radius_m


@dataclass(frozen=True)
class Score:
    """The shares of a set of photos, each in [0, 1]; None where nothing says.

    ``oracle`` is the share of photos with any place near enough, ``chance`` what one blind guess
    among the places gets, ``heading_error_deg`` the median of the right ones.
    """

    photos: int
    rank1: float
    top5: float
    oracle: float | None
    chance: float | None
    heading_error_deg: float | None


def read_truth(path: Path) -> dict[str, Truth]:
    """Return the truth by file name from a CSV table.

    Args:
        path: A table with the columns file, lon, lat and, where known, heading_deg, fov_deg,
            near_street_view. ``file`` is a name, or the end of a path where names repeat.

    Raises:
        InputError: The table is missing, lacks a column or holds a value that is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise InputError(f"{path}: the table of truth cannot be read ({err})") from err
    missing = [name for name in TRUTH_COLUMNS[:3] if rows and name not in rows[0]]
    if missing or not rows:
        raise InputError(
            f"{path}: the table of truth needs the columns {', '.join(TRUTH_COLUMNS[:3])} and at "
            f"least one row; {'missing: ' + ', '.join(missing) if missing else 'it is empty'}"
        )
    truth: dict[str, Truth] = {}
    for line, row in enumerate(rows, start=2):
        name = (row["file"] or "").strip()
        if not name or name in truth:
            raise InputError(f"{path}, line {line}: the file name is missing or stands twice")
        truth[name] = _truth_of(path, line, row)
    return truth


def _truth_of(path: Path, line: int, row: Mapping[str, str | None]) -> Truth:
    lon, lat = _value(path, line, row, "lon"), _value(path, line, row, "lat")
    if lon is None or lat is None or abs(lon) > 180 or abs(lat) > 90:
        raise InputError(f"{path}, line {line}: lon and lat must be WGS 84 degrees")
    near = (row.get("near_street_view") or "").strip().lower()
    if near and near not in _YES | _NO:
        raise InputError(f"{path}, line {line}: near_street_view must be 1 or 0, not {near!r}")
    return Truth(
        LonLat(lon, lat),
        _value(path, line, row, "heading_deg"),
        _value(path, line, row, "fov_deg"),
        near in _YES if near else None,
    )


def _value(path: Path, line: int, row: Mapping[str, str | None], name: str) -> float | None:
    written = (row.get(name) or "").strip()
    if not written:
        return None
    try:
        value = float(written)
    except ValueError as err:
        raise InputError(f"{path}, line {line}: {name} must be a number, not {written!r}") from err
    if not math.isfinite(value):
        raise InputError(f"{path}, line {line}: {name} must be a finite number, not {written!r}")
    return value


def truth_for(path: PurePath, truth: Mapping[str, Truth] | None) -> Truth | None:
    """Return the truth of a photo: by the longest end of its path that the table names."""
    if not truth:
        return None
    for start in range(len(path.parts)):
        found = truth.get("/".join(path.parts[start:]))
        if found is not None:
            return found
    return None


def distance_m(first: LonLat, second: LonLat) -> float:
    """Return the geodesic distance in metres."""
    return float(_ELLIPSOID.inv(first.lon, first.lat, second.lon, second.lat)[2])


def heading_difference_deg(first_deg: float, second_deg: float) -> float:
    """Return the smaller angle between two headings, in [0, 180]."""
    return abs((first_deg - second_deg + 180.0) % 360.0 - 180.0)


def score_results(
    results: Iterable[PhotoResult],
    truth: Mapping[str, Truth],
    places: Sequence[Place] = (),
    radius_m: float = RIGHT_WITHIN_M,
) -> list[ScoreRow]:
    """Return one row for every result whose truth is known, in the results' order.

    Args:
        results: What was found; a photo that failed counts as not found.
        truth: As ``read_truth`` gives it.
        places: Every place of the gallery, for oracle and chance.
        radius_m: How near is near enough.
    """
    lon = np.array([place.lonlat.lon for place in places])
    lat = np.array([place.lonlat.lat for place in places])
    rows = []
    for result in results:
        known = truth_for(result.path, truth)
        if known is None:
            continue
        here = np.full(len(places), known.lonlat.lon), np.full(len(places), known.lonlat.lat)
        away_m = np.asarray(_ELLIPSOID.inv(*here, lon, lat)[2]) if len(places) else np.zeros(0)
        rows.append(_row(result, known, int((away_m <= radius_m).sum()), len(places), radius_m))
    return rows


def _row(
    result: PhotoResult, known: Truth, places_near: int, places: int, radius_m: float
) -> ScoreRow:
    ranked = sorted(result.candidates, key=lambda candidate: candidate.rank)
    away_m = [distance_m(candidate.lonlat, known.lonlat) for candidate in ranked]
    heading_error = None
    if ranked and known.heading_deg is not None:
        heading_error = heading_difference_deg(ranked[0].heading_deg, known.heading_deg)
    return ScoreRow(
        photo=result.path.name,
        rank1_m=away_m[0] if away_m else None,
        best_of_top_m=min(away_m[:TOP]) if away_m else None,
        heading_error_deg=heading_error,
        probability=ranked[0].probability if ranked else 0.0,
        not_in_area=result.not_in_area,
        near_street_view=known.near_street_view,
        places_near=places_near,
        places=places,
        radius_m=radius_m,
        error=result.error,
        right_rank=next((k for k, metres in enumerate(away_m, 1) if metres <= radius_m), None),
        probability_elsewhere=result.probability_elsewhere,
    )


def summarise(rows: Sequence[ScoreRow]) -> Score:
    """Return the shares of a set of rows; an empty set scores 0 with nothing known."""
    count = len(rows)
    with_places = [row for row in rows if row.places]
    headings = [r.heading_error_deg for r in rows if r.right and r.heading_error_deg is not None]
    return Score(
        photos=count,
        rank1=sum(row.right for row in rows) / max(count, 1),
        top5=sum(row.in_top for row in rows) / max(count, 1),
        oracle=_mean([float(row.places_near > 0) for row in with_places]),
        chance=_mean([row.places_near / row.places for row in with_places]),
        heading_error_deg=statistics.median(headings) if headings else None,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def score_table(rows: Sequence[ScoreRow], title: str = "") -> Table:
    """Return a table for the terminal: one line a photo, the shares below."""
    score = summarise(rows)
    table = Table(title=title or None, title_justify="left", show_footer=True)
    radius_m = rows[0].radius_m if rows else RIGHT_WITHIN_M
    table.add_column("photo", no_wrap=True, footer=f"right in {radius_m:g} m")
    table.add_column("rank 1", justify="right", footer=_percent(score.rank1))
    table.add_column(f"best of {TOP}", justify="right", footer=_percent(score.top5))
    table.add_column(
        "heading error", justify="right", footer=_angle(score.heading_error_deg, "median ")
    )
    table.add_column("probability", justify="right")
    table.add_column(
        "street view",
        footer=f"oracle {_percent(score.oracle)}, chance {_percent(score.chance)}",
    )
    for row in rows:
        if row.error:
            table.add_row(row.photo, "failed", "", "", "", row.error, style="red")
            continue
        table.add_row(
            row.photo,
            _metres(row.rank1_m),
            _metres(row.best_of_top_m),
            _angle(row.heading_error_deg),
            "not here" if row.not_in_area else f"{row.probability:.2f}",
            {True: "near", False: "none near", None: ""}[row.near_street_view],
            style="green" if row.right else "yellow" if row.in_top else "",
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _metres(metres: float | None) -> str:
    return "-" if metres is None else f"{metres:.0f} m"


def _angle(degrees: float | None, before: str = "") -> str:
    return "-" if degrees is None else f"{before}{degrees:.0f}°"
