"""The demo's whole job with its sources served on loopback, and in a pack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from servers.base import (
    BAD_GZIP,
    EMPTY,
    HALF,
    HTML,
    LATE,
    PATIENCE_S,
    RESET,
    SERVER_ERROR,
    TRUNCATED,
    WRONG_TYPE,
    random_faults,
    rate_limit,
)
from servers.mapillary import TOKEN, MapillaryServer
from servers.overpass import OverpassServer, elements_of
from servers.panoramax import PanoramaxServer
from servers.views import ServedView
from servers.xyz import XyzServer

from model_core.config import LocateConfig, NetworkConfig, SearchConfig, VerificationConfig
from model_core.errors import InputError
from model_core.fetch import fetch
from model_core.pipeline import LocateOutcome, LocateRequest, locate
from model_core.references.street_view import FolderStreetViews
from model_core.references.survey import Sources, survey_area
from model_core.references.web import NetworkAccess
from model_core.request import FetchRequest

ZOOM = 19
HALF_WORLD_M = 20037508.342789244
PHOTOS = ("photo_02.jpg", "photo_07.jpg")
AREA = "13.4200,46.9790,13.4214,46.9797"
"""A part of the demo's area, with the places of both photos."""
PATIENT = LocateConfig(
    search=SearchConfig(beside_places=10),
    verification=VerificationConfig(budget_views=24),
    network=NetworkConfig(retries=6, backoff_s=0.001, read_timeout_s=PATIENCE_S),
)
TEN_FAULTS = [
    SERVER_ERROR,
    HTML,
    EMPTY,
    WRONG_TYPE,
    TRUNCATED,
    HALF,
    RESET,
    BAD_GZIP,
    rate_limit(),
    LATE,
]


def cut_tiles(imagery: Path, folder: Path) -> Path:
    """Write a raster as web-Mercator tiles of one zoom."""
    side = 2 * HALF_WORLD_M / (1 << ZOOM)
    with rasterio.open(imagery) as source, WarpedVRT(source, crs="EPSG:3857") as flat:
        west, south, east, north = flat.bounds
    for x in range(int((west + HALF_WORLD_M) // side), int((east + HALF_WORLD_M) // side) + 1):
        for y in range(
            int((HALF_WORLD_M - north) // side), int((HALF_WORLD_M - south) // side) + 1
        ):
            left, top = x * side - HALF_WORLD_M, HALF_WORLD_M - y * side
            transform = from_bounds(left, top - side, left + side, top, 256, 256)
            with (
                rasterio.open(imagery) as source,
                WarpedVRT(
                    source,
                    crs="EPSG:3857",
                    transform=transform,
                    width=256,
                    height=256,
                    resampling=Resampling.bilinear,
                    add_alpha=True,
                ) as tile,
            ):
                rgba = np.moveaxis(tile.read(), 0, 2)
            if rgba[..., 3].any():
                path = folder / str(ZOOM) / str(x) / f"{y}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    return folder


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


@pytest.fixture(scope="module")
def tiles(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_tiles(demo / "imagery.tif", tmp_path_factory.mktemp("tiles"))


def served_views(demo: Path) -> list[ServedView]:
    return [
        ServedView(
            view.path,
            view.lonlat.lon,
            view.lonlat.lat,
            view.heading_deg,
            view.fov_deg,
            view.captured_at,
            view.projection,
        )
        for view in FolderStreetViews(demo / "street_views").views()
    ]


def roads_of(demo: Path) -> dict[str, list[tuple[float, float]]]:
    features = json.loads((demo / "roads.geojson").read_text())["features"]
    return {
        f"{feature['properties']['highway']} {number}": [
            (lon, lat) for lon, lat in feature["geometry"]["coordinates"]
        ]
        for number, feature in enumerate(features)
    }


class Served:
    """The demo's sources on loopback: tiles, half the views on each platform, roads."""

    def __init__(self, serve: Any, demo: Path, tiles: Path) -> None:
        views = served_views(demo)
        self.tiles = serve(XyzServer(tiles))
        self.panoramax = serve(PanoramaxServer(views[::2], page_items=10))
        self.mapillary = serve(MapillaryServer(views[1::2]))
        self.overpass = serve(OverpassServer(elements_of(roads_of(demo))))

    def all(self) -> Iterator[Any]:
        yield from (self.tiles, self.panoramax, self.mapillary, self.overpass)

    def sources(self, cache: Path | None = None, offline: bool = False) -> Sources:
        address = f"{self.tiles.url}/{{z}}/{{x}}/{{y}}.png"
        return Sources(
            imagery=f"xyz|url={address}|min_zoom={ZOOM}|max_zoom={ZOOM}|attribution=(c) Tiles",
            roads=f"overpass|url={self.overpass.api_url}",
            street_views=(
                f"panoramax|url={self.panoramax.api_url}",
                f"mapillary|url={self.mapillary.url}",
            ),
            keys={"mapillary": TOKEN},
            access=NetworkAccess(cache_folder=cache, offline=offline),
        )


@pytest.fixture
def served(serve: Any, demo: Path, tiles: Path) -> Served:
    return Served(serve, demo, tiles)


def run(demo: Path, sources: Sources, out: Path) -> LocateOutcome:
    return locate(
        LocateRequest(
            photos=tuple(demo / "photos" / name for name in PHOTOS),
            area=AREA,
            sources=sources,
            gallery=out.parent / "galleries",
            out=out,
            config=PATIENT,
        )
    )


def local_sources(demo: Path, tiles: Path) -> Sources:
    return Sources(
        imagery=str(tiles),
        roads=str(demo / "roads.geojson"),
        street_views=(str(demo / "street_views"),),
    )


def positions(outcome: LocateOutcome) -> list[list[tuple[float, float]]]:
    return [
        [(round(c.lonlat.lon, 7), round(c.lonlat.lat, 7)) for c in result.candidates[:5]]
        for result in outcome.results
    ]


@pytest.mark.slow
def test_served_sources_give_the_ranks_of_local_files_and_keep_every_secret(
    served: Served, demo: Path, tiles: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    local = run(demo, local_sources(demo, tiles), tmp_path / "local")
    online = run(demo, served.sources(tmp_path / "cache"), tmp_path / "online")
    assert positions(online) == positions(local)
    for one, other in zip(online.results, local.results, strict=True):
        for first, second in zip(one.candidates[:5], other.candidates[:5], strict=True):
            assert first.probability == pytest.approx(second.probability, abs=0.02)
            assert abs((first.heading_deg - second.heading_deg + 180) % 360 - 180) < 1.0
    addresses = [one.address for server in served.all() for one in server.requests]
    assert len(addresses) == len(set(addresses)) + len(served.overpass.requests) - 1
    attribution = json.loads((tmp_path / "online" / "results.json").read_text())["provenance"]
    assert {"(c) Tiles", "OpenStreetMap contributors"} <= {
        source["attribution"] for source in attribution["sources"]
    }
    for server in served.all():
        server.forget()
    offline = run(demo, served.sources(tmp_path / "cache", offline=True), tmp_path / "offline")
    assert positions(offline) == positions(local)
    assert [one for server in served.all() for one in server.requests] == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 100
    secret = TOKEN.rpartition("|")[2]
    assert not [path for path in written if secret.encode() in path.read_bytes()]
    assert not [record for record in caplog.records if secret in record.getMessage()]


def test_a_third_of_replies_failing_costs_what_failed_and_is_counted(
    served: Served, demo: Path, tmp_path: Path
) -> None:
    for number, server in enumerate(served.all()):
        server.choose_fault = random_faults(0.3, TEN_FAULTS, seed=number)
    hasty = replace(PATIENT, network=replace(PATIENT.network, retries=1))
    request = FetchRequest(
        str(demo / "area.geojson"), tmp_path / "pack", served.sources(tmp_path / "cache"), hasty
    )
    pack = fetch(request)
    assert 0 < pack.counts["failed"] < 60
    (counted,) = pack.notes
    assert f"{pack.counts['failed']} failed" in pack.summary
    of_sources = re.findall(r": (\d+) could not be used(?: \[([^\]]*)\])?", counted)
    assert sum(int(count) for count, _ in of_sources) == pack.counts["failed"]
    for count, reasons in of_sources:
        listed = [int(one.split()[0]) for one in reasons.split(", ") if one]
        assert not listed or sum(listed) == int(count)
    assert any(reasons for _, reasons in of_sources)
    for server in served.all():
        server.choose_fault = None
        server.forget()
    whole = fetch(request)
    assert whole.counts["failed"] == 0
    assert whole.counts["street_views"] == 53
    pictures = {view.name: view.path.read_bytes() for view in served_views(demo)}
    kept = list((tmp_path / "pack" / "street_views").glob("*.jpg"))
    assert sorted(path.read_bytes() for path in kept) == sorted(pictures.values())


def test_what_must_not_be_stored_leaves_nothing_on_disk(
    served: Served, demo: Path, tmp_path: Path
) -> None:
    sources = served.sources(tmp_path / "cache")
    strict = replace(
        sources, imagery=f"{sources.imagery}|cacheable=no", street_views=(), roads=None
    )
    request = LocateRequest(
        photos=(demo / "photos" / PHOTOS[0],),
        area="13.4196,46.9797,13.4204,46.9803",
        sources=strict,
        gallery=tmp_path / "galleries",
        out=tmp_path / "out",
        config=PATIENT,
    )
    outcome = locate(request)
    assert outcome.results[0].candidates
    assert any("no gallery of this area was kept" in note for note in outcome.notes)
    assert len(served.tiles.requests) > 1
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.parent for path in written} == {tmp_path / "out"}
    asked = {bytes(served.tiles.tiles[key]) for key in served.tiles.tiles}
    assert not [path for path in written if any(tile in path.read_bytes() for tile in asked)]
    with pytest.raises(InputError, match="forbid storing"):
        fetch(FetchRequest(request.area, tmp_path / "pack", strict, PATIENT))
    assert not (tmp_path / "pack").exists()


def test_a_pack_of_served_sources_holds_what_they_served(
    served: Served, demo: Path, tmp_path: Path
) -> None:
    area = str(demo / "area.geojson")
    pack = fetch(FetchRequest(area, tmp_path / "pack", served.sources(), PATIENT))
    assert pack.counts["street_views"] == 53
    assert pack.counts["failed"] == 0
    online = survey_area(area, served.sources(), PATIENT)
    for server in served.all():
        server.forget()
    packed = survey_area(area, Sources(pack=pack.folder), PATIENT)
    assert packed.places == online.places
    served_ids = sorted(view.view_id for view in online.views.views)
    assert sorted(view.view_id for view in packed.views.views) == served_ids
    assert {view.terms for view in packed.views.views} == {
        view.terms for view in online.views.views
    }
    assert packed.imagery.terms.attribution == "(c) Tiles"
    there = served.sources()
    imagery = survey_area(area, replace(there, street_views=()), PATIENT).imagery
    for place in online.places[::40]:
        one = packed.imagery.read(place.lonlat, 80.0, 256)
        other = imagery.read(place.lonlat, 80.0, 256)
        assert np.array_equal(one.image, other.image)
    assert "OpenStreetMap contributors" in (pack.folder / "ATTRIBUTION.txt").read_text()
