"""Real photos located by local features alone: a walk in Lund, strangers, panoramas of Strasbourg.

Headings of the walk are not judged: its phone's compass was off by up to 190 degrees.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from model_core.alignment.panorama import perspective_crop
from model_core.candidates import rank_candidates
from model_core.config import RankingConfig, VerificationConfig
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.photo import read_photo, read_pixels
from model_core.references.area import LocalFrame
from model_core.types import (
    LonLat,
    Photo,
    PhotoResult,
    Place,
    Reference,
    SourceTerms,
    StreetView,
    Verification,
)
from model_core.verification.cache import FeatureCache
from model_core.verification.verify import verify_photo

pytestmark = pytest.mark.slow

RIGHT_M = 25.0
CONFIG = VerificationConfig()
LEFT_OUT_FRAMES = 2
CHANCE_INLIERS = 14


@dataclass(frozen=True)
class Walk:
    """Photos of a walk as each other's street views, and what verification says of every pair."""

    photos: tuple[Photo, ...]
    views: tuple[StreetView, ...]
    found: tuple[tuple[Verification, ...], ...]
    strangers: tuple[tuple[Verification, ...], ...]
    stranger_photos: tuple[Photo, ...]
    apart_m: npt.NDArray[np.float64]

    def kept(self, photo: int, left_out: int | None) -> list[int]:
        """Rows of the street views left when those of neighbouring frames are taken out."""
        rows = range(len(self.views))
        return [row for row in rows if left_out is None or abs(row - photo) > left_out]

    def rank(
        self, photo: Photo, found: Sequence[Verification], rows: Sequence[int]
    ) -> tuple[PhotoResult, list[int]]:
        """The photo's candidates among some street views, and the views' rows of its candidates."""
        places = PlaceTable.from_records(
            PlaceRecord.of_reference(
                Reference(
                    Place(index, str(row), self.views[row].lonlat, "street_view"),
                    None,
                    (self.views[row],),
                )
            )
            for index, row in enumerate(rows)
        )
        kept = [replace(found[row], place_index=index) for index, row in enumerate(rows)]
        result = rank_candidates(
            photo, places, None, kept, RankingConfig(), [self.views[row] for row in rows]
        )
        return result, [int(candidate.place_id) for candidate in result.candidates]


def view_of(photo: Photo) -> StreetView:
    assert photo.lonlat is not None
    return StreetView(
        photo.name,
        photo.path,
        photo.lonlat,
        photo.projection,
        photo.heading_deg,
        photo.fov_deg,
        SourceTerms("test"),
    )


def distances_m(positions: Sequence[LonLat]) -> npt.NDArray[np.float64]:
    frame = LocalFrame(positions[0])
    x, y = frame.to_xy([p.lon for p in positions], [p.lat for p in positions])
    xy = np.column_stack((x, y))
    return np.asarray(np.linalg.norm(xy[:, None] - xy[None], axis=2), np.float64)


@pytest.fixture(scope="module")
def walk(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    photos = [read_photo(path) for path in sorted((shared_data / "photos/lund").glob("*.jpg"))]
    strangers = [read_photo(path) for path in sorted((shared_data / "photos/berlin").glob("*.jpg"))]
    views = [view_of(photo) for photo in photos]
    cache = FeatureCache(tmp_path_factory.mktemp("features"))
    numbered = list(enumerate(views))
    found, foreign = (
        tuple(tuple(verify_photo(photo, numbered, CONFIG, cache)) for photo in some)
        for some in (photos, strangers)
    )
    apart_m = distances_m([view.lonlat for view in views])
    return Walk(tuple(photos), tuple(views), found, foreign, tuple(strangers), apart_m)


def test_walk_with_neighbouring_frames_left_out(walk: Walk) -> None:
    right: list[bool] = []
    best_true: list[int] = []
    for number, photo in enumerate(walk.photos):
        rows = walk.kept(number, LEFT_OUT_FRAMES)
        near = [row for row in rows if walk.apart_m[number, row] <= RIGHT_M]
        if not near:
            continue
        result, ranked = walk.rank(photo, walk.found[number], rows)
        right.append(bool(walk.apart_m[number, ranked[0]] <= RIGHT_M))
        best_true.append(max(walk.found[number][row].inliers for row in near))
        assert not result.not_in_area
    print(f"rank 1 within 25 m: {sum(right)} of {len(right)}; true inliers {sorted(best_true)}")
    assert len(right) == 27
    assert sum(right) >= 23
    assert min(best_true) > 2 * CHANCE_INLIERS


def test_walk_with_nothing_left_out(walk: Walk) -> None:
    for number, photo in enumerate(walk.photos):
        result, ranked = walk.rank(photo, walk.found[number], walk.kept(number, None))
        assert walk.apart_m[number, ranked[0]] <= RIGHT_M
        assert not result.not_in_area
        itself = walk.found[number][number]
        assert itself.inliers > 1000
        assert itself.heading_deg == pytest.approx(photo.heading_deg, abs=0.2)


def test_strangers_are_not_in_this_area(walk: Walk) -> None:
    for photo, found in zip(walk.stranger_photos, walk.strangers, strict=True):
        most = max(one.inliers for one in found)
        print(f"{photo.name}: at most {most} inliers")
        result, _ = walk.rank(photo, found, walk.kept(0, None))
        assert most <= CHANCE_INLIERS
        assert result.not_in_area


def test_headings_between_photos_agree(walk: Walk) -> None:
    """Turning from a to b and from b to c is turning from a to c, whatever the compass said."""

    def turn_deg(photo: int, view: int) -> float | None:
        found = walk.found[photo][view]
        compass_deg = walk.views[view].heading_deg
        if found.heading_deg is None or compass_deg is None or found.inliers < 20:
            return None
        return found.heading_deg - compass_deg

    errors = []
    count = len(walk.photos)
    for a in range(count):
        for b in range(a + 1, count):
            for c in range(b + 1, count):
                turns = turn_deg(a, b), turn_deg(b, c), turn_deg(a, c)
                if None not in turns:
                    first, second, whole = (turn for turn in turns if turn is not None)
                    errors.append(abs((first + second - whole + 180) % 360 - 180))
    print(f"{len(errors)} triples: median {np.median(errors):.2f} degrees")
    assert len(errors) > 100
    assert np.median(errors) < 1.0
    assert np.percentile(errors, 90) < 5.0


@pytest.fixture(scope="module")
def strasbourg(shared_data: Path) -> list[StreetView]:
    folder = shared_data / "panoramas/strasbourg"
    with (folder / "photos.csv").open(newline="") as stream:
        listed = [
            row for row in csv.DictReader(stream) if row["id"].startswith(("stra_1", "stra_3"))
        ]
    views = [
        StreetView(
            row["id"],
            folder / f"{row['id']}.jpg",
            LonLat(float(row["long"]), float(row["lat"])),
            "equirectangular",
            float(row["azimut"]),
            360.0,
            SourceTerms("test"),
        )
        for row in listed
    ]
    elsewhere = [
        view_of(read_photo(folder / name)) for name in ("type1_origin.jpg", "type3_origin.jpg")
    ]
    assert len(views) == 7
    return views + elsewhere


def test_crops_of_panoramas_among_the_other_panoramas(
    strasbourg: list[StreetView], tmp_path: Path
) -> None:
    fov_deg, cache = 55.0, FeatureCache(tmp_path)
    apart_m = distances_m([view.lonlat for view in strasbourg])
    right: list[bool] = []
    heading_errors: list[float] = []
    wrong_inliers: list[int] = []
    for number, source in enumerate(strasbourg[:7]):
        assert source.heading_deg is not None
        pixels = read_pixels(source.path)
        others = [(row, view) for row, view in enumerate(strasbourg) if row != number]
        for step in range(2):
            heading_deg = (source.heading_deg + 17.0 * number + 180.0 * step) % 360.0
            crop = perspective_crop(pixels, heading_deg, fov_deg, (640, 480), source.heading_deg)
            photo = Photo(Path(f"{source.view_id}.jpg"), "0" * 64, crop, fov_deg=fov_deg)
            found = verify_photo(photo, others, CONFIG, cache)
            near = [one for one in found if apart_m[number, one.place_index] <= RIGHT_M]
            far = [one for one in found if apart_m[number, one.place_index] > RIGHT_M]
            best = max(found, key=lambda one: one.inliers)
            wrong_inliers.append(max(one.inliers for one in far))
            right.append(best in near and best.inliers > CHANCE_INLIERS)
            if right[-1] and best.heading_deg is not None:
                error = (best.heading_deg - heading_deg + 180.0) % 360.0 - 180.0
                heading_errors.append(abs(error))
    print(
        f"{sum(right)} of {len(right)} crops at the right place; heading error "
        f"median {np.median(heading_errors):.1f}, 90 % {np.percentile(heading_errors, 90):.1f} "
        f"degrees; most inliers at a wrong place {max(wrong_inliers)}"
    )
    assert sum(right) >= 0.8 * len(right)
    assert np.median(heading_errors) < 3.0
    assert max(wrong_inliers) <= CHANCE_INLIERS
