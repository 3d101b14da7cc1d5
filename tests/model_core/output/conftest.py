"""A small area with places, two located photos, one from elsewhere and one that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from model_core.output import Provenance
from model_core.references.area import LocalFrame
from model_core.scoring import Truth
from model_core.types import (
    Area,
    Candidate,
    LonLat,
    Photo,
    PhotoResult,
    Place,
    SourceTerms,
)


@dataclass(frozen=True)
class Run:
    """Everything that ``write_results`` takes."""

    area: Area
    places: list[Place]
    results: list[PhotoResult]
    photos: dict[Path, Photo]
    truth: dict[str, Truth]
    provenance: Provenance


def candidate(photo: str, rank: int, place: Place, probability: float) -> Candidate:
    return Candidate(
        photo=photo,
        rank=rank,
        lonlat=place.lonlat,
        score=10.0 - rank,
        probability=probability,
        heading_deg=(40.0 * rank) % 360.0,
        heading_sigma_deg=6.0,
        fov_deg=60.0,
        place_id=place.place_id,
        street_view="real" if rank == 1 else "none",
        street_view_date=(
            datetime(2019, 5, 4, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
            if rank == 1
            else None
        ),
        street_view_source="folder" if rank == 1 else "",
        imagery_source="ortho",
        inliers=40 if rank == 1 else 0,
    )


def answer(name: str, places: list[Place], best: int, elsewhere: float) -> PhotoResult:
    probability = np.full(len(places), 1.0, np.float32)
    probability[best] = 30.0
    probability *= (1.0 - elsewhere) / probability.sum()
    order = [best, *(i for i in range(len(places)) if i != best)][:7]
    return PhotoResult(
        path=Path("/photos") / name,
        photo_sha256="ab" * 32,
        candidates=tuple(
            candidate(name, rank, places[index], float(probability[index]))
            for rank, index in enumerate(order, start=1)
        ),
        probability_elsewhere=elsewhere,
        not_in_area=elsewhere > 0.5,
        place_probability=probability,
        notes=("the compass was ignored",),
    )


@pytest.fixture
def run() -> Run:
    area = Area.from_bounds(13.192, 55.697, 13.196, 55.699)
    x_m, y_m = (axis.ravel() for axis in np.meshgrid(np.arange(-90, 91, 30.0), [-60.0, 0.0, 60.0]))
    lon, lat = LocalFrame(area.center_lonlat).to_lonlat(x_m, y_m)
    places = [
        Place(index, f"place-{index}", LonLat(float(a), float(b)))
        for index, (a, b) in enumerate(zip(lon, lat, strict=True))
    ]
    results = [
        answer("north.jpg", places, 4, 0.1),
        answer("<b>&south.jpg", places, 16, 0.2),
        answer("abroad.jpg", places, 9, 0.97),
        PhotoResult(Path("/photos/broken.jpg"), error="broken.jpg: damaged", error_code=-32011),
    ]
    photos = {
        result.path: Photo(
            path=result.path,
            sha256=result.photo_sha256,
            image=np.full((90, 120, 3), 120, np.uint8),
            fov_deg=60.0 if number else None,
            fov_source="sensor table" if number else "unknown",
            notes=("time zone not given: the time was taken as UTC",),
        )
        for number, result in enumerate(results[:3])
    }
    truth = {
        "north.jpg": Truth(LonLat(places[4].lonlat.lon, places[4].lonlat.lat), 350.0, 60.0, True),
        "<b>&south.jpg": Truth(places[0].lonlat, None, None, False),
    }
    provenance = Provenance(
        model_hash="cd" * 32,
        software_version="1.2.3",
        created_at=datetime(2025, 6, 7, 8, 9, 10, tzinfo=UTC),
        sources=(SourceTerms("ortho", "CC BY 4.0", "A. Surveyor"),),
        settings={"device": "cpu", "weights": float("nan")},
    )
    return Run(area, places, results, photos, truth, provenance)
