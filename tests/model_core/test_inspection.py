"""What files say of photos, with thumbnails, whatever state they are in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from model_core.errors import Cancelled, InputError
from model_core.inspection import inspect_photos
from model_core.photo import find_photos
from model_core.types import Progress


def test_real_photos_say_what_they_hold_and_bad_ones_why(shared_data: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    asked = [shared_data / "exif_edge", empty, shared_data / "photos" / "lund" / "01.jpg"]
    found = inspect_photos(asked, tmp_path / "thumbnails", 128)
    assert [photo.path for photo in found] == find_photos(asked)
    by_path = {photo.path: photo for photo in found}
    assert "0 bytes" in str(by_path[empty].error)
    lund = by_path[asked[2]]
    assert lund.error is None
    assert lund.metadata.size_px == (1024, 768)
    assert lund.metadata.fov_deg == pytest.approx(55.7, abs=0.1)
    assert lund.metadata.lonlat.lat == pytest.approx(55.698, abs=0.001)
    assert sum(photo.error is None for photo in found) > 40
    for photo in found:
        if photo.error is None:
            sha256 = hashlib.sha256(photo.path.read_bytes()).hexdigest()
            assert photo.thumbnail.name == f"{sha256}-128.jpg"
            image = Image.open(photo.thumbnail)
            assert max(image.size) == min(128, max(photo.metadata.size_px))


def test_thumbnails_stand_upright(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "exif_edge" / "orientation"
    found = inspect_photos([folder / f"portrait_{n}.jpg" for n in range(1, 9)], tmp_path, 96)
    upright, *others = (np.asarray(Image.open(photo.thumbnail), float) for photo in found)
    assert upright.shape == (96, 72, 3)
    assert np.corrcoef(upright[::-1].ravel(), upright.ravel())[0, 1] < 0.5
    for other in others:
        assert other.shape == upright.shape
        assert np.corrcoef(other.ravel(), upright.ravel())[0, 1] > 0.95


def test_heic_and_panorama_have_thumbnails(shared_data: Path, tmp_path: Path) -> None:
    heic = tmp_path / "photo.heic"
    pillow_heif.from_pillow(Image.linear_gradient("L").convert("RGB").resize((320, 240))).save(heic)
    panorama = shared_data / "panoramas" / "strasbourg" / "stra_1_1.jpg"
    first, second = inspect_photos([heic, panorama], tmp_path / "thumbnails")
    assert Image.open(first.thumbnail).size == (256, 192)
    assert second.metadata.projection == "equirectangular"
    assert Image.open(second.thumbnail).size == (256, 128)


def test_photo_whose_pixels_are_cut_off_keeps_what_its_tags_say(
    shared_data: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((shared_data / "photos" / "lund" / "01.jpg").read_bytes()[:20000])
    (photo,) = inspect_photos([cut], tmp_path / "thumbnails")
    assert "cut.jpg: damaged" in str(photo.error)
    assert photo.metadata.captured_at is not None
    assert photo.thumbnail is None


def test_thumbnail_is_made_once(repository: Path, tmp_path: Path) -> None:
    photo = repository / "resources" / "demo" / "photos" / "photo_01.jpg"
    (first,) = inspect_photos([photo], tmp_path)
    made_at = first.thumbnail.stat().st_mtime_ns
    (second,) = inspect_photos([photo], tmp_path)
    assert second.thumbnail.stat().st_mtime_ns == made_at
    assert [path.name for path in tmp_path.iterdir()] == [first.thumbnail.name]


def test_folder_that_cannot_be_written_costs_the_thumbnail_only(
    repository: Path, tmp_path: Path
) -> None:
    photo = repository / "resources" / "demo" / "photos" / "photo_01.jpg"
    (tmp_path / "file").write_text("no folder")
    (found,) = inspect_photos([photo], tmp_path / "file" / "thumbnails")
    assert found.error is None
    assert found.thumbnail is None
    assert found.notes[-1].startswith("no thumbnail: ")
    assert "choose another folder" in found.notes[-1]


def test_progress_is_told_and_cancel_is_heard(repository: Path, tmp_path: Path) -> None:
    folder = repository / "resources" / "demo" / "photos"
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        inspect_photos([folder], tmp_path, 64, steps.append, lambda: len(steps) == 3)
    assert [(step.done, step.total) for step in steps] == [(0, 20), (1, 20), (2, 20)]
    assert len(list(tmp_path.iterdir())) == 3


def test_nothing_to_inspect_and_impossible_thumbnails_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo"):
        inspect_photos([tmp_path])
    with pytest.raises(InputError, match="not 0"):
        inspect_photos([tmp_path], tmp_path, 0)
