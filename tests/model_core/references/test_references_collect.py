"""References are read one place at a time; what fails costs itself and is counted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from model_core.config import PlaceConfig, StreetViewConfig, StripGeometry
from model_core.errors import Cancelled, ImageryError, InputError, ProviderError, StreetViewError
from model_core.references import (
    FolderStreetViews,
    ReferenceSummary,
    collect_references,
    find_street_views,
    lay_places,
    open_imagery,
    read_area,
)
from model_core.references.terms import (
    LOCAL_IMAGERY,
    LOCAL_STREET_VIEWS,
    may_cache,
    may_display,
    may_train,
    terms_for_file,
)
from model_core.types import LonLat, SatelliteImage, SourceTerms, StreetView

AREA = read_area("7.7500,48.5800,7.7520,48.5810")
PLACES = lay_places(AREA, None, PlaceConfig(grid_spacing_m=40.0))
GEOMETRY = StripGeometry(footprint_m=50.0, satellite_px=32)


class Imagery:
    """Grey images; fails where told, and off the map beyond a longitude."""

    terms = SourceTerms("grey imagery")

    def __init__(self, failing: frozenset[LonLat] = frozenset(), east_edge: float = 180.0) -> None:
        self.failing = failing
        self.east_edge = east_edge
        self.reads = 0

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        self.reads += 1
        if center in self.failing:
            raise ImageryError("grey.tif: damaged; export it again")
        if center.lon > self.east_edge:
            return None
        image = np.full((size_px, size_px, 3), 128, np.uint8)
        return SatelliteImage(
            image, np.ones((size_px, size_px), bool), footprint_m, center, self.terms
        )


class Views:
    """Panoramas at some of the places; an online source may fail as a whole."""

    terms = SourceTerms("some views")

    def __init__(self, places, error: Exception | None = None) -> None:
        self.skipped = {"bad.jpg": "is damaged"}
        self.error = error
        self.margin_m: float | None = None
        self._views = [
            StreetView(
                view_id=place.place_id,
                path=Path(f"{place.place_id}.jpg"),
                lonlat=place.lonlat,
                projection="equirectangular",
                heading_deg=0.0,
                fov_deg=360.0,
                terms=self.terms,
                captured_at=datetime(2015, 1, 1),
            )
            for place in places
        ]

    def find(self, area, margin_m):
        self.margin_m = margin_m
        if self.error is not None:
            raise self.error
        return self._views


def collected(imagery, sources, config=None, photo_date=None, **options):
    config = config or StreetViewConfig()
    views = find_street_views(AREA, sources, config.max_distance_m, options.get("summary"))
    return collect_references(PLACES, imagery, views, config, photo_date, GEOMETRY, **options)


def test_every_place_has_its_reference_in_order():
    summary = ReferenceSummary()
    views = Views(PLACES[::2])
    config = StreetViewConfig(max_distance_m=10.0)
    references = list(collected(Imagery(), [views], config, summary=summary))
    assert [one.place for one in references] == PLACES
    assert all(one.satellite.image.shape == (32, 32, 3) for one in references)
    assert all(one.satellite.footprint_m == 50.0 for one in references)
    assert [bool(one.street_views) for one in references] == [
        place.index % 2 == 0 for place in PLACES
    ]
    assert views.margin_m == 10.0
    assert summary.places == summary.with_imagery == len(PLACES)
    assert summary.with_street_view == len(PLACES[::2])
    assert summary.with_neither == 0
    assert summary.failures == {"some views": {"error": 1}}


def test_places_are_read_only_when_asked_for():
    imagery = Imagery()
    references = collected(imagery, [])
    assert imagery.reads == 0
    next(references)
    next(references)
    assert imagery.reads == 2


def test_failing_image_costs_one_place_and_is_counted():
    bad = frozenset(place.lonlat for place in PLACES[1:3])
    summary = ReferenceSummary()
    references = list(collected(Imagery(bad), [Views(PLACES)], summary=summary))
    assert [one.satellite is None for one in references[:4]] == [False, True, True, False]
    assert all(one.street_views for one in references)
    assert summary.failures["grey imagery"].total() == 2
    assert "export it again" in summary.examples["grey imagery"]
    assert "grey imagery: 2 could not be used" in summary.describe()


def test_failing_online_source_costs_only_its_street_views():
    summary = ReferenceSummary()
    broken = Views([], ProviderError("some views: HTTP 500; try again later"))
    references = list(collected(Imagery(), [broken, Views(PLACES)], summary=summary))
    assert all(one.street_views for one in references)
    with pytest.raises(StreetViewError):
        next(collected(Imagery(), [Views([], StreetViewError("folder: not there"))]))


def test_imagery_that_ends_and_no_imagery_at_all():
    summary = ReferenceSummary()
    edge = float(np.median([place.lonlat.lon for place in PLACES]))
    list(collected(Imagery(east_edge=edge), [], summary=summary))
    assert 0 < summary.with_imagery < len(PLACES)
    assert summary.with_neither == len(PLACES) - summary.with_imagery
    assert not summary.failures
    assert all(one.satellite is None for one in collected(None, [Views(PLACES)]))


@pytest.mark.parametrize(
    ("policy", "has_view", "has_image"),
    [
        ("strict", False, False),
        ("hybrid", False, True),
        ("synthetic", False, True),
        ("nearest", True, True),
    ],
)
def test_outdated_street_views_under_each_policy(policy, has_view, has_image):
    config = StreetViewConfig(policy=policy)
    references = list(collected(Imagery(), [Views(PLACES)], config, datetime(2024, 1, 1)))
    assert {bool(one.street_views) for one in references} == {has_view}
    assert {one.satellite is not None for one in references} == {has_image}


def test_cancel_stops_between_places():
    imagery = Imagery()
    with pytest.raises(Cancelled):
        list(collected(imagery, [], cancel=lambda: imagery.reads >= 3))
    assert imagery.reads == 3


def test_forbidden_uses_are_refused_by_name():
    for allowed in (
        LOCAL_IMAGERY,
        LOCAL_STREET_VIEWS,
        terms_for_file(LOCAL_IMAGERY, Path("a.tif")),
    ):
        may_cache(allowed)
        may_train(allowed)
        may_display(allowed)
    strict = SourceTerms("Maps", "contract", "", False, False, False)
    for ask in (may_cache, may_train, may_display):
        with pytest.raises(InputError, match=r"Maps.*contract"):
            ask(strict)
    assert terms_for_file(LOCAL_IMAGERY, Path("x/ortho.tif")).provider.endswith("ortho.tif")


def test_real_area_end_to_end(shared_data):
    area = read_area("7.7525,48.5813,7.7545,48.5823")
    views = FolderStreetViews(shared_data / "panoramas" / "strasbourg")
    places = lay_places(area, None, PlaceConfig(grid="never"), views.find(area, 0.0))
    assert {place.kind for place in places} == {"street_view"}
    references = list(
        collect_references(
            places,
            None,
            find_street_views(area, [views], 50.0),
            StreetViewConfig(),
            None,
            GEOMETRY,
        )
    )
    assert all(one.street_views for one in references)
    assert all(one.street_views[0].projection == "equirectangular" for one in references)


def test_real_tiles_end_to_end(shared_data):
    imagery = open_imagery(shared_data / "xyz" / "kampala")
    west, south, east, north = imagery.bounds()
    area = read_area(f"{west},{south},{east},{north}")
    places = lay_places(area, None, PlaceConfig(grid_spacing_m=60.0))
    summary = ReferenceSummary()
    references = collect_references(
        places,
        imagery,
        find_street_views(area, [], 50.0),
        StreetViewConfig(),
        None,
        GEOMETRY,
        summary=summary,
    )
    images = [one.satellite for one in references if one.satellite is not None]
    assert 0 < len(images) < len(places)
    assert summary.with_imagery == len(images)
    assert not summary.failures
    assert all(image.valid.mean() >= 0.2 for image in images)
