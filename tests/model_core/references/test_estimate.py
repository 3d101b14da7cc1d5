"""What a run would take, said before anything is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.xyz import XyzServer, blank_tile

from model_core.config import (
    LocateConfig,
    SearchConfig,
    StreetViewConfig,
    StripGeometry,
    VerificationConfig,
)
from model_core.errors import AreaError, Cancelled
from model_core.gallery import around
from model_core.references.estimate import LOOKS, Estimate, estimate_run
from model_core.references.survey import Sources, survey_area
from model_core.references.web import NetworkAccess

AREA = "13.4185,46.9785,13.4205,46.9800"
GEOMETRY = StripGeometry()


@pytest.fixture
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


def estimate(sources: Sources, photos: int = 1, config: LocateConfig | None = None) -> Estimate:
    return estimate_run(AREA, sources, config or LocateConfig(), GEOMETRY, photos)


def test_local_sources_fetch_nothing_and_their_places_are_counted(demo: Path) -> None:
    sources = Sources(
        str(demo / "imagery.tif"), str(demo / "roads.geojson"), (str(demo / "street_views"),)
    )
    found = estimate(sources)
    assert found.places == len(survey_area(AREA, sources, LocateConfig()).places)
    assert (found.plan.requests, found.plan.bytes, found.notes) == (0, 0, ())
    assert found.seconds > 0
    assert estimate(sources, photos=50).seconds > found.seconds
    unverified = LocateConfig(verification=VerificationConfig(budget_views=0))
    assert estimate(sources, config=unverified).seconds < found.seconds
    no_looks = LocateConfig(search=SearchConfig(beside_places=0))
    made = LocateConfig(street_view=StreetViewConfig(policy="synthetic"))
    made_once = LocateConfig(street_view=made.street_view, search=no_looks.search)
    times = [estimate(sources, config=one).seconds for one in (no_looks, made_once, made)]
    assert times == sorted(times)
    assert LOOKS == around.LOOKS
    assert times[0] < found.seconds < times[2]


def test_online_sources_are_counted_without_asking_them(serve, demo: Path, tmp_path: Path) -> None:
    server = serve(XyzServer({}, missing=blank_tile((90, 120, 60, 255))))
    text = f"xyz|url={server.url}/{{z}}/{{x}}/{{y}}.png|max_zoom=19"
    access = NetworkAccess(cache_folder=tmp_path)
    sources = Sources(text, str(demo / "roads.geojson"), ("panoramax", "mapillary"), access=access)
    found = estimate(sources)
    assert server.requests == []
    by_kind = {one.kind: one for one in found.sources}
    assert by_kind["imagery"].plan.requests > 4
    assert {one.source for one in found.sources if one.kind == "street_view"} == {
        "Panoramax",
        "Mapillary",
    }
    assert any("number of street views is assumed" in note for note in found.notes)
    survey = survey_area(AREA, Sources(text, sources.roads, access=access), LocateConfig())
    survey.imagery.prepare(  # type: ignore[union-attr]
        [place.lonlat for place in survey.places], GEOMETRY.footprint_m, GEOMETRY.satellite_px
    )
    assert len(server.requests) == by_kind["imagery"].plan.requests
    again = {one.kind: one for one in estimate(sources).sources}
    assert again["imagery"].plan.requests == 0


def test_roads_that_are_not_known_yet_are_assumed_and_said(demo: Path) -> None:
    found = estimate(Sources(str(demo / "imagery.tif"), "overpass"))
    assert found.places > 20
    assert any("roads are assumed" in note for note in found.notes)


@pytest.mark.parametrize("limit", [{"max_requests": 3}, {"max_bytes": 1000}])
def test_a_limit_that_would_be_passed_is_said(limit: dict[str, int]) -> None:
    found = estimate(Sources(street_views=("panoramax",), access=NetworkAccess(**limit)))
    assert "would pass the limit" in found.over_limit
    assert "make the area smaller" in found.over_limit


def test_an_empty_area_is_refused(demo: Path) -> None:
    with pytest.raises(AreaError, match="is empty"):
        estimate_run("2,2,1,1", Sources(str(demo / "imagery.tif")), LocateConfig(), GEOMETRY)


@pytest.mark.parametrize(
    ("imagery", "roads"),
    [
        ("xyz|url=https://tiles.example.org/{z}/{x}/{y}.png", "overpass"),
        ("google-maps", "overpass"),
        ("openaerialmap", "overpass"),
        ("google-maps", None),
    ],
)
def test_estimate_stops_at_the_next_place_when_asked(imagery: str, roads: str | None) -> None:
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        estimate_run(AREA, Sources(imagery, roads), LocateConfig(), GEOMETRY, cancel=cancel)
    assert asked == 4
