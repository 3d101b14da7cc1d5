"""A photo of the demo area beside what stands where it was taken, and what is missing said."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model_core.compare import CompareRequest, Comparison, compare
from model_core.compare.satellite import DEPTH_M, draw_view, heading_up, position
from model_core.errors import Cancelled, PhotoError
from model_core.photo_edits import PhotoEdit
from model_core.references.area import LocalFrame
from model_core.references.survey import Sources
from model_core.references.terms import terms_path, write_terms
from model_core.types import LonLat, Progress, SatelliteImage, SourceTerms

HERE = LonLat(13.4209749, 46.9790689)
HEADING_DEG = 286.0


def sources_of(imagery: Path | None, *street_views: Path) -> Sources:
    above = None if imagery is None else str(imagery)
    return Sources(imagery=above, street_views=tuple(str(path) for path in street_views))


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


@pytest.fixture(scope="module")
def few_views(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The panoramas around the photo."""
    folder = tmp_path_factory.mktemp("views")
    for number in (1, 2, 4):
        shutil.copy(demo / "street_views" / f"view_00{number}.jpg", folder)
    return folder


@pytest.fixture
def request_of(demo: Path, few_views: Path, tmp_path: Path):
    def make(
        imagery: Path | None = demo / "imagery.tif",
        street_views: tuple[Path, ...] = (few_views,),
        **changes: object,
    ) -> CompareRequest:
        request = CompareRequest(
            photo=demo / "photos" / "photo_07.jpg",
            lonlat=HERE,
            heading_deg=HEADING_DEG,
            out=tmp_path / "pictures",
            sources=sources_of(imagery, *street_views),
        )
        return replace(request, **changes)

    return make


@pytest.fixture(scope="module")
def whole(demo: Path, few_views: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare(
        CompareRequest(
            photo=demo / "photos" / "photo_07.jpg",
            lonlat=HERE,
            heading_deg=HEADING_DEG,
            out=tmp_path_factory.mktemp("pictures"),
            sources=sources_of(demo / "imagery.tif", few_views),
        )
    )


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_pictures_are_of_one_height_and_say_what_they_are(whole: Comparison) -> None:
    assert set(whole.pictures) == {"photo", "street_view", "satellite"}
    heights = {pixels_of(path).shape[0] for path in whole.pictures.values()}
    assert heights == {720}
    assert whole.captions["photo"] == "photo_07.jpg, field of view 85°"
    assert "view_001.jpg, 2023-09-12, 6 m north-west, looking 286°" in whole.captions["street_view"]
    assert "heading 286° up" in whole.captions["satellite"]


def test_matched_points_lie_on_the_same_things(whole: Comparison) -> None:
    """Patches around the points are alike: shifted points are not."""
    assert whole.matches is not None
    assert len(whole.matches.photo) == len(whole.matches.street_view) > 40
    photo, view = (
        cv2.cvtColor(pixels_of(whole.pictures[name]), cv2.COLOR_RGB2GRAY).astype(np.float32)
        for name in ("photo", "street_view")
    )

    def likeness(shift_px: float) -> float:
        found = []
        size = np.array((photo.shape[1], photo.shape[0]))
        for one, other in zip(whole.matches.photo, whole.matches.street_view, strict=True):
            first = cv2.getRectSubPix(photo, (25, 25), tuple(map(float, one * size)))
            second = cv2.getRectSubPix(view, (25, 25), tuple(map(float, other * size + shift_px)))
            found.append(np.corrcoef(first.ravel(), second.ravel())[0, 1])
        return float(np.nanmedian(found))

    assert likeness(0.0) > 0.45
    assert likeness(0.0) > likeness(25.0) + 0.3


def test_street_view_is_seen_in_the_photo_s_direction_and_field_of_view(
    whole: Comparison,
) -> None:
    """Taken 6 m apart, far things stand at about the same share of the width."""
    offset = np.median(whole.matches.photo - whole.matches.street_view, axis=0)
    assert (
        pixels_of(whole.pictures["photo"]).shape == pixels_of(whole.pictures["street_view"]).shape
    )
    assert abs(offset[1]) < 0.1


def test_other_candidate_s_heading_turns_street_view_and_ground(
    request_of, whole: Comparison
) -> None:
    turned = compare(request_of(heading_deg=HEADING_DEG + 90.0))
    assert "looking 16°" in turned.captions["street_view"]
    assert "heading 16° up" in turned.captions["satellite"]
    for name in ("street_view", "satellite"):
        one, other = pixels_of(whole.pictures[name]), pixels_of(turned.pictures[name])
        assert np.abs(one.astype(int) - other).mean() > 15.0
    same = [pixels_of(result.pictures["photo"]) for result in (whole, turned)]
    assert np.array_equal(*same)


def test_edited_photo_is_shown_and_matched(request_of) -> None:
    edited = compare(request_of(edit=PhotoEdit(right=0.6), heading_deg=272.0))
    assert "field of view 5" in edited.captions["photo"]
    assert edited.matches.inliers > 20


def test_street_view_can_be_named(request_of, few_views: Path) -> None:
    name = f"{few_views.name}/view_004.jpg"
    named = compare(request_of(street_view_id=name, imagery=None))
    assert named.captions["street_view"].startswith(name)
    assert "satellite" not in named.pictures
    assert "no satellite image: no imagery was named" in named.notes
    missing = compare(request_of(street_view_id="elsewhere", imagery=None))
    assert "street_view" not in missing.pictures
    assert missing.matches is None
    assert any("'elsewhere' is not within" in note for note in missing.notes)


def table_of(folder: Path, photo: Path, **columns: object) -> Path:
    """A table of one perspective street view."""
    shutil.copy(photo, folder / "view.jpg")
    row = {"path": "view.jpg", "lon": HERE.lon, "lat": HERE.lat, "fov_deg": 84.66, **columns}
    table = folder / "views.csv"
    table.write_text(f"{','.join(row)}\n{','.join(str(value) for value in row.values())}\n")
    return table


def test_perspective_street_view_comes_as_it_is(request_of, demo: Path, tmp_path: Path) -> None:
    table = table_of(tmp_path, demo / "photos" / "photo_07.jpg", heading_deg=280.0)
    shown = compare(request_of(street_views=(table,), imagery=None))
    one, other = (pixels_of(shown.pictures[name]) for name in ("photo", "street_view"))
    assert np.array_equal(one, other)
    assert shown.matches.photo == pytest.approx(shown.matches.street_view, abs=0.002)
    assert "at the candidate, looking 280°" in shown.captions["street_view"]
    assert len(shown.matches.photo) > 300


def test_street_view_that_looks_away_is_not_taken(request_of, demo: Path, tmp_path: Path) -> None:
    table = table_of(tmp_path, demo / "photos" / "photo_07.jpg", heading_deg=100.0)
    shown = compare(request_of(street_views=(table,), imagery=None))
    assert "street_view" not in shown.pictures
    assert any("none within 50 m shows this direction" in note for note in shown.notes)


def test_chance_matches_are_called_so(request_of) -> None:
    shown = compare(request_of(heading_deg=100.0, imagery=None, street_view_id=None))
    elsewhere = compare(
        request_of(photo=request_of().photo.with_name("photo_03.jpg"), imagery=None, fov_deg=60.0)
    )
    assert any("no more than by chance" in note for note in elsewhere.notes)
    assert not any("chance" in note for note in shown.notes)


def imagery_of(folder: Path, demo: Path, terms: SourceTerms) -> Path:
    """Return a copy of the demo's imagery that states its terms."""
    imagery = folder / "imagery.tif"
    shutil.copy(demo / "imagery.tif", imagery)
    write_terms(terms_path(imagery), terms)
    return imagery


def test_what_must_not_be_shown_is_not(request_of, demo: Path, tmp_path: Path) -> None:
    strict = SourceTerms("Somebody", "strict", displayable_beside_map=False)
    photo = demo / "photos" / "photo_07.jpg"
    table = table_of(
        tmp_path, photo, heading_deg=280.0, provider="Somebody", displayable_beside_map="no"
    )
    imagery = imagery_of(tmp_path, demo, strict)
    shown = compare(request_of(imagery=imagery, street_views=(table,)))
    assert set(shown.pictures) == {"photo"}
    assert shown.matches is None
    assert sum("forbid showing it beside this map" in note for note in shown.notes) == 2


def test_attribution_goes_with_each_picture(request_of, demo: Path, tmp_path: Path) -> None:
    imagery = imagery_of(tmp_path, demo, SourceTerms("Agency", attribution="(c) Agency"))
    shown = compare(request_of(imagery=imagery, street_views=()))
    assert shown.attributions == {"satellite": "(c) Agency"}
    assert shown.captions["satellite"].startswith("Agency")


def test_bad_sources_cost_only_themselves(request_of, tmp_path: Path) -> None:
    shown = compare(request_of(imagery=tmp_path / "none.tif", street_views=(tmp_path / "nothing",)))
    assert set(shown.pictures) == {"photo"}
    assert any(note.startswith("no street view: ") for note in shown.notes)
    assert any(note.startswith("no satellite image: ") for note in shown.notes)
    assert "street_view" in compare(request_of(imagery=tmp_path / "none.tif")).pictures


def test_missing_photo_is_an_error_and_cancel_is_heard(request_of, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no such file"):
        compare(request_of(photo=tmp_path / "missing.jpg"))
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        compare(request_of(), steps.append, lambda: len(steps) == 1)


def ground(marked: dict[tuple[float, float], tuple[int, int, int]]) -> SatelliteImage:
    """A black image, 180 m wide, with coloured squares at metres east and north of its centre."""
    image = np.zeros((900, 900, 3), np.uint8)
    for (east_m, north_m), colour in marked.items():
        column, row = round(450 + east_m * 5), round(450 - north_m * 5)
        image[row - 10 : row + 10, column - 10 : column + 10] = colour
    return SatelliteImage(image, np.ones((900, 900), bool), 180.0, HERE, SourceTerms("test"))


@pytest.mark.parametrize("heading_deg", [0.0, 90.0, 200.0, 326.5])
def test_heading_is_up_and_the_candidate_at_the_middle_of_the_lower_edge(
    heading_deg: float,
) -> None:
    turn = math.radians(heading_deg)
    ahead_m, right_m = 60.0, 20.0
    east = ahead_m * math.sin(turn) + right_m * math.cos(turn)
    north = ahead_m * math.cos(turn) - right_m * math.sin(turn)
    picture = heading_up(ground({(east, north): (255, 0, 0)}), heading_deg, 400)
    rows, columns = np.nonzero(picture[..., 0] > 128)
    px_per_m = 400 / DEPTH_M
    assert columns.mean() == pytest.approx(200 + right_m * px_per_m, abs=1.0)
    assert rows.mean() == pytest.approx(400 - ahead_m * px_per_m, abs=1.0)
    lon, lat = LocalFrame(HERE).to_lonlat(east, north)
    at = position(LonLat(float(lon), float(lat)), HERE, heading_deg, 400)
    assert at == pytest.approx((columns.mean(), rows.mean()), abs=2.0)
    lon, lat = LocalFrame(HERE).to_lonlat(-east, -north)
    assert position(LonLat(float(lon), float(lat)), HERE, heading_deg, 400) is None


def test_lines_of_the_field_of_view_leave_the_candidate_at_their_angles() -> None:
    blank = heading_up(ground({}), 0.0, 400)
    drawn = draw_view(blank, 0.0, 60.0, None)
    white = (drawn > 200).all(axis=2)
    for row in (150, 250):
        half = (399 - row) * math.tan(math.radians(30.0))
        columns = np.flatnonzero(white[row])
        assert columns.min() == pytest.approx(200 - half, abs=2.5)
        assert columns.max() == pytest.approx(200 + half, abs=2.5)
    assert not (draw_view(blank, 0.0, 360.0, None)[100:300, :300] > 200).any()


def test_unknown_ground_is_grey() -> None:
    image = ground({})
    valid = image.valid.copy()
    valid[:, 450:] = False
    picture = heading_up(replace(image, valid=valid), 0.0, 400)
    assert (picture[:, 210:] == (207, 216, 220)).all()
    assert not picture[:, :190].any()
