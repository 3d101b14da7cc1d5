"""The rows of the layers: a candidate with what an analyst decides of it, and a photo's answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..i18n import tr
from ..model_core import contract

PROPOSED = "proposed"
EVERY = slice(None)
STATUSES = (PROPOSED, "confirmed", "probable", "possible", "rejected")


@dataclass(frozen=True)
class Candidate:
    """One row of the layer ``candidates``; its fields are the layer's columns, in order.

    ``fid`` is the row's number in the layer. Times are ISO 8601, empty where not known; headings
    are degrees clockwise from true north. ``moved_from_lon`` and ``moved_from_lat`` hold where the
    engine had put a candidate that was moved by hand.
    """

    fid: int
    lon: float
    lat: float
    photo: str = ""
    rank: int = 0
    score: float | None = None
    probability: float = 0.0
    heading_deg: float = 0.0
    heading_sigma_deg: float | None = None
    fov_deg: float = 0.0
    place_id: str = ""
    street_view: str = ""
    street_view_date: str = ""
    street_view_source: str = ""
    street_view_id: str = ""
    imagery_source: str = ""
    inliers: int = 0
    status: str = PROPOSED
    precision_m: float | None = None
    analyst: str = ""
    decided_at: str = ""
    note: str = ""
    photo_sha256: str = ""
    model_hash: str = ""
    software_version: str = ""
    error_m: float | None = None
    heading_error_deg: float | None = None
    photo_path: str = ""
    captured_at: str = ""
    moved_from_lon: float | None = None
    moved_from_lat: float | None = None

    @property
    def is_moved(self) -> bool:
        """Whether it was moved by hand."""
        return self.moved_from_lon is not None

    def moved_to(self, lon: float, lat: float) -> Candidate:
        """Return the candidate at another position; where it stood first is kept."""
        if self.is_moved:
            return dataclasses.replace(self, lon=lon, lat=lat)
        return dataclasses.replace(
            self, lon=lon, lat=lat, moved_from_lon=self.lon, moved_from_lat=self.lat
        )

    def moved_back(self) -> Candidate:
        """Return the candidate where the engine had put it."""
        if self.moved_from_lon is None or self.moved_from_lat is None:
            return self
        return dataclasses.replace(
            self,
            lon=self.moved_from_lon,
            lat=self.moved_from_lat,
            moved_from_lon=None,
            moved_from_lat=None,
        )

    @classmethod
    def from_values(cls, fid: int, lon: float, lat: float, values: Mapping[str, Any]) -> Candidate:
        """Return a candidate from values by column; what is missing or null keeps its default."""
        given = {k: v for k, v in values.items() if v is not None and k in COLUMNS}
        return cls(fid, lon, lat, **given)


COLUMNS = tuple(
    f.name for f in dataclasses.fields(Candidate) if f.name not in ("fid", "lon", "lat")
)
"""The columns of the layer ``candidates``, in order."""


def candidates_of(
    answer: contract.PhotoAnswer, captured_at: str = "", rows: slice = EVERY
) -> tuple[Candidate, ...]:
    """Return candidates of an answer, best first; their ``fid`` is 0 until they are stored.

    Raises:
        ContractError: The answer's candidates are no collection of points.
    """
    found = []
    own = {
        "photo": Path(answer.path).name,
        "photo_path": answer.path,
        "photo_sha256": answer.photo_sha256,
        "captured_at": captured_at,
    }
    try:
        for feature in answer.candidates.get("features", ())[rows]:
            lon, lat = feature["geometry"]["coordinates"][:2]
            values = {**feature["properties"], **own}
            found.append(Candidate.from_values(0, float(lon), float(lat), values))
    except (KeyError, TypeError, ValueError) as error:
        raise contract.ContractError(
            tr(
                "{}: the engine's candidates cannot be read ({}); engine and plugin may be of "
                "different versions: repair the engine's environment"
            ).format(answer.path, repr(error))
        ) from error
    return tuple(found)


@dataclass(frozen=True)
class PhotoRecord:
    """What is kept of one photo's answer, one row of the table ``photos``.

    ``captured_at`` is ISO 8601, empty where not known; ``error`` is set where the photo failed.
    """

    path: str
    photo_sha256: str = ""
    captured_at: str = ""
    probability_elsewhere: float = 1.0
    not_in_area: bool = True
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @classmethod
    def of(cls, answer: contract.PhotoAnswer, captured_at: str = "") -> PhotoRecord:
        """Return what is kept of an answer; a note that is said twice is kept once."""
        return cls(
            path=answer.path,
            photo_sha256=answer.photo_sha256,
            captured_at=captured_at,
            probability_elsewhere=float(answer.probability_elsewhere),
            not_in_area=answer.not_in_area,
            notes=tuple(dict.fromkeys(answer.notes)),
            error=answer.error,
        )
