"""Verification of rendered photos against rendered street views, end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_core.alignment.panorama import perspective_crop
from model_core.config import VerificationConfig
from model_core.errors import Cancelled, StreetViewError
from model_core.types import ImageU8, LonLat, Photo, Progress, SourceTerms, StreetView
from model_core.verification.cache import FeatureCache
from model_core.verification.verify import verify_photo

CONFIG = VerificationConfig(max_side_px=480, max_features=800)
MakeTexture = Callable[[int, int, int], ImageU8]
HEADING_DEG = 250.0
PANORAMA_HEADING_DEG = 200.0


def written(path: Path, image: ImageU8) -> Path:
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def view_of(path: Path, **values: object) -> StreetView:
    view = StreetView(
        path.stem, path, LonLat(13.2, 55.7), "perspective", 0.0, 60.0, SourceTerms("test")
    )
    return replace(view, **values)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def photo(panorama: ImageU8) -> Photo:
    """Taken in the middle of the panorama."""
    crop = perspective_crop(panorama, HEADING_DEG, 60.0, (360, 270), PANORAMA_HEADING_DEG)
    return Photo(Path("query.jpg"), "0" * 64, crop, fov_deg=60.0)


@pytest.fixture(scope="module")
def views(
    panorama: ImageU8, make_texture: MakeTexture, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[int, StreetView]]:
    """A photo and a panorama of elsewhere, and the panorama and a photo of the place."""
    folder = tmp_path_factory.mktemp("views")
    near = perspective_crop(panorama, 235.0, 70.0, (360, 270), PANORAMA_HEADING_DEG)
    return [
        (4, view_of(written(folder / "elsewhere.png", make_texture(360, 270, 31)))),
        (
            7,
            view_of(
                written(folder / "right.png", panorama),
                projection="equirectangular",
                heading_deg=PANORAMA_HEADING_DEG,
                fov_deg=360.0,
            ),
        ),
        (2, view_of(written(folder / "near.png", near), heading_deg=235.0, fov_deg=70.0)),
    ]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return FeatureCache(tmp_path_factory.mktemp("features"))


def test_right_views_are_told_from_wrong(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    found = verify_photo(photo, views, CONFIG, cache)
    assert [one.place_index for one in found] == [4, 7, 2]
    assert [one.view_id for one in found] == ["elsewhere", "right", "near"]
    assert found[0].inliers < 15
    assert found[0].heading_deg is None or found[0].inliers >= 12
    for one in found[1:]:
        assert one.matches >= one.inliers > 50
        assert one.heading_deg == pytest.approx(HEADING_DEG, abs=1.0)
        assert one.heading_sigma_deg == pytest.approx(5.0, abs=1.0)


def test_same_input_same_output(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    first = verify_photo(photo, views, CONFIG, cache)
    assert verify_photo(photo, views, CONFIG, FeatureCache(None)) == first


def test_view_without_heading_gives_none(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    blind = [(0, replace(views[1][1], heading_deg=None))]
    (found,) = verify_photo(photo, blind, CONFIG, cache)
    assert found.inliers > 50
    assert found.heading_deg is None
    assert found.heading_sigma_deg is None


def test_uncertain_view_gives_an_uncertain_heading(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    uncertain = [(0, replace(views[1][1], heading_sigma_deg=20.0))]
    (found,) = verify_photo(photo, uncertain, CONFIG, cache)
    assert found.heading_sigma_deg == pytest.approx(20.0, abs=1.0)


def test_unknown_field_of_view(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    (known,) = verify_photo(photo, views[1:2], CONFIG, cache)
    (unknown,) = verify_photo(replace(photo, fov_deg=None), views[1:2], CONFIG, cache)
    assert unknown.inliers == known.inliers
    assert unknown.heading_deg == pytest.approx(HEADING_DEG, abs=5.0)


def test_panorama_as_photo(
    panorama: ImageU8, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    turned = np.roll(panorama, 1024 * 45 // 360, axis=1)
    query = Photo(Path("pano.jpg"), "1" * 64, turned, "equirectangular", 360.0)
    elsewhere, whole, near = verify_photo(query, views, CONFIG, cache)
    assert elsewhere.inliers < 15
    for one in (whole, near):
        assert one.inliers > 40
        assert one.heading_deg == pytest.approx(PANORAMA_HEADING_DEG - 45.0, abs=1.0)


@pytest.mark.parametrize(("budget", "count"), [(0, 0), (2, 2), (None, 3)])
def test_budget_takes_the_first_views(
    photo: Photo,
    views: list[tuple[int, StreetView]],
    cache: FeatureCache,
    budget: int | None,
    count: int,
) -> None:
    found = verify_photo(photo, views, replace(CONFIG, budget_views=budget), cache)
    assert [one.view_id for one in found] == [view.view_id for _, view in views[:count]]


def test_one_bad_view_costs_only_itself(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    bad = [(0, view_of(broken)), (1, view_of(tmp_path / "missing.jpg"))]
    heard: list[tuple[str, str]] = []

    def hear(view: StreetView, error: StreetViewError) -> None:
        heard.append((view.view_id, str(error)))

    found = verify_photo(photo, bad + views, CONFIG, cache, on_failure=hear)
    assert [one.view_id for one in found] == ["elsewhere", "right", "near"]
    assert [name for name, _ in heard] == ["broken", "missing"]
    assert "broken.jpg" in heard[0][1]
    assert "missing.jpg" in heard[1][1]


def test_cancel_stops_between_views(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        verify_photo(
            photo, views, CONFIG, cache, progress=steps.append, cancel=lambda: len(steps) >= 2
        )
    assert [step.done for step in steps] == [0, 1]


def test_progress_runs_to_the_end(
    photo: Photo, views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    steps: list[Progress] = []
    verify_photo(photo, views, CONFIG, cache, progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_views_of_an_earlier_run_need_no_pixels(
    photo: Photo, views: list[tuple[int, StreetView]], tmp_path: Path
) -> None:
    verify_photo(photo, views, CONFIG, FeatureCache(tmp_path))

    def unread(view: StreetView, max_side_px: int | None) -> object:
        raise AssertionError(f"{view.view_id} was read again")

    found = verify_photo(
        photo,
        views,
        CONFIG,
        FeatureCache(tmp_path),
        read=unread,  # type: ignore[arg-type]
    )
    assert len(found) == 3


def test_blank_photo_matches_nothing(
    views: list[tuple[int, StreetView]], cache: FeatureCache
) -> None:
    blank = Photo(Path("blank.jpg"), "2" * 64, np.full((300, 400, 3), 120, np.uint8), fov_deg=60.0)
    found = verify_photo(blank, views, CONFIG, cache)
    assert [(one.inliers, one.matches) for one in found] == [(0, 0)] * 3
