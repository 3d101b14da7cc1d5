"""Photos turned and cropped by hand keep their geometry; what cannot be done is said."""

from __future__ import annotations

import hashlib
import math
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model_core.alignment.projection import make_camera, seen_by
from model_core.config import LocateConfig
from model_core.errors import InputError, PhotoError
from model_core.photo import PhotoFailure, read_photo
from model_core.photo_edits import PhotoEdit, edit_photo, read_edited_photo, read_edited_photos
from model_core.pipeline import LocateRequest, locate
from model_core.references.survey import Sources
from model_core.types import Photo

NEAR_PHOTO_07 = ("view_001.jpg", "view_002.jpg", "view_004.jpg")


@pytest.fixture(scope="module")
def sphere() -> np.ndarray:
    """A panorama of soft random shapes, unlike in every direction."""
    noise = np.random.default_rng(5).integers(0, 256, (45, 90, 3), dtype=np.uint8)
    return cv2.resize(noise, (1800, 900), interpolation=cv2.INTER_CUBIC)


def taken(sphere: np.ndarray, fov_deg: float, size=(800, 600), **pose: float) -> Photo:
    """A photo of the sphere by a camera of known pose."""
    camera = make_camera("perspective", fov_deg, **pose)
    pixels, _ = seen_by(sphere, make_camera("equirectangular", 360.0), camera, size)
    return Photo(
        Path("rendered.jpg"),
        "0" * 64,
        pixels,
        fov_deg=fov_deg,
        fov_source="EXIF",
        heading_deg=pose.get("heading_deg"),
        pitch_deg=pose.get("pitch_deg"),
        roll_deg=pose.get("roll_deg"),
    )


def difference(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float))[mask].mean())


@pytest.mark.parametrize(
    "crop",
    [
        {"right": 0.5},
        {"left": 0.6, "right": 0.9},
        {"top": 0.4},
        {"left": 0.1, "top": 0.2, "right": 0.5, "bottom": 0.6},
    ],
)
@pytest.mark.parametrize("tilt", [{}, {"pitch_deg": 8.0, "roll_deg": -3.0}])
def test_crop_off_the_middle_is_what_a_camera_towards_it_would_have_taken(
    sphere: np.ndarray, crop: dict[str, float], tilt: dict[str, float]
) -> None:
    photo = taken(sphere, 80.0, heading_deg=350.0, **tilt)
    edited = edit_photo(photo, PhotoEdit(**crop))
    assert edited.coverage is not None
    assert edited.coverage.mean() > 0.7
    height, width = edited.image.shape[:2]
    seen = taken(
        sphere,
        edited.fov_deg,
        (width, height),
        heading_deg=edited.heading_deg,
        pitch_deg=edited.pitch_deg,
        roll_deg=edited.roll_deg or 0.0,
    )
    assert difference(edited.image, seen.image, edited.coverage) < 2.0
    turned_away = np.roll(seen.image, 8, axis=1)
    assert difference(edited.image, turned_away, edited.coverage) > 6.0


def test_field_of_view_of_a_crop_follows_the_tangent(sphere: np.ndarray) -> None:
    photo = taken(sphere, 80.0)
    half = math.tan(math.radians(40.0))
    centred = edit_photo(photo, PhotoEdit(left=0.25, right=0.75))
    assert centred.fov_deg == pytest.approx(2 * math.degrees(math.atan(half / 2)), abs=0.01)
    assert centred.image.shape == (600, 400, 3)
    assert centred.coverage is None
    aside = edit_photo(photo, PhotoEdit(left=0.5, right=1.0))
    assert aside.fov_deg == pytest.approx(40.0, abs=0.01)
    assert aside.fov_source == "EXIF"


def test_heading_moves_with_the_crop(sphere: np.ndarray) -> None:
    photo = taken(sphere, 80.0, heading_deg=350.0)
    right = edit_photo(photo, PhotoEdit(left=0.5))
    left = edit_photo(photo, PhotoEdit(right=0.5))
    assert right.heading_deg == pytest.approx(10.0, abs=0.01)
    assert left.heading_deg == pytest.approx(330.0, abs=0.01)
    assert any("+20.0 degrees across" in note for note in right.notes)


@pytest.mark.parametrize("crop", [{}, {"left": 0.5}, {"left": 0.2, "right": 0.7}, {"right": 0.3}])
def test_field_of_view_given_for_a_crop_is_that_of_the_crop(
    sphere: np.ndarray, crop: dict[str, float]
) -> None:
    known = taken(sphere, 80.0, heading_deg=0.0)
    expected = edit_photo(known, PhotoEdit(**crop))
    unknown = replace(known, fov_deg=None, fov_source="unknown", notes=("field of view unknown",))
    edited = edit_photo(unknown, PhotoEdit(**crop, fov_deg=expected.fov_deg))
    assert edited.fov_deg == pytest.approx(expected.fov_deg, abs=0.01)
    assert edited.heading_deg == pytest.approx(expected.heading_deg, abs=0.01)
    assert edited.fov_source == "given"
    assert "field of view unknown" not in edited.notes


def test_unknown_field_of_view_stays_unknown_and_its_cost_is_said(sphere: np.ndarray) -> None:
    photo = replace(taken(sphere, 80.0), fov_deg=None)
    edited = edit_photo(photo, PhotoEdit(left=0.5))
    assert edited.fov_deg is None
    assert edited.image.shape == (600, 400, 3)
    assert any("heading cannot be exact" in note for note in edited.notes)
    centred = edit_photo(photo, PhotoEdit(left=0.25, right=0.75))
    assert not any("exact" in note for note in centred.notes)


def test_turned_photo_has_the_other_field_of_view_and_the_other_roll(sphere: np.ndarray) -> None:
    upright = taken(sphere, 60.0, heading_deg=40.0, roll_deg=5.0)
    lying = replace(
        upright,
        image=np.rot90(upright.image).copy(),
        fov_deg=2 * math.degrees(math.atan(math.tan(math.radians(30.0)) * 600 / 800)),
        roll_deg=95.0,
    )
    edited = edit_photo(lying, PhotoEdit(turn_deg=90))
    assert np.array_equal(edited.image, upright.image)
    assert edited.fov_deg == pytest.approx(60.0)
    assert edited.roll_deg == pytest.approx(5.0)
    assert edited.heading_deg == 40.0
    assert np.array_equal(edit_photo(lying, PhotoEdit(turn_deg=-270)).image, upright.image)


def test_crop_counts_in_the_turned_photo(sphere: np.ndarray) -> None:
    photo = replace(taken(sphere, 60.0), fov_deg=None)
    edited = edit_photo(photo, PhotoEdit(turn_deg=90, top=0.5))
    assert np.array_equal(edited.image, np.rot90(photo.image, -1)[400:])


def panorama(sphere: np.ndarray) -> Photo:
    return Photo(Path("sphere.jpg"), "0" * 64, sphere, "equirectangular", 360.0, heading_deg=30.0)


def test_panorama_is_not_turned_onto_its_side(sphere: np.ndarray) -> None:
    with pytest.raises(PhotoError, match=r"sphere\.jpg: a panorama cannot be turned by 90"):
        edit_photo(panorama(sphere), PhotoEdit(turn_deg=90))
    over = edit_photo(panorama(sphere), PhotoEdit(turn_deg=180))
    assert np.array_equal(over.image, sphere[::-1, ::-1])
    assert over.heading_deg == 30.0
    assert over.roll_deg is None, "a roll would turn it back"
    known = edit_photo(replace(panorama(sphere), roll_deg=10.0), PhotoEdit(turn_deg=180))
    assert known.roll_deg == -170.0, "the camera's own roll, seen in the turned picture"


def test_crop_of_a_panorama_is_a_part_of_the_sphere(sphere: np.ndarray) -> None:
    edited = edit_photo(panorama(sphere), PhotoEdit(left=0.25, top=0.3, right=0.5, bottom=0.7))
    assert edited.image.shape == sphere.shape
    assert edited.coverage is not None
    rows, columns = np.nonzero(edited.coverage)
    assert (rows.min(), rows.max() + 1) == (270, 630)
    assert (columns.min(), columns.max() + 1) == (450, 900)
    assert not edited.image[~edited.coverage].any()
    assert np.array_equal(edited.image[270:630, 450:900], sphere[270:630, 450:900])
    assert (edited.fov_deg, edited.heading_deg) == (360.0, 30.0)


def test_crop_of_a_partial_panorama_counts_in_the_file_s_own_picture(
    sphere: np.ndarray, tmp_path: Path
) -> None:
    from tests.model_core.test_photo import gpano_xmp

    path = tmp_path / "part.jpg"
    part = np.roll(sphere, 300, axis=1)[225:675, :900]
    xmp = gpano_xmp(
        ProjectionType="equirectangular",
        FullPanoWidthPixels=1800,
        FullPanoHeightPixels=900,
        CroppedAreaImageWidthPixels=900,
        CroppedAreaImageHeightPixels=450,
        CroppedAreaLeftPixels=1500,
        CroppedAreaTopPixels=225,
    )
    Image.fromarray(part).save(path, quality=95, xmp=xmp)
    edited = read_edited_photo(path, PhotoEdit(left=0.5, top=0.5))
    assert edited.coverage is not None
    rows, columns = np.nonzero(edited.coverage)
    assert (rows.min(), rows.max() + 1) == (450, 675)
    assert (columns.min(), columns.max() + 1) == (150, 600)
    assert difference(edited.image, sphere, edited.coverage) < 6.0


def test_panorama_s_field_of_view_is_its_own(sphere: np.ndarray) -> None:
    with pytest.raises(PhotoError, match="shows 360 degrees, not 90"):
        edit_photo(panorama(sphere), PhotoEdit(fov_deg=90.0))
    assert edit_photo(panorama(sphere), PhotoEdit(fov_deg=360.0)).fov_deg == 360.0


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"turn_deg": 45}, "multiples of 90"),
        ({"left": 0.6, "right": 0.4}, "left, right"),
        ({"bottom": 1.2}, "top, bottom"),
        ({"left": float("nan")}, "left, right"),
        ({"fov_deg": 0.0}, "field of view of 0"),
    ],
)
def test_edit_that_is_none_is_refused(edit: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PhotoEdit(**edit)


def test_impossible_field_of_view_of_a_crop_is_refused(sphere: np.ndarray) -> None:
    with pytest.raises(PhotoError, match=r"rendered\.jpg: a field of view of 120 .* this crop"):
        edit_photo(taken(sphere, 60.0), PhotoEdit(left=0.6, fov_deg=120.0))
    with pytest.raises(PhotoError, match="impossible for an ordinary photo"):
        edit_photo(taken(sphere, 60.0), PhotoEdit(fov_deg=300.0))


def test_time_given_by_hand_counts_and_the_note_of_the_missing_one_is_gone(
    repository: Path,
) -> None:
    path = repository / "resources" / "demo" / "photos" / "photo_01.jpg"
    undated = replace(read_photo(path), captured_at=None, notes=("no date of capture: all",))
    edited = edit_photo(undated, PhotoEdit(captured_at=datetime(2021, 5, 6, 7, 8)))
    assert edited.captured_at == datetime(2021, 5, 6, 7, 8, tzinfo=UTC)
    assert edited.notes == ("changed by hand: taken 2021-05-06 07:08:00 UTC",)


def test_file_and_its_sum_are_untouched_and_a_note_says_what_changed(shared_data: Path) -> None:
    path = shared_data / "photos" / "lund" / "01.jpg"
    before = path.read_bytes()
    edited = read_edited_photo(path, PhotoEdit(right=0.5, bottom=0.8), 600)
    assert path.read_bytes() == before
    assert edited.sha256 == hashlib.sha256(before).hexdigest()
    assert edited.notes[0] == "changed by hand: cropped to 50% of its width and 80% of its height"
    assert max(edited.image.shape) > 400


def test_one_impossible_edit_costs_only_its_photo(repository: Path) -> None:
    photos = sorted((repository / "resources" / "demo" / "photos").glob("*.jpg"))[:2]
    first, second = read_edited_photos(photos, {photos[0]: PhotoEdit(left=0.6, fov_deg=170.0)})
    assert isinstance(first, PhotoFailure)
    assert isinstance(second, Photo)
    with pytest.raises(InputError, match="not among the photos"):
        list(read_edited_photos(photos, {Path("/elsewhere.jpg"): PhotoEdit(turn_deg=90)}))


def test_located_crop_has_the_heading_of_its_middle(repository: Path, tmp_path: Path) -> None:
    demo = repository / "resources" / "demo"
    photo = demo / "photos" / "photo_07.jpg"
    for name in NEAR_PHOTO_07:
        shutil.copy(demo / "street_views" / name, tmp_path)
    middle = edit_photo(replace(read_photo(photo), heading_deg=286.0), PhotoEdit(right=0.7))
    request = LocateRequest(
        photos=(photo,),
        area=str(demo / "area.geojson"),
        sources=Sources(street_views=(str(tmp_path),)),
        config=LocateConfig(use_retrieval=False),
        edits={photo: PhotoEdit(right=0.7)},
    )
    (result,) = locate(request).results
    best = result.candidates[0]
    assert middle.heading_deg < 275.0
    assert best.heading_deg == pytest.approx(middle.heading_deg, abs=2.0)
    assert best.fov_deg == pytest.approx(middle.fov_deg, abs=0.1)
    assert any("cropped to 70% of its width" in note for note in result.notes)
