"""Reference packs of local sources: complete, portable, resumable, true to their terms."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rasterio
import rasterio.shutil
from rasterio.vrt import WarpedVRT

from model_core.config import LocateConfig, StripGeometry
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.references.http import HttpClient
from model_core.references.pack import Pack, read_pack, write_pack
from model_core.references.street_view import FolderStreetViews
from model_core.references.survey import Sources, Survey, survey_area
from model_core.references.terms import terms_path, write_terms
from model_core.types import SourceTerms, ignore_progress, never_cancelled

AREA = "13.4185,46.9785,13.4205,46.9800"


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


def survey_of(demo: Path) -> Survey:
    sources = Sources(
        imagery=str(demo / "imagery.tif"),
        roads=str(demo / "roads.geojson"),
        street_views=(str(demo / "street_views"),),
    )
    return survey_area(AREA, sources, LocateConfig())


def write(survey: Survey, folder: Path) -> Pack:
    return write_pack(survey, folder, StripGeometry(), ignore_progress, never_cancelled)


class Image:
    """A street view's pixels as a source delivers them, or the way in which it fails."""

    def __init__(self, data: bytes, error: ProviderError | None = None) -> None:
        self.data = data
        self.error = error

    def read(self) -> bytes:
        if self.error is not None:
            raise self.error
        return self.data


def online(survey: Survey, terms: SourceTerms, failing: int = 0) -> Survey:
    """The survey as if its street views came from an online source."""
    views = []
    for number, view in enumerate(survey.views.views):
        error = ProviderError("HTTP 500", reason="HTTP 500") if number < failing else None
        remote: Any = Image(view.path.read_bytes(), error)
        views.append(
            replace(view, view_id=f"some/{number}", path=Path("x"), terms=terms, remote=remote)
        )
    index = type(survey.views)(views, survey.views.frame)
    return replace(survey, views=index, client=HttpClient())


def test_a_pack_moved_elsewhere_stands_for_its_sources(demo: Path, tmp_path: Path) -> None:
    survey = survey_of(demo)
    pack = write(survey, tmp_path / "pack")
    assert pack.counts["places"] == len(survey.places)
    shutil.move(tmp_path / "pack", tmp_path / "elsewhere")
    again = survey_area(AREA, Sources(pack=tmp_path / "elsewhere"), LocateConfig())
    assert again.places == survey.places
    first, second = survey.views.views, again.views.views
    assert len(first) == len(second) > 0
    for before, after in zip(first, second, strict=True):
        assert (before.view_id, before.lonlat) == (after.view_id, after.lonlat)
        assert after.heading_deg == pytest.approx(before.heading_deg)
        assert (before.projection, before.captured_at) == (after.projection, after.captured_at)
        assert before.path.read_bytes() == after.path.read_bytes()
    image = survey.imagery.read(survey.places[0].lonlat, 80.0, 128)  # type: ignore[union-attr]
    same = again.imagery.read(survey.places[0].lonlat, 80.0, 128)  # type: ignore[union-attr]
    assert (image.image == same.image).all()  # type: ignore[union-attr]


def test_an_offset_and_an_awkward_name_travel_with_local_imagery(
    demo: Path, tmp_path: Path
) -> None:
    imagery = tmp_path / "ortho [2024].tif"
    shutil.copy(demo / "imagery.tif", imagery)
    sources = Sources(imagery=f"{imagery}|offset_east_m=7|offset_north_m=-3")
    survey = survey_area(AREA, sources, LocateConfig())
    pack = write(survey, tmp_path / "pack")
    packed = survey_area(AREA, Sources(pack=pack.folder), LocateConfig())
    plain = survey_area(AREA, Sources(imagery=str(imagery)), LocateConfig())
    there = survey.places[3].lonlat
    images = [one.imagery.read(there, 80.0, 128).image for one in (survey, packed, plain)]  # type: ignore[union-attr]
    assert (images[0] == images[1]).all()
    assert (images[0] != images[2]).any()


def test_named_sources_go_before_the_pack(demo: Path, tmp_path: Path) -> None:
    write(survey_of(demo), tmp_path / "pack")
    sources = Sources(pack=tmp_path / "pack", imagery="other.tif").unpacked()
    assert sources.imagery == "other.tif"
    assert sources.roads == str(tmp_path / "pack" / "roads.gpkg")


def test_terms_of_online_views_travel_with_the_pack(demo: Path, tmp_path: Path) -> None:
    terms = SourceTerms("Some Views", "CC BY-SA 4.0", "(c) Some contributors", trainable=False)
    write(online(survey_of(demo), terms), tmp_path / "pack")
    (table,) = read_pack(tmp_path / "pack").street_views
    assert {view.terms for view in FolderStreetViews(Path(table)).views()} == {terms}
    assert "(c) Some contributors" in (tmp_path / "pack" / "ATTRIBUTION.txt").read_text()


def test_views_that_fail_cost_themselves_and_are_counted(demo: Path, tmp_path: Path) -> None:
    survey = online(survey_of(demo), SourceTerms("Some Views"), failing=3)
    pack = write(survey, tmp_path / "pack")
    assert pack.counts["street_views"] == len(survey.views) - 3
    assert pack.counts["failed"] == 3
    assert "3 failed" in pack.summary
    assert "Some Views: 3 could not be used [3 HTTP 500]" in pack.notes[0]


def test_what_may_not_be_stored_is_refused_before_anything_is_written(
    demo: Path, tmp_path: Path
) -> None:
    survey = online(survey_of(demo), SourceTerms("Strict Views", cacheable=False))
    with pytest.raises(InputError, match=r"Strict Views.*forbid storing"):
        write(survey, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_a_stopped_pack_is_unfinished_and_goes_on(demo: Path, tmp_path: Path) -> None:
    survey, folder = survey_of(demo), tmp_path / "pack"
    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        write_pack(survey, folder, StripGeometry(), ignore_progress, lambda: next(asked, True))
    with pytest.raises(InputError, match="no finished reference pack"):
        read_pack(folder)
    written = {p: p.stat().st_mtime_ns for p in (folder / "street_views").glob("*.jpg")}
    assert len(written) == 5
    write(survey, folder)
    assert read_pack(folder).imagery is not None
    assert {p: p.stat().st_mtime_ns for p in written} == written
    assert json.loads((folder / "pack.json").read_text())["counts"]["failed"] == 0


def test_a_folder_of_something_else_is_left_alone(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        write(survey_of(demo), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_finished_pack_stays_one_when_bringing_it_up_to_date_is_stopped(
    demo: Path, tmp_path: Path
) -> None:
    survey, folder = survey_of(demo), tmp_path / "pack"
    write(survey, folder)
    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        write_pack(survey, folder, StripGeometry(), ignore_progress, lambda: next(asked, True))
    again = survey_area(AREA, Sources(pack=folder), LocateConfig())
    assert again.places == survey.places
    assert len(again.views) == len(survey.views)


def test_roads_keep_their_terms(demo: Path, tmp_path: Path) -> None:
    roads = tmp_path / "roads.geojson"
    shutil.copy(demo / "roads.geojson", roads)
    terms = SourceTerms("Some Roads", "ODbL 1.0", "(c) Some contributors")
    write_terms(terms_path(roads), terms)
    survey = survey_area(
        AREA, Sources(imagery=str(demo / "imagery.tif"), roads=str(roads)), LocateConfig()
    )
    assert terms in survey.terms
    pack = write(survey, tmp_path / "pack")
    assert terms in survey_area(AREA, Sources(pack=pack.folder), LocateConfig()).terms


def test_a_virtual_raster_is_packed_with_the_pixels_it_points_at(
    demo: Path, tmp_path: Path
) -> None:
    shutil.copy(demo / "imagery.tif", tmp_path / "ortho.tif")
    virtual = tmp_path / "city.vrt"
    with (
        rasterio.open(tmp_path / "ortho.tif") as ortho,
        WarpedVRT(ortho, crs=ortho.crs) as warped,
    ):
        rasterio.shutil.copy(warped, virtual, driver="VRT")
    survey = survey_area(AREA, Sources(imagery=str(virtual)), LocateConfig())
    pack = write(survey, tmp_path / "pack")
    there = survey.places[3].lonlat
    strip = StripGeometry()
    before = survey.imagery.read(there, strip.footprint_m, strip.satellite_px)  # type: ignore[union-attr]
    (tmp_path / "ortho.tif").unlink()
    packed = survey_area(AREA, Sources(pack=pack.folder), LocateConfig()).imagery
    after = packed.read(there, strip.footprint_m, strip.satellite_px)  # type: ignore[union-attr]
    assert (before.image == after.image).all()  # type: ignore[union-attr]


def test_imagery_stays_whole_when_bringing_a_pack_up_to_date_is_killed(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey, folder = survey_of(demo), tmp_path / "pack"
    write(survey, folder)

    def copy_half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", copy_half)
    with pytest.raises(KeyboardInterrupt):
        write(survey, folder)
    (packed,) = (folder / "imagery").glob("*.tif")
    assert packed.read_bytes() == (demo / "imagery.tif").read_bytes()


@pytest.mark.parametrize("name", ["pack.json", "street_views.csv", "roads.gpkg"])
def test_a_full_disk_ends_in_words_and_leaves_nothing_half(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    survey, folder = survey_of(demo), tmp_path / "pack"
    real_replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == name:
            raise OSError(28, "No space left on device")
        real_replace(source, target)

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match=rf"{name}.*No space left.*make room"):
        write(survey, folder)
    assert not [path for path in folder.rglob("*partial*") if path.name != ".unfinished"]
