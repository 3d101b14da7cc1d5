"""A city of one's own as training data: what gets in, what is refused, how it is split."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
from PIL import Image
from shapely.geometry import Point
from typer.testing import CliRunner

from model_core.config import LocateConfig, StripGeometry
from model_core.errors import InputError
from model_core.references.collect import ReferenceSummary
from model_core.references.survey import Sources, Survey, survey_area
from model_core.types import (
    Area,
    LonLat,
    SatelliteImage,
    SourceTerms,
    ignore_progress,
    never_cancelled,
)
from training.cli import app
from training.datasets.manifest import block_of, collect_city, read_manifest, split_of

AREA = "13.4190,46.9790,13.4201,46.9796"


def sources_of(repository: Path) -> Sources:
    demo = repository / "resources" / "demo"
    return Sources(
        imagery=str(demo / "imagery.tif"),
        roads=str(demo / "roads.geojson"),
        street_views=(str(demo / "street_views"),),
    )


@pytest.fixture(scope="module")
def survey(repository: Path) -> Survey:
    return survey_area(AREA, sources_of(repository), LocateConfig())


def collect(survey: Survey, folder: Path) -> Path:
    return collect_city(survey, folder, StripGeometry(), ignore_progress, never_cancelled)


@pytest.fixture(scope="module")
def city(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collected city's folder."""
    return collect(survey, tmp_path_factory.mktemp("collected") / "city").parent


def test_every_image_is_there_with_its_place_and_its_licence(survey: Survey, city: Path) -> None:
    table = geopandas.read_parquet(city / "manifest.parquet")
    assert table.crs == "EPSG:4326"
    counts = table.groupby("kind").size()
    assert counts["satellite"] == len(survey.places)
    assert counts["street_view"] == sum(len(views) for views in survey.views_of_place)
    for path in table.path:
        with Image.open(city / path) as image:
            image.verify()
    satellite = table[table.kind == "satellite"].set_index("place_id")
    first = survey.places[0]
    assert satellite.loc[first.place_id].geometry.x == pytest.approx(first.lonlat.lon)
    assert set(table.licence) == {"the user's own"}
    assert table.may_train.all()


def test_the_manifest_comes_back_as_it_was_written(survey: Survey, city: Path) -> None:
    rows = read_manifest(city)
    by_id = {row.image_id: (row, lonlat) for row, lonlat in rows if row.kind == "street_view"}
    view = survey.views_of_place[next(n for n, views in enumerate(survey.views_of_place) if views)][
        0
    ]
    row, lonlat = by_id[view.view_id]
    assert row.heading_deg == view.heading_deg
    assert row.captured_at == view.captured_at
    assert (row.fov_deg, row.projection) == (360.0, "equirectangular")
    assert (lonlat.lon, lonlat.lat) == pytest.approx((view.lonlat.lon, view.lonlat.lat))
    assert len({r.sequence for r, _ in by_id.values()}) == 1, "one drive without a pause"
    assert sorted(r.frame or 0 for r, _ in by_id.values()) == list(range(len(by_id)))
    satellite = next(row for row, _ in rows if row.kind == "satellite")
    assert satellite.frame is None
    assert satellite.footprint_m == pytest.approx(100.0)


def test_a_manifest_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="collect anew"):
        read_manifest(tmp_path)
    points = geopandas.GeoDataFrame({"path": ["a"]}, geometry=[Point(1, 2)], crs="EPSG:4326")
    points.to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(InputError, match="lacks the columns kind"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("split", "val", "train, validation, test"),
        ("kind", "pano", "satellite, street_view, photo"),
        ("projection", "fisheye", "north_up, perspective, equirectangular"),
    ],
)
def test_a_value_written_by_hand_that_means_nothing_is_named(
    city: Path, tmp_path: Path, column: str, value: str, allowed: str
) -> None:
    table = geopandas.read_parquet(city / "manifest.parquet")
    table.loc[3, column] = value
    table.to_parquet(tmp_path / "manifest.parquet")
    said = rf"manifest\.parquet: the column {column} holds {value!r}; .* one of {allowed}$"
    with pytest.raises(InputError, match=said):
        read_manifest(tmp_path)


def test_images_of_one_block_are_in_one_part(city: Path) -> None:
    table = geopandas.read_parquet(city / "manifest.parquet")
    assert (table.groupby("block").split.nunique() == 1).all()
    splits = [split_of(LonLat(13.0 + n * 0.004, 47.0)) for n in range(400)]
    assert 0.5 < splits.count("train") / 400 < 0.7


def test_a_larger_area_leaves_a_place_in_its_part(survey: Survey, tmp_path: Path) -> None:
    found = []
    for name, east in (("small", 13.4201), ("large", 13.4301)):
        area = Area.from_bounds(13.4190, 46.9790, east, 46.9796)
        some = replace(survey, area=area, places=survey.places[:3], views_of_place=((),) * 3)
        table = geopandas.read_parquet(collect(some, tmp_path / name))
        found.append(table[["place_id", "split", "block"]].to_numpy().tolist())
    assert found[0] == found[1]


ALL_PARTS = {"train", "validation", "test"}
ANYWHERE = [(13.4, 46.98), (179.995, 60.5), (18.0, -33.9995), (-70.0, -0.001), (5.0, 71.9999)]


def part_at(lon: float, lat: float) -> str:
    return split_of(LonLat((lon + 180.0) % 360.0 - 180.0, lat))


@pytest.mark.parametrize(("lon", "lat"), ANYWHERE)
def test_a_small_area_has_all_parts(lon: float, lat: float) -> None:
    """750 m a side, also across the antimeridian, the equator and whole degrees."""
    side_m = np.linspace(0.0, 750.0, 60)
    east = side_m / (111_320.0 * math.cos(math.radians(lat)))
    assert {part_at(lon + e, lat + n / 111_320.0) for e in east for n in side_m} == ALL_PARTS


@pytest.mark.parametrize(("lon", "lat"), [*ANYWHERE, (0.0, 89.2), (-180.0, -89.6)])
def test_any_five_blocks_in_line_hold_all_parts(lon: float, lat: float) -> None:
    inside = math.floor(lat) + 0.1  # blocks above each other belong to one degree
    for line in (
        [LonLat((lon + k * 1e-4 + 180.0) % 360.0 - 180.0, lat) for k in range(60_000)],
        [LonLat(lon, inside + k * 1e-5) for k in range(2000)],
    ):
        blocks = list(dict.fromkeys(block_of(at) for at in line))
        part_of = {block_of(at): split_of(at) for at in line}
        assert len(blocks) > 5
        for first in range(len(blocks) - 5):
            assert {part_of[block] for block in blocks[first : first + 5]} == ALL_PARTS


def test_poles_and_the_antimeridian_have_blocks() -> None:
    assert block_of(LonLat(180.0, 10.0)) == block_of(LonLat(-180.0, 10.0))
    assert {split_of(LonLat(0.0, lat)) for lat in (-90.0, 90.0)} <= ALL_PARTS


FORBIDDING = [("training", {"trainable": False}), ("storing", {"cacheable": False})]


@pytest.mark.parametrize(("what", "forbidding"), FORBIDDING)
@pytest.mark.parametrize("single_view", [False, True])
def test_what_may_not_be_trained_on_or_stored_gets_nothing_in_and_is_counted(
    survey: Survey, tmp_path: Path, single_view: bool, what: str, forbidding: dict[str, bool]
) -> None:
    strict = SourceTerms("Strict Views", "all rights reserved", **forbidding)
    first = True
    of_place = []
    for views in survey.views_of_place[:6]:
        made = [replace(v, terms=strict) if first or not single_view else v for v in views]
        first = first and not made
        of_place.append(tuple(made))
    summary = ReferenceSummary()
    some = replace(
        survey, places=survey.places[:6], views_of_place=tuple(of_place), summary=summary
    )
    table = geopandas.read_parquet(collect(some, tmp_path / "city"))
    whole = sum(len(views) for views in of_place)
    dropped = 1 if single_view else whole
    assert (table.kind == "street_view").sum() == whole - dropped
    assert "Strict Views" not in set(table.provider)
    files = list((tmp_path / "city" / "street_views").glob("*"))
    assert len(files) == whole - dropped
    counted = f"Strict Views: {dropped} could not be used [{dropped} terms forbid {what}]"
    assert counted in summary.describe()


@pytest.mark.parametrize(("what", "forbidding"), FORBIDDING)
def test_imagery_that_may_not_be_trained_on_or_stored_refuses_the_city(
    survey: Survey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    forbidding: dict[str, bool],
) -> None:
    strict = SourceTerms("Strict Tiles", "all rights reserved", **forbidding)
    monkeypatch.setattr(type(survey.imagery), "terms", strict)
    with pytest.raises(InputError, match=rf"Strict Tiles.*forbid {what}"):
        collect(survey, tmp_path / "city")
    assert not (tmp_path / "city").exists()


def test_a_city_without_imagery_is_refused_before_anything_is_fetched(
    survey: Survey, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"--imagery, or a --pack"):
        collect(replace(survey, imagery=None), tmp_path / "city")
    assert not (tmp_path / "city").exists()


@pytest.mark.parametrize(("what", "forbidding"), FORBIDDING)
def test_an_image_whose_own_terms_forbid_training_or_storing_stays_out(
    survey: Survey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    forbidding: dict[str, bool],
) -> None:
    strict = SourceTerms("Mixed Catalogue item 2", "CC-BY-NC 4.0", **forbidding)
    closed = survey.places[1].lonlat
    read = type(survey.imagery).read

    def with_own_terms(imagery: Any, lonlat: LonLat, *size: Any) -> SatelliteImage | None:
        found = read(imagery, lonlat, *size)
        return replace(found, terms=strict) if found and lonlat == closed else found

    monkeypatch.setattr(type(survey.imagery), "read", with_own_terms)
    summary = ReferenceSummary()
    some = replace(
        survey,
        places=survey.places[:3],
        views_of_place=survey.views_of_place[:3],
        summary=summary,
    )
    table = geopandas.read_parquet(collect(some, tmp_path / "city"))
    kept = [survey.places[number].place_id for number in (0, 2)]
    assert table[table.kind == "satellite"].place_id.tolist() == kept
    assert {path.stem for path in (tmp_path / "city" / "satellite").iterdir()} == set(kept)
    counted = f"Mixed Catalogue item 2: 1 could not be used [1 terms forbid {what}]"
    assert counted in summary.describe()


def test_a_street_view_that_cannot_be_read_costs_itself(survey: Survey, tmp_path: Path) -> None:
    of_place = list(survey.views_of_place)
    row = next(row for row, views in enumerate(of_place) if views)
    of_place[row] = (replace(of_place[row][0], path=tmp_path / "gone.jpg"), *of_place[row][1:])
    some = replace(
        survey, places=survey.places[: row + 1], views_of_place=tuple(of_place[: row + 1])
    )
    table = geopandas.read_parquet(collect(some, tmp_path / "city"))
    whole = sum(len(views) for views in of_place[: row + 1])
    assert (table.kind == "street_view").sum() == whole - 1


def test_the_command_writes_what_opens_as_a_layer(repository: Path, tmp_path: Path) -> None:
    sources = sources_of(repository)
    result = CliRunner().invoke(
        app,
        [
            *("collect", "--area", AREA, "--out", str(tmp_path / "city")),
            *("--imagery", str(sources.imagery), "--street-views", sources.street_views[0]),
        ],
    )
    assert result.exit_code == 0, result.output
    assert len(geopandas.read_parquet(tmp_path / "city" / "manifest.parquet")) > 10
    again = CliRunner().invoke(
        app, ["collect", "--area", AREA, "--out", str(tmp_path / "city"), "--imagery", "none.tif"]
    )
    assert again.exit_code == 2
    assert "none.tif" in again.output
