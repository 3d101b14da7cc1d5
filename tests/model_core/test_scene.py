"""What a kept gallery is of: it is built again when what it was made from has changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_core.bundle import default_bundle_path, init_bundle, load_bundle
from model_core.config import LocateConfig, ModelConfig, SearchConfig, StreetViewConfig
from model_core.errors import AreaError, Cancelled, ProviderError
from model_core.gallery.around import LOOKS
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.gallery.store import Gallery
from model_core.photo import read_photo
from model_core.references import prefetch
from model_core.references.availability import StreetViewIndex, choose_street_views
from model_core.references.collect import find_street_views
from model_core.references.http import HttpClient
from model_core.references.imagery import ImagerySource
from model_core.references.source import FetchPlan
from model_core.references.survey import Sources, Survey, survey_area
from model_core.references.web import NetworkAccess
from model_core.scene import (
    describe_gallery,
    group_by_street_views,
    open_scene,
    seen_from_the_ground,
)
from model_core.types import (
    LonLat,
    Reference,
    SatelliteImage,
    ignore_progress,
    never_cancelled,
)

CPU = torch.device("cpu")
AREA = "13.4196,46.9797,13.4204,46.9803"


@pytest.mark.parametrize("options", ["", "|offset_east_m=2"])
def test_a_changed_raster_is_another_gallery(
    repository: Path, tmp_path: Path, options: str
) -> None:
    model, imagery = load_bundle(default_bundle_path()), tmp_path / "imagery.tif"
    shutil.copy(repository / "resources" / "demo" / "imagery.tif", imagery)

    def fingerprint(text: str) -> str:
        survey = survey_area(AREA, Sources(imagery=text), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    first = fingerprint(f"{imagery}{options}")
    assert fingerprint(f"{imagery}{options}") == first
    assert fingerprint(f"{imagery}|offset_east_m=9") != first
    os.utime(imagery, (1e9, 1e9))
    assert fingerprint(f"{imagery}{options}") != first


def test_places_are_looked_at_from_beside_unless_that_is_turned_off(
    repository: Path, tmp_path: Path
) -> None:
    model = load_bundle(default_bundle_path())
    sources = Sources(imagery=str(repository / "resources" / "demo" / "imagery.tif"))
    survey = survey_area(AREA, sources, LocateConfig())
    scenes = {}
    for places in (0, 100):
        config = LocateConfig(search=SearchConfig(beside_places=places))
        scenes[places] = open_scene(
            survey, None, model, tmp_path, CPU, config, ignore_progress, never_cancelled
        )
    assert scenes[0].beside is None
    beside = scenes[100].beside
    assert beside is not None
    looks = beside.look(range(len(survey.places)))
    assert looks is not None
    assert looks.rows.tolist() == list(range(len(survey.places)))
    gallery = scenes[100].gallery
    assert gallery is not None
    centre = gallery.features.reshape(len(looks.rows), 1, -1).astype(np.float32)
    around = looks.features.reshape(len(looks.rows), LOOKS, -1).astype(np.float32)
    norms = np.linalg.norm(centre, axis=2) * np.linalg.norm(around, axis=2)
    cosine = (centre * around).sum(2) / norms
    assert 0.2 < np.median(cosine) < 0.97, "a few metres change a place, and not wholly"


def test_a_street_view_that_stands_afar_is_no_standpoint_of_a_place(repository: Path) -> None:
    demo = repository / "resources" / "demo"
    sources = Sources(imagery=str(demo / "imagery.tif"), street_views=(str(demo / "street_views"),))
    survey = survey_area(AREA, sources, LocateConfig())
    records, away_m = [], []
    for place in survey.places:
        near = survey.views.within(place.lonlat, 50.0)
        views = tuple(view for _, view in near[:1])
        records.append(PlaceRecord.of_reference(Reference(place, None, views)))
        away_m.append(near[0][0] if near else np.inf)
    seen = seen_from_the_ground(PlaceTable.from_records(records), survey, 10.0)
    assert seen.tolist() == [far <= 10.0 for far in away_m]
    assert 0 < seen.sum() < np.isfinite(away_m).sum()
    elsewhere = replace(survey, views=find_street_views(survey.area, [], 0.0))
    unknown = seen_from_the_ground(PlaceTable.from_records(records), elsewhere, 10.0)
    assert unknown.tolist() == np.isfinite(away_m).tolist()


def test_a_street_view_turned_or_moved_is_another_gallery(repository: Path, tmp_path: Path) -> None:
    model = load_bundle(default_bundle_path())
    image = sorted((repository / "resources" / "demo" / "street_views").glob("*.jpg"))[0]
    shutil.copy(image, tmp_path / "view.jpg")
    table = tmp_path / "views.csv"

    def fingerprint(row: str) -> str:
        table.write_text(
            f"path,lon,lat,heading_deg,fov_deg,captured_at\nview.jpg,{row},2024-05-01\n"
        )
        survey = survey_area(AREA, Sources(street_views=(str(table),)), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    first = fingerprint("13.42,46.98,10,360")
    assert fingerprint("13.42,46.98,10,360") == first
    for row in ("13.42,46.98,190,360", "13.42,46.98,10,90", "13.42001,46.98,10,360"):
        assert fingerprint(row) != first


def test_tiles_changed_deep_in_their_folder_are_another_gallery(
    repository: Path, tmp_path: Path
) -> None:
    model, folder = load_bundle(default_bundle_path()), tmp_path / "rasters"
    folder.mkdir()
    shutil.copy(repository / "resources" / "demo" / "imagery.tif", folder / "a.tif")

    def fingerprint() -> str:
        survey = survey_area(AREA, Sources(imagery=str(folder)), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    first = fingerprint()
    unchanged = folder.stat()
    os.utime(folder / "a.tif", (1e9, 1e9))
    os.utime(folder, ns=(unchanged.st_atime_ns, unchanged.st_mtime_ns))
    second = fingerprint()
    assert second != first
    (folder / "a.tif.offset.json").write_text('{"offset_east_m": 3, "offset_north_m": 0}')
    assert fingerprint() != second


def test_photos_of_all_dates_share_a_gallery_where_age_does_not_matter(repository: Path) -> None:
    demo = repository / "resources" / "demo"
    survey = survey_area(AREA, Sources(street_views=(str(demo / "street_views"),)), LocateConfig())
    dates = [datetime(year, 6, 1, tzinfo=UTC) for year in (2000, 2024)]
    photo = read_photo(next((demo / "photos").glob("*.jpg")))
    photos = [replace(photo, captured_at=date) for date in dates]
    for policy, groups in (("hybrid", 2), ("nearest", 1)):
        config = LocateConfig(street_view=StreetViewConfig(policy=policy))
        assert len(group_by_street_views(photos, survey, config)) == groups


def test_street_views_are_calibrated_by_what_the_model_sees(
    repository: Path, tmp_path: Path
) -> None:
    calibrated = ModelConfig(calibration="features")
    model = load_bundle(init_bundle(tmp_path / "model", calibrated))
    demo = repository / "resources" / "demo"
    sources = Sources(str(demo / "imagery.tif"), street_views=(str(demo / "street_views"),))
    survey = survey_area("13.4196,46.9797,13.4199,46.9799", sources, LocateConfig())
    config = LocateConfig(search=SearchConfig(beside_places=0))
    scene = open_scene(survey, None, model, tmp_path, CPU, config, ignore_progress, never_cancelled)
    assert scene.gallery is not None
    methods = set(scene.gallery.places.frame["calibration_method"])
    assert methods == {"features"}


class Counting:
    """Imagery that knows where it was read."""

    def __init__(self, imagery: ImagerySource) -> None:
        self.imagery = imagery
        self.terms = imagery.terms
        self.centers: list[LonLat] = []

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        self.centers.append(center)
        return self.imagery.read(center, footprint_m, size_px)


@pytest.fixture
def served_in_part(repository: Path) -> Survey:
    """An area with imagery, whose reading is counted, and one street view, of 2023."""
    demo = repository / "resources" / "demo"
    sources = Sources(imagery=str(demo / "imagery.tif"), street_views=(str(demo / "street_views"),))
    survey = survey_area(AREA, sources, LocateConfig())
    assert survey.imagery is not None
    view = survey.views.within(LonLat(13.4196, 46.9797), 100.0)[0][1]
    views = StreetViewIndex([view], survey.views.frame)
    return replace(survey, imagery=Counting(survey.imagery), views=views)


def test_another_date_encodes_only_the_places_whose_street_views_it_changes(
    served_in_part: Survey, tmp_path: Path
) -> None:
    survey, imagery = served_in_part, served_in_part.imagery
    assert isinstance(imagery, Counting)
    none_yet = gallery_at(2000, survey, tmp_path)
    assert len(imagery.centers) == len(survey.places)
    imagery.centers.clear()
    later = gallery_at(2024, survey, tmp_path)
    assert imagery.centers == [
        place.lonlat
        for place in survey.places
        if choose_street_views(place, survey.views, None, LocateConfig().street_view)
    ]
    assert 0 < len(imagery.centers) < len(survey.places)
    alone = gallery_at(2024, survey, tmp_path / "alone")
    assert later.meta.fingerprint == alone.meta.fingerprint != none_yet.meta.fingerprint
    assert later.places.frame.equals(alone.places.frame)
    np.testing.assert_allclose(later.features, alone.features, atol=2e-3)
    np.testing.assert_allclose(later.energy, alone.energy, rtol=1e-2)


def test_a_place_whose_image_could_not_be_read_is_tried_again(
    served_in_part: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey, imagery = served_in_part, served_in_part.imagery
    assert isinstance(imagery, Counting)
    unserved = [
        place.lonlat
        for place in survey.places
        if not choose_street_views(place, survey.views, None, LocateConfig().street_view)
    ]
    with monkeypatch.context() as patched:
        read = imagery.read
        patched.setattr(
            imagery,
            "read",
            lambda center, *rest: None if center == unserved[0] else read(center, *rest),
        )
        gallery_at(2000, survey, tmp_path)
    imagery.centers.clear()
    gallery_at(2024, survey, tmp_path)
    assert unserved[0] in imagery.centers
    assert not set(unserved[1:]) & set(imagery.centers)


def gallery_at(year: int, survey: Survey, folder: Path) -> Gallery:
    """Return the gallery for photos of a year, kept in a folder."""
    date, model = datetime(year, 6, 1, tzinfo=UTC), load_bundle(default_bundle_path())
    config = LocateConfig(search=SearchConfig(beside_places=0))
    opened = open_scene(survey, date, model, folder, CPU, config, ignore_progress, never_cancelled)
    assert opened.gallery is not None
    return opened.gallery


class Failing(Counting):
    """Imagery that fails at some places."""

    def __init__(self, imagery: ImagerySource) -> None:
        super().__init__(imagery)
        self.failing: set[LonLat] = set()

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        found = super().read(center, footprint_m, size_px)
        if center in self.failing:
            raise ProviderError("some tiles: did not answer in time", reason="timeout")
        return found


def seen_from_above(repository: Path) -> tuple[Survey, Failing]:
    """Return a run's survey of an area, and its imagery."""
    sources = Sources(imagery=str(repository / "resources" / "demo" / "imagery.tif"))
    survey = survey_area(AREA, sources, LocateConfig())
    assert survey.imagery is not None
    imagery = Failing(survey.imagery)
    return replace(survey, imagery=imagery), imagery


def test_a_run_that_reached_nothing_leaves_no_gallery(repository: Path, tmp_path: Path) -> None:
    survey, imagery = seen_from_above(repository)
    imagery.failing = {place.lonlat for place in survey.places}
    with pytest.raises(AreaError, match=r"none of the \d+ places.*did not answer in time"):
        gallery_at(2024, survey, tmp_path)
    assert not list(tmp_path.iterdir())
    survey, imagery = seen_from_above(repository)
    assert not gallery_at(2024, survey, tmp_path).meta.failed_rows
    assert len(imagery.centers) == len(survey.places)


def test_an_empty_gallery_of_an_earlier_version_is_built_again(
    repository: Path, tmp_path: Path
) -> None:
    survey, imagery = seen_from_above(repository)
    built = gallery_at(2024, survey, tmp_path)
    np.save(built.path / "coverage.npy", np.zeros_like(built.coverage))
    built.places.frame["imagery_source"] = ""
    built.places.write(built.path / "places.parquet")
    imagery.centers.clear()
    assert gallery_at(2024, survey, tmp_path).coverage.all()


@pytest.mark.parametrize("name", ["gallery.json", "places.parquet", "features.npy"])
def test_a_damaged_gallery_in_the_cache_is_built_again(
    repository: Path, tmp_path: Path, name: str
) -> None:
    survey, _ = seen_from_above(repository)
    built = gallery_at(2024, survey, tmp_path)
    whole = np.array(built.features)
    del built
    (path,) = tmp_path.rglob(name)
    path.write_bytes(path.read_bytes()[:40])
    assert np.array_equal(gallery_at(2024, survey, tmp_path).features, whole)


def test_statistics_that_qgis_writes_beside_a_raster_leave_its_gallery_in_use(
    repository: Path, tmp_path: Path
) -> None:
    model, imagery = load_bundle(default_bundle_path()), tmp_path / "imagery.tif"
    shutil.copy(repository / "resources" / "demo" / "imagery.tif", imagery)

    def fingerprint() -> str:
        survey = survey_area(AREA, Sources(imagery=str(imagery)), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    first = fingerprint()
    for name in ("imagery.tif.aux.xml", "imagery.gpkg", "imagery.qml"):
        (tmp_path / name).write_text("statistics")
        assert fingerprint() == first, name
    (tmp_path / "imagery.tif.ovr").write_bytes(b"pixels")
    assert fingerprint() != first


def test_a_date_of_no_use_costs_no_run(repository: Path, tmp_path: Path) -> None:
    model = load_bundle(default_bundle_path())
    demo = repository / "resources" / "demo"
    sources = Sources(imagery=str(demo / "imagery.tif"), street_views=(str(demo / "street_views"),))
    survey = survey_area(AREA, sources, LocateConfig())
    views = [
        replace(view, captured_at=datetime(1, 1, 1), remote=object()) for view in survey.views.views
    ]
    odd = replace(survey, views=type(survey.views)(views, survey.views.frame))
    assert describe_gallery(odd, None, model, LocateConfig()).fingerprint


def test_places_that_a_source_failed_at_are_asked_for_again(
    repository: Path, tmp_path: Path
) -> None:
    survey, imagery = seen_from_above(repository)
    whole = gallery_at(2024, survey, tmp_path / "whole")
    survey, imagery = seen_from_above(repository)
    imagery.failing = {survey.places[row].lonlat for row in (0, 7, 8)}
    lacking = gallery_at(2024, survey, tmp_path / "mended")
    assert lacking.meta.failed_rows == (0, 7, 8)
    assert lacking.coverage.any(axis=1).sum() == len(survey.places) - 3
    still = imagery.failing = {survey.places[7].lonlat}
    survey = replace(survey, summary=type(survey.summary)())
    imagery.centers.clear()
    assert gallery_at(2024, survey, tmp_path / "mended").meta.failed_rows == (7,)
    assert set(imagery.centers) == {survey.places[row].lonlat for row in (0, 7, 8)}
    assert still < set(imagery.centers)
    survey, imagery = seen_from_above(repository)
    mended = gallery_at(2024, survey, tmp_path / "mended")
    assert not mended.meta.failed_rows
    assert imagery.centers == [survey.places[7].lonlat]
    assert mended.places.frame.equals(whole.places.frame)
    np.testing.assert_allclose(mended.features, whole.features, atol=2e-3)
    gallery_at(2024, survey, tmp_path / "mended")
    assert len(imagery.centers) == 1


def test_a_run_offline_takes_a_gallery_as_it_is_and_says_what_it_lacks(
    repository: Path, tmp_path: Path
) -> None:
    survey, imagery = seen_from_above(repository)
    imagery.failing = {survey.places[3].lonlat}
    gallery_at(2024, survey, tmp_path)
    survey, imagery = seen_from_above(repository)
    client = HttpClient(access=NetworkAccess(offline=True))
    assert gallery_at(2024, replace(survey, client=client), tmp_path).meta.failed_rows == (3,)
    assert imagery.centers == []
    assert "1 could not be used" in survey.summary.describe()


def test_a_build_that_goes_on_asks_for_what_failed_before_it_was_stopped(
    repository: Path, tmp_path: Path
) -> None:
    survey, imagery = seen_from_above(repository)
    imagery.failing = {survey.places[1].lonlat}
    model, config = load_bundle(default_bundle_path()), LocateConfig(batch_size=4)
    with pytest.raises(Cancelled):
        open_scene(
            survey, None, model, tmp_path, CPU, config, ignore_progress,
            lambda: len(imagery.centers) > 8,
        )  # fmt: skip
    survey, imagery = seen_from_above(repository)
    opened = open_scene(
        survey, None, model, tmp_path, CPU, config, ignore_progress, never_cancelled
    )
    assert opened.gallery is not None
    assert not opened.gallery.meta.failed_rows
    assert opened.gallery.coverage.any(axis=1).all()
    asked = [imagery.centers.count(place.lonlat) for place in survey.places]
    assert asked[0] == 0
    assert max(asked) == asked[1] == 1


class InMemory:
    """An online source whose images may not be kept; it knows what it was asked to prepare."""

    def __init__(self, imagery: ImagerySource) -> None:
        self.imagery = imagery
        self.terms = replace(imagery.terms, cacheable=False)
        self.prepared: list[list[LonLat]] = []

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        return FetchPlan(len(centers), 1000)

    def prepare(self, centers: Sequence[LonLat], *arguments: Any) -> list[ProviderError]:
        self.prepared.append(list(centers))
        return []

    def save(self, folder: Path, *arguments: Any) -> Path:
        return folder

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        assert center in self.prepared[-1], "read while it is in memory"
        return self.imagery.read(center, footprint_m, size_px)


def test_what_may_not_be_kept_is_fetched_shortly_before_it_is_used(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "PLACES_IN_MEMORY", 4)
    model = load_bundle(default_bundle_path())
    sources = Sources(imagery=str(repository / "resources" / "demo" / "imagery.tif"))
    survey = survey_area(AREA, sources, LocateConfig())
    assert survey.imagery is not None
    imagery = InMemory(survey.imagery)
    opened = open_scene(
        replace(survey, imagery=imagery), None, model, tmp_path, CPU, LocateConfig(),
        ignore_progress, never_cancelled,
    )  # fmt: skip
    assert [len(part) for part in imagery.prepared[:-1]] == [4] * (len(survey.places) // 4)
    assert [center for part in imagery.prepared for center in part] == [
        place.lonlat for place in survey.places
    ]
    assert opened.gallery is not None
    assert opened.gallery.coverage.any(axis=1).all()
