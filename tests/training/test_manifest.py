"""A city of one's own as training data: what gets in, what is refused, how it is split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas
import pytest
from PIL import Image
from typer.testing import CliRunner

from model_core.config import LocateConfig, StripGeometry
from model_core.errors import InputError
from model_core.references.survey import Sources, Survey, survey_area
from model_core.types import LonLat, SourceTerms, ignore_progress, never_cancelled
from training.cli import app
from training.datasets.manifest import collect_city, split_of

AREA = "13.4185,46.9785,13.4205,46.9800"


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


def test_every_image_is_there_with_its_place_and_its_licence(
    survey: Survey, tmp_path: Path
) -> None:
    table = geopandas.read_parquet(collect(survey, tmp_path / "city"))
    assert table.crs == "EPSG:4326"
    counts = table.groupby("kind").size()
    assert counts["satellite"] == len(survey.places)
    assert counts["street_view"] == sum(len(views) for views in survey.views_of_place)
    for path in table.path:
        with Image.open(tmp_path / "city" / path) as image:
            image.verify()
    satellite = table[table.kind == "satellite"].set_index("place_id")
    first = survey.places[0]
    assert satellite.loc[first.place_id].geometry.x == pytest.approx(first.lonlat.lon)
    assert set(table.licence) == {"the user's own"}


def test_images_of_one_block_are_in_one_part(survey: Survey, tmp_path: Path) -> None:
    table = geopandas.read_parquet(collect(survey, tmp_path / "city"))
    assert (table.groupby("place_id").split.nunique() == 1).all()
    origin = LonLat(13.0, 47.0)
    splits = [split_of(LonLat(13.0 + n * 0.004, 47.0), origin) for n in range(400)]
    assert 0.5 < splits.count("train") / 400 < 0.7
    assert splits == [split_of(LonLat(13.0 + n * 0.004, 47.0), origin) for n in range(400)]


@pytest.mark.parametrize("single_view", [False, True])
def test_what_may_not_be_trained_on_gets_nothing_in(
    survey: Survey, tmp_path: Path, single_view: bool
) -> None:
    strict = SourceTerms("Strict Views", "all rights reserved", trainable=False)
    views = [
        replace(view, terms=strict) if number == 0 or not single_view else view
        for number, view in enumerate(survey.views.views)
    ]
    index = type(survey.views)(views, survey.views.frame)
    with pytest.raises(InputError, match=r"Strict Views.*forbid training"):
        collect(replace(survey, views=index), tmp_path / "city")
    assert not (tmp_path / "city").exists()


def test_a_street_view_that_cannot_be_read_costs_itself(survey: Survey, tmp_path: Path) -> None:
    of_place = list(survey.views_of_place)
    row = next(row for row, views in enumerate(of_place) if views)
    of_place[row] = (replace(of_place[row][0], path=tmp_path / "gone.jpg"), *of_place[row][1:])
    table = geopandas.read_parquet(
        collect(replace(survey, views_of_place=tuple(of_place)), tmp_path / "city")
    )
    whole = sum(len(views) for views in of_place)
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
